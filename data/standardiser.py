"""`Standardiser`: features brought to mean 0 and standard deviation 1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Examples = NDArray[np.floating]

_BLOCK = 1024  # rows at a time in float64, so that no second copy of the data is held


@dataclass(frozen=True, eq=False)
class Standardiser:
    """x → (x - mean) / std, feature by feature; a feature with std 0 becomes 0.

    `Dataset.standardised` fits one on the training part. Save its two arrays with the net:
    rows that the net is to judge later go through the `transform` of `Standardiser(mean, std)`.

    Attributes:
        mean: the mean of every feature, float64, of the shape of one row.
        std: the standard deviation of every feature (divisor N), float64, of the same shape;
            exactly 0 for a feature that is constant.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @classmethod
    def fit(cls, x: Examples, *, shared: bool = False) -> Standardiser:
        """Measure mean and standard deviation of every feature of x (N, …), in float64.

        Args:
            x: the rows to measure, of floats.
            shared: give all features one mean and one standard deviation, those of all numbers
                in x. For pixels: one at the border that is nearly always blank would otherwise
                be blown up wherever it is not.

        Raises:
            ValueError: x has no rows, or some of it is masked.
        """
        if len(x) == 0:
            raise ValueError(f"Standardiser.fit: x has shape {x.shape}, expected at least one row")
        axis = None if shared else 0
        check_unmasked("Standardiser.fit: x", x)
        mean = x.mean(axis=axis, dtype=np.float64)
        low, high = x.min(axis=axis), x.max(axis=axis)
        # Squares of 1e200 or 1e-200 leave the range of float64, so that deviations are squared
        # in units of the power of two above the largest of them, a division without rounding.
        _, unit = np.frexp(np.maximum(high - mean, mean - low))
        squares = np.zeros_like(mean)
        for rows in _blocks(len(x)):
            squares += np.square(np.ldexp(x[rows] - mean, -unit)).sum(axis=axis)
        std = np.ldexp(np.sqrt(squares / (x.size // mean.size)), unit)
        # The mean of equal numbers may be a rounding error away from them, and dividing by
        # that error would blow it up, so constant features are found by comparison.
        std = np.where(low == high, 0.0, std)
        return cls(np.full(x.shape[1:], mean), np.full(x.shape[1:], std))

    def inverse(self, x: Examples) -> Examples:
        """Return standardised x (N, …) as it was before: x · std + mean in float64."""
        return np.asarray(x, np.float64) * self.std + self.mean

    def transform(self, x: Examples) -> Examples:
        """Return x (N, …) standardised: computed in float64, returned in the dtype of x.

        Raises:
            ValueError: x is not of floats, some of it is masked, or its rows have another shape
                than those that were measured.
        """
        if x.shape[1:] != self.mean.shape or not np.issubdtype(x.dtype, np.floating):
            raise ValueError(
                f"Standardiser.transform: x has {x.dtype} rows of shape {x.shape[1:]}, "
                f"expected rows of floats of shape {self.mean.shape}"
            )
        check_unmasked("Standardiser.transform: x", x)
        divisor = np.where(self.std > 0, self.std, np.inf)
        out = np.empty_like(x)
        for rows in _blocks(len(x)):
            out[rows] = (x[rows] - self.mean) / divisor
        return out


def check_unmasked(what: str, array: object) -> None:
    """Raise ValueError where entries of a masked array are masked."""
    if np.ma.is_masked(array):
        raise ValueError(
            f"{what} is a masked array, and what is masked would be taken for a number; leave "
            f"those rows out, or fill them"
        )


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, start + _BLOCK) for start in range(0, rows, _BLOCK))
