"""Arrays beside each other: to the bit, but for rounding, row by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np


def same(some: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> bool:
    """Whether two lists hold the same arrays, to the bit."""
    return len(some) == len(others) and all(
        a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(some, others, strict=True)
    )


def close(a: np.ndarray, b: np.ndarray, noise: float = 0.0, relative: float = 1e-9) -> bool:
    """Whether two arrays are the same but for rounding, which is at least `noise`."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return False
    atol = max(relative * size(b), noise)
    return bool(np.allclose(a, b, rtol=relative, atol=atol, equal_nan=True))


def size(array: np.ndarray) -> float:
    """The largest |entry| of an array, nan apart; 0 where there is none."""
    return float(np.nanmax(np.abs(array), initial=0.0))


def rows_mix(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> bool:
    """Whether in function(x) a row depends on another row of x."""
    out = function(x)
    if out.ndim == 0 or x.ndim == 0 or len(x) != len(out) or len(x) < 2:
        return False
    moved = x.copy()
    moved[0] += 1
    return not np.allclose(function(moved)[1:], out[1:], rtol=1e-9, atol=1e-12)
