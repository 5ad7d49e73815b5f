"""The numbers that constructors are given, in layers and wherever layers are used: each is checked
and returned as a number of Python, because a NumPy scalar of float64 would lift float32 arrays to
float64.
"""

import math
from numbers import Integral, Real
from typing import TypeGuard


def whole(who: object, name: str, value: object, least: int = 1) -> int:
    """`value` as an int. Raises ValueError, which says whose argument `name` it is, unless it is a
    whole number of at least `least`."""
    if is_whole(value, least):
        return int(value)
    raise refusal(who, name, value, f"a whole number of at least {least}")


def number(
    who: object,
    name: str,
    value: object,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    but: float | None = None,
) -> float:
    """`value` as a float. Raises ValueError, which says whose argument `name` it is, unless it is a
    finite number from `low` to `high` other than `but`, which is one of these."""
    found = float(value) if isinstance(value, Real) and is_finite(value) else math.nan
    if low <= found <= high and found != but:
        return found
    bounds = ""
    if math.isfinite(high):
        bounds = f" in {'[('[but == low]}{low:g}, {high:g}{'])'[but == high]}"
    elif math.isfinite(low):
        bounds = f" {'above' if but == low else 'of at least'} {low:g}"
    raise refusal(who, name, value, f"a finite number{bounds}")


def is_whole(value: object, least: int = 1) -> TypeGuard[Integral]:
    """Whether `value` is a whole number, True and False aside, of at least `least`."""
    return type(value) is not bool and isinstance(value, Integral) and int(value) >= least


def is_finite(value: object) -> bool:
    """Whether `value` is a real number, neither nan nor beyond the floats."""
    try:
        return isinstance(value, Real) and math.isfinite(value)
    except OverflowError:
        return False


def refusal(who: object, name: str, value: object, expected: str) -> ValueError:
    """What is raised; `who` is a name or the object that is made."""
    owner = who if isinstance(who, str) else type(who).__name__
    return ValueError(f"{owner}: {name} must be {expected}, got {value!r}")
