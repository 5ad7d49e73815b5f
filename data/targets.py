"""Numbers that are to be predicted, in the place of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.standardiser import check_unmasked


def check_targets(name: str, y_name: str, y: NDArray[Any], shape: tuple[int, int]) -> None:
    """Raise ValueError unless y is finite float32 or float64 of that shape (N, T)."""
    check_unmasked(f"{name}: {y_name}", y)
    if not isinstance(y, np.ndarray) or y.dtype not in (np.float32, np.float64):
        kind = y.dtype if isinstance(y, np.ndarray) else type(y).__name__
        raise ValueError(f"{name}: {y_name} is {kind}, expected float32 or float64 to be predicted")
    if y.shape != shape:
        raise ValueError(
            f"{name}: {y_name} has shape {y.shape}, expected {shape}: a row for each row of x, a "
            f"column for each target"
        )
    if not np.isfinite(y).all():
        row, column = np.argwhere(~np.isfinite(y))[0].tolist()
        raise ValueError(
            f"{name}: {y_name}[{row}, {column}] is {y[row, column]}, expected finite numbers"
        )
