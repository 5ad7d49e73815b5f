"""How the cells of a table are written in a file: what separates columns, and decimals.

A file is taken to be separated by commas, semicolons, tabs or bars, whichever gives its lines the
same number of cells and these the most numbers. Where it is not commas, `1,5` may be the number
1.5. Both are told, since they change what the cells mean.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from io import TextIOWrapper
from itertools import islice
from os import PathLike

from chainrule.data.cells import is_missing, is_number
from chainrule.data.columns import Lines
from chainrule.data.opening import open_file

SAMPLE = 1000  # lines that are looked at
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_COMMA = re.compile(r"\s*[+-]?(\d*|\d{1,3}(\.\d{3})+),\d+([eE][+-]?\d+)?\s*", re.ASCII)
_POINT = re.compile(r"\s*[+-]?\d*\.\d*([eE][+-]?\d+)?\s*", re.ASCII)


@dataclass(frozen=True)
class Dialect:
    """What separates the columns of a file, and what stands before the decimals of a number."""

    delimiter: str = ","
    decimal: str = "."

    def lines(self, path: str | PathLike[str]) -> Iterator[tuple[int, list[str]]]:
        """Yield the lines that are not empty, each with its number, decimals after points."""
        rows = split_lines(path, self.delimiter)
        if self.decimal == ".":
            return rows
        return ((line, [with_point(path, line, cell) for cell in row]) for line, row in rows)

    def told(self) -> str:
        """Return what is to be said of it, "" of commas and points."""
        if self == Dialect():
            return ""
        decimals = ", and 1,5 is the number 1.5" if self.decimal == "," else ""
        return f"the columns are separated by {DELIMITERS[self.delimiter]}{decimals}"


def open_table(path: str | PathLike[str]) -> tuple[Lines, list[str]]:
    """Return what begins to read a table anew, and what is to be said of how it is written.

    A last column in which every line is empty, the first too, is left out: it is made by a
    separator at the end of every line.
    """
    dialect = dialect_of(path)
    lines = partial(dialect.lines, path)
    notes = [dialect.told()] if dialect.told() else []
    first = next(lines(), (1, list[str]()))[1]
    if len(first) > 2 and all(row[-1].strip() == "" and len(row) > 1 for _, row in lines()):
        name = {",": "a comma", ";": "a semicolon"}.get(dialect.delimiter, "a separator")
        notes.append(f"there is {name} at the end of every line: the empty last column is left out")
        return (lambda: ((line, row[:-1]) for line, row in lines())), notes
    return lines, notes


def dialect_of(path: str | PathLike[str]) -> Dialect:
    """Return how the first lines of a file seem to be written."""
    samples = {}
    for delimiter in DELIMITERS:
        try:
            samples[delimiter] = [row for _, row in islice(split_lines(path, delimiter), SAMPLE)]
        except ValueError:
            if delimiter == ",":  # what is wrong with the file is said where it is read
                return Dialect()
    best = max(samples, key=lambda delimiter: fit(samples[delimiter], delimiter))
    commas = best != "," and any(_COMMA.fullmatch(cell) for row in samples[best] for cell in row)
    return Dialect(best, "," if commas else ".")


def fit(rows: list[list[str]], delimiter: str) -> float:
    """Return from 0 to 2 how well lines look when they are separated in this way."""
    if not rows or len(rows[0]) < 2:
        return 0.0
    width, found = len(rows[0]), 0.0
    for row in rows[1:] or rows:
        if len(row) == width:
            found += 1 + sum(is_plain(cell, delimiter) for cell in row) / width
    return found / len(rows[1:] or rows)


def is_plain(cell: str, delimiter: str) -> bool:
    """Tell whether a cell is missing or a number, in a file that is separated in this way."""
    commas = delimiter != "," and _COMMA.fullmatch(cell) is not None
    return commas or is_number(cell) or is_missing(cell)


def with_point(path: str | PathLike[str], line: int, cell: str) -> str:
    """Return a number with a decimal comma as it is written with a point, and other cells as they
    are. Raises ValueError for one with a point, which may separate thousands."""
    if _COMMA.fullmatch(cell):
        return cell.replace(".", "").replace(",", ".")
    if _POINT.fullmatch(cell) and is_number(cell):
        raise ValueError(
            f"{path}, line {line}: {cell.strip()!r:.40} has a point where other numbers have a "
            f"decimal comma, so that it cannot be told whether it separates decimals or thousands"
        )
    return cell


def split_lines(path: str | PathLike[str], delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of a file that are not empty, each with its number."""
    try:
        with TextIOWrapper(open_file(path), encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True, delimiter=delimiter)
            try:
                for row in reader:
                    if row:
                        yield reader.line_num, row
            except csv.Error as error:
                raise ValueError(f"{path}, line {reader.line_num}: {error}") from None
    except UnicodeDecodeError as error:
        if error.start == 0 and error.object.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
            raise ValueError(f"{path}: the text is in UTF-16; save it as UTF-8") from None
        raise ValueError(f"{path}: expected text in UTF-8, so save it as that ({error})") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}: the gzip file is cut short or damaged ({error})") from None
