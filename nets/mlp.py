"""The multi-layer perceptron."""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers import Affine, BatchNorm, Dropout, Layer, LayerNorm, PReLU, ReLU, Tanh
from chainrule.layers.annotations import Examples, Scheme, Seed
from chainrule.layers.init import generator
from chainrule.nets.sequential import Sequential


class MLP(Sequential):
    """{affine - norm - activation - dropout} × (L - 1) - affine, for L + 1 sizes.

    x (N, D), or (N, d1, …, dk) flattened to D;  out (N, C), with D the first of `sizes` and C the
    last: `MLP([784, 256, 256, 10])` has two hidden layers of 256 units.

    activation  a layer such as ReLU() or ELU(0.5); every hidden layer gets a copy of its own.
                None for none.
    norm        a class such as BatchNorm or LayerNorm, called as norm(width, dtype=dtype)
    keep        the probability of keeping a unit, as in Dropout(keep); None for no dropout
    affine      what makes the affine part of a hidden layer; with `affine=Maxout,
                activation=None` the units are maxout units
    init        the scheme for all weights; left out, each hidden affine layer takes the one that
                suits the activation (`weight_init`), and the last takes its own default
    rng         a Generator or a seed, for weights and dropout masks

    Raises ValueError for fewer than two sizes, TypeError for an activation that is not a layer.
    """

    def __init__(
        self,
        sizes: Iterable[int],
        *,
        activation: Layer | None = ReLU(),
        norm: Callable[..., Layer] | None = None,
        keep: float | None = None,
        affine: Callable[..., Layer] = Affine,
        init: Scheme | None = None,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        sizes = list(sizes)
        if len(sizes) < 2:
            raise ValueError(f"MLP: sizes must name at least an input and an output, got {sizes}")
        check_units("MLP", activation, norm)
        rng = generator("MLP", rng)
        scheme: dict[str, Any] = {} if init is None else {"init": init}
        hidden_scheme = scheme
        if init is None and activation is not None:
            hidden_scheme = {"init": activation.weight_init}
        *hidden, last = pairwise(sizes)
        layers = []
        for fan_in, fan_out in hidden:
            layers.append(affine(fan_in, fan_out, rng=rng, dtype=dtype, **hidden_scheme))
            if norm is not None:
                layers.append(norm(fan_out, dtype=dtype))
            if activation is not None:
                layers.append(activation.astype(dtype))
            if keep is not None:
                layers.append(Dropout(keep, rng=rng))
        layers.append(Affine(*last, rng=rng, dtype=dtype, **scheme))
        super().__init__(*layers)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        x = rng.standard_normal((5, 4))
        yield "plain", cls([4, 6, 3], rng=rng), x
        yield "batchnorm", cls([4, 6, 3, 2], activation=Tanh(), norm=BatchNorm, rng=rng), x
        yield "layernorm", cls([4, 6, 3], activation=PReLU(), norm=LayerNorm, rng=rng), x
        yield "dropout", cls([4, 6, 3], keep=0.7, rng=rng), x


def check_units(who: str, activation: object, norm: object) -> None:
    """Raises TypeError, which begins with `who`, unless an activation is a layer and a norm the
    class of one, or they are None."""
    if activation is not None and (
        isinstance(activation, type) or not hasattr(activation, "weight_init")
    ):
        raise TypeError(f"{who}: activation is {activation!r}, expected a layer such as ReLU()")
    if isinstance(norm, Layer) or not (norm is None or callable(norm)):
        raise TypeError(f"{who}: norm is {norm!r}, expected a class such as BatchNorm")
