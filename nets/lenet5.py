"""The convolutional network that read cheques."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers import AveragePool, Layer, MaxPool, ReLU, Reshape, Tanh
from chainrule.layers.annotations import Examples, Scheme, Seed
from chainrule.layers.init import generator
from chainrule.nets.sequential import Sequential
from chainrule.nets.units import Units, as_image

LEAST = 12  # pixels, of which the last pooling leaves one


class LeNet5(Sequential):
    """conv 6 - pool - conv 16 - pool - affine 120 - affine 84 - affine, an activation behind each
    but the last; kernels of 5 × 5, pooling of 2 × 2.

    x (N, C, H, W), or rows of as many numbers, with `image_shape` (C, H, W) or (H, W);
    out (N, num_classes). Images of less than 32 pixels get a border of two zeros, so that those of
    28 are read as 32, as in the paper.

    activation  a layer such as ReLU(), of which every place gets a copy
    pool        the class of the pooling layers
    norm        a class such as BatchNorm, called as norm(width, dtype=dtype)
    keep        the probability of keeping a number that goes into an affine layer, as in
                Dropout(keep); None for no dropout
    init        the scheme for all weights; left out, the one that suits what stands behind them
    rng         a Generator or a seed, for weights and dropout masks

    The network of 1998 differs: its activation is 1.7159 tanh(2/3 x); its pooling adds four pixels
    up, with a weight and a bias per channel and an activation behind; its second convolution joins
    each of the 16 channels to some of the 6 alone; and its last layer measures the distance to a
    drawn picture of each class. `activation=Tanh(), pool=AveragePool` comes closer to it.
    Raises ValueError for images of less than 12 pixels.
    Source: LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998.
    """

    def __init__(
        self,
        image_shape: Sequence[int] = (1, 28, 28),
        num_classes: int = 10,
        *,
        activation: Layer | None = ReLU(),
        pool: Callable[[int], Layer] = MaxPool,
        norm: Callable[..., Layer] | None = None,
        keep: float | None = None,
        init: Scheme | None = None,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        C, H, W = as_image("LeNet5", image_shape)
        if min(H, W) < LEAST:
            raise ValueError(
                f"LeNet5: images of {H} × {W} are too small for two convolutions of 5 × 5, each "
                f"with pooling; expected at least {LEAST} × {LEAST}"
            )
        units = Units("LeNet5", activation, norm, init, generator("LeNet5", rng), dtype)
        pad = 2 if min(H, W) < 32 else 0
        layers: list[Layer] = [Reshape((C, H, W))]
        layers += [*units.conv(C, 6, 5, pad=pad), pool(2), *units.conv(6, 16, 5), pool(2)]
        sides = (((n + 2 * pad - 4) // 2 - 4) // 2 for n in (H, W))
        super().__init__(*layers, *units.affine((16, *sides), (120, 84, num_classes), keep))

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        x = rng.standard_normal((2, 144))
        old = cls((12, 12), 3, activation=Tanh(), pool=AveragePool, rng=rng)
        yield "as in 1998", old, x
