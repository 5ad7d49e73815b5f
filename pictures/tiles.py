"""Small pictures side by side on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def image(row: np.ndarray, shape: tuple[int, ...] | None) -> np.ndarray:
    """A row of numbers from 0 to 1 as matplotlib shows it: (H, W), or (H, W, 3) for colours."""
    pixels = row.reshape(shape)
    if pixels.ndim == 2:
        return pixels
    return pixels.transpose(1, 2, 0) if len(pixels) == 3 else pixels.mean(axis=0)


def sheet(tiles: Sequence[np.ndarray], columns: int, gap: int = 1) -> np.ndarray:
    """Tiles of one size, (H, W) or (H, W, 3), row by row and `gap` pixels apart; what is between
    them and behind the last is see-through."""
    high, wide = (length + gap for length in tiles[0].shape[:2])
    found = np.full((high * -(-len(tiles) // columns), wide * columns, *tiles[0].shape[2:]), np.nan)
    for at, tile in enumerate(tiles):
        top, left = at // columns * high, at % columns * wide
        found[top : top + high - gap, left : left + wide - gap] = tile
    if found.ndim == 3:
        found = np.dstack([np.nan_to_num(found), ~np.isnan(found[..., :1])])
    return found


def to_largest(tiles: np.ndarray) -> np.ndarray:
    """Each of the tiles (N, …) divided by its largest absolute value, and brought from [-1, 1] to
    [0, 1]; a tile of zeros becomes ½."""
    largest = np.abs(tiles).reshape(len(tiles), -1).max(axis=1)
    largest = np.maximum(largest, np.finfo(tiles.dtype).tiny)
    return (1 + tiles / largest.reshape(-1, *[1] * (tiles.ndim - 1))) / 2
