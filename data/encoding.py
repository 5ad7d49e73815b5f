"""How the columns of a table become the numbers that a network takes.

A column of numbers is a feature. A column of words becomes a feature for each category, 1 where
it is that one and 0 elsewhere. Where cells are missing, the features of the column get their means
over the rows that were trained on, so that once standardised they say nothing; a category that was
not there in training is treated likewise, and told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.reading import Cells

MISSING = ("refuse", "mean", "indicator", "drop")


@dataclass(frozen=True)
class Encoding:
    """What was learned from the columns of the training data, to be done to those of other rows.

    Attributes:
        names: of the columns, in the order of the training data; () if they had none.
        categories: for each column the words that it may hold, None if it holds numbers.
        missing: what is done where a cell is missing: "refuse"; "mean", the means are filled in;
            "indicator", likewise, with a feature more that says where; "drop", the row is left
            out of training, and the means are filled in where one is to be judged.
        na: cells that stand for a missing value, besides the usual ones.
        marked: the columns that have a feature which says where they are missing.
        fill: the means of the features over the training part, without those of `marked`.
        left_out: the names of the columns of the file that are no features, and no label.
        places: their indices in the file.
    """

    names: tuple[str, ...]
    categories: tuple[tuple[str, ...] | None, ...]
    missing: str = "refuse"
    na: tuple[str, ...] = ()
    marked: tuple[int, ...] = ()
    fill: tuple[float, ...] = field(default=(), repr=False)
    left_out: tuple[str, ...] = ()
    places: tuple[int, ...] = ()

    @classmethod
    def plain(cls, names: tuple[str, ...], D: int) -> Encoding:
        """Return that of D columns of numbers."""
        return cls(names, (None,) * D)

    @classmethod
    def from_words(cls, words: Mapping[str, Any]) -> Encoding:
        """Return what `words`, out of a file, say. Raises ValueError where they make no sense."""
        try:
            lists = {name: tuple(value) for name, value in words.items() if name != "missing"}
            lists["categories"] = tuple(c if c is None else tuple(c) for c in words["categories"])
            encoding = cls(missing=words["missing"], **lists)
            texts = (*encoding.names, *encoding.na, *encoding.left_out)
            words_ = [word for one in encoding.categories if one is not None for word in one]
            right = (
                all(type(text) is str for text in (*texts, *words_))
                and all(type(n) is int and n >= 0 for n in (*encoding.marked, *encoding.places))
                and all(n < len(encoding.categories) for n in encoding.marked)
                and encoding.missing in MISSING
                and len(encoding.names) in (0, len(encoding.categories))
                and len(encoding.fill) == encoding.width
                and bool(np.isfinite(np.array(encoding.fill, np.float64)).all())
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            right = False
        if not right:
            raise ValueError(f"encoding is {words!s:.60}, expected how columns become features")
        return encoding

    def words(self) -> dict[str, Any]:
        """Return it as names and lists, to be written into a file."""
        return asdict(self)

    @property
    def width(self) -> int:
        """The number of features, without those of `marked`."""
        return sum(1 if words is None else len(words) for words in self.categories)

    @property
    def as_it_is(self) -> bool:
        """Whether all columns of the file but the label are features, as they are."""
        plain = Encoding.plain(self.names, len(self.categories))
        return (self.categories, self.missing, self.na, self.places) == (
            plain.categories,
            *("refuse", (), ()),
        )

    def called(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of the features, of the names of the columns."""
        return (
            *(
                feature
                for name, words in zip(columns, self.categories, strict=True)
                for feature in ([name] if words is None else [f"{name}={word}" for word in words])
            ),
            *(f"{columns[column]} is missing" for column in self.marked),
        )

    def encoded(self, cells: Cells) -> tuple[NDArray[np.float64], list[str]]:
        """Return the features (N, width) of rows, nan where a cell is missing or holds a category
        that is unknown; and what is to be said of these."""
        x, notes, start = np.empty((len(cells.values), self.width)), list[str](), 0
        for column, known in enumerate(self.categories):
            if known is None:
                x[:, start] = cells.values[:, column]
                start += 1
                continue
            x[:, start : start + len(known)] = np.nan
            if words := cells.words.get(column):
                number = {word: code for code, word in enumerate(known)}
                table = np.array([number.get(word, -1) for word in words.codes])
                rows, codes = np.asarray(words.rows), table[np.asarray(words.found)]
                rows, codes = rows[codes >= 0], codes[codes >= 0]
                x[rows, start : start + len(known)] = 0.0
                x[rows, start + codes] = 1.0
                if unknown := [word for word in words.codes if word not in number]:
                    counts = np.bincount(words.found, minlength=len(words.codes))
                    notes.append(unknown_words(cells.names[column], unknown, words.codes, counts))
            start += len(known)
        return x, notes

    def filled(self, x: NDArray[np.float64], lacking: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return features (N, D): x (N, width) with the means where it is nan, and a column for
        each of `marked`, of `lacking` (N, columns)."""
        full = np.where(np.isnan(x), np.asarray(self.fill), x) if self.fill else x
        return np.hstack([full, lacking[:, list(self.marked)]]) if self.marked else full


def unknown_words(
    name: str, unknown: list[str], codes: Mapping[str, int], counts: NDArray[np.intp]
) -> str:
    """Return what is to be said of words that were not there in training."""
    rows = sum(int(counts[codes[word]]) for word in unknown)
    shown = ", ".join(f"{word!r:.40}" for word in unknown[:5]) + (", …" if len(unknown) > 5 else "")
    return (
        f"{name} holds {shown} in {rows:,} row{'s' * (rows > 1)}, which was not there in training: "
        f"treated as if nothing were known of it"
    )
