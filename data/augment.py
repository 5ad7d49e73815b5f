"""Augmentation: each time that a picture is trained on, it is another one of the same thing.

A `Solver` is given some, `augment=[Flip(), Crop(4)]`, and applies them one after the other to each
batch that it trains on, and to nothing else.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from chainrule.data.standardiser import Examples


class Flip:
    """Half of the pictures, drawn at random, as in a mirror: left is right.

    Not for what reads from left to right, such as digits and letters.
    """

    def __call__(self, x: Examples, rng: np.random.Generator) -> Examples:
        """Return new pictures for x (N, …, H, W); x stays as it is."""
        check_pictures(self, x)
        mirrored = rng.random((len(x),)) < 0.5
        out = x.copy()
        out[mirrored] = x[mirrored][..., ::-1]
        return out

    def __repr__(self) -> str:
        return "Flip()"


class Moved:
    """What `Crop` and `Shift` have in common: a window of a picture with a border around it."""

    def __init__(self, by: int, name: str) -> None:
        self.by = pixels(f"{type(self).__name__}({name}={by!r})", by)

    def __call__(self, x: Examples, rng: np.random.Generator) -> Examples:
        """Return new pictures for x (N, …, H, W); x stays as it is."""
        check_pictures(self, x)
        by, (H, W) = self.by, x.shape[-2:]
        if by >= min(H, W):
            raise ValueError(f"{self}: pictures of {H} × {W} pixels would be moved out of sight")
        around = [(0, 0)] * (x.ndim - 2) + [(by, by)] * 2
        windows = sliding_window_view(self.bordered(x, around), (H, W), axis=(-2, -1))
        # (N, …, 2 by + 1, 2 by + 1, H, W), of which each picture takes one
        down, right = (rng.random((len(x), 2)) * (2 * by + 1)).astype(np.intp).T
        first = (np.arange(len(x)), *[slice(None)] * (x.ndim - 3))
        return windows[(*first, down, right)]

    def bordered(self, x: Examples, around: Any) -> Examples:
        """Return the pictures with a border, as np.pad takes its width."""
        raise NotImplementedError


class Crop(Moved):
    """A window as large as the picture, drawn at random from one with `pad` pixels of the value
    `fill` on each of its four sides.

    As K. He et al., "Deep residual learning for image recognition", 2016, do with 4 pixels on
    CIFAR-10. `fill` is 0; black, after standardising, is -mean/std.
    """

    def __init__(self, pad: int = 4, *, fill: float = 0.0) -> None:
        super().__init__(pad, "pad")
        self.fill = finite(f"Crop(fill={fill!r})", fill)

    def bordered(self, x: Examples, around: Any) -> Examples:
        return np.pad(x, around, constant_values=self.fill)

    def __repr__(self) -> str:
        return f"Crop({self.by}, fill={self.fill:g})"


class Shift(Moved):
    """Each picture moved by up to `by` pixels up or down and left or right, all distances alike;
    what comes in from beyond the edge repeats the pixels at the edge.

    As `Crop`, but for pictures whose background is not of one known colour.
    """

    def __init__(self, by: int = 2) -> None:
        super().__init__(by, "by")

    def bordered(self, x: Examples, around: Any) -> Examples:
        return np.pad(x, around, mode="edge")

    def __repr__(self) -> str:
        return f"Shift({self.by})"


def pixels(said: str, value: object) -> int:
    """Return a distance as an int. Raises ValueError, which begins with `said`, for others."""
    if not isinstance(value, Integral) or int(value) < 1:
        raise ValueError(f"{said}: expected a whole number of pixels, at least 1")
    return int(value)


def finite(said: str, value: object) -> float:
    """Return a number as a float. Raises ValueError, likewise, for others."""
    if not isinstance(value, Real) or not np.isfinite(float(value)):
        raise ValueError(f"{said}: expected a finite number")
    return float(value)


def check_pictures(owner: object, x: NDArray[Any]) -> None:
    """Raise ValueError unless x can be pictures."""
    if x.ndim < 3:
        raise ValueError(
            f"{owner}: x has shape {x.shape}, expected pictures (N, H, W) or (N, C, H, W)"
        )
