"""What each row weighs: how much it counts beside the others."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.data.standardiser import check_unmasked

Weights: TypeAlias = NDArray[np.floating] | NDArray[np.integer]


def check_weights(name: str, w_name: str, w: NDArray[Any] | None, count: int) -> None:
    """Raise ValueError unless w is None or says what each of `count` rows weighs."""
    if w is None:
        return
    if not isinstance(w, np.ndarray) or w.shape != (count,) or w.dtype.kind not in "iuf":
        raise ValueError(
            f"{name}: {w_name} is {type(w).__name__} of shape {np.shape(w)}, expected an array of "
            f"{count} numbers, one for each row"
        )
    check_unmasked(f"{name}: {w_name}", w)
    if (wrong := np.flatnonzero(~(np.isfinite(w) & (w >= 0)))).size:
        raise ValueError(
            f"{name}: {w_name}[{wrong[0]}] is {w[wrong[0]]}, expected a finite number of at least 0"
        )
    if not w.any():
        raise ValueError(f"{name}: {w_name} holds zeros alone, expected one number above 0")


def balanced_weights(y: NDArray[Any], weights: Weights | None = None) -> NDArray[np.float64]:
    """Return a weight for each label of y (N,), so that all classes weigh the same together.

    Within a class the ratios are those of `weights` (N,), all 1 where left out; and the sum over
    all rows stays. Of N rows of weight 1 in C classes, each of the n of a class gets N / (C n).
    """
    classes, labels = np.unique(y, return_inverse=True)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, np.float64)
    sums = np.bincount(labels, w)
    balanced: NDArray[np.float64] = w * (w.sum() / (len(classes) * sums))[labels]
    return balanced
