"""Data frames: tables in memory, with a name for each column."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.columns import check_header
from chainrule.data.csv_file import answers_of
from chainrule.data.dataset import Dataset
from chainrule.data.encoding import Encoding
from chainrule.data.head import Head, column_named, targets_of
from chainrule.data.npz_file import as_floats
from chainrule.data.reading import Cells, Reader
from chainrule.data.rows import encoded
from chainrule.data.tabular import check_asked, dataset_of, prepared


def from_frame(
    frame: Any,
    label: str | Sequence[str],
    *,
    task: str | None = None,
    drop: Sequence[int | str] = (),
    weights: int | str | None = None,
    categories: Sequence[int | str] = (),
    missing: str = "refuse",
    na: Sequence[str] = (),
    name: str = "the data frame",
    seed: int = 0,
) -> Dataset:
    """Load a data frame, of pandas or anything else that has `columns` and a column by its name.

    Its columns are what those of a table are for `load_csv`; the index of its rows is not used.

    Args:
        frame: the data frame.
        label: the name of the label column, or those of several targets.
        task: as for `load_csv`.
        name: what messages and reports call the data.
        drop, weights, categories, missing, na, seed: as for `load_csv`.

    Raises:
        TypeError: `frame` is no data frame.
        ValueError: it does not hold what `load_csv` expects of a table.
    """
    if not hasattr(frame, "columns"):
        raise TypeError(
            f"from_frame: frame is a {type(frame).__name__}, expected a data frame with columns; "
            f"for arrays there is Dataset.from_arrays"
        )
    check_asked(name, missing, task)
    names = tuple(str(column) for column in frame.columns)
    width = len(names)
    left_out = [column_named(name, names, width, one, "drop") for one in drop]
    weighing = None if weights is None else column_named(name, names, width, weights, "weights")
    left_out += [] if weighing is None else [weighing]
    check_header(name, names, left_out)
    first, more = targets_of(label, names)
    further = [column_named(name, names, width, one, "label") for one in more]
    left_out += further
    at = column_named(name, names, width, -1 if first is None else first, "label")
    if at in left_out:
        raise ValueError(f"{name}: the column {label!r} is the label, and cannot be left out")
    head = Head(True, names, width, at, tuple(left_out), (), weighing, tuple(further))
    if not head.features:
        raise ValueError(f"{name}: has no columns but the label, expected features")
    chosen = [column_named(name, names, width, one, "categories") for one in categories]
    words = [j for j, column in enumerate(head.features) if column in chosen]
    cells = cells_of(name, frame, head.features, words, na)
    texts = [texts_of(frame, column) for column in head.answers]
    weighed = None if weighing is None else texts_of(frame, weighing)
    cells, texts, numbers, notes = prepared(name, head, cells, texts, weighed, missing, na, chosen)
    y, targets, note = answers_of(name, head, texts, cells.lines, task, asked=True)
    divided = dataset_of(
        name,
        head,
        cells,
        y,
        weights=numbers,
        missing=missing,
        na=na,
        notes=[*notes, note],
        targets=targets,
        seed=seed,
    )
    return replace(divided, label_column=-1)  # that of a file


def rows_of_frame(
    name: str, frame: Any, encoding: Encoding
) -> tuple[NDArray[np.float64], list[str]]:
    """Return the features (N, D) of the rows of a data frame that has the columns of `encoding`
    once each, and what is to be said of them. Raises ValueError as `encoded`."""
    names = [str(column) for column in frame.columns]
    columns = [names.index(column) for column in encoding.names]
    words = [j for j, known in enumerate(encoding.categories) if known is not None]
    return encoded(name, encoding, cells_of(name, frame, columns, words, encoding.na))


def cells_of(
    name: str,
    frame: Any,
    columns: Sequence[int],
    categories: Collection[int],
    na: Sequence[str],
) -> Cells:
    """Return what stands in some columns of a data frame, as in those of a table."""
    called = [f"column {str(frame.columns[column])!r:.40}" for column in columns]
    reader = Reader(name, called, categories, na)
    values = np.empty((len(frame), len(columns)))
    for j, column in enumerate(columns):
        array = np.asarray(frame[frame.columns[column]])
        if array.dtype.kind in "iuf" and j not in categories and not reader.numbers:
            values[:, j] = as_floats(name, called[j], array)
            if np.isinf(values[:, j]).any():
                raise ValueError(f"{name}, {called[j]}: holds inf, expected finite numbers")
            reader.missing["nan"] += int(np.isnan(values[:, j]).sum())
        else:
            texts = texts_of(frame, column)
            values[:, j] = [reader.value(row, 0, j, text) for row, text in enumerate(texts)]
    return Cells(reader.names, values, reader.words, (), +reader.missing)


def texts_of(frame: Any, column: int) -> list[str]:
    """Return what stands in a column of a data frame as text."""
    return [str(cell).strip() for cell in np.asarray(frame[frame.columns[column]])]
