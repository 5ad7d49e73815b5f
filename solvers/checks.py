"""Checks of the numbers that constructors are given."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np


def positive(owner: object, name: str, value: object) -> float:
    """Return `value` as a Python float, or raise ValueError unless it is positive and finite.

    A Python float, because a NumPy scalar of float64 would lift float32 arrays to float64.
    """
    if not (isinstance(value, Real) and 0 < float(value) < math.inf):
        raise _refusal(owner, name, value, "a positive number")
    return float(value)


def fraction(owner: object, name: str, value: object) -> float:
    """Return `value` as a Python float, or raise ValueError unless 0 <= value < 1."""
    if not (isinstance(value, Real) and 0 <= float(value) < 1):
        raise _refusal(owner, name, value, "in [0, 1)")
    return float(value)


def count(owner: object, name: str, value: object) -> int:
    """Return `value` as a Python int, or raise ValueError unless it is a whole number >= 1."""
    if not (isinstance(value, Integral) and int(value) >= 1):
        raise _refusal(owner, name, value, "a whole number, at least 1")
    return int(value)


def row_weights(data: Any) -> np.ndarray | None:
    """Return the weights `w_train` of the training rows, with mean 1, or None where `data` has
    none. Raises ValueError unless they are finite numbers of at least 0, one for each row, and
    one of them is above 0."""
    weights = getattr(data, "w_train", None)
    if weights is None:
        return None
    w, n = np.asarray(weights, np.float64), len(data.y_train)
    if w.shape != (n,) or not np.isfinite(w).all() or (w < 0).any() or not w.any():
        raise ValueError(
            f"Solver: w_train has shape {w.shape}, from {w.min(initial=0):g} to "
            f"{w.max(initial=0):g}; expected {n} finite numbers of at least 0, one of them above 0"
        )
    scaled: np.ndarray = w / w.max()  # so that the sum cannot overflow
    return scaled / scaled.mean()


def _refusal(owner: object, name: str, value: object, expected: str) -> ValueError:
    return ValueError(f"{type(owner).__name__}({name}={value!r}): {name} must be {expected}")
