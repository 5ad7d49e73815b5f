"""`Pixels`: images as bytes, which become floats when rows of them are taken."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import DTypeLike, NDArray

from chainrule.data.standardiser import Standardiser

Bytes = NDArray[np.uint8]
Floats = NDArray[np.floating]

_ROWS = 1024  # counted at a time


class Pixels(NDArrayOperatorsMixin):
    """Stands for the array `(values - offset) / scale`, of which it computes the rows asked for.

    A byte takes a quarter of the memory of a float32, and a minibatch is drawn as fast: fewer
    bytes are fetched, then converted where they lie in the cache. Whatever else is done with it
    (arithmetic, `mean`, `reshape`, …) is done with the whole array, computed for the purpose.

    Attributes:
        values: images (M, …), uint8; those of a file that is mapped into memory are read when they
            are asked for.
        rows: which of them these are, integers (N,); None for all.
        dtype: that of the rows, float32 or float64.
        offset, scale: numbers; 0 and 255 bring bytes to [0, 1].
    """

    def __init__(
        self,
        values: Bytes,
        dtype: DTypeLike,
        offset: float = 0.0,
        scale: float = 255.0,
        rows: NDArray[np.integer] | None = None,
    ) -> None:
        self.values = values
        self.rows = rows
        self.dtype = np.dtype(dtype)
        self.offset = offset
        self.scale = scale

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, …)."""
        return (len(self), *self.values.shape[1:])

    @property
    def ndim(self) -> int:
        """The number of axes of the array."""
        return self.values.ndim

    @property
    def size(self) -> int:
        """The count of its numbers."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        return len(self.values) if self.rows is None else len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self._floats(self._bytes(index))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Floats:
        return self._floats(self._bytes(slice(None))).astype(dtype or self.dtype, copy=False)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        arrays = [np.asarray(x) if isinstance(x, Pixels) else x for x in inputs]
        return getattr(ufunc, method)(*arrays, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(np.asarray(self), name)

    def __repr__(self) -> str:
        return f"<Pixels {self.shape}, {self.dtype}>"

    def take(self, rows: NDArray[np.integer], axis: int = 0) -> Floats:
        """Return these rows (n, …) as floats; `axis` is 0."""
        rows = rows if self.rows is None else self.rows.take(rows)
        return self._floats(self.values.take(rows, axis))

    def astype(self, dtype: DTypeLike, copy: bool = True) -> Pixels:
        """Return the same images with rows of another dtype; the bytes are shared."""
        return Pixels(self.values, dtype, self.offset, self.scale, self.rows)

    def measure(self) -> Standardiser:
        """Return what brings all pixels together to mean 0 and standard deviation 1."""
        counts = np.zeros(256, np.int64)
        for start in range(0, len(self), _ROWS):
            block = self._bytes(slice(start, start + _ROWS))
            counts += np.bincount(block.ravel(), minlength=256)
        levels = (np.arange(256.0) - self.offset) / self.scale
        mean = np.average(levels, weights=counts)
        std = np.sqrt(np.average(np.square(levels - mean), weights=counts))
        row = self.shape[1:]
        return Standardiser(np.full(row, mean), np.full(row, std))

    def standardised(self, by: Standardiser) -> Pixels:
        """Return the images as a Standardiser whose pixels share a mean and a deviation has them.

        A rounding error apart, its rows are those that `by.transform` would return.
        """
        mean, std = float(by.mean.flat[0]), float(by.std.flat[0])
        offset = self.offset + mean * self.scale
        scale = self.scale * std if std else np.inf
        return Pixels(self.values, self.dtype, offset, scale, self.rows)

    def _bytes(self, index: Any) -> Any:
        if self.rows is None:
            return self.values[index]
        first, *rest = index if isinstance(index, tuple) else (index,)
        axes = [np.ndim(one) for one in (first, *rest)]  # 0 of a number or a slice
        if first is ... or first is None or max(axes) > 1 or (axes[0] and any(axes[1:])):
            return self.values[self.rows][index]
        rows = self.rows[first]
        return self.values[rows][(*rest,) if np.ndim(rows) == 0 else (slice(None), *rest)]

    def _floats(self, values: Any) -> Any:
        x = np.asarray(values, self.dtype)
        if self.offset:
            x -= self.offset
        x /= self.scale
        return x
