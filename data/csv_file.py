"""A user's own labelled data, from a CSV file."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.cells import is_number, is_whole, number
from chainrule.data.columns import SAY_HEADER, Lines, is_label_name, is_name, quoted
from chainrule.data.dataset import Dataset
from chainrule.data.dialect import open_table
from chainrule.data.head import Head, check_words, column_named, head_of
from chainrule.data.notes import MANY, REGRESSION
from chainrule.data.reading import Cells, Reader, Words, read_cells
from chainrule.data.tabular import check_asked, dataset_of, prepared

ROWS_OF_A_CLASS = 30  # from which on many whole numbers are taken for classes


def load_csv(
    path: str | PathLike[str],
    *,
    label: int | str | Sequence[int | str] | None = None,
    task: str | None = None,
    header: bool | None = None,
    drop: Sequence[int | str] = (),
    weights: int | str | None = None,
    categories: Sequence[int | str] = (),
    missing: str = "refuse",
    na: Sequence[str] = (),
    seed: int = 0,
) -> Dataset:
    """Load a table in which each line is an example: numbers and words, and a label, or numbers
    that are to be predicted.

    The file is UTF-8, separated by commas, semicolons, tabs or bars, quoted where needed, gzipped
    if its name ends in `.gz`; empty lines are skipped. Decimals may stand after commas where
    these do not separate columns. What a number and what a missing value is, and when two labels
    are one class, is said in `chainrule.data.cells`. x is (N, D) float64, the columns in the order
    of the file without the label's; one of words becomes a feature for each category, as said in
    `chainrule.data.encoding`. The classes are the different labels, in the order of numbers if all
    are integers, of the alphabet otherwise. Rows are divided as by `Dataset.from_arrays`, and what
    seems wrong with them, or was decided here, is in the dataset's `notes`.

    The first line is a header if its cells, the label's aside, are names: each with a letter in
    it, and none a number; or if they count up, 0,1,2,… or 1,2,3,…, as the columns of a table
    without names do. Any other first line is an example. Where a line may be either, it is
    refused unless `header` says which. A first column that has no name or is called
    id or index, and has a whole number of its own in each row, is left out.

    Args:
        path: the file.
        label: the label column, by its name in the header or by its index (0 is the first,
            -1 the last). None is the last one, and refused where another is called label, class,
            target, y, species, outcome or the like, or holds words, or where the labels are
            numbers as one wants to predict, of more than 20 values or with fractions. Several
            columns are targets, whose numbers are to be predicted together.
        task: "classes" to make a class of each different label, "regression" to predict the
            numbers in the column; None to find out, and to say so: where `label` was given, or
            the column is called label, target or the like, numbers with fractions of more than
            10 values, or whole ones of more than 20 in fewer than 30 rows each, are predicted.
        header: whether the first line is a header; None to find out.
        drop: columns to leave out, by name or index.
        weights: the column of what each row weighs in training, by name or index; no feature.
        categories: columns whose numbers, too, are names of categories.
        missing: what to do where cells are missing: "refuse"; "mean", fill in the mean of the
            training part; "indicator", that, and add a feature that says where; "drop", leave
            the rows out.
        na: cells that stand for a missing value, besides the usual ones, such as "-999".
        seed: decides which row goes to which part.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not as described above, or a class has too few rows to be
            divided; the message names the file, and the line and column where there is one.
    """
    check_asked(str(path), missing, task)
    lines, notes = open_table(path)
    try:
        return load_lines(
            *(str(path), lines, notes, label, task, header, drop, weights, categories),
            *(missing, na, seed),
        )
    except ValueError as error:
        raise ValueError("; ".join([str(error), *notes])) from None


def load_lines(
    name: str,
    lines: Lines,
    notes: Sequence[str],
    label: int | str | Sequence[int | str] | None,
    task: str | None,
    header: bool | None,
    drop: Sequence[int | str],
    weights: int | str | None,
    categories: Sequence[int | str],
    missing: str,
    na: Sequence[str],
    seed: int,
) -> Dataset:
    """Do as `load_csv` does, with lines that are split into cells."""
    head = head_of(name, lines, label, header, drop, weights)
    chosen = [column_named(name, head.names, head.width, one, "categories") for one in categories]
    features = head.features
    words = {features.index(column) for column in chosen if column in features}
    reader = Reader(name, [head.called(column) for column in features], words, na)
    texts = [*head.answers, *([] if head.weights is None else [head.weights])]
    cells, answers = read_cells(reader, lines(), features, texts, head.width, head.headed)
    weighing = None if head.weights is None else answers.pop()
    cells, answers, numbers, told = prepared(
        name, head, cells, answers, weighing, missing, na, chosen
    )
    labels = answers[0]
    if not head.headed and header is None:
        check_first_line(name, cells, labels)
    if label is None:
        columns = [column for column in sorted(cells.words) if features[column] not in chosen]
        like = [next(iter(cells.words[column].codes)) for column in columns]
        check_words(name, head, [features[column] for column in columns], labels, like)
    asked = label is not None
    y, targets, note = answers_of(name, head, answers, cells.lines, task, asked=asked)
    doubted = label is None and "y" in map(str.casefold, head.names[:-1])  # x and y of a point?
    if doubted and not is_label_name(head.names[-1]) and all(map(is_number, labels)):
        raise ValueError(
            f"{name}: a column is called y, but the last column, {head.names[-1]!r:.40}, would be "
            f"taken for the label; say which it is by --label y or --label "
            f"{quoted(head.names[-1])} (label=… in Python)"
        )
    return dataset_of(
        name,
        head,
        cells,
        y,
        weights=numbers,
        missing=missing,
        na=na,
        notes=[*notes, *told, note],
        targets=targets,
        seed=seed,
    )


def answers_of(
    name: str,
    head: Head,
    answers: Sequence[list[str]],
    lines: Sequence[int],
    task: str | None,
    *,
    asked: bool,
) -> tuple[NDArray[Any], tuple[str, ...], str]:
    """Return labels (N,), or the numbers of targets (N, T); what the targets are called, if there
    are any; and what is to be said of this. `asked`: whether somebody named the column.

    Raises:
        ValueError: it cannot be told which of them they are, or a target is no number.
    """
    labels, column = answers[0], head.name(head.label)
    if len(answers) > 1 and task == "classes":
        raise ValueError(f"{name}: label names {len(answers)} columns, expected one for classes")
    found = task is None and (asked or is_label_name(column)) and are_to_be_predicted(labels)
    if not (found or task == "regression" or len(answers) > 1):
        check_classes(name, labels, column, asked=asked or task is not None)
        return integers_if_all(labels), (), ""
    y = np.array([[number(text) for text in one] for one in answers]).T
    if not np.isfinite(y).all():
        row, at = np.argwhere(~np.isfinite(y))[0].tolist()
        line = f", line {lines[row]}" if lines else f", row {row + 1}"
        raise ValueError(
            f"{name}{line}, {head.called(head.answers[at])}: {answers[at][row]!r:.40}, expected a "
            f"number to predict"
        )
    named = tuple(head.name(at) or f"column {at + 1}" for at in head.answers)
    note = (
        f"the labels of {head.called(head.label)} are {len(set(labels)):,} different numbers, "
        f"which are predicted as such; to make classes of them, say --task classes"
    )
    return y, named, note if found and len(answers) == 1 else ""


def are_to_be_predicted(labels: Sequence[str]) -> bool:
    """Tell whether labels are numbers rather than classes, as `load_csv` says."""
    values = set(labels)
    if not all(map(is_number, values)):
        return False
    if all(map(float.is_integer, map(number, values))):
        return len(values) > MANY and len(labels) < ROWS_OF_A_CLASS * len(values)
    return len(values) > MANY // 2


def integers_if_all(labels: list[str]) -> NDArray[Any]:
    """Return labels as integers if that changes the spelling of none, else as text."""
    names = np.array(labels)
    if not all(map(is_whole, set(labels))):
        return names
    try:
        return names.astype(np.int64)
    except (ValueError, OverflowError):
        return names


def check_first_line(path: str, cells: Cells, labels: Sequence[str]) -> None:
    """Raise ValueError where the first label stands in no other line, and is a name; or each word
    of the first line stands in no other."""
    if len(labels) > 1 and is_name(labels[0]) and labels[0] not in labels[1:]:
        raise ValueError(
            f"{path}, line 1: the label {labels[0]!r:.40} stands in no other line; if the first "
            f"line is a header, say so by {SAY_HEADER}; a class of one row cannot be divided"
        )
    first = [(words, words.at(0)) for words in cells.words.values()]
    alone = [word for words, word in first if word is not None and once(words, word)]
    if alone and len(alone) == len(first):
        raise ValueError(
            f"{path}, line 1: {alone[0]!r:.40} stands in no other line; the first line may be a "
            f"header or an example: say which by {SAY_HEADER}"
        )


def once(words: Words, word: str) -> bool:
    """Tell whether a word stands in one row alone."""
    return bool(np.count_nonzero(np.asarray(words.found) == words.codes[word]) == 1)


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
            f"expected at least 3, one for each part; "
            f"{f'{REGRESSION}; ' if len(classes) * 3 > len(labels) else ''}{other}"
        )
    if many and not asked:
        raise ValueError(
            f"{path}: the labels{column} are {len(classes):,} different numbers; {REGRESSION}; if "
            f"they are classes, or the label is another column, name the column by --label "
            f"{quoted(name) if name else '-1'} (label=… in Python)"
        )
