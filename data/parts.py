"""Dividing the rows of a user's own data into training, validation and test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.copies import split_apart
from chainrule.data.notes import REGRESSION, are_numbers, notes_on_labels
from chainrule.data.pixels import Pixels
from chainrule.data.splits import TRAIN_VAL_TEST
from chainrule.data.standardiser import Examples

RARE = 0.1  # of the classes may have too few rows to be in every part


@dataclass(frozen=True, eq=False)
class Parts:
    """Which rows go to training, validation and test, their labels (N,) from 0 to C-1 or numbers to
    predict (N, T), the names of the C classes or T targets, and what is to be said of them."""

    rows: tuple[NDArray[np.intp], ...]
    labels: NDArray[Any]
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    targets: tuple[str, ...] = ()


def parts_of(
    name: str,
    x: Examples | Pixels,
    y: NDArray[Any],
    seed: int | np.random.Generator,
    targets: Sequence[str] = (),
) -> Parts:
    """Divide rows x (N, …) with labels y (N,), or values of `targets` (N, T), as
    `Dataset.from_arrays` says. Raises ValueError where a class has too few rows."""
    if targets:
        rows, told = split_apart(name, x, np.zeros(len(y), int), TRAIN_VAL_TEST, seed)
        return Parts(rows, y, (), (told,) if told else (), tuple(targets))
    values, labels, counts = np.unique(y, return_inverse=True, return_counts=True)
    if counts.min() < len(TRAIN_VAL_TEST) and are_numbers(values):
        raise ValueError(
            f"{name}: the labels are {len(values):,} different numbers, and class "
            f"{str(values[counts.argmin()])!r} has {counts.min()} of the {len(y):,} rows; "
            f"{REGRESSION}"
        )
    rare = counts < len(TRAIN_VAL_TEST)
    if not rare.any() or rare.mean() > RARE:
        rows, told = split_apart(name, x, y, TRAIN_VAL_TEST, seed)
        notes = [told]
    else:
        common, few = np.flatnonzero(~rare[labels]), np.flatnonzero(rare[labels])
        divided, told = split_apart(name, x[common], y[common], TRAIN_VAL_TEST, seed)
        train, val, test = (common[part] for part in divided)
        rows = np.concatenate([train, few]), val, test
        named = [f"{str(values[c])!r} ({counts[c]})" for c in np.flatnonzero(rare)]
        shown = ", ".join(named[:20]) + (", …" if len(named) > 20 else "")
        notes = [told, f"classes with too few rows to be divided, {shown}, are in training alone"]
    notes = [*filter(None, notes), *notes_on_labels(y)]
    return Parts(rows, labels, tuple(map(str, values)), tuple(notes))
