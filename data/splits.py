"""Dividing rows into parts that have every class in the same proportion."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

TRAIN_VAL_TEST = (0.6, 0.2, 0.2)


def stratified_split(
    y: ArrayLike, parts: Sequence[float], seed: int | np.random.Generator
) -> tuple[NDArray[np.intp], ...]:
    """Divide the rows of `y` at random into parts with the same mix of classes.

    The parts are disjoint and together hold every row once. Their sizes are exact. Part after
    part, each class gives its share of the rows that are left, rounded by the method of the
    largest remainder (Hamilton's): with two parts a class is never a whole row away from its
    exact share, with three never two. A class with only a few rows may be missing from a small
    part.

    Args:
        y: labels (N,), of any dtype that sorts.
        parts: the sizes of the parts, either as counts (integers that sum to N) or as
            fractions (floats that sum to 1; counts then follow by the largest remainder).
        seed: a seed or a Generator; the same seed gives the same rows in the same order.

    Returns:
        For each part the indices of its rows, in random order.

    Raises:
        ValueError: `y` is empty or not one-dimensional, the parts do not sum to what they
            divide, a part would be empty, or a class has fewer rows than there are parts.
    """
    y = np.asarray(y)
    if y.ndim != 1 or y.size == 0:
        raise ValueError(f"y has shape {y.shape}, expected (N,) with N ≥ 1")
    sizes = _sizes(len(y), parts)
    labels, codes, left = np.unique(y, return_inverse=True, return_counts=True)
    rarest = left.argmin()
    rare = np.flatnonzero(left < len(sizes))
    if len(rare) > 1:
        named = ", ".join(f"{str(labels[c])!r} ({left[c]})" for c in rare[:10])
        raise ValueError(
            f"{len(rare)} classes have too few of the {len(y)} rows, {named}"
            f"{', …' if len(rare) > 10 else ''}: expected at least one row for each of the "
            f"{len(sizes)} parts"
        )
    if left[rarest] < len(sizes):
        raise ValueError(
            f"class {str(labels[rarest])!r} has {left[rarest]} of the {len(y)} rows, "
            f"expected at least one for each of the {len(sizes)} parts"
        )

    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(y))
    rows = rows[np.argsort(codes[rows], kind="stable")]  # class after class, each shuffled
    start = np.cumsum(left) - left
    result = []
    for size in sizes:
        taken = _largest_remainder(left, size)
        part = [rows[i : i + n] for i, n in zip(start, taken, strict=True)]
        result.append(rng.permutation(np.concatenate(part)))
        start = start + taken
        left = left - taken
    return tuple(result)


def split_named(
    name: str, y: ArrayLike, parts: Sequence[float], seed: int | np.random.Generator
) -> tuple[NDArray[np.intp], ...]:
    """Do as `stratified_split` does, with `name` before the message of an error."""
    try:
        return stratified_split(y, parts, seed)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _sizes(total: int, parts: Sequence[float]) -> list[int]:
    """Return the parts as counts of rows: positive integers that sum to `total`."""
    counts = all(isinstance(part, int | np.integer) for part in parts)
    whole = total if counts else 1
    if not math.isclose(sum(parts), whole):
        kind = f"counts that sum to the {total} rows" if counts else "fractions that sum to 1"
        raise ValueError(f"parts {tuple(parts)} are not {kind}")
    sizes = _largest_remainder(np.asarray(parts), total)
    if sizes.min() < 1:
        raise ValueError(
            f"parts {tuple(parts)} of {total} rows would hold "
            f"{tuple(sizes.tolist())} rows, expected at least one in each"
        )
    return [int(size) for size in sizes]


def _largest_remainder(weights: NDArray[np.number], total: int) -> NDArray[np.int64]:
    """Return integers that sum to `total`, each its weight's share rounded down or up."""
    shares = weights * total / weights.sum()
    whole = np.floor(shares).astype(np.int64)
    ranked = np.argsort(whole - shares, kind="stable")  # largest remainder first
    whole[ranked[: total - whole.sum()]] += 1
    return whole
