"""How far predicted numbers are from the true ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.training.text import aligned


@dataclass(frozen=True)
class Errors:
    """Of one target: R² = 1 - Σ (y - p)² / Σ (y - mean y)², None where all y are equal; the mean
    absolute error and the root of the mean squared error, in the unit of the target."""

    target: str
    r_squared: float | None
    mean_absolute: float
    root_mean_square: float


def errors_of(
    targets: Sequence[str], y: NDArray[np.floating], predicted: NDArray[np.floating]
) -> list[Errors]:
    """The errors of each of T targets, of true numbers y (N, T) and of predicted ones (N, T)."""
    found = []
    pairs = np.asarray(y, np.float64).T, np.asarray(predicted, np.float64).T
    for name, truth, guess in zip(targets, *pairs, strict=True):
        away = truth - guess
        spread = np.square(truth - truth.mean()).sum()
        r_squared = float(1 - np.square(away).sum() / spread) if np.ptp(truth) > 0 else None
        root = float(np.sqrt(np.square(away).mean()))
        found.append(Errors(name, r_squared, float(np.abs(away).mean()), root))
    return found


HEAD = ("target", "R²", "mean absolute error", "root mean square error")


def rows_of(errors: Sequence[Errors]) -> list[tuple[str, str, str, str]]:
    """The cells of a table of errors, without its header."""
    return [
        (
            one.target,
            "-" if one.r_squared is None else f"{one.r_squared:.4f}",
            f"{one.mean_absolute:.5g}",
            f"{one.root_mean_square:.5g}",
        )
        for one in errors
    ]


def error_table(
    targets: Sequence[str], y: NDArray[np.floating], predicted: NDArray[np.floating]
) -> str:
    """A line for each target with its R² and its errors, in its unit."""
    rows = [HEAD, *rows_of(errors_of(targets, y, predicted))]
    return aligned(rows, right=range(1, len(HEAD)))
