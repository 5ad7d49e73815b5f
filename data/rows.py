"""Rows that a trained network is to judge, labelled or not, from a user's own file."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chainrule.data.cells import is_number
from chainrule.data.columns import Lines, check_header, counts_up, has_header
from chainrule.data.dialect import open_table
from chainrule.data.encoding import Encoding
from chainrule.data.head import is_index
from chainrule.data.known import (
    Known,
    check_place,
    label_among,
    listed,
    of_known_labels,
    quoted,
)
from chainrule.data.npz_file import read_npz
from chainrule.data.reading import Cells, Reader, read_cells
from chainrule.data.standardiser import Examples


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows x (N, …) of a file; their labels as text (N,), or None where it has none; what is to be
    said of it; and what begins to read it anew, whether the first line is a header, and the columns
    that are neither label nor feature, by which the rows may be known. An NPZ file may hold numbers
    to predict, y (N, T), in the place of labels."""

    x: Examples
    labels: NDArray[np.str_] | None
    notes: list[str]
    lines: Lines | None = None
    names: tuple[str, ...] = ()
    headed: bool = False
    aside: tuple[int, ...] = ()
    y: NDArray[np.floating] | None = None

    def kept(self, every: bool) -> dict[str, list[str]]:
        """Return what stands in the columns by which rows are known, or in all, by their names."""
        if self.lines is None:
            return {}
        found = [row for _, row in self.lines()][self.headed :]
        columns = range(len(found[0])) if every else self.aside
        names = [self.names[j] if self.headed else "" for j in columns]
        named = [name or f"column {j + 1}" for name, j in zip(names, columns, strict=True)]
        return {name: [row[j] for row in found] for name, j in zip(named, columns, strict=True)}


def load_rows(
    path: str | PathLike[str],
    shape: tuple[int, ...],
    *,
    known: Known | None = None,
    header: bool | None = None,
) -> tuple[Examples, NDArray[np.str_] | None]:
    """Load rows of the given shape, all of them and in the order of the file.

    A `.csv` or `.csv.gz` is a table as for `load_csv`, but the labels may be empty and their
    column may be missing. Its other columns are the D numbers of a row of that shape, in C order,
    or what these are made of as `known.encoding` says. An `.npz` holds x (N, …) and perhaps y
    (N,), as for `load_npz`. Nothing is unpickled.

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
    rows = read_rows(path, shape, known=known, header=header)
    for note in rows.notes:
        warnings.warn(f"{path}: {note}", stacklevel=2)
    return rows.x, rows.labels


def read_rows(
    path: str | PathLike[str],
    shape: tuple[int, ...],
    *,
    known: Known | None = None,
    header: bool | None = None,
) -> Rows:
    """Do as `load_rows` does, and return what else there is to know of the file, too."""
    name = Path(path).name.lower()
    if name.endswith((".csv", ".csv.gz")):
        lines, notes = open_table(path)
        rows = read_table(str(path), lines, prod(shape), known or Known(), header)
        return replace(rows, x=rows.x.reshape(-1, *shape), notes=[*notes, *rows.notes])
    if not name.endswith(".npz"):
        raise ValueError(f"{path}: expected a name that ends in .csv, .csv.gz or .npz")
    if header is not None:
        raise ValueError(f"{path}: header is {header}, but an NPZ file has no first line")
    arrays = read_npz(str(path), (("x", "y"), ("x",)), "x, with or without y", task=None)
    values = arrays["x"]
    if values.shape[1:] != shape:
        raise ValueError(f"{path}: x has rows of shape {values.shape[1:]}, expected {shape}")
    y = arrays.get("y")
    if y is not None and y.ndim == 2:  # numbers to predict
        return Rows(values, None, [], y=y)
    return Rows(values, None if y is None else y.astype(np.str_), [])


def read_table(name: str, lines: Lines, D: int, known: Known, header: bool | None) -> Rows:
    encoding = known.encoding or Encoding.plain(known.features, D)
    D = len(encoding.categories)
    first = next(lines(), (1, list[str]()))[1]
    if not first:
        raise ValueError(f"{name}: the file is empty, expected lines of {D} numbers")
    if header is None and is_example(encoding, first):
        header = False
    headed, note = has_header(name, lines, header, None, known.features, known.label)
    names, notes = tuple(cell.strip() for cell in first) if headed else (), [note]
    aside = left_out(name, lines, names, encoding, known, len(first))
    rest = [j for j in range(len(first)) if j not in aside]
    columns, label = columns_of(name, lines, names, rest, D, known, headed, notes)
    called = [f"column {j + 1}" + (f" ({names[j]})" if headed else "") for j in columns]
    words = [j for j, categories in enumerate(encoding.categories) if categories is not None]
    reader = Reader(name, called, words, encoding.na)
    texts = [] if label is None else [label]
    cells, labels = read_cells(reader, lines(), columns, texts, len(first), headed)
    x, told = encoded(name, encoding, cells)
    if label is not None and not headed:
        check_place(name, cells.values, labels[0], rest.index(label), known)
    found = np.array(labels[0]) if labels else None
    return Rows(x, found, [*filter(None, notes), *told], lines, names, headed, tuple(sorted(aside)))


def columns_of(
    name: str,
    lines: Lines,
    names: Sequence[str],
    rest: list[int],
    D: int,
    known: Known,
    headed: bool,
    notes: list[str],
) -> tuple[list[int], int | None]:
    """Return which columns, of those in `rest`, are the D that features are made of, in the order
    of the training data, and which one is the label, if there is one."""

    def inner() -> Iterator[tuple[int, list[str]]]:
        return ((line, [row[j] for j in rest if j < len(row)]) for line, row in lines())

    first = next(inner())[1]
    names = tuple(names[j] for j in rest) if headed else ()
    if headed:
        if {*known.features} - {*names} or not known.features:
            check_width(name, first, D, [] if counts_up(names[:D]) else known.features)
        check_header(name, names)
    by_place = not known.features or (
        counts_up([n for n in names if not known.is_label(n)])
        and not all(map(is_number, known.features))
    )
    if headed and not by_place:
        columns, label = by_names(name, inner, names, known)
        if columns != [j for j in range(len(names)) if j != label]:
            notes.append("the columns are brought into the order of the training data by name")
    else:
        check_width(name, first, D, ())
        label = None
        if len(first) > D:
            label = label_among(name, inner, names, known, headed, notes, rest)
        columns = [j for j in range(len(first)) if j != label]
        called = [n for n in names if known.is_label(n)]
        if len(first) == D and called and not (called == ["y"] and "x" in names):
            raise ValueError(
                f"{name}: the column {called[0]!r:.40} seems to hold labels, and there are {D - 1} "
                f"columns beside it, expected {D}; call it something else if it is a feature"
            )
    return [rest[j] for j in columns], None if label is None else rest[label]


def is_example(encoding: Encoding, first: Sequence[str]) -> bool:
    """Tell whether a first line holds a category that is known, in a table without a header."""
    words = {word for known in encoding.categories if known for word in known}
    return not encoding.names and any(cell.strip() in words for cell in first)


def left_out(
    name: str,
    lines: Lines,
    names: Sequence[str],
    encoding: Encoding,
    known: Known,
    width: int,
) -> set[int]:
    """Return which columns of a table are those that training has left out: by their names; without
    these by their places, with the label or without."""
    if names:
        out = {j for j, cell in enumerate(names) if cell in encoding.left_out}
        out |= {j for j in (0,) if is_index(lines, names) and names[j] not in known.features}
        return out - {j for j, cell in enumerate(names) if cell in known.features}
    all_columns = len(encoding.categories) + len(encoding.places) + 1
    if not encoding.places or width < all_columns - 1:
        return set()
    at = known.label_column
    if width >= all_columns:
        return {*encoding.places}
    if len(encoding.places) == 1:  # the label may be there, and the other one left out already
        short = at - (encoding.places[0] < at)
        if short in of_known_labels(lines, False, known.classes):
            raise ValueError(
                f"{name}: has {width} columns, one less than the training data, and column "
                f"{short + 1} may be the label or a feature; write all {all_columns} columns, or "
                f"none but the {len(encoding.categories)} that are features"
            )
    return {j - (j > at) for j in encoding.places}


def encoded(name: str, encoding: Encoding, cells: Cells) -> tuple[NDArray[np.float64], list[str]]:
    """Return the features (N, D) of the cells of a table, and what is to be said of them. Raises
    ValueError where a cell holds no number, or none is there and training has refused that."""

    def place(row: int, column: int) -> str:
        return f"{f', line {cells.lines[row]}' if cells.lines else ''}, {cells.names[column]}"

    for column, words in cells.words.items():
        if encoding.categories[column] is None:
            word = [*words.codes][words.found[0]]
            raise ValueError(
                f"{name}{place(words.rows[0], column)}: {word!r:.40}, expected a finite number"
            )
    lacking = cells.without_value()
    if lacking.any() and encoding.missing == "refuse":
        row, column = map(int, np.argwhere(lacking)[0])
        raise ValueError(
            f"{name}{place(row, column)}: expected a finite number or a category: this is a "
            f"missing value, one of {lacking.sum():,}, and there was none in training; fill it in, "
            f"or train with --missing mean"
        )
    x, notes = encoding.encoded(cells)
    if lacking.any():
        cells_, rows_ = int(lacking.sum()), int(lacking.any(axis=1).sum())
        notes.append(
            f"{cells_:,} missing cell{'s' * (cells_ > 1)} in {rows_:,} row{'s' * (rows_ > 1)} "
            f"{'are' if cells_ > 1 else 'is'} filled in with the mean of training"
        )
    return encoding.filled(x, lacking), notes


def check_width(name: str, first: Sequence[str], D: int, features: Sequence[str]) -> None:
    """Raise ValueError where a table has too few columns or too many."""
    if len(first) in (D, D + 1):
        return
    cells = [cell.strip() for cell in first]
    if features and len(set(features) & set(cells)) > 0:
        return  # `by_names` says which
    raise ValueError(
        f"{name}: expected {D} columns of numbers, with or without one more for the label, got "
        f"{len(first)}"
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
