"""The norm of a gradient, and what to say when numbers stop being finite."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

STRETCH = 8192  # entries
ROWS_AT_ONCE = 1024


class NonFiniteError(ArithmeticError):
    """A loss, a gradient, a parameter or a score has become infinite or not a number."""


def global_norm(arrays: Mapping[str, np.ndarray]) -> float:
    """Return √Σa² over all entries of all arrays; neither overflows nor underflows on the way.

    The result is nan or inf if any entry is, and so stands in for an isfinite pass over each.
    """
    # Short stretches are summed in their own dtype, by the fastest product there is, which takes
    # only longer ones to several threads; and these sums in float64.
    total = 0.0
    with np.errstate(all="ignore"):
        for flat in (array.reshape(-1) for array in arrays.values()):
            for start in range(0, flat.size, STRETCH):
                part = flat[start : start + STRETCH]
                total += float(part.dot(part))
    if 1e-24 < total < math.inf:
        return math.sqrt(total)
    # Squares out of range of the dtype, or entries not finite: scale by the largest.
    largest = float(np.max([np.max(np.abs(a), initial=0) for a in arrays.values()], initial=0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * math.sqrt(
        sum(float(np.sum(np.square(a / np.float64(largest)))) for a in arrays.values())
    )


def bad_row(data: Any, *names: str) -> str:
    """Name the first row of `data.<name>` that is not finite: `y_train has nan in row 7, …`; empty
    if all are finite or whole numbers."""
    for name in names:
        rows: Any = getattr(data, name, None)
        for start in range(0, 0 if rows is None else len(rows), ROWS_AT_ONCE):
            part = np.asarray(rows[start : start + ROWS_AT_ONCE])
            if part.dtype.kind in "fc" and not (fine := np.isfinite(part)).all():
                at = tuple(np.argwhere(~fine)[0].tolist())
                return (
                    f"{name} has {part[at]:g} in row {start + at[0]}, which is the data's fault "
                    f"and no learning rate helps against: leave the row out or fill it"
                )
    return ""


def non_finite(arrays: Mapping[str, np.ndarray]) -> str:
    """Name the arrays with entries that are nan or inf, and how many: `W1 (3 of 100 entries)`.

    The first three are named, the others counted; empty if every entry is finite.
    """
    counts = {name: a.size - np.count_nonzero(np.isfinite(a)) for name, a in arrays.items()}
    found = [f"{name} ({n} of {arrays[name].size} entries)" for name, n in counts.items() if n]
    more = [f"and {len(found) - 3} more"] if len(found) > 3 else []
    return ", ".join(found[:3] + more)
