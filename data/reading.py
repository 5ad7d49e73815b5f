"""The cells of a table as they come: numbers, words, and places where there is neither."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from chainrule.data.cells import is_missing, is_number, is_rounded, number

_PLAIN = re.compile(r"[0-9+\-.eE, \t]*")  # of which float() makes what `cells.number` does


@dataclass
class Words:
    """The words in a column: which there are, and in which rows."""

    codes: dict[str, int] = field(default_factory=dict)
    rows: array[int] = field(default_factory=lambda: array("q"))
    found: array[int] = field(default_factory=lambda: array("q"))

    def add(self, row: int, word: str) -> None:
        self.rows.append(row)
        self.found.append(self.codes.setdefault(word, len(self.codes)))

    def at(self, row: int) -> str | None:
        """Return the word in a row, None if it holds none."""
        where = np.flatnonzero(np.asarray(self.rows) == row)
        return [*self.codes][self.found[where[0]]] if where.size else None


@dataclass
class Cells:
    """N rows of D columns.

    Attributes:
        names: how messages call the columns, "column 3 (age)".
        values: (N, D), nan where a cell holds no number.
        words: by column, where there are any.
        lines: the numbers (N,) of the lines that the rows stand on, none where there are none.
        missing: how missing cells are written, and how often.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    words: dict[int, Words]
    lines: Sequence[int]
    missing: Counter[str]

    def without_value(self) -> NDArray[np.bool_]:
        """Tell (N, D) where cells are missing."""
        lacking = np.isnan(self.values)
        for column, words in self.words.items():
            lacking[np.asarray(words.rows), column] = False
        return lacking

    def kept(self, rows: NDArray[np.bool_]) -> Cells:
        """Return the rows where `rows` (N,) is true."""
        number, words = np.cumsum(rows) - 1, dict[int, Words]()
        for column, all_words in self.words.items():
            at, spelled = np.asarray(all_words.rows), [*all_words.codes]
            words[column] = Words()
            for row, code in zip(at[rows[at]], np.asarray(all_words.found)[rows[at]], strict=True):
                words[column].add(int(number[row]), spelled[code])
        lines = [line for line, stays in zip(self.lines, rows, strict=False) if stays]
        return Cells(self.names, self.values[rows], words, lines, self.missing)


class Reader:
    """Takes rows one after the other; what it has read are `cells`.

    Args:
        path: what messages call the table.
        names: how they call its columns.
        categories: the columns in which numbers are words, too.
        na: cells that stand for a missing value, besides those of `cells.is_missing`.
    """

    def __init__(
        self, path: str, names: Sequence[str], categories: Collection[int], na: Collection[str]
    ) -> None:
        self.path, self.names, self.categories = path, tuple(names), frozenset(categories)
        self.na = frozenset(cell.strip() for cell in na)
        self.numbers = frozenset(map(number, filter(is_number, self.na)))
        self.values, self.lines = array("d"), array("q")
        self.words: dict[int, Words] = {}
        self.missing: Counter[str] = Counter()

    def add(self, line: int, cells: Sequence[str]) -> None:
        """Take the cells of a row. Raises ValueError for a number that no float64 can hold."""
        try:
            if self.categories or self.numbers or not _PLAIN.fullmatch(",".join(cells)):
                raise ValueError
            numbers = [float(cell) for cell in cells]
            if not -9e15 < min(numbers) <= max(numbers) < 9e15:
                raise ValueError
        except ValueError:
            row = len(self.lines)
            numbers = [self.value(row, line, j, cell.strip()) for j, cell in enumerate(cells)]
        self.values.extend(numbers)
        self.lines.append(line)

    def value(self, row: int, line: int, column: int, cell: str) -> float:
        """Return the number in a cell; nan where there is none, with the word kept."""
        value, where = number(cell), f"line {line}, " if line else ""
        if is_missing(cell) or cell in self.na or value in self.numbers:
            self.missing[cell] += 1
            return np.nan
        if column in self.categories or np.isnan(value):
            self.words.setdefault(column, Words()).add(row, cell)
            return np.nan
        if is_rounded(cell):
            raise ValueError(
                f"{self.path}, {where}{self.names[column]}: {cell!r:.40}, an integer that "
                f"float64 cannot hold as it is; if it is the name of a row, leave it out"
            )
        if np.isinf(value):
            raise ValueError(
                f"{self.path}, {where}{self.names[column]}: {cell!r:.40}, expected a finite number"
            )
        return value

    @property
    def cells(self) -> Cells:
        """What has been read."""
        values = np.frombuffer(self.values, np.float64).reshape(len(self.lines), len(self.names))
        return Cells(self.names, values, self.words, self.lines, self.missing)


def read_cells(
    reader: Reader,
    lines: Iterator[tuple[int, list[str]]],
    columns: Sequence[int],
    texts: Sequence[int],
    width: int,
    headed: bool,
) -> tuple[Cells, list[list[str]]]:
    """Return what stands in some `columns` of a table of `width` columns, and the `texts` that
    stand in others, a list for each."""
    take = itemgetter(*columns) if len(columns) > 1 else lambda row: (row[columns[0]],)
    found: list[list[str]] = [[] for _ in texts]
    header = next(lines, (0, []))[1] if headed else None
    for line, row in lines:
        if row == header and not all(map(is_number, row)):
            raise ValueError(
                f"{reader.path}, line {line}: the header once more, expected an example; "
                f"delete this line"
            )
        if len(row) != width:
            raise ValueError(
                f"{reader.path}, line {line}: {len(row)} columns, expected {width} as in the first"
            )
        for column, text in zip(texts, found, strict=True):
            text.append(row[column].strip())
        reader.add(line, take(row))
    if not reader.lines:
        raise ValueError(f"{reader.path}: a header alone, expected a line for each example")
    return reader.cells, found
