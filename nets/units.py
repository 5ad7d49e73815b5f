"""What networks for images are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers import Conv, Dropout, Flatten, Layer
from chainrule.layers.annotations import Scheme
from chainrule.layers.init import lecun_normal
from chainrule.layers.validation import is_whole
from chainrule.layers.windows import Sides
from chainrule.nets.mlp import MLP, check_units


@dataclass(frozen=True)
class Units:
    """The layers of a network for images that go together: a convolution, or an affine layer, with
    its norm and its activation. The attributes are the arguments of `ConvNet`; `who` begins the
    messages."""

    who: str
    activation: Layer | None
    norm: Callable[..., Layer] | None
    init: Scheme | None
    rng: np.random.Generator
    dtype: DTypeLike

    def __post_init__(self) -> None:
        check_units(self.who, self.activation, self.norm)

    def conv(
        self, in_channels: int, out_channels: int, size: Sides, *, last: bool = False, **where: Any
    ) -> list[Layer]:
        """conv - norm - activation, without the activation where a sum comes before it (`last`).
        A norm has a shift of its own, so that the convolution before it needs none."""
        init = self.init or (self.activation.weight_init if self.activation else lecun_normal)
        bias = self.norm is None
        conv = Conv(in_channels, out_channels, size, bias=bias, init=init, rng=self.rng,
                    dtype=self.dtype, **where)  # fmt: skip
        norm = [] if self.norm is None else [self.norm(out_channels, dtype=self.dtype)]
        return [conv, *norm, *([] if last else self.act())]

    def act(self) -> list[Layer]:
        """A copy of the activation, or nothing where there is none."""
        return [] if self.activation is None else [self.activation.astype(self.dtype)]

    def affine(
        self, shape: Sequence[int], widths: Sequence[int], keep: float | None
    ) -> list[Layer]:
        """From images of a shape to scores, as many as the last of the widths: flatten - dropout -
        {affine - norm - activation - dropout} × hidden - affine."""
        drop = [] if keep is None else [Dropout(keep, rng=self.rng)]
        hidden = MLP(
            [prod(shape), *widths], activation=self.activation, norm=self.norm, keep=keep,
            init=self.init, rng=self.rng, dtype=self.dtype,
        )  # fmt: skip
        return [Flatten(), *drop, *hidden.layers]


def as_image(who: str, shape: Sequence[int]) -> tuple[int, int, int]:
    """The shape of an image as (C, H, W), from that or (H, W). Raises ValueError for others."""
    sizes = as_sizes(who, image_shape=shape)
    if len(sizes) not in (2, 3):
        raise ValueError(f"{who}: image_shape is {sizes}, expected (C, H, W), or (H, W)")
    C, H, W = (1, *sizes)[-3:]
    return C, H, W


def as_sizes(who: str, **given: Sequence[int]) -> tuple[int, ...]:
    """The numbers `given` under a name, as ints. Raises ValueError, which says the name, unless
    they are positive integers."""
    ((name, sizes),) = given.items()
    if not isinstance(sizes, Sequence) or not all(map(is_whole, sizes)):
        raise ValueError(f"{who}: {name} must be positive integers in a row, got {sizes!r}")
    return tuple(map(int, sizes))
