"""What a cell of a table says: one rule for features and labels, wherever tables are read.

- A **number** is written with the digits 0 to 9: `-12`, `0.5`, `.5`, `1e-3`, blanks around it
  ignored. `1_000`, `٣`, `３`, `0x1f`, `1,5`, `inf` and `nan` are no numbers.
- A **missing value** is an empty cell or one of the words that programs write for it: `NA`, `N/A`,
  `NaN`, `NULL`, `None`, `nil`, `NaT`, `#N/A`, `<NA>`, `?` and `.`, in capitals or not, with the
  exception of `Na`, which is sodium. It is refused, in features as in labels.
- A **label** is a text, and two labels are one class if and only if they are the same text, blanks
  around it aside: `7` and `007`, `1` and `1.0`, `1_1` and `11`, `ja` and `Ja` are two classes each.
  `alike` finds those that look like one class in two spellings, so that they can be told.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from math import isfinite, nan

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"0|-?[1-9]\d*", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
MISSING = frozenset(
    ("", "na", "n/a", "n.a.", "nan", "-nan", "null", "none", "nil", "nat", "#n/a", "#na", "<na>")
) | {"?", "."}

EXACT = 2**53  # up to here float64 holds every integer


def number(cell: str) -> float:
    """Return the number that stands in a cell, nan if there is none; inf where it is too large."""
    cell = cell.strip()
    return float(cell) if _NUMBER.fullmatch(cell) else nan


def is_number(cell: str) -> bool:
    """Tell whether a cell holds a number that is finite."""
    return isfinite(number(cell))


def is_whole(cell: str) -> bool:
    """Tell whether a cell holds an integer in its usual spelling: not 007, +7, -0 or 7.0."""
    return _WHOLE.fullmatch(cell.strip()) is not None


def is_missing(cell: str) -> bool:
    """Tell whether a cell says that there is no value."""
    cell = cell.strip()
    return cell.lower() in MISSING and cell != "Na"


def is_rounded(cell: str) -> bool:
    """Tell whether a cell holds an integer that float64 cannot hold as it is."""
    value = number(cell)
    if not abs(value) >= EXACT or not isfinite(value) or not _INTEGER.fullmatch(cell.strip()):
        return False
    return int(cell) != int(value)


def folded(label: str) -> str:
    """Return what a label has in common with its other spellings: capitals, blanks, the digits of
    other scripts, and of a number its value."""
    text = " ".join(unicodedata.normalize("NFKC", label).casefold().split())
    text = "".join(str(unicodedata.decimal(c, c)) for c in text)
    if _INTEGER.fullmatch(text) and len(text) < 4000:
        return str(int(text))
    value = number(text)
    if not isfinite(value):
        return text
    return str(int(value)) if value.is_integer() else repr(value)


def alike(labels: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the groups of different labels that look like one in several spellings."""
    groups: dict[str, list[str]] = {}
    for label in dict.fromkeys(labels):
        groups.setdefault(folded(label), []).append(label)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def plain(label: str) -> str:
    """Return a number in its usual spelling, "01" and "1.0" as "1", and any other label as it is:
    by this a label is known that stands for one class and for no other."""
    return folded(label) if is_number(label) else label


def numbered(classes: Sequence[str]) -> dict[str, int]:
    """Return the number of the class that each spelling stands for: its name, and where no other
    class is the same number, that."""
    spellings = [plain(name) for name in classes]
    found = {s: c for c, s in enumerate(spellings) if spellings.count(s) == 1}
    return found | {name: c for c, name in enumerate(classes)}
