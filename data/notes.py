"""What looks well in a table and is not: said in one line each, with the name of the column.

Every loader of a user's own data looks for these, and `Dataset.notes` holds what it found. They
are looked for in the rows as they stand in the file, before they are divided and standardised.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chainrule.data.cells import alike, is_number

MANY = 20  # numbers, beyond which they are to be predicted rather than classes
REGRESSION = (
    "such labels look like numbers to predict, and this makes classes of them; to predict numbers, "
    "say --task regression (task='regression' in Python)"
)
MOSTLY = 0.9  # of the rows in one class, from which on the accuracy says little
FEWEST = 10  # rows in which a running number shows
NAMES_FROM = 1e4  # whole numbers may name rows; smaller ones are counts and measures more often
FAR, SQUEEZED = 100.0, 5.0  # quartile ranges from the median; times that far cells widen a column
RARE = 0.05  # share of the cells that far ones may have
NAMED = 3  # columns in one note
# What programs write for "no value" where only a number may stand; the last ones are the fill
# values of NumPy's masked arrays.
SENTINELS = (-99.0, -999.0, -9999.0, -99999.0, -999999.0, 99.0, 999.0, 9999.0, 99999.0, 999999.0,
             1e20)  # fmt: skip


def notes_on(
    x: NDArray[np.floating], y: NDArray[np.generic], names: Sequence[str]
) -> tuple[str, ...]:
    """Return what is to be said of rows x (N, D) in the order of their file, of their labels y
    (N,), and of columns with these D names, as they are to be called in a message."""
    codes = np.unique(y, return_inverse=True)[1]
    leak = [name for column, name in zip(x.T, names, strict=True)
            if gives_away(column.astype(np.float64), codes)]  # fmt: skip
    told = list(notes_on_columns(x, names))
    if leak:
        told.append(f"{listed(leak)} says which class a row is in: is it the label once more?")
    return (*told, *notes_on_labels(y))


def notes_on_targets(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    names: Sequence[str],
    targets: Sequence[str],
) -> tuple[str, ...]:
    """Return what is to be said of rows x (N, D), of the numbers y (N, T) that are to be predicted
    from them, and of columns and targets with these names."""
    told = list(notes_on_columns(x, names))
    leak = [name for column, name in zip(x.T, names, strict=True)
            if any(is_the_same(column.astype(np.float64), target) for target in y.T)]  # fmt: skip
    if leak:
        told.append(f"{listed(leak)} rises or falls with a target exactly: is it that once more?")
    for target, name in zip(y.T.astype(np.float64), targets, strict=True):
        if (value := sentinel_of(target)) is not None:
            told.append(
                f"the target {name} holds {value:g}, far from its other numbers: if that stands "
                f"for a missing value, leave such rows out (of a CSV file, by --na {value:.15g} "
                f"--missing drop)"
            )
        elif found := far_cells(target):
            told.append(f"the target {name}: {found}, so far from the rest that it alone sets the "
                        f"scale: repair it, or try --loss huber")  # fmt: skip
    return tuple(told)


def is_the_same(column: NDArray[np.float64], target: NDArray[np.floating]) -> bool:
    """Tell whether a column is a target times a number plus another."""
    a, b = column - column.mean(), target - target.mean(dtype=np.float64)
    size = float(np.sqrt((a @ a) * (b @ b)))
    return len(a) > 2 and 0 < size < np.inf and abs(a @ b) > (1 - 1e-9) * size


def notes_on_columns(x: NDArray[np.floating], names: Sequence[str]) -> tuple[str, ...]:
    """Return what is to be said of columns x (N, D) with these D names."""
    running, sentinel, far, named = [], dict[float, list[str]](), [], []
    for column, name in zip(x.T, names, strict=True):
        column = column.astype(np.float64)
        if is_running(column):
            running.append(name)
        elif (value := sentinel_of(column)) is not None:
            sentinel.setdefault(value, []).append(name)
        elif found := far_cells(column):
            far.append(f"{name} ({found})")
        elif is_name_of_rows(column):
            named.append(name)
    told = []
    if running:
        told.append(
            f"{listed(running)} numbers the rows, and new rows go on where it ends: leave it out, "
            f"unless it is something measured"
        )
    if named:
        told.append(
            f"{listed(named)} holds a whole number of its own in nearly every row, as a name "
            f"of the row does: leave it out, unless it is something measured"
        )
    for value, columns in sentinel.items():
        told.append(
            f"{listed(columns)} holds {value:g}, far from its other numbers: if that stands for a "
            f"missing value, fill it in or leave such rows out (of a CSV file, by --na "
            f"{value:.15g} --missing mean, or drop)"
        )
    if far:
        told.append(
            f"{listed(far)}: so far from the rest of the column that standardising squeezes the "
            f"rest together; repair such cells or leave the rows out"
        )
    return tuple(told)


def notes_on_labels(y: NDArray[np.generic]) -> tuple[str, ...]:
    """Return what is to be said of labels (N,), which are integers or words."""
    told = []
    classes, counts = np.unique(y, return_counts=True)
    if y.dtype.kind == "U":
        for group in alike(map(str, classes))[:NAMED]:
            told.append(
                f"the labels {' and '.join(map(repr, group))} are {len(group)} classes: if they "
                f"are one, spell them alike"
            )
    if are_numbers(classes):
        told.append(f"the labels are {len(classes):,} different numbers; {REGRESSION}")
    share = counts.max() / len(y)
    if share >= MOSTLY and len(classes) > 1:
        told.append(
            f"{share:.1%} of the rows are of the class {str(classes[counts.argmax()])!r}: always "
            f"naming it is right as often, so look at the recall of the others, and have all "
            f"classes count the same by --class-weights balanced (Dataset.balanced() in Python)"
        )
    if odd := [f"{c}" for c in classes if f"{c}" in ("-999", "-9999", "-99", "999", "9999")]:
        told.append(f"the class {odd[0]!r} looks like a missing label")
    return tuple(told)


def are_numbers(classes: NDArray[np.generic]) -> bool:
    """Tell whether different labels are so many numbers that they are hardly classes."""
    return len(classes) > MANY and (
        classes.dtype.kind in "iu" or all(is_number(str(label)) for label in classes)
    )


def listed(names: Sequence[str]) -> str:
    """Return names with commas, the first of them alone where there are many."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def is_running(column: NDArray[np.float64]) -> bool:
    """Tell whether numbers rise or fall in even steps from each row to the next, or are N integers
    without a gap in another order."""
    if len(column) < FEWEST:
        return False
    low, high = column.min(), column.max()
    if high - low == len(column) - 1:
        return bool(np.array_equal(np.sort(column), np.arange(low, high + 1)))
    step, exact = column[1] - column[0], 1e-9 * max(abs(low), abs(high))
    if step == 0 or not np.allclose(np.diff(column[:FEWEST]), step, rtol=1e-6, atol=exact):
        return False
    return np.allclose(np.diff(column), step, rtol=1e-6, atol=exact)


def is_name_of_rows(column: NDArray[np.float64]) -> bool:
    """Tell whether whole numbers, from 10,000 on, are different in nearly all rows."""
    if len(column) < 2 * FEWEST or column.min() < NAMES_FROM:
        return False
    whole = bool((column == np.floor(column)).all())
    return whole and len(np.unique(column)) > 0.95 * len(column)


def sentinel_of(column: NDArray[np.float64]) -> float | None:
    """Return the number of SENTINELS that is the least or the greatest of a column and farther
    from the next one than all others are from each other; None if there is none."""
    for value in (column.min(), column.max()):
        others = column[column != value] if value in SENTINELS else column[:0]
        if others.size and np.abs(others - value).min() > np.ptp(others) > 0:
            return float(value)
    return None


def far_cells(column: NDArray[np.float64]) -> str:
    """Return in words the few cells that are so far out that they alone set the deviation of a
    column, or "" if there are none."""
    unit = max(abs(column.min()), abs(column.max())) or 1.0  # or squares of 1e300 overflow
    original, column = column, column / unit
    low, high, mean = column.min(), column.max(), column.mean()
    if max(high - mean, mean - low) <= 4 * column.std():  # RARE and SQUEEZED cells are farther out
        return ""
    with np.errstate(under="ignore"):
        median = np.median(column)
        quartiles = np.subtract(*np.percentile(column, [75, 25]))
        if quartiles == 0:  # more than half of the cells are the same: look at the others
            others = column[column != median]
            quartiles = np.subtract(*np.percentile(others, [75, 25]))
        away = np.abs(column - median) > FAR * quartiles
        if quartiles == 0 or not 0 < away.mean() <= RARE:
            return ""
        if column.std() <= SQUEEZED * column[~away].std():
            return ""
    row = int(np.argmax(np.abs(column - median)))
    count = int(away.sum())
    cells = "one cell" if count == 1 else f"{count:,} cells"
    return f"{cells} such as {original[row]:g} in example {row + 1}"


def gives_away(column: NDArray[np.float64], codes: NDArray[np.intp]) -> bool:
    """Tell whether a column has one number for each class, and no other."""
    classes = int(codes.max()) + 1
    some = slice(None, max(100, 10 * classes))
    values, which = np.unique(column[some], return_inverse=True)
    if np.unique(which * classes + codes[some]).size > values.size or values.size > classes:
        return False
    values, which = np.unique(column, return_inverse=True)
    pairs = np.unique(which * classes + codes)
    return bool(values.size == classes == pairs.size)
