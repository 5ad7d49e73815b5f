"""The part of a Python file that makes features of the columns of a table, as `Encoding` does."""

from __future__ import annotations

from chainrule.data.cells import MISSING, is_number, number
from chainrule.data.encoding import Encoding

PAGE = '''\
COLUMNS = {{  # those of a table, with the words that each may hold, None for numbers
{columns}
}}
MISSING = {missing}  # cells without a value, in small letters
FILL = {fill}  # for them, feature by feature
MARKED = {marked}  # the columns with a feature that says where they are missing


def features(table):
    """The numbers (N, D) that a network takes, of a dict or a data frame that holds a list of cells
    for each of COLUMNS: of words 0 and 1 for each, of what was not there in training FILL."""
    parts, gaps = [], []
    for name, words in COLUMNS.items():
        cells = [str(cell).strip() for cell in table[name]]
        gap = [missing(cell) for cell in cells]
        if words is None:
            part = [[np.nan if none else float(cell)] for none, cell in zip(gap, cells)]
        else:
            codes = [words.index(cell) if cell in words else -1 for cell in cells]
            part = np.vstack([np.eye(len(words)), np.full(len(words), np.nan)])[codes]
        parts.append(np.reshape(part, (len(cells), -1)))
        gaps.append(gap)
    x, gaps = np.hstack(parts), np.transpose(gaps)
{refuse}    return np.hstack([np.where(np.isnan(x), FILL, x), gaps[:, MARKED]])


def missing(cell):
    """Whether a cell says that there is no value."""
{body}


'''
BODY = '''\
    return cell.lower() in MISSING and cell != "Na"'''
WITH_OTHERS = """\
    if cell.lower() in MISSING and cell != "Na" or cell in {others}:
        return True
    try:
        return float(cell) in {numbers}
    except ValueError:
        return False"""
REFUSE = """\
    if gaps.any():
        raise ValueError("a cell is missing, as none was in training")
"""


def columns_text(encoding: Encoding | None) -> str:
    """The text of it; "" where rows are numbers as they are."""
    if encoding is None:
        return ""
    pairs = zip(encoding.names, encoding.categories, strict=True)
    numbers = [number(cell) for cell in encoding.na if is_number(cell)]
    return PAGE.format(
        columns="\n".join(f"    {name!r}: {words!r}," for name, words in pairs),
        missing=sorted(MISSING),
        fill=list(encoding.fill),
        marked=list(encoding.marked),
        refuse=REFUSE if encoding.missing == "refuse" else "",
        body=WITH_OTHERS.format(others=encoding.na, numbers=numbers) if encoding.na else BODY,
    )
