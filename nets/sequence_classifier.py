"""A network that reads a sequence and names its class."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers import GRU, LSTM, RNN, Affine, Dropout, Last, Layer, Reshape
from chainrule.layers.annotations import Examples, Scheme, Seed
from chainrule.layers.init import generator
from chainrule.nets.sequential import Sequential


class SequenceClassifier(Sequential):
    """reshape - {recurrent layer - dropout} × L - last - affine.

    x (N, T, D), or rows of as many numbers, with `steps` (T, D); out (N, num_classes).

    hidden  the units of the recurrent layers, in their order
    cell    RNN, LSTM, GRU or another class that is called as cell(in_features, hidden)
    keep    the probability of keeping a number between the layers, as in Dropout(keep); None for no
            dropout
    init    the scheme for all weights

    Raises ValueError for no recurrent layer.
    """

    def __init__(
        self,
        steps: tuple[int, int],
        num_classes: int,
        *,
        hidden: Sequence[int] = (128,),
        cell: Callable[..., Layer] = LSTM,
        keep: float | None = None,
        init: Scheme | None = None,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        if not hidden:
            raise ValueError("SequenceClassifier: hidden is empty, expected a recurrent layer")
        rng = generator("SequenceClassifier", rng)
        given: dict[str, Any] = {"rng": rng, "dtype": dtype} | (
            {} if init is None else {"init": init}
        )
        layers: list[Layer] = [Reshape(steps)]
        width = steps[1]
        for units in hidden:
            layers.append(cell(width, units, **given))
            layers += [] if keep is None else [Dropout(keep, rng=rng)]
            width = units
        super().__init__(*layers, Last(), Affine(width, num_classes, **given))

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        x = rng.standard_normal((3, 4, 2))
        yield "LSTM", cls((4, 2), 3, hidden=(5,), rng=rng), x
        yield (
            "two layers of GRU, of rows",
            cls((4, 2), 3, hidden=(3, 4), cell=GRU, rng=rng),
            (x.reshape(3, 8)),
        )
        yield "RNN, dropout", cls((4, 2), 2, hidden=(3,), cell=RNN, keep=0.7, rng=rng), x
