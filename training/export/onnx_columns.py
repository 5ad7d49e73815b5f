"""The columns of a table in an ONNX model: an input for each, numbers or words, and the rows that
they become, as `Encoding` does."""

from __future__ import annotations

import numpy as np

from chainrule.data.cells import MISSING, is_missing, is_number, number
from chainrule.data.encoding import Encoding
from chainrule.training.export.frame import Frame
from chainrule.training.export.onnx_nodes import Nodes


def rows_of_columns(g: Nodes, encoding: Encoding) -> str:
    """Adds the value `rows` (N, D) in float64, made of values column/NAME (N,), numbers or words. A
    cell is missing where it is nan, or one of the words for that. Where training refused those, a
    row with one is nan."""
    parts, gaps, start = list[str](), dict[int, str](), 0
    column = g.array("as a column", np.array([-1, 1]))
    for at, (name, words) in enumerate(zip(encoding.names, encoding.categories, strict=True)):
        width = 1 if words is None else len(words)
        fill = g.array(f"fill of {name}", np.array(encoding.fill[start : start + width]))
        cells, start = f"column/{name}", start + width
        if words is None:
            x = g.add("Reshape", cells, column)
            gaps[at] = g.add("IsNaN", x)
            for value in sorted({number(cell) for cell in encoding.na if is_number(cell)}):
                same = g.add("Equal", x, g.array(f"the number {value!r}", np.float64(value)))
                gaps[at] = g.add("Or", gaps[at], same)
            unknown = gaps[at]
        else:
            x, unknown = codes(g, cells, words)
            _, known = codes(g, cells, without_value(encoding))
            gaps[at] = g.add("Not", known)
        parts.append(g.add("Where", unknown, fill, x))
        if encoding.missing == "refuse":
            nan = g.array("no number", np.float64(np.nan))
            parts[-1] = g.add("Where", gaps[at], nan, parts[-1])
    parts += [g.cast(gaps[at], "DOUBLE") for at in encoding.marked]
    return g.add("Concat", *parts, out="rows", axis=1)


def codes(g: Nodes, cells: str, words: tuple[str, ...]) -> tuple[str, str]:
    """Adds a column for each word (N, K), 1 where a cell is that one, and whether it is none of
    them (N, 1)."""
    encoded = [word.encode(errors="replace") for word in words]
    found = g.add("OneHotEncoder", cells, domain="ai.onnx.ml", cats_strings=encoded, zeros=1)
    found = g.cast(found, "DOUBLE")
    sums = g.add("ReduceSum", found, g.array("over words", np.array([1])), keepdims=1)
    return found, g.add("Equal", sums, g.array("none", np.float64(0)))


def without_value(encoding: Encoding) -> tuple[str, ...]:
    """The spellings of a cell of words that is missing."""
    spellings = (way(word) for word in MISSING for way in (str, str.upper, str.title))
    return tuple(sorted({word for word in (*spellings, "NaN", *encoding.na) if is_missing(word)}
                        | {*encoding.na}))  # fmt: skip


def feed(encoding: Encoding | None, frame: Frame) -> dict[str, np.ndarray]:
    """What a model takes for the cells of a table: numbers, nan where there are none, and words."""
    assert encoding is not None
    given = dict[str, np.ndarray]()
    for name, words in zip(encoding.names, encoding.categories, strict=True):
        if words is None:
            lacking = [is_missing(cell) or cell in encoding.na for cell in frame[name]]
            numbers = [
                "nan" if none else cell for none, cell in zip(lacking, frame[name], strict=True)
            ]
            given[name] = np.array(numbers, np.float64)
        else:
            given[name] = np.array(frame[name], object)
    return given
