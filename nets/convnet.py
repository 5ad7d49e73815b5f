"""Convolutional networks in the form that courses build first."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers import BatchNorm, Layer, MaxPool, ReLU, Reshape, Tanh
from chainrule.layers.annotations import Examples, Scheme, Seed
from chainrule.layers.init import generator
from chainrule.layers.windows import Sides
from chainrule.nets.sequential import Sequential
from chainrule.nets.units import Units, as_image, as_sizes


class ConvNet(Sequential):
    """{conv - norm - activation - pool} × depth - {affine - norm - activation} × hidden - affine.

    x (N, C, H, W), or rows of as many numbers, with `image_shape` (C, H, W) or (H, W);
    out (N, num_classes).

    channels    of each convolution in turn; so many there are
    size        of the kernels; a border of zeros keeps the size of the images
    hidden      the widths of the hidden affine layers
    activation  a layer such as ReLU(), of which every place gets a copy; None for none
    norm        a class such as BatchNorm, called as norm(width, dtype=dtype)
    pool        after each convolution the maximum of so many by so many pixels remains; 1 for all
    keep        the probability of keeping a number that goes into an affine layer, as in
                Dropout(keep); None for no dropout
    init        the scheme for all weights; left out, the one that suits what stands behind them
    rng         a Generator or a seed, for weights and dropout masks

    `ConvNet((3, 32, 32), 10, channels=(32,), size=7, hidden=(100,))` is the three-layer network of
    CS231n's second assignment.
    Raises ValueError where images are too small to be pooled so often, or a size is none;
    TypeError for an activation that is not a layer.
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        num_classes: int,
        *,
        channels: Sequence[int] = (32,),
        size: Sides = 3,
        hidden: Sequence[int] = (100,),
        activation: Layer | None = ReLU(),
        norm: Callable[..., Layer] | None = None,
        pool: int = 2,
        keep: float | None = None,
        init: Scheme | None = None,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        C, H, W = as_image("ConvNet", image_shape)
        channels, hidden = (
            as_sizes("ConvNet", channels=channels),
            as_sizes("ConvNet", hidden=hidden),
        )
        (pool,) = as_sizes("ConvNet", pool=(pool,))
        least = pool ** len(channels)
        if min(H, W) < least:
            times = "once" if len(channels) == 1 else f"{len(channels)} times"
            raise ValueError(
                f"ConvNet: images of {H} × {W} are too small to be pooled {times} by "
                f"{pool}; expected at least {least} × {least}, fewer channels, or a smaller pool"
            )
        units = Units("ConvNet", activation, norm, init, generator("ConvNet", rng), dtype)
        layers: list[Layer] = [Reshape((C, H, W))]
        for width in channels:
            layers += units.conv(C, width, size, pad="same")
            layers += [MaxPool(pool)] if pool > 1 else []
            C, H, W = width, H // pool, W // pool
        super().__init__(*layers, *units.affine((C, H, W), (*hidden, num_classes), keep))

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        x = rng.standard_normal((2, 2, 4, 5))
        yield "one convolution", cls((2, 4, 5), 3, channels=(3,), hidden=(4,), rng=rng), x
        two = cls((2, 4, 5), 3, channels=(3, 2), hidden=(), activation=Tanh(), norm=BatchNorm,
                  keep=0.8, rng=rng)  # fmt: skip
        yield "two, batchnorm, dropout", two, x
        yield "none", cls((2, 3), 2, channels=(), hidden=(3,), rng=rng), rng.standard_normal((3, 6))
