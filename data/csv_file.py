"""A user's own labelled data, from a CSV file."""

import csv
import gzip
import re
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from io import TextIOWrapper
from math import isfinite
from operator import itemgetter
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.cells import is_missing, is_number, is_rounded, is_whole, number
from chainrule.data.columns import (
    SAY_HEADER,
    check_header,
    column_at,
    column_of_labels,
    has_header,
    index_of,
    is_label_name,
    is_name,
    named_column,
    quoted,
)
from chainrule.data.dataset import Dataset
from chainrule.data.notes import MANY, REGRESSION, notes_on
from chainrule.data.opening import open_file

_PLAIN = re.compile(r"[0-9+\-.eE, \t]*")  # of which float() makes what `cells.number` does


def load_csv(
    path: str | PathLike[str],
    *,
    label: int | str | None = None,
    header: bool | None = None,
    seed: int = 0,
) -> Dataset:
    """Load a table in which each line is an example: numbers, and the label in one column.

    The file is UTF-8, comma-separated, quoted where needed, gzipped if its name ends in
    `.gz`; empty lines are skipped. What a number and what a missing value is, and when two labels
    are one class, is said in `chainrule.data.cells`. x is (N, D) float64, the columns in the order
    of the file without the label's. The classes are the different labels, in the order of
    numbers if all are integers, of the alphabet otherwise. Rows are divided as by
    `Dataset.from_arrays`, and what seems wrong with them is in the dataset's `notes`.

    The first line is a header if its cells, the label's aside, are names: each with a letter in
    it, and none a number; or if they count up, 0,1,2,… or 1,2,3,…, as the columns of a table
    without names do. Any other first line is an example. Where a line may be either, it is
    refused unless `header` says which.

    Args:
        path: the file.
        label: the label column, by its name in the header or by its index (0 is the first,
            -1 the last). None is the last one, and refused where another is called label, class,
            target, y, species, outcome or the like, or where the labels are numbers as one wants
            to predict, of more than 20 values or with fractions.
        header: whether the first line is a header; None to find out.
        seed: decides which row goes to which part.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not as described above, or a class has too few rows to be
            divided; the message names the file, and the line and column where there is one.
    """
    name, lines = str(path), partial(read_lines, path)
    first = next(lines(), (1, []))[1]
    if not first:
        raise ValueError(f"{name}: the file is empty, expected lines of numbers and a label")
    cells, width = [cell.strip() for cell in first], len(first)
    if width < 2:
        raise ValueError(
            f"{name}: the first line is one column, expected numbers and a label between commas"
            f"{separated(first)}"
        )
    at = -1 if label is None else index_of(label) if isinstance(label, str) else label
    if at is None:  # a name, which stands in a header or nowhere
        if header is False:
            raise ValueError(f"{name}: label is {label!r}, but there is no header to find it in")
        headed, note = True, ""
    else:
        inside = -width <= at < width or label not in cells
        headed, note = has_header(name, lines, header, column_at(name, at if inside else -1, width))
    notes = [note]
    if headed and isinstance(label, str):
        column = named_column(name, cells, label)
    else:
        column = column_at(name, at or 0, width)
    if headed:
        check_header(name, cells)
        if label is None:
            column, note = column_of_labels(name, cells)
            notes.append(note)
        others = [cell for j, cell in enumerate(cells) if j != column and is_label_name(cell)]
        if label is not None and others:
            notes.append(f"the label is {cells[column]!r:.40}, and {others[0]!r:.40} is a feature")
    names = tuple(cells) if headed else ()
    columns = [j for j in range(width) if j != column]
    x, labels = read_cells(name, lines(), columns, column, names, headed, training=True)
    if not headed and header is None:
        check_first_label(name, labels)
    values = integers_if_all(labels)
    check_classes(name, labels, names[column] if names else "", asked=label is not None)
    doubted = label is None and "y" in map(str.casefold, names[:-1])  # x and y of a point?
    if doubted and not is_label_name(names[-1]) and all(map(is_number, labels)):
        raise ValueError(
            f"{name}: a column is called y, but the last column, {names[-1]!r:.40}, would be "
            f"taken for the label; say which it is by --label y or --label {quoted(names[-1])} "
            f"(label=… in Python)"
        )
    called = [f"column {j + 1}" + (f" ({names[j]})" if names else "") for j in columns]
    divided = Dataset.from_arrays(name, x, values, seed=seed)
    known = {*notes_on(x[:, :0], values, ())}  # that of the labels, which `divided` has told
    found = (note for note in notes_on(x, values, called) if note not in known)
    return replace(
        divided,
        features=tuple(names[j] for j in columns) if names else (),
        label=names[column] if names else "",
        label_column=column,
        notes=(*filter(None, notes), *divided.notes, *found),
    )


def read_lines(path: str | PathLike[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of a CSV file that are not empty, each with its number."""
    try:
        with TextIOWrapper(open_file(path), encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            try:
                for row in reader:
                    if row:
                        yield reader.line_num, row
            except csv.Error as error:
                raise ValueError(f"{path}, line {reader.line_num}: {error}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected text in UTF-8 ({error})") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}: the gzip file is cut short or damaged ({error})") from None


def read_cells(
    path: str,
    lines: Iterator[tuple[int, list[str]]],
    columns: Sequence[int],
    label: int | None,
    names: Sequence[str],
    header: bool,
    *,
    training: bool,
) -> tuple[NDArray[np.float64], list[str]]:
    """Return the numbers (N, D) that stand in the D `columns` of a table, and the labels in the
    column `label`, where there is one; in `training` none may be missing."""
    values, labels = array("d"), []
    width = len(columns) + (label is not None)
    take = itemgetter(*columns) if len(columns) > 1 else lambda row: (row[columns[0]],)
    for count, (line, row) in enumerate(lines):
        if count == 0 and header:
            continue
        if len(row) != width:
            raise ValueError(
                f"{path}, line {line}: {len(row)} columns, expected {width} as in the first"
            )
        if label is not None:
            labels.append(row[label].strip())
            if training and is_missing(labels[-1]):
                raise ValueError(f"{path}, line {line}, {missing_label(row, label, names)}")
        cells = take(row)
        try:
            if not _PLAIN.fullmatch(",".join(cells)):
                raise ValueError
            numbers = [float(cell) for cell in cells]
            if not -9e15 < min(numbers) <= max(numbers) < 9e15:
                raise ValueError
        except ValueError:
            numbers = [number(cell) for cell in cells]
            bad = (
                j
                for j, value in zip(columns, numbers, strict=True)
                if not isfinite(value) or is_rounded(row[j])
            )
            if (at := next(bad, None)) is not None:
                place = f"{path}, line {line}, column {at + 1}"
                place += f" ({names[at]})" if names else ""
                hints = hint(row, at, count, label if training else None, names)
                raise ValueError(f"{place}: {row[at]!r:.40}, {hints}") from None
        values.extend(numbers)
    if not values:
        raise ValueError(f"{path}: a header alone, expected a line for each example")
    return np.frombuffer(values, np.float64).reshape(-1, len(columns)), labels


def missing_label(row: Sequence[str], label: int, names: Sequence[str]) -> str:
    """Return what is to be said of a line without a label."""
    name = f" ({names[label]})" if names else ""
    found = f"{row[label]!r:.40} for a missing value; " if row[label].strip() else ""
    comma = ""
    if not found and label == len(row) - 1:
        comma = "; if the column is empty in every line, there is a comma too many at the end"
    return (
        f"column {label + 1}{name}: the label is missing ({found}leave such rows out, or give the "
        f"class another name){comma}"
    )


def hint(row: Sequence[str], at: int, count: int, label: int | None, names: Sequence[str]) -> str:
    """Return what is to be said of the cell `at` of a row, which is no number, the row being the
    first of the file if `count` is 0; `label` is the label column in training, else None."""
    cell = row[at]
    if is_rounded(cell):
        return (
            "an integer that float64 cannot hold as it is; if it is the name of a row, leave it out"
        )
    if word := separated([cell]):
        return f"expected a finite number{word}"
    head = "" if count or names else f"; if the first line is a header, say so by {SAY_HEADER}"
    if is_missing(cell):
        return (
            f"expected a finite number: this is a missing value, which has to be filled in, or the "
            f"row left out{head}"
        )
    words = any(map(str.isalpha, cell)) and not isinstance(_float(cell), float)
    more = head if words else ""
    if words and label is not None and label == len(row) - 1:
        by = f"--label {quoted(names[at]) if names else at}"
        more = f"; if it is the label, say so by {by} (label=… in Python){more}"
    return f"expected a finite number{more}"


def _float(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def separated(cells: Sequence[str]) -> str:
    """Return what is to be said of cells that hold the sign by which others separate columns."""
    for sign, word in ((";", "semicolons"), ("\t", "tabs")):
        if any(sign in cell for cell in cells):
            return (
                f"; it seems to be separated by {word}, write it with commas between the columns "
                f"and points in the numbers"
            )
    return ""


def integers_if_all(labels: list[str]) -> NDArray[Any]:
    """Return labels as integers if that changes the spelling of none, else as text."""
    names = np.array(labels)
    if not all(map(is_whole, set(labels))):
        return names
    try:
        return names.astype(np.int64)
    except (ValueError, OverflowError):
        return names


def check_first_label(path: str, labels: Sequence[str]) -> None:
    """Raise ValueError where the first label stands in no other line, and is a name."""
    if is_name(labels[0]) and labels[0] not in labels[1:] and len(labels) > 1:
        raise ValueError(
            f"{path}, line 1: the label {labels[0]!r:.40} stands in no other line; if the first "
            f"line is a header, say so by {SAY_HEADER}; a class of one row cannot be divided"
        )


def check_classes(path: str, labels: Sequence[str], name: str, *, asked: bool) -> None:
    """Raise ValueError where labels are numbers that one would rather predict as such: with
    fractions, or of many values, unless the column was `asked` for and each value is a class."""
    classes = dict.fromkeys(labels, 0)
    if not all(map(is_number, classes)):
        return
    for label in labels:
        classes[label] += 1
    whole = all(map(float.is_integer, map(number, classes)))
    other = "if the label is another column, name it by --label (label=… in Python)"
    rare = min(classes, key=classes.__getitem__)
    few, many = classes[rare] < 3, len(classes) > (MANY if whole else MANY // 2)
    column = f" of the column {name!r:.40}" if name else ""
    if few and (many or not whole):
        raise ValueError(
            f"{path}: the labels{column} are {len(classes):,} different numbers, and class "
            f"{rare!r} has {classes[rare]} of the {len(labels):,} rows; {REGRESSION}; {other}"
        )
    if few and not asked:
        raise ValueError(
            f"{path}: class {rare!r}{column} has {classes[rare]} of the {len(labels):,} rows, "
            f"expected at least 3, one for each part; {other}"
        )
    if many and not asked:
        raise ValueError(
            f"{path}: the labels{column} are {len(classes):,} different numbers; {REGRESSION}; if "
            f"they are classes, or the label is another column, name the column by --label "
            f"{quoted(name) if name else '-1'} (label=… in Python)"
        )
