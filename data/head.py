"""What each column of a table is for: a feature, the label, or nothing."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.data.cells import is_number, is_whole
from chainrule.data.columns import (
    Lines,
    check_header,
    column_at,
    column_of_labels,
    has_header,
    index_of,
    is_label_name,
    named_column,
    quoted,
)

_UNNAMED = re.compile(r"(Unnamed: \d+(_level_\d+)?)?")
_INDEX = frozenset(("id", "index", "idx", "row", "row_id", "rowid", "nr", "#"))
_WEIGHTS = re.compile(r"(sample|case|row)?[ _.-]?weights?", re.IGNORECASE)


@dataclass(frozen=True)
class Head:
    """The columns of a table.

    Attributes:
        headed: whether the first line names them.
        names: of all columns, () if they have none.
        width: how many there are.
        label: the index of that of the labels, or of the first target.
        left_out: those of the columns that are neither label nor feature.
        weights: that of them which holds what the rows weigh, None if there is none.
        notes: what is to be said of all this.
        more: those of further targets, which are among `left_out`.
    """

    headed: bool
    names: tuple[str, ...]
    width: int
    label: int
    left_out: tuple[int, ...]
    notes: tuple[str, ...]
    weights: int | None = None
    more: tuple[int, ...] = ()

    @property
    def answers(self) -> tuple[int, ...]:
        """The indices of the columns of the label, or of all targets."""
        return self.label, *self.more

    @property
    def features(self) -> list[int]:
        """The indices of the columns that are features."""
        return [j for j in range(self.width) if j != self.label and j not in self.left_out]

    def name(self, column: int) -> str:
        """The name of a column, "" if it has none."""
        return self.names[column] if self.names else ""

    def called(self, column: int) -> str:
        """What messages call a column."""
        return f"column {column + 1}" + (f" ({self.name(column)})" if self.name(column) else "")

    def option(self, column: int) -> str:
        """A column as the options of the command line take it."""
        name = self.name(column)
        return quoted(name) if name and "," not in name else str(column)


def head_of(
    path: str,
    lines: Lines,
    label: int | str | Sequence[int | str] | None,
    header: bool | None,
    drop: Sequence[int | str] = (),
    weights: int | str | None = None,
) -> Head:
    """Return what the columns of a table are for, as far as its first line and the user say it.

    Raises:
        ValueError: it cannot be told, or a column that was asked for is not there.
    """
    first = next(lines(), (1, list[str]()))[1]
    if not first:
        raise ValueError(f"{path}: the file is empty, expected lines of numbers and a label")
    cells, width = [cell.strip() for cell in first], len(first)
    if width < 2:
        if (widths := [len(row) for _, row in lines() if len(row) > 1]) and cells[0]:
            raise ValueError(
                f"{path}: the first line, {cells[0]!r:.40}, is none of the table, in which "
                f"{len(widths):,} lines have {max(widths)} columns; take out what stands above it"
            )
        raise ValueError(
            f"{path}: the first line is one column, expected numbers and a label with commas, "
            f"semicolons or tabs between them"
        )
    label, more = targets_of(label, cells)
    at = index_of(label) if isinstance(label, str) else -1 if label is None else label
    if at is None:  # a name, which stands in a header or nowhere
        if header is False:
            raise ValueError(f"{path}: label is {label!r}, but there is no header to find it in")
        headed, note = True, ""
    else:
        inside = -width <= at < width or label not in cells
        headed, note = has_header(path, lines, header, column_at(path, at if inside else -1, width))
    notes = [note]
    names = tuple(cells) if headed else ()
    left_out = [column_named(path, names, width, one, "drop") for one in drop]
    weighing = None
    if weights is not None:
        weighing = column_named(path, names, width, weights, "weights")
        left_out.append(weighing)
    further = [column_named(path, names, width, one, "label") for one in more]
    left_out += further
    if headed and is_index(lines, names) and 0 not in left_out and label not in (0, "0", cells[0]):
        left_out.append(0)
        notes.append(
            "column 1 has no name and numbers the rows: it is left out, as the index that pandas "
            "writes"
            if is_unnamed(names[0])
            else f"column 1 ({names[0]}) has a whole number of its own in each row: it is left "
            f"out, as a name of the row"
        )
    rest = [j for j in range(width) if j not in left_out]
    if len(rest) < 2:
        raise ValueError(f"{path}: expected a feature and a label, all columns but {len(rest)} are "
                         f"left out")  # fmt: skip
    if headed:
        check_header(path, names, left_out)
    if label is not None:
        column = column_named(path, names, width, label, "label")
    elif headed:
        at_rest, note = column_of_labels(path, [names[j] for j in rest])
        column = rest[at_rest]
        notes.append(note)
        check_no_weight(path, names, column)
    else:
        column = rest[-1]
    if len({column, *further}) <= len(further):
        raise ValueError(f"{path}: label names a column more than once")
    if column in left_out:
        raise ValueError(f"{path}: the column {column + 1} is the label, and cannot be left out")
    others = [names[j] for j in rest if names and j != column and is_label_name(names[j])]
    if label is not None and others:
        notes.append(f"the label is {names[column]!r:.40}, and {others[0]!r:.40} is a feature")
    told = tuple(filter(None, notes))
    return Head(headed, names, width, column, tuple(left_out), told, weighing, tuple(further))


def targets_of(
    label: int | str | Sequence[int | str] | None, names: Sequence[str]
) -> tuple[int | str | None, list[int | str]]:
    """Return the first column that `label` names, and the others. A text with commas that is no
    name in the header names several."""
    if isinstance(label, str) and "," in label and label not in names:
        label = next(csv.reader([label], skipinitialspace=True))
    if label is None or isinstance(label, str | int):
        return label, []
    several: list[int | str] = [*label]
    if not several:
        raise ValueError("label is empty, expected a column or several")
    return several[0], several[1:]


def column_named(
    path: str, names: Sequence[str], width: int, column: int | str, option: str
) -> int:
    """Return the index of the column that an option means by its name or its number."""
    if isinstance(column, str) and names:
        return named_column(path, names, column, option)
    at = index_of(column) if isinstance(column, str) else column
    if at is None:
        raise ValueError(
            f"{path}: {option} is {column!r}, but there is no header to find it in; name the "
            f"column by its number, 0 for the first"
        )
    return column_at(path, at, width, option)


def is_unnamed(name: str) -> bool:
    """Tell whether a name is none, or what pandas calls a column without one."""
    return _UNNAMED.fullmatch(name) is not None


def is_index(lines: Lines, names: Sequence[str]) -> bool:
    """Tell whether the first column has no name, or that of an index, and a whole number of its own
    in each row."""
    if len(names) < 3 or not (is_unnamed(names[0]) or names[0].casefold() in _INDEX):
        return False
    rows, seen = lines(), set[str]()
    next(rows)
    for _, row in rows:
        if not is_whole(row[0]) or row[0].strip() in seen:
            return False
        seen.add(row[0].strip())
    return bool(seen)


def check_no_weight(path: str, names: Sequence[str], label: int) -> None:
    """Raise ValueError where the column that would be taken for the label is called a weight."""
    if _WEIGHTS.fullmatch(names[label]):
        raise ValueError(
            f"{path}: the last column is called {names[label]!r:.40}, as weights of rows are, and "
            f"would be taken for the label; say which column is the label by --label, and of the "
            f"weights by --weights {quoted(names[label])} or --drop {quoted(names[label])}"
        )


def check_words(
    path: str, head: Head, words: Sequence[int], label: Sequence[str], like: Sequence[str]
) -> None:
    """Raise ValueError where nobody said which column is the label, the last one is not called so,
    and the columns `words` hold words, as labels do, such as `like`."""
    if not words or is_label_name(head.name(head.label)):
        return
    kind = "numbers" if all(map(is_number, label)) else "words"
    last, other = head.called(head.label), head.called(words[0])
    raise ValueError(
        f"{path}: nobody said which column is the label: the last one, {last}, holds {kind}, and "
        f"{other} holds words such as {like[0]!r:.40}; if it is the last column, say so by --label "
        f"{head.option(head.label) if head.names else -1}, if it is another one, by --label "
        f"{head.option(words[0])} (label=… in Python)"
    )
