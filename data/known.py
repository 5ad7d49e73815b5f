"""What is known of the training data, and which column of other rows holds their labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.data.cells import is_missing, is_number, numbered, plain
from chainrule.data.columns import Lines, is_label_name
from chainrule.data.encoding import Encoding
from chainrule.data.notes import is_running
from chainrule.data.standardiser import Standardiser


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of the data that a network was trained on, and helps to read others.

    Attributes:
        features: the names of the columns that features are made of, () if they had none.
        label, label_column: the name of the column of labels, "" if it had none, and its index.
        classes: the names of the classes, () if they are not known.
        scale: mean and deviation of the features, if they are known.
        encoding: how columns become features; None if they are numbers as they are.
    """

    features: tuple[str, ...] = ()
    label: str = ""
    label_column: int = -1
    classes: tuple[str, ...] = ()
    scale: Standardiser | None = None
    encoding: Encoding | None = None

    def is_label(self, name: str) -> bool:
        """Tell whether a column of this name holds labels."""
        same = self.label != "" and name.casefold() == self.label.casefold()
        return same or (is_label_name(name) and name not in self.features)


def label_among(
    name: str,
    lines: Lines,
    names: Sequence[str],
    known: Known,
    headed: bool,
    notes: list[str],
    rest: Sequence[int],
) -> int:
    """Return which of the columns, those in `rest` of a file, holds the labels, there being one too
    many. Raises ValueError where none is called so, and it is not where it was in training, with
    labels that are known."""
    width = len(next(lines())[1])
    called = [j for j, cell in enumerate(names) if known.is_label(cell)]
    if len(called) > 1 and known.label:
        called = [j for j in called if names[j] == known.label] or called
    if len(called) == 1:
        return called[0]
    place = rest.index(known.label_column) if known.label_column in rest else width - 1
    if not known.classes:
        return place
    found = of_known_labels(lines, headed, known.classes)
    if place in found:
        return place
    if len(found) == 1:
        (column,) = found
        notes.append(
            f"column {rest[column] + 1} holds the names of classes, and is left out as the label"
        )
        return column
    where = f"column {rest[place] + 1}" + (f" ({names[place]})" if names else "")
    unknown, some = unknown_label(lines, headed, place, known.classes)
    if unknown is not None and some:
        line, label = unknown
        raise ValueError(
            f"{name}: row {line} has the label {label!r:.40}, expected one of "
            f"{listed(known.classes)}"
        )
    raise ValueError(
        f"{name}: has {width} columns, one more than the {width - 1} features, and {where}, where "
        f"the labels would be, holds other things than the classes {listed(known.classes)}; remove "
        f"the column that is too many, or call that of the labels 'label' in a header"
    )


def of_known_labels(lines: Lines, headed: bool, classes: Sequence[str]) -> set[int]:
    """Return the columns in which each cell is the name of a class or missing."""
    known, found = numbered(classes), None
    for row in examples(lines, headed):
        if found is None:
            found = set(range(len(row)))
        found = {
            j
            for j in found
            if j < len(row)
            and ((cell := row[j].strip()) in known or plain(cell) in known or is_missing(cell))
        }
        if not found:
            break
    return found or set()


def unknown_label(
    lines: Lines, headed: bool, column: int, classes: Sequence[str]
) -> tuple[tuple[int, str] | None, bool]:
    """Return the first cell of a column that names no class, with the number of its row, and
    whether the column holds labels all the same: names of classes too, or words."""
    first, some, known = None, False, numbered(classes)
    for count, row in enumerate(examples(lines, headed), start=1):
        cell = row[column].strip() if column < len(row) else ""
        words = not is_number(cell) and not is_missing(cell)
        if first is None and plain(cell) not in known:
            first = count, cell
        some = some or words or (cell in known and not is_number(cell))
    return first, some


def examples(lines: Lines, headed: bool) -> Iterator[list[str]]:
    """Yield the rows of a table."""
    rows = lines()
    if headed:
        next(rows)
    for _, row in rows:
        yield row


def check_place(
    name: str, x: NDArray[np.float64], labels: Sequence[str], label: int, known: Known
) -> None:
    """Raise ValueError where the column `label` was taken for the labels because of its place and
    its cells, and another one seems to be the one that is too many."""
    if not all(map(is_number, labels)):
        return  # words are no feature; and where all are missing, there is none
    suspect = None
    if label > 0 and is_running(x[:, 0]):
        suspect = 0
    elif known.scale is not None and x.shape[1:] == known.scale.mean.shape:
        column = np.array(labels, np.float64)
        table = np.insert(x, label, column, axis=1)
        suspect = misplaced(table.mean(axis=0), label, known.scale)
    if suspect is not None:
        raise ValueError(
            f"{name}: has one column more than there are features, and it cannot be told which: "
            f"column {label + 1} may be the label, but column {suspect + 1} looks like the one "
            f"that is too many; remove it, or give the columns a header"
        )


def misplaced(means: NDArray[np.float64], label: int, scale: Standardiser) -> int | None:
    """Return the column without which the others fit the features far better than without the
    column `label`; None if there is none. `means` are those of all columns."""
    mean, std = scale.mean.reshape(-1), scale.std.reshape(-1)

    def misfit(values: NDArray[np.float64]) -> NDArray[np.float64]:
        away = np.abs(values - mean)
        constant = np.where(away > 1e-6 * np.abs(mean) + 1e-12, 10.0, 0.0)
        return np.minimum(np.where(std > 0, away / np.where(std > 0, std, 1.0), constant), 10.0)

    before = np.concatenate([[0.0], np.cumsum(misfit(means[:-1]))])  # those on the left, in place
    after = np.concatenate([np.cumsum(misfit(means[1:])[::-1])[::-1], [0.0]])
    without = (before + after) / len(mean)
    best = int(without.argmin())
    far = without[label] > 1.0 and without[best] < 0.5 * without[label]
    return best if far and best != label else None


def quoted(names: Sequence[str]) -> str:
    """Return names of columns in words."""
    shown = ", ".join(f"{name!r:.40}" for name in names[:5]) + (", …" if len(names) > 5 else "")
    return f"the column{'s' * (len(names) > 1)} {shown}"


def listed(names: Sequence[str]) -> str:
    """Return up to ten names with commas."""
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
