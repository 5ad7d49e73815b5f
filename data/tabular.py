"""From the cells of a table to a `Dataset`: what columns may be features, and what fills gaps."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.cells import is_missing, is_number, number
from chainrule.data.dataset import Dataset
from chainrule.data.encoding import MISSING, Encoding
from chainrule.data.head import Head
from chainrule.data.notes import listed, notes_on, notes_on_targets
from chainrule.data.parts import parts_of
from chainrule.data.reading import Cells

TASKS = ("classes", "regression")
FEW, ROWS, MOST = 10, 3, 1000  # categories that may be; rows for each where there are more; at most
_DATE = re.compile(
    r"\d{1,4}([-./])\d{1,2}\1\d{1,4}([T ]+\d{1,2}:\d{2}.*)?|\d{1,2}:\d{2}(:\d{2})?.*"
)
_UNIT = re.compile(r"[+-]?\d[\d.,]*\s*([^\W\d_][^\W\d_²³/°]{0,9})")
_WEIGHTS = {"weight", "weights", "sample_weight", "sample weight", "wt"}
_SIGNS = re.compile(r"[+\-$€£¥%.,'’_\s]")


def check_asked(path: str, missing: str, task: str | None = None) -> None:
    """Raise ValueError where `missing` is none of the ways to treat missing cells, or `task` is
    none that there is."""
    if task not in (None, *TASKS):
        raise ValueError(f"{path}: task is {task!r:.40}, expected {' or '.join(TASKS)}")
    if missing not in MISSING:
        raise ValueError(
            f"{path}: missing is {missing!r:.40}, expected {', '.join(MISSING[:-1])} or "
            f"{MISSING[-1]}"
        )


def dataset_of(
    path: str,
    head: Head,
    cells: Cells,
    values: NDArray[Any],
    *,
    weights: NDArray[np.float64] | None = None,
    missing: str = "refuse",
    na: Sequence[str] = (),
    notes: Sequence[str] = (),
    targets: Sequence[str] = (),
    seed: int | np.random.Generator = 0,
) -> Dataset:
    """Return the dataset of rows whose `cells` are those of the features of `head`, whose labels
    are `values` (N,), or whose `targets` they are (N, T), and whose `weights` (N,) are as in
    `Dataset`.

    Raises:
        ValueError: the rows cannot be divided.
    """
    lacking = cells.without_value()
    names = tuple(head.name(j) for j in head.features) if head.names else ()
    words = [cells.words.get(column) for column in range(len(cells.names))]
    encoding = Encoding(
        names,
        tuple(None if found is None else tuple(sorted(found.codes)) for found in words),
        missing,
        tuple(na),
        tuple(np.flatnonzero(lacking.any(axis=0)).tolist()) if missing == "indicator" else (),
        left_out=tuple(head.name(j) for j in head.left_out),
        places=head.left_out,
    )
    x = encoding.encoded(cells)[0]
    parts = parts_of(path, x, values, seed, targets)
    train = x[parts.rows[0]]
    known = ~np.isnan(train)
    fill = np.where(known, train, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    encoding = replace(encoding, fill=tuple(fill.tolist()))
    x = encoding.filled(x, lacking)
    called = encoding.called(cells.names)
    divided = Dataset.of_parts(path, x, parts, weights=weights)
    if targets:
        found = [*notes_on_targets(x, values, called, targets)]
    else:
        already = {*notes_on(x[:, :0], values, ())}  # what is to be said of labels, which is told
        found = [note for note in notes_on(x, values, called) if note not in already]
    return replace(
        divided,
        features=encoding.called(names) if names else (),
        label=head.name(head.label),
        label_column=head.label,
        encoding=None if encoding.as_it_is else encoding,
        notes=(
            *head.notes,
            *filter(None, notes),
            *told(cells, lacking),
            *told_of_weights(head, cells),
            *divided.notes,
            *found,
        ),
    )


def prepared(
    path: str,
    head: Head,
    cells: Cells,
    answers: Sequence[Sequence[str]],
    weights: list[str] | None,
    missing: str,
    na: Sequence[str],
    categories: Collection[int],
) -> tuple[Cells, list[list[str]], NDArray[np.float64] | None, list[str]]:
    """Return the rows that a table gives to train on; what stands in the columns of labels or
    targets; the weights, if there are some; and what is to be said of this.

    Raises:
        ValueError: cells, labels or weights are missing and are not to be, or a column holds words
            that cannot be categories.
    """
    given = [["" if stands_for_none(text, na) else text for text in one] for one in answers]
    check_categories(path, head, cells, categories, missing)
    check_missing(path, head, cells, missing)
    notes, numbers = list[str](), None
    if weights is not None and head.weights is not None:
        numbers = weighed(path, cells, weights)
        column = head.called(head.weights)
        notes.append(f"{column} weighs the rows in training and in the accuracy of validation")
    if missing == "drop":
        cells, given, whole, note = without_gaps(path, cells, given)
        notes += [note] if note else []
        numbers = None if numbers is None else numbers[whole]
    for at, texts in zip(head.answers, given, strict=True):
        check_labels(path, head.called(at), texts, cells.lines)
    return cells, given, numbers, notes


def stands_for_none(text: str, na: Sequence[str]) -> bool:
    """Tell whether a label is one of the words or numbers that stand for a missing value."""
    return text in na or (is_number(text) and number(text) in map(number, na))


def weighed(path: str, cells: Cells, weights: Sequence[str]) -> NDArray[np.float64]:
    """Return the weights of rows as numbers. Raises ValueError where one is none, or below 0."""
    numbers = np.array([number(text) for text in weights])
    if (wrong := np.flatnonzero(~(np.isfinite(numbers) & (numbers >= 0)))).size:
        row = int(wrong[0])
        line = f", line {cells.lines[row]}" if cells.lines else f", row {row + 1}"
        raise ValueError(
            f"{path}{line}: the weight is {weights[row]!r:.40}, expected a finite number of at "
            f"least 0"
        )
    return numbers


def without_gaps(
    path: str, cells: Cells, answers: Sequence[Sequence[str]]
) -> tuple[Cells, list[list[str]], NDArray[np.bool_], str]:
    """Return the rows in which no cell and no label is missing, which they are, and what is to be
    said of the others, or ""."""
    gaps = np.array([[is_missing(label) for label in one] for one in answers])
    whole = np.logical_not(np.vstack([gaps, cells.without_value().T]).any(axis=0))
    if not whole.any():
        raise ValueError(f"{path}: a cell is missing in every row, and missing is 'drop'")
    lost = int((~whole).sum())
    note = f"{lost:,} of the {len(whole):,} rows have a missing cell, and are left out"
    kept = [[label for label, stays in zip(one, whole, strict=True) if stays] for one in answers]
    return cells.kept(whole), kept, whole, note if lost else ""


def told(cells: Cells, lacking: NDArray[np.bool_]) -> list[str]:
    """Return what is to be said of columns of words, and of missing cells."""
    notes = []
    if cells.words:
        of = [f"{len(words.codes)} of {cells.names[j]}" for j, words in sorted(cells.words.items())]
        notes.append(f"words become a feature for each category: {listed(of)}")
    if lacking.any():
        done = f", and {'is' if lacking.sum() == 1 else 'are'} filled in with the mean of training"
        notes.append(f"{counted(cells, lacking)}{done}")
    return notes


def told_of_weights(head: Head, cells: Cells) -> list[str]:
    """Return what is to be said of features that are called as weights of rows are."""
    return [
        f"{name} is a feature; if it says how much each row counts, say --weights {head.option(at)}"
        for j, (at, name) in enumerate(zip(head.features, cells.names, strict=True))
        if head.name(at).casefold() in _WEIGHTS and (cells.values[:, j] >= 0).all()
    ]


def counted(cells: Cells, lacking: NDArray[np.bool_]) -> str:
    """Return in words how many cells of which columns are missing."""
    total, some = int(lacking.sum()), np.flatnonzero(lacking.any(axis=0))
    of = [f"{cells.names[j]}: {lacking[:, j].sum():,}" for j in some]
    shown = ", ".join(of[:10]) + (f" and {len(of) - 10} columns more" if len(of) > 10 else "")
    are = "is" if total == 1 else "are"
    return f"{total:,} of the {lacking.size:,} cells {are} missing{f' ({shown})' * (total > 1)}"


def check_missing(path: str, head: Head, cells: Cells, missing: str) -> None:
    """Raise ValueError where cells are missing and `missing` says to refuse them."""
    lacking = cells.without_value()
    if missing != "refuse" or not lacking.any():
        return
    if (empty := np.flatnonzero(lacking.all(axis=0))).size:
        drop = ",".join(head.option(head.features[j]) for j in empty)
        raise ValueError(
            f"{path}: {listed([cells.names[j] for j in empty])} holds nothing in any row; leave it "
            f"out by --drop {drop} (drop=… in Python)"
        )
    row, column = map(int, np.argwhere(lacking)[0])
    spelled = ", ".join(repr(word) for word, _ in cells.missing.most_common(6))
    drop = ",".join(head.option(head.features[j]) for j in np.flatnonzero(lacking.any(axis=0))[:5])
    line = f", line {cells.lines[row]}" if cells.lines else ""
    raise ValueError(
        f"{path}{line}, {cells.names[column]}: a missing value; {counted(cells, lacking)}, written "
        f"as {spelled}; say --missing mean, indicator or drop, or --drop {drop} (missing=…, drop=…)"
    )


def check_categories(
    path: str, head: Head, cells: Cells, categories: Collection[int], missing: str
) -> None:
    """Raise ValueError where columns hold words, and these cannot be categories; the message tells
    of cells that are missing and must not be, too."""
    N, bad = len(cells.values), list[tuple[int, str]]()
    for column, words in sorted(cells.words.items()):
        at, count = head.features[column], len(words.codes)
        numbers = int((~np.isnan(cells.values[:, column])).sum())
        word = next(iter(words.codes))
        if at in categories:
            if count > MOST:
                bad.append((at, f"{cells.names[column]} holds {count:,} different texts"))
        elif numbers or all(map(is_numeric, words.codes)):
            raise ValueError(f"{path}, {not_a_number(head, cells, column, numbers)}")
        elif unit := unit_of(words.codes):
            raise ValueError(
                f"{path}: {cells.names[column]} holds numbers with {unit!r} behind them, such as "
                f"{word!r:.40}; write the numbers alone, or leave the column out by --drop "
                f"{head.option(at)}"
            )
        elif all(map(_DATE.fullmatch, words.codes)):
            bad.append((at, f"{cells.names[column]} holds dates or times such as {word!r:.40}"))
        elif count > MOST or (count > FEW and count * ROWS > N):
            text = f"{cells.names[column]} holds {count:,} different texts in {N:,} rows"
            bad.append((at, f"{text}, too many for categories"))
    if bad:
        columns = ",".join(head.option(at) for at, _ in bad)
        columns = columns.replace('","', ",")  # names with blanks, in one pair of quotes
        lacking = cells.without_value()
        lacking[:, [head.features.index(at) for at, _ in bad]] = False
        besides = f"; besides, {counted(cells, lacking)}: say what to do by --missing mean or drop"
        raise ValueError(
            f"{path}: {'; '.join(text for _, text in bad[:5])}; leave such columns out by --drop "
            f"{columns} (drop=… in Python), or write what matters of them as numbers"
            f"{besides if missing == 'refuse' and lacking.any() else ''}"
        )


def not_a_number(head: Head, cells: Cells, column: int, numbers: int) -> str:
    """Return what is to be said of the first word in a column that also holds numbers."""
    words, at = cells.words[column], head.features[column]
    word = [*words.codes][words.found[0]]
    line = f"line {cells.lines[words.rows[0]]}, " if cells.lines else ""
    text = f"{line}{cells.names[column]}: {word!r:.40}, expected a finite number"
    if words.rows[0] == 0 and not head.headed:
        text += "; if the first line is a header, say so by --header yes (header=True in Python)"
    option = head.option(at)
    if any(sign in word for sign in "$€£¥%,'’") and is_numeric(word):
        return (
            f"{text}: digits and a point, without signs such as $ or %, or commas between "
            f"thousands; write it so, or leave the column out by --drop {option}"
        )
    if numbers:
        text += f" as in {numbers:,} other rows"
        if len(words.rows) == 1 and words.rows[0] in (0, len(cells.values) - 1) and line:
            what = "is a sum of the others" if words.rows[0] else "holds units"
            return (
                f"{text}; take {line.removesuffix(', ')} out if it {what}, or say --na "
                f'"{word:.40}" if it is a missing value'
            )
        text += f'; --na "{word:.40}" if it is a missing value'
    return (
        f"{text}; --categories {option} if it is a category, else --drop {option} (na=… in Python)"
    )


def unit_of(words: Collection[str]) -> str:
    """Return what stands behind the number in every one of several words, "" where that is not one
    and the same."""
    found = [_UNIT.fullmatch(word) for word in words]
    units = {match[1] if match else "" for match in found}
    return units.pop() if len(units) == 1 and len(found) > 1 else ""


def is_numeric(word: str) -> bool:
    """Tell whether a word is what others write for a number: with signs of money, in other digits,
    in groups of three, or infinite."""
    plain = _SIGNS.sub("", unicodedata.normalize("NFKC", word))
    try:
        float(plain)
    except ValueError:
        return word.lower().startswith("0x") or not any(map(str.isalnum, word))
    return not _DATE.fullmatch(word)


def check_labels(path: str, column: str, labels: Sequence[str], lines: Sequence[int]) -> None:
    """Raise ValueError where a row has no label."""
    row = next((row for row, label in enumerate(labels) if is_missing(label)), None)
    if row is None:
        return
    found = f"{labels[row]!r:.40} for a missing value; " if labels[row] else ""
    line = f", line {lines[row]}" if lines else f", row {row + 1}"
    raise ValueError(
        f"{path}{line}, {column}: the label is missing ({found}leave "
        f"such rows out, by --missing drop, or give the class another name)"
    )
