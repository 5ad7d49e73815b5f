"""Rows that a trained network is to judge, labelled or not, from a user's own file."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chainrule.data.cells import is_missing, is_number, numbered, plain
from chainrule.data.columns import Lines, check_header, counts_up, has_header, is_label_name
from chainrule.data.csv_file import read_cells, read_lines, separated
from chainrule.data.notes import is_running
from chainrule.data.npz_file import read_npz
from chainrule.data.standardiser import Examples, Standardiser


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of the data that a network was trained on, and helps to read others.

    Attributes:
        features: the names of the D columns, () if they had none.
        label, label_column: the name of the column of labels, "" if it had none, and its index.
        classes: the names of the classes, () if they are not known.
        scale: mean and deviation of the features, if they are known.
    """

    features: tuple[str, ...] = ()
    label: str = ""
    label_column: int = -1
    classes: tuple[str, ...] = ()
    scale: Standardiser | None = None

    def is_label(self, name: str) -> bool:
        """Tell whether a column of this name holds labels."""
        same = self.label != "" and name.casefold() == self.label.casefold()
        return same or (is_label_name(name) and name not in self.features)


def load_rows(
    path: str | PathLike[str],
    shape: tuple[int, ...],
    *,
    known: Known | None = None,
    header: bool | None = None,
) -> tuple[Examples, NDArray[np.str_] | None]:
    """Load rows of the given shape, all of them and in the order of the file.

    A `.csv` or `.csv.gz` is a table as for `load_csv`, but the labels may be empty and their
    column may be missing. Its other columns are the D numbers of a row of that shape, in C order.
    An `.npz` holds x (N, …) and perhaps y (N,), as for `load_npz`. Nothing is unpickled.

    A table with one column too many has labels in it: in the column that the header calls so, or
    else in the one where the training data had them, the last if nothing is known, as long as
    its cells are classes that are known. A table in which the training data's columns have their
    names, in whatever order, is read by these.

    Args:
        path: the file.
        shape: that of one row, as in the data that the network was trained on.
        known: what else is known of that data.
        header: whether the first line of a CSV file is a header; None to find out.

    Returns:
        x (N, *shape), float64 from a table, float32 or float64 from an `.npz`; and the labels
        (N,) as text, or None where the file has none. What is to be said of the file besides is a
        warning.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: another suffix, rows of another shape, columns of other names, a file that is
            not as described, or one where it cannot be told which column is which; the message
            names the file, and the line and column where there is one.
    """
    x, labels, notes = read_rows(path, shape, known=known, header=header)
    for note in notes:
        warnings.warn(f"{path}: {note}", stacklevel=2)
    return x, labels


def read_rows(
    path: str | PathLike[str],
    shape: tuple[int, ...],
    *,
    known: Known | None = None,
    header: bool | None = None,
) -> tuple[Examples, NDArray[np.str_] | None, list[str]]:
    """Do as `load_rows` does, and return what is to be said of the file, too."""
    name = Path(path).name.lower()
    if name.endswith((".csv", ".csv.gz")):
        lines = partial(read_lines, path)
        x, labels, notes = read_table(str(path), lines, prod(shape), known or Known(), header)
        return x.reshape(-1, *shape), labels, notes
    if not name.endswith(".npz"):
        raise ValueError(f"{path}: expected a name that ends in .csv, .csv.gz or .npz")
    if header is not None:
        raise ValueError(f"{path}: header is {header}, but an NPZ file has no first line")
    arrays = read_npz(str(path), (("x", "y"), ("x",)), "x, with or without y")
    values = arrays["x"]
    if values.shape[1:] != shape:
        raise ValueError(f"{path}: x has rows of shape {values.shape[1:]}, expected {shape}")
    return values, arrays["y"].astype(np.str_) if "y" in arrays else None, []


def read_table(
    name: str, lines: Lines, D: int, known: Known, header: bool | None
) -> tuple[NDArray[np.float64], NDArray[np.str_] | None, list[str]]:
    first = next(lines(), (1, list[str]()))[1]
    if not first:
        raise ValueError(f"{name}: the file is empty, expected lines of {D} numbers")
    width, cells = len(first), [cell.strip() for cell in first]
    headed, note = has_header(name, lines, header, None, known.features, known.label)
    names = tuple(cells) if headed else ()
    notes = [note]
    if headed:
        if {*known.features} - {*names} or not known.features:
            check_width(name, first, D, [] if counts_up(names[:D]) else known.features)
        check_header(name, names)
    by_place = not known.features or (
        counts_up([n for n in names if not known.is_label(n)])
        and not all(map(is_number, known.features))
    )
    if headed and not by_place:
        columns, label = by_names(name, lines, names, known)
        order = [j for j in range(width) if j != label]
        if columns != order:
            notes.append("the columns are brought into the order of the training data by name")
    else:
        check_width(name, first, D, ())
        label = None if width == D else label_among(name, lines, names, known, headed, notes)
        columns = [j for j in range(width) if j != label]
        called = [n for n in names if known.is_label(n)]
        if width == D and called and not (called == ["y"] and "x" in names):
            raise ValueError(
                f"{name}: the column {called[0]!r:.40} seems to hold labels, and there are {D - 1} "
                f"columns beside it, expected {D}; call it something else if it is a feature"
            )
    x, labels = read_cells(name, lines(), columns, label, names, headed, training=False)
    if label is not None and not headed:
        check_place(name, x, labels, label, known)
    return x, None if label is None else np.array(labels), list(filter(None, notes))


def check_width(name: str, first: Sequence[str], D: int, features: Sequence[str]) -> None:
    """Raise ValueError where a table has too few columns or too many."""
    if len(first) in (D, D + 1):
        return
    cells = [cell.strip() for cell in first]
    if features and len(set(features) & set(cells)) > 0:
        return  # `by_names` says which
    raise ValueError(
        f"{name}: expected {D} columns of numbers, with or without one more for the label, got "
        f"{len(first)}{separated(first)}"
    )


def by_names(
    name: str, lines: Lines, names: Sequence[str], known: Known
) -> tuple[list[int], int | None]:
    """Return the columns that have the names of the features, and that of the labels if there is
    one. Raises ValueError where a name is missing, or there is another one."""
    if lacking := [feature for feature in known.features if feature not in names]:
        raise ValueError(
            f"{name}: lacks {quoted(lacking)} of the training data; its columns are {listed(names)}"
        )
    extra = [j for j, cell in enumerate(names) if cell not in known.features]
    labels = [j for j in extra if known.is_label(names[j])]
    if known.label and len(labels) > 1:
        labels = [j for j in labels if names[j] == known.label]
    if not labels and len(extra) == 1 and extra[0] in of_known_labels(lines, True, known.classes):
        labels = extra
    if others := [names[j] for j in extra if j not in labels[:1]]:
        raise ValueError(
            f"{name}: {quoted(others)} was not in the training data and is not known to be the "
            f"label; remove it"
        )
    return [names.index(feature) for feature in known.features], labels[0] if labels else None


def label_among(
    name: str,
    lines: Lines,
    names: Sequence[str],
    known: Known,
    headed: bool,
    notes: list[str],
) -> int:
    """Return which of the columns holds the labels, there being one too many. Raises ValueError
    where none is called so, and it is not where it was in training, with labels that are known."""
    width = len(next(lines())[1])
    called = [j for j, cell in enumerate(names) if known.is_label(cell)]
    if len(called) > 1 and known.label:
        called = [j for j in called if names[j] == known.label] or called
    if len(called) == 1:
        return called[0]
    place = known.label_column if 0 <= known.label_column < width else width - 1
    if not known.classes:
        return place
    found = of_known_labels(lines, headed, known.classes)
    if place in found:
        return place
    if len(found) == 1:
        (column,) = found
        notes.append(
            f"column {column + 1} holds the names of classes, and is left out as the label"
        )
        return column
    where = f"column {place + 1}" + (f" ({names[place]})" if names else "")
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
    elif known.scale is not None:
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
