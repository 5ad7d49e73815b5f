"""Where the windows of convolutions and of pooling lie on an image."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Literal, TypeAlias

import numpy as np

from chainrule.layers.annotations import Floats
from chainrule.layers.validation import is_whole, whole

#: A number for height and width alike, or one for each.
Sides: TypeAlias = int | Sequence[int]

#: Rows above and below an image, or columns left and right of it.
Border: TypeAlias = tuple[int, int]


MANY = 4096  # channels, of which an error lists no more divisors


@dataclass(frozen=True)
class Windows:
    """Windows of `size` entries, `dilation` apart from each other; windows begin every `stride`
    entries of an image with `pad` zeros around it. Each is a pair, for height and width."""

    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    pad: tuple[Border, Border] = ((0, 0), (0, 0))
    dilation: tuple[int, int] = (1, 1)

    @classmethod
    def of(
        cls,
        who: str,
        size: Sides,
        stride: Sides = 1,
        pad: Sides | Literal["same"] = 0,
        dilation: Sides = 1,
    ) -> "Windows":
        """The windows that the arguments of a layer's constructor ask for. With `pad="same"` a
        stride of 1 leaves the size of an image as it is, and another divides it, rounded up.
        Raises ValueError, which begins with `who`, where one is wrong."""
        size = sides(who, "size", size, 1)
        dilation = sides(who, "dilation", dilation, 1)
        if isinstance(pad, str):
            if pad != "same":
                raise ValueError(f"{who}: pad must be a number, a pair, or 'same', got {pad!r}")
            spans = [step * (k - 1) for k, step in zip(size, dilation, strict=True)]
            top, left = ((span // 2, span - span // 2) for span in spans)
        else:
            top, left = ((p, p) for p in sides(who, "pad", pad, 0))
        return cls(size, sides(who, "stride", stride, 1), (top, left), dilation)

    @cached_property
    def extent(self) -> tuple[int, int]:
        """How many rows and columns of an image a window reaches over."""
        (kh, kw), (dh, dw) = self.size, self.dilation
        return dh * (kh - 1) + 1, dw * (kw - 1) + 1

    def places(self, image: Sequence[int]) -> tuple[int, int]:
        """How many windows lie below and beside one another on an image (H, W)."""
        H, W = self.around(image)
        return self.fitting(0, H), self.fitting(1, W)

    def around(self, image: Sequence[int]) -> tuple[int, int]:
        """The size of an image (H, W) with its border."""
        (top, bottom), (left, right) = self.pad
        return top + image[0] + bottom, left + image[1] + right

    def covered(self, places: Sequence[int]) -> tuple[int, int]:
        """The size of the image (H, W), without its border, that so many windows reach over."""
        H, W = (
            (n - 1) * step + reach - before - behind
            for n, step, reach, (before, behind) in zip(
                places, self.stride, self.extent, self.pad, strict=True
            )
        )
        return H, W

    def fitting(self, axis: int, length: int) -> int:
        """How many windows fit into so many rows (axis 0) or columns (axis 1), border included."""
        return (length - self.extent[axis]) // self.stride[axis] + 1

    def check(self, who: object, x: Floats, channels: int | None = None) -> None:
        """Raises ValueError unless `x` is a batch of images (N, C, H, W), with so many channels,
        on which a window finds room."""
        expected = f"(N, {channels or 'C'}, H, W)"
        if x.ndim != 4:
            hint = "; a single image is x[np.newaxis]" if x.ndim == 3 else ""
            raise ValueError(f"{who!r}: x has shape {x.shape}, expected images {expected}{hint}")
        if channels is not None and x.shape[1] != channels:
            hint = "; channels come first: x.transpose(0, 3, 1, 2)" * (x.shape[3] == channels)
            raise ValueError(
                f"{who!r}: x has {x.shape[1]} channels (shape {x.shape}), expected {channels}{hint}"
            )
        if min(self.places(x.shape[2:])) < 1:
            (top, bottom), (left, right) = self.pad
            least = self.extent[0] - top - bottom, self.extent[1] - left - right
            raise ValueError(
                f"{who!r}: x has images of {x.shape[2]} × {x.shape[3]} (shape {x.shape}), too "
                f"small for a window of {self.extent[0]} × {self.extent[1]}; expected at least "
                f"{max(least[0], 1)} × {max(least[1], 1)}, or a larger pad"
            )

    def padded(self, x: Floats, value: float = 0) -> Floats:
        """x (…, H, W) with its border, which holds `value`; x itself where there is none."""
        if self.pad == ((0, 0), (0, 0)):
            return x
        out = np.full((*x.shape[:-2], *self.around(x.shape[-2:])), value, x.dtype)
        self.inner(out, x.shape[-2:])[...] = x
        return out

    def transposed(self) -> "Windows | None":
        """The windows of the transposed convolution, for a stride of 1: on an output with their
        border there are as many as the image has entries. None where there are no such windows."""
        above, left = (
            (reach - 1 - before, reach - 1 - behind)
            for reach, (before, behind) in zip(self.extent, self.pad, strict=True)
        )
        if self.stride != (1, 1) or min(*above, *left) < 0:
            return None
        return Windows(self.size, self.stride, (above, left), self.dilation)

    def inner(self, padded: Floats, image: Sequence[int]) -> Floats:
        """What lies within the border: the image (H, W), as a view."""
        (top, _), (left, _) = self.pad
        H, W = image
        return padded[..., top : top + H, left : left + W]

    def entries(self, padded: Floats) -> Iterator[tuple[int, int, Floats]]:
        """For each place (u, v) within a window, what stands there in all windows of an image with
        its border: a view (…, H', W')."""
        H, W = (self.fitting(axis, padded.shape[axis - 2]) for axis in (0, 1))
        (sh, sw), (dh, dw) = self.stride, self.dilation
        for u, v in product(*map(range, self.size)):
            rows = slice(u * dh, u * dh + sh * (H - 1) + 1, sh)
            columns = slice(v * dw, v * dw + sw * (W - 1) + 1, sw)
            yield u, v, padded[..., rows, columns]


def sides(who: str, name: str, value: Sides, least: int) -> tuple[int, int]:
    """`value` as a pair of whole numbers, for height and width. Raises ValueError, which names the
    argument, unless it is one number or two, at least `least`."""
    pair = (value, value) if isinstance(value, (int, np.integer)) else value
    if (
        not isinstance(pair, Sequence)
        or len(pair) != 2
        or not all(is_whole(n, least) for n in pair)
    ):
        raise ValueError(
            f"{who}: {name} must be a whole number of at least {least}, or a pair of them for "
            f"height and width, got {value!r}"
        )
    return int(pair[0]), int(pair[1])


def said(pair: tuple[int, int]) -> Sides:
    """A pair as a setting that files can hold: one number where height and width are alike."""
    return pair[0] if pair[0] == pair[1] else pair


def check_groups(who: str, groups: int, **channels: int) -> None:
    """Raises ValueError, which names the argument, unless `groups` divides all these numbers of
    channels."""
    whole(who, "groups", groups)
    for name, count in channels.items():
        if count % groups:
            fits = [n for n in range(1, min(count, MANY) + 1) if count % n == 0]
            more = ", …" if count > MANY else ""
            raise ValueError(
                f"{who}: groups={groups} does not divide {name}={count}; expected one of "
                f"{', '.join(map(str, fits))}{more}"
            )


def described(size: Sides) -> str:
    """A size as it is said: "3 × 3"."""
    kh, kw = (size, size) if isinstance(size, (int, np.integer)) else size
    return f"{kh} × {kw}"
