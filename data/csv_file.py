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
from chainrule.data.head import check_words, column_named, head_of
from chainrule.data.notes import MANY, REGRESSION
from chainrule.data.reading import Cells, Reader, Words, read_cells
from chainrule.data.tabular import check_asked, dataset_of, prepared


def load_csv(
    path: str | PathLike[str],
    *,
    label: int | str | None = None,
    header: bool | None = None,
    drop: Sequence[int | str] = (),
    weights: int | str | None = None,
    categories: Sequence[int | str] = (),
    missing: str = "refuse",
    na: Sequence[str] = (),
    seed: int = 0,
) -> Dataset:
    """Load a table in which each line is an example: numbers and words, and a label.

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
            numbers as one wants to predict, of more than 20 values or with fractions.
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
    check_asked(str(path), missing)
    lines, notes = open_table(path)
    try:
        return load_lines(
            *(str(path), lines, notes, label, header, drop, weights, categories, missing, na, seed)
        )
    except ValueError as error:
        raise ValueError("; ".join([str(error), *notes])) from None


def load_lines(
    name: str,
    lines: Lines,
    notes: Sequence[str],
    label: int | str | None,
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
    texts = [head.label] if head.weights is None else [head.label, head.weights]
    cells, (labels, *rest) = read_cells(reader, lines(), features, texts, head.width, head.headed)
    weighing = rest[0] if rest else None
    cells, labels, numbers, told = prepared(name, head, cells, labels, weighing, missing, chosen)
    if not head.headed and header is None:
        check_first_line(name, cells, labels)
    if label is None:
        columns = [column for column in sorted(cells.words) if features[column] not in chosen]
        like = [next(iter(cells.words[column].codes)) for column in columns]
        check_words(name, head, [features[column] for column in columns], labels, like)
    check_classes(name, labels, head.name(head.label), asked=label is not None)
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
        integers_if_all(labels),
        weights=numbers,
        missing=missing,
        na=na,
        notes=[*notes, *told],
        seed=seed,
    )


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
