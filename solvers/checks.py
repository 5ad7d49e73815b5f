"""Checks of the numbers that constructors are given."""

from __future__ import annotations

import math
from numbers import Integral, Real


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


def _refusal(owner: object, name: str, value: object, expected: str) -> ValueError:
    return ValueError(f"{type(owner).__name__}({name}={value!r}): {name} must be {expected}")
