"""A user's own labelled data, from a CSV file."""

import csv
import gzip
import zlib
from array import array
from io import TextIOWrapper
from itertools import chain
from math import isfinite, nan
from os import PathLike
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from chainrule.data.dataset import Dataset
from chainrule.data.opening import open_file


def load_csv(path: str | PathLike[str], *, label: int | str = -1, seed: int = 0) -> Dataset:
    """Load a table in which each line is an example: numbers, and the label in one column.

    The file is UTF-8, comma-separated, quoted where needed, gzipped if its name ends in
    `.gz`; empty lines are skipped. Its first line is a header if `label` is a name, or if its
    cells, the label's aside, are names: all different, each with a letter in it, and none a
    number, as nan and inf are too. Any other first line is an example, in which a cell such as
    `?` is refused like in every line. x is (N, D) float64, the columns in the order
    of the file without the label's. The classes are the different labels, in the order of
    numbers if all are integers, of the alphabet otherwise. Rows are divided as by
    `Dataset.from_arrays`.

    Args:
        path: the file.
        label: the label column, by its name in the header or by its index (0 is the first,
            -1 the last).
        seed: decides which row goes to which part.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not as described above, or a class has too few rows to be
            divided; the message names the file, and the line and column where there is one.
    """
    x, labels = read_table(path, label)
    return Dataset.from_arrays(str(path), x, _integers_if_all(labels), seed=seed)


def read_table(
    path: str | PathLike[str], label: int | str = -1, features: int | None = None
) -> tuple[NDArray[np.float64], list[str]]:
    """Return features (N, D) and labels, N of them as they stand in the file.

    `features` is the D that is expected. Given that, the label may be left empty, and its column
    may be missing, in which case there are no labels. For all else see `load_csv`.
    """
    try:
        with TextIOWrapper(open_file(path), encoding="utf-8-sig", newline="") as file:
            return _read_lines(str(path), file, label, features)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected text in UTF-8 ({error})") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}: the gzip file is cut short or damaged ({error})") from None


def _read_lines(
    path: str, file: TextIO, label: int | str, features: int | None
) -> tuple[NDArray[np.float64], list[str]]:
    reader = csv.reader(file, strict=True)
    rows = filter(None, reader)
    values, labels = array("d"), []
    try:
        first = next(rows, None)
        if first is None:
            numbers = "numbers and a label" if features is None else f"{features} numbers"
            raise ValueError(f"{path}: the file is empty, expected lines of {numbers}")
        width = len(first)
        column, header = _read_first_line(path, first, label, features)
        for row in rows if header else chain([first], rows):
            line = f"{path}, line {reader.line_num}"
            if len(row) != width:
                raise ValueError(f"{line}: {len(row)} columns, expected {width} as in the first")
            labels += [cell.strip() for cell in row[column : column + 1]]
            if features is None and not labels[-1]:
                raise ValueError(f"{line}, column {column + 1}: the label is missing")
            values.extend(_features(line, row, column, header))
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from None
    if not values:
        raise ValueError(f"{path}: a header alone, expected a line for each example")
    x = np.frombuffer(values, np.float64).reshape(-1, width - (column < width))
    return x, labels


def _read_first_line(
    path: str, first: list[str], label: int | str, features: int | None
) -> tuple[int, list[str]]:
    """Return the index of the label column, the width of the table if there is none, and the
    names of all columns if the line is a header."""
    width = len(first)
    names = [cell.strip() for cell in first]
    if features is not None and width not in (features, features + 1):
        raise ValueError(
            f"{path}: expected {features} columns of numbers, with or without one more for the "
            f"label, got {width}{_separated(first)}"
        )
    if features is None and width < 2:
        raise ValueError(
            f"{path}: the first line is one column, expected numbers and a label between commas"
            f"{_separated(first)}"
        )
    if isinstance(label, str):
        if label not in names:
            raise ValueError(f"{path}: no column {label!r}, the first line is {', '.join(names)}")
        column = names.index(label)
    else:
        if not -width <= label < width:
            raise ValueError(f"{path}: label is column {label}, expected {-width} to {width - 1}")
        column = width if width == features else label % width
        inputs = names[:column] + names[column + 1 :]
        if len(set(inputs)) < len(inputs) or not all(map(_is_name, inputs)):
            return column, []
    if "" in names:
        raise ValueError(
            f"{path}: column {names.index('') + 1} has no name in the header; if it numbers "
            "the rows, remove it (pandas: to_csv with index=False)"
        )
    return column, names


def _features(line: str, row: list[str], label: int, header: list[str]) -> list[float]:
    """Return the numbers of a row, the label column left out."""
    cells = row[:label] + row[label + 1 :]
    try:
        numbers = [float(cell) for cell in cells]
        if all(map(isfinite, numbers)) and "_" not in "".join(cells):
            return numbers
    except ValueError:
        pass  # which cell it was is found below, as for nan and inf
    bad = next(i for i, cell in enumerate(row) if i != label and not isfinite(_number(cell)))
    name = f" ({header[bad]})" if header else ""
    hint = _separated([row[bad]])
    if bad == 0 and label >= len(row) - 1 and any(map(str.isalpha, row[bad])) and not hint:
        hint = "; if it is the label, move it into the last column"
    raise ValueError(
        f"{line}, column {bad + 1}{name}: {row[bad]!r:.40}, expected a finite number{hint}"
    )


def _separated(cells: list[str]) -> str:
    """Return what is to be said of cells that hold the sign by which others separate columns."""
    for sign, word in ((";", "semicolons"), ("\t", "tabs")):
        if any(sign in cell for cell in cells):
            return f"; it seems to be separated by {word}, write commas in their place"
    return ""


def _number(cell: str) -> float:
    """Return the number in a cell, nan if there is none: 1_02 is one in Python, not in a table."""
    try:
        return nan if "_" in cell else float(cell)
    except ValueError:
        return nan


def _is_name(cell: str) -> bool:
    """Tell a name from a number and from a sign such as `?`; one left empty is refused later."""
    try:
        float(cell)
    except ValueError:
        return not cell or any(map(str.isalpha, cell))
    return False


def _integers_if_all(labels: list[str]) -> NDArray[Any]:
    names = np.array(labels)
    try:
        return names.astype(np.int64)
    except (ValueError, OverflowError):
        return names
