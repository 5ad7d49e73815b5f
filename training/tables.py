"""The options that say how a table is to be read."""

import argparse

from chainrule.data.encoding import MISSING
from chainrule.data.tabular import TASKS

#: Options that name columns of a CSV file, and what for.
COLUMNS = {
    "drop": "columns of a CSV file to leave out, as in id,day",
    "weights": "column of a CSV file that says what each row weighs in training, as in weight",
    "categories": "columns of a CSV file whose numbers are names of categories, as words are",
}
#: All that say how a file of one's own is to be read.
TABLE = ("label", "task", "header", *COLUMNS, "missing", "na")


def add_reading(out: argparse.ArgumentParser, *, label: bool = True) -> None:
    """Has a parser take what says how a CSV file is to be read."""
    if label:
        out.add_argument(
            "--label",
            metavar="COLUMN",
            help="column of a CSV file that holds the labels, by its name or its number: 0 is the "
            "first, -1 the last, which it is if left out; several, as in height,weight, hold "
            "numbers to predict",
        )
        out.add_argument("--task", choices=TASKS, help="make classes of the labels, or predict the "
            "numbers that they are; found out, and said, if left out")  # fmt: skip
        for name, what in COLUMNS.items():
            out.add_argument(f"--{name}", metavar="COLUMNS", help=what)
        out.add_argument("--missing", choices=MISSING, help="what to do where cells of a CSV file "
            "are missing: refuse them (if left out), fill in the mean of the column, the same with "
            "an indicator, a feature that says where, or drop the rows")  # fmt: skip
        out.add_argument("--na", metavar="CELLS", help="cells that stand for a missing value, "
            "besides empty ones, NA, ? and the like, as in -999,unknown")  # fmt: skip
    out.add_argument(
        "--header",
        nargs="?",
        const="yes",
        choices=["yes", "no"],
        metavar="yes|no",
        help="whether the first line of a CSV file names the columns; found out if left out",
    )
