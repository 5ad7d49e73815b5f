"""Rows that a trained network is to judge, labelled or not, from a user's own file."""

from math import prod
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chainrule.data.csv_file import read_table
from chainrule.data.npz_file import read_npz
from chainrule.data.standardiser import Examples


def load_rows(
    path: str | PathLike[str], shape: tuple[int, ...]
) -> tuple[Examples, NDArray[np.str_] | None]:
    """Load rows of the given shape, all of them and in the order of the file.

    A `.csv` or `.csv.gz` is a table as for `load_csv`, but the last column, the label's, may be
    empty or missing. Its other columns are the D numbers of a row of that shape, in C order. An
    `.npz` holds x (N, …) and perhaps y (N,), as for `load_npz`. Nothing is unpickled.

    Args:
        path: the file.
        shape: that of one row, as in the data that the network was trained on.

    Returns:
        x (N, *shape), float64 from a table, float32 or float64 from an `.npz`; and the labels
        (N,) as text, or None where the file has none.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: another suffix, rows of another shape, or a file that is not as described;
            the message names the file, and the line and column where there is one.
    """
    name = Path(path).name.lower()
    if name.endswith((".csv", ".csv.gz")):
        table, cells = read_table(path, features=prod(shape))
        return table.reshape(-1, *shape), np.array(cells) if cells else None
    if not name.endswith(".npz"):
        raise ValueError(f"{path}: expected a name that ends in .csv, .csv.gz or .npz")
    arrays = read_npz(str(path), (("x", "y"), ("x",)), "x, with or without y")
    x = arrays["x"]
    if x.shape[1:] != shape:
        raise ValueError(f"{path}: x has rows of shape {x.shape[1:]}, expected {shape}")
    return x, arrays["y"].astype(np.str_) if "y" in arrays else None
