"""What a CSV file calls its columns."""

import csv
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

from chainrule.data.opening import open_file


def column_names(path: str, features: int) -> list[str]:
    """The names in the header of a CSV file of so many `features`, the label's aside; none where
    it has no header, or where `path` is that of no CSV file. The file is one that was read, so
    that a first line which is not all numbers is the header."""
    name = Path(path).name.lower()
    if not name.endswith((".csv", ".csv.gz")):
        return []
    with TextIOWrapper(open_file(path), encoding="utf-8-sig", newline="") as file:
        cells = [cell.strip() for cell in next(filter(None, csv.reader(file)))[:features]]
    return [] if all(map(is_number, cells)) else cells


def check_names(path: str, names: Sequence[str]) -> None:
    """Raises ValueError where a CSV file has a header, but not with these names in this order."""
    pairs = zip(column_names(path, len(names)), names, strict=False)
    for column, (found, expected) in enumerate(pairs, start=1):
        if found != expected:
            raise ValueError(
                f"{path}: column {column} is called {found!r:.40}, expected {expected!r:.40} as in "
                f"the training data; bring the columns into their order"
            )


def is_number(cell: str) -> bool:
    """Whether a cell holds a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
