"""How much each training row counts."""

from __future__ import annotations

from typing import Any

import numpy as np


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
    w = w / w.max()  # so that the sum cannot overflow
    scaled: np.ndarray = w / w.mean()
    return scaled
