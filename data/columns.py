"""What the first line of a table is, and which column holds the labels.

Where that cannot be told from the file, it is refused, with the option that says it: an example
lost to the header or a header taken for an example makes no noise later on.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from chainrule.data.cells import folded, is_missing, is_number, is_whole, number

Lines = Callable[[], Iterator[tuple[int, list[str]]]]  # (number of the line, its cells), anew

SAY_HEADER = "--header yes or no (header=True or False in Python)"
_LABELS = frozenset(("label", "labels", "class", "classes", "target", "targets", "y", "species",
    "outcome", "outcomes", "diagnosis", "response", "variety", "category"))  # fmt: skip
_IN_A_NAME = frozenset(("label", "target"))


def is_name(cell: str) -> bool:
    """Tell a name from a number, a missing value, and a sign such as `-`."""
    try:
        float(cell)  # which takes inf, 1_0 and the digits of other scripts, too
    except ValueError:
        return any(map(str.isalpha, cell)) and not is_missing(cell)
    return False


def is_label_name(name: str) -> bool:
    """Tell whether columns of this name, in capitals or not, hold labels as a rule."""
    plain = name.strip().casefold()
    return plain in _LABELS or not _IN_A_NAME.isdisjoint(re.split(r"[^a-z]+", plain))


def counts_up(cells: Sequence[str]) -> bool:
    """Tell whether cells are integers that rise by one."""
    numbers = [number(cell) for cell in cells]
    return all(n == numbers[0] + i and n.is_integer() for i, n in enumerate(numbers))


def has_header(
    path: str,
    lines: Lines,
    header: bool | None,
    label: int | None,
    expected: Sequence[str] = (),
    label_name: str = "",
) -> tuple[bool, str]:
    """Tell whether the first line of a table is a header, and what is to be said of that, or "".

    Args:
        path: what messages call the table.
        lines: begins to read the table anew.
        header: what the user says; None if nothing.
        label: the column that would hold the labels; None where it may be any, or none.
        expected: the names of features that the table should have, if it has a header.
        label_name: that of its labels.

    Raises:
        ValueError: it cannot be told.
    """
    first = [cell.strip() for cell in next(lines())[1]]
    if header is not None:
        return header, ""
    given = [name for name in expected if not is_number(name)]
    if given and set(given) <= set(first):
        return True, ""
    inputs = [cell for j, cell in enumerate(first) if j != label]
    if any(inputs) and all(not cell or is_name(cell) for cell in inputs):
        return are_names(path, lines, first, label), ""
    shown = ",".join(first[:4]) + (",…" if len(first) > 4 else "")
    doubt = (
        f"{path}: the first line, {shown}, may be a header or an example: say which by {SAY_HEADER}"
    )
    numbers = first[1:] if first[0] == "" else first
    if not numbers or not all(map(is_number, [*numbers[:-1], *inputs[1:]])):
        return False, ""
    if expected and len(first) > 2 and set(expected) <= set(first):
        return True, ""  # numbers for names, in any order
    whole = counts_up(numbers)  # with the column of the labels, if there is one
    some = [j for j in range(len(first)) if not is_number(first[j]) and first[j] != ""]
    aside = {label} if not some and not whole else {*some}
    rest = [cell for j, cell in enumerate(first) if j not in aside and cell != ""]
    counting = whole or (len(aside) == 1 and counts_up(rest))
    told = f"the first line, {shown}, is taken for a header; if it is an example: --header no"
    if first[0] == "" and counting:
        return True, told
    if label is not None and not recurs(lines, label) and counting:
        if float(rest[0]) in (0, 1) or (some == [label] and is_name(first[label])):
            if len(rest) < 3:
                raise ValueError(doubt)
            return True, told  # a class of one example could not be learned
    elif (
        label is None
        and counting
        and some
        and (is_label_name(first[some[0]]) or first[some[0]] == label_name)
    ):
        return True, told
    if some:
        return False, ""
    if whole and len(first) > 2:
        if first_value(numbers) == 0:
            return True, told
        if first_value(numbers) == 1 and not all(recurs(lines, j) for j in range(len(first))):
            return True, told
        if first_value(numbers) == 1 or not any(recurs(lines, j) for j in range(len(first))):
            raise ValueError(doubt)
        return False, ""
    if whole and first_value(numbers) == 0 and all(map(is_whole, numbers)):
        raise ValueError(doubt)
    columns = [j for j in range(len(first)) if j != label]
    if only_whole_line(lines, first, columns):
        raise ValueError(doubt)
    shuffled = len(first) > 2 and sorted(map(number, first)) == list(range(len(first)))
    if shuffled and (len(first) > 3 or not all(recurs(lines, j) for j in range(3))):
        raise ValueError(doubt)  # columns of a table without names, in another order
    return False, ""


def are_names(path: str, lines: Lines, first: Sequence[str], label: int | None) -> bool:
    """Tell whether a first line of words names columns: of numbers, or of other words than those
    that it holds. Raises ValueError where some of its words stand in their columns again."""
    columns = [j for j, cell in enumerate(first) if j != label and cell]
    rows = lines()
    next(rows)
    if any(j < len(row) and is_number(row[j]) for _, row in rows for j in columns):
        return True
    again = [recurs(lines, j) for j in columns]
    if any(again) and not all(again):
        raise ValueError(
            f"{path}: the first line, {','.join(first[:4])}{',…' * (len(first) > 4)}, may be a "
            f"header or an example: say which by {SAY_HEADER}"
        )
    return not all(again)


def first_value(cells: Sequence[str]) -> float:
    return number(cells[0])


def recurs(lines: Lines, column: int) -> bool:
    """Tell whether the first cell of a column stands in the column again."""
    rows = lines()
    first = next(rows)[1]
    if column >= len(first):
        return False
    seen = folded(first[column])
    return any(len(row) > column and folded(row[column]) == seen for _, row in rows)


def only_whole_line(lines: Lines, first: Sequence[str], columns: Sequence[int]) -> bool:
    """Tell whether the first line has different integers in columns in which no other line has
    one: names of columns that were picked from a table without names."""
    cells = [first[j] for j in columns]
    if len(set(cells)) < max(len(cells), 2) or not all(map(is_whole, cells)):
        return False
    if any(cell.startswith("-") for cell in cells):
        return False
    rows = lines()
    next(rows)
    others = 0
    for _, row in rows:
        others += 1
        if any(j < len(row) and is_whole(row[j]) for j in columns):
            return False
    return others > 2


def check_header(path: str, names: Sequence[str], left_out: Sequence[int] = ()) -> None:
    """Raise ValueError where the columns of a header, those that are `left_out` aside, are not all
    named, or not differently."""
    for at, name in enumerate(names):
        if at in left_out:
            continue
        if name == "":
            raise ValueError(
                f"{path}: column {at + 1} has no name in the header; give it one, or leave it out "
                f"by --drop {at} (drop=[{at}] in Python)"
            )
        if re.fullmatch(r"Unnamed: \d+(_level_\d+)?", name):
            raise ValueError(
                f"{path}: column {at + 1} is called {name!r}, as pandas calls a column without a "
                f'name; give it one, or leave it out by --drop "{name}" (drop=["{name}"] in Python)'
            )
        if name in names[:at]:
            raise ValueError(
                f"{path}: columns {names.index(name) + 1} and {at + 1} are both called {name!r:.40}"
                f", expected different names"
            )


def index_of(text: str) -> int | None:
    """Return the integer that a label such as "-1" stands for, None if it is a name."""
    return int(text) if is_whole(text) and len(text) < 10 else None


def column_at(path: str, label: int, width: int, option: str = "label") -> int:
    """Return the index from 0 of the column that is called `label`, which may be below 0."""
    if not -width <= label < width:
        raise ValueError(f"{path}: {option} is column {label}, expected {-width} to {width - 1}")
    return label % width


def named_column(path: str, names: Sequence[str], label: str, option: str = "label") -> int:
    """Return the index of the column that `label` means by its name or its number."""
    at = index_of(label)
    if label not in names:
        if at is not None:
            return column_at(path, at, len(names), option)
        shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
        raise ValueError(f"{path}: no column {label!r}, the first line is {shown}")
    column = names.index(label)
    if at is not None and -len(names) <= at < len(names) and at % len(names) != column:
        raise ValueError(
            f"{path}: {option} {label} is the name of column {column + 1} and the number, from 0, "
            f"of column {at % len(names) + 1}, {names[at]!r:.40}; name another number, such as "
            f"{column - len(names)}, which is the first of them"
        )
    return column


def column_of_labels(path: str, names: Sequence[str]) -> tuple[int, str]:
    """Return the column of a header that holds the labels, if nobody said which: the last one,
    unless another one has the name of a label; and what is to be said of that, or "".

    Raises:
        ValueError: another one has such a name.
    """
    last = len(names) - 1
    other = [name for name in names[:last] if is_label_name(name)]
    if [name.casefold() for name in other] == ["y"] and "x" in map(str.casefold, names):
        other = []  # x and y of a point
    if not other:
        return last, ""
    if is_label_name(names[last]):
        return last, (
            f"the label is the last column, {names[last]!r:.40}, and {other[0]!r:.40} is a feature"
        )
    raise ValueError(
        f"{path}: one column is called {other[0]!r:.40}, but the last column, {names[last]!r:.40}, "
        f"would be taken for the label; say which it is by --label {quoted(other[0])} or "
        f"--label {quoted(names[last])} (label=… in Python)"
    )


def quoted(name: str) -> str:
    return name if re.fullmatch(r"[\w.-]+", name) else f'"{name[:40]}"'
