"""How the gradients of a backward pass depend on dout: for one and the same cache, linearly."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

TOLERANCE = 1e-8  # of the largest entry of a gradient


def dependence(at: Callable[[float], Mapping[str, np.ndarray]], dout: float) -> dict[str, str]:
    """How each gradient that is not linear in dout depends on it.

    `at(c)` gives the gradients for c times the upstream gradient, whose largest entry is `dout`.
    A gradient is "ignored" that stays the same, a "sign" that does not turn with dout, a "square"
    that grows with it, and "other" if none of these. One of nothing but rounding is not asked.
    """
    once, thrice, minus = at(1.0), at(3.0), at(-1.0)
    largest = max([1e-5 * dout, *map(size, once.values())])
    found = {}
    for name, g in once.items():
        if name not in thrice or g.shape != thrice[name].shape or size(g) <= TOLERANCE * largest:
            continue

        def equal(a: np.ndarray, b: np.ndarray, most: float = TOLERANCE * size(g)) -> bool:
            return size(a - b) <= most

        if equal(thrice[name], 3 * g) and equal(minus[name], -g):
            continue
        if equal(thrice[name], g) and equal(minus[name], g):
            found[name] = "ignored"
        elif equal(thrice[name], 3 * g):
            found[name] = "sign"
        elif equal(thrice[name], 9 * g):
            found[name] = "square"
        else:
            found[name] = "other"
    return found


def size(array: np.ndarray) -> float:
    """The largest |entry| of an array, nan apart; 0 where there is none."""
    return float(np.nanmax(np.abs(array), initial=0.0))
