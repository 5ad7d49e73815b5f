"""Residual networks for small images."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers import Affine, BatchNorm, GlobalAveragePool, Layer, ReLU, Reshape, Tanh
from chainrule.layers.annotations import Examples, Scheme, Seed
from chainrule.layers.init import generator
from chainrule.nets.residual import Residual
from chainrule.nets.sequential import Sequential
from chainrule.nets.units import Units, as_image, as_sizes


class ResNet(Sequential):
    """conv - norm - activation - {residual - activation} × blocks × stages - average - affine.

    A residual is conv - norm - activation - conv - norm beside its shortcut; kernels are 3 × 3. The
    first of each stage but the first halves the sides of the images by a stride of 2; where the
    shape changes, the shortcut is a convolution of 1 × 1 with that stride and a norm. At the end
    each channel is averaged over the image.

    x (N, C, H, W), or rows of as many numbers, with `image_shape` (C, H, W) or (H, W);
    out (N, num_classes).

    channels    of each stage
    blocks      residuals in a stage; with three stages there are 6 blocks + 2 layers with weights
                on the longest way
    activation  a layer such as ReLU(), of which every place gets a copy
    norm        a class such as BatchNorm, called as norm(channels, dtype=dtype), or None
    init        the scheme for all weights; left out, the one that suits what stands behind them
    rng         a Generator or a seed, for the weights

    In the paper's own networks of this kind a shortcut to another shape has no parameters: it takes
    every second pixel and adds channels of zeros.
    Source: He et al., "Deep Residual Learning for Image Recognition", 2016, section 4.2.
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        num_classes: int,
        *,
        channels: Sequence[int] = (16, 32, 64),
        blocks: int = 1,
        activation: Layer | None = ReLU(),
        norm: Callable[..., Layer] | None = BatchNorm,
        init: Scheme | None = None,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        shape = as_image("ResNet", image_shape)
        channels = as_sizes("ResNet", channels=channels)
        (blocks,) = as_sizes("ResNet", blocks=(blocks,))
        if not channels:
            raise ValueError("ResNet: channels is empty, expected those of at least one stage")
        rng = generator("ResNet", rng)
        units = Units("ResNet", activation, norm, init, rng, dtype)
        width = channels[0]
        layers: list[Layer] = [Reshape(shape), *units.conv(shape[0], width, 3, pad=1)]
        for stage, wider in enumerate(channels):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                layers += [residual(units, width, wider, stride), *units.act()]
                width = wider
        scheme = {} if init is None else {"init": init}
        affine = Affine(width, num_classes, rng=rng, dtype=dtype, **scheme)
        super().__init__(*layers, GlobalAveragePool(), affine)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        x = rng.standard_normal((2, 2, 4, 5))
        yield "plain", cls((2, 4, 5), 3, channels=(2, 3), norm=None, activation=Tanh(), rng=rng), x
        yield "batchnorm", cls((2, 4, 5), 3, channels=(2, 3), rng=rng), x


def residual(units: Units, in_channels: int, out_channels: int, stride: int) -> Residual:
    """One block: two convolutions, and the way past them."""
    inner = Sequential(
        *units.conv(in_channels, out_channels, 3, pad=1, stride=stride),
        *units.conv(out_channels, out_channels, 3, pad=1, last=True),
    )
    if stride == 1 and in_channels == out_channels:
        return Residual(inner)
    shortcut = units.conv(in_channels, out_channels, 1, stride=stride, last=True)
    return Residual(inner, shortcut[0] if len(shortcut) == 1 else Sequential(*shortcut))
