"""Rows that stand in a table more than once, and parts that share none of them.

A network recognises a row that it was trained on. Where copies of a training row validate or
test, the accuracy says nothing about new rows.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from chainrule.data.pixels import Pixels
from chainrule.data.splits import split_named
from chainrule.data.standardiser import Examples

_BLOCK = 1024


def digests(x: Examples | Pixels) -> list[bytes]:
    """Return a fingerprint of each row of x (N, …): the same for rows of the same numbers."""
    found: list[bytes] = []
    for start in range(0, len(x), _BLOCK):
        rows = np.ascontiguousarray(x[start : start + _BLOCK]) + 0.0  # which makes 0 of -0
        found += [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in rows]
    return found


def originals(x: Examples | Pixels) -> NDArray[np.intp]:
    """Return for each row of x (N, …) the number of the first row that is the same."""
    first: dict[bytes, int] = {}
    return np.array([first.setdefault(d, i) for i, d in enumerate(digests(x))], np.intp)


def split_apart(
    name: str,
    x: Examples | Pixels,
    y: NDArray[np.generic],
    parts: tuple[float, ...],
    seed: int | np.random.Generator,
) -> tuple[tuple[NDArray[np.intp], ...], str]:
    """Divide rows as `stratified_split` does, with copies of a row in the same part.

    Rows without a copy are divided as if the copies were not there. If there are no copies, the
    parts are those of `stratified_split(y, parts, seed)` to the bit.

    Returns:
        For each part the indices of its rows; and what is to be said of the copies, or "".
    """
    first = originals(x)
    alone = np.flatnonzero(first == np.arange(len(first)))
    copies = len(first) - len(alone)
    if copies == 0:
        return split_named(name, y, parts, seed), ""
    counted = f"{copies:,} of the {len(first):,} rows repeat{'s' * (copies == 1)} another row"
    members = np.argsort(first, kind="stable")  # the copies of a row after each other
    start = np.searchsorted(first[members], alone)
    end = np.searchsorted(first[members], alone, side="right")
    # Where copies have several labels, one after the other stands for all of them.
    labels = y[members[start + np.arange(len(alone)) % (end - start)]]
    classes, there = np.unique(labels, return_counts=True)
    if len(classes) == len(np.unique(y)) and there.min() >= len(parts):
        split = [
            np.concatenate([members[start[i] : end[i]] for i in part])
            for part in split_named(name, labels, parts, seed)
        ]
        if len(np.unique(y[split[0]])) == len(classes):
            told = f"{counted}; copies are kept in one part, so that the parts share no row"
            return tuple(split), told
    # Some class has too few different rows to be in every part: copies are in several parts.
    told = (
        f"{counted} and a class has too few different ones to keep copies apart: validation "
        f"and test hold rows of the training part and say little about new rows"
    )
    return split_named(name, y, parts, seed), told


def shared(part: str, x: Examples, train: str, x_train: Examples | Pixels) -> str:
    """Return what is to be said of rows x of a part that x_train holds too, or ""."""
    known = set(digests(x_train))
    count = sum(digest in known for digest in digests(x))
    if not count:
        return ""
    return (
        f"{count:,} of the {len(x):,} rows of {part} stand in {train} too, so that the accuracy "
        f"there says less about new rows"
    )
