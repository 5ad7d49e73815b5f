"""A user's own labelled data, whatever the kind of file."""

from os import PathLike
from pathlib import Path
from typing import Any

from chainrule.data.csv_file import load_csv
from chainrule.data.dataset import Dataset
from chainrule.data.npz_file import load_npz


def load_file(
    path: str | PathLike[str], *, task: str | None = None, seed: int = 0, **reading: Any
) -> Dataset:
    """Load `.csv` or `.csv.gz` with `load_csv`, `.npz` with `load_npz`.

    Args:
        path: the file.
        task: "classes", "regression", or None to find out.
        seed: decides which row goes to which part.
        reading: how a CSV file is to be read: `label`, `header` and the others of `load_csv`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: another suffix, something in `reading` for an NPZ file, or what the two
            functions raise.
    """
    name = Path(path).name.lower()
    if name.endswith((".csv", ".csv.gz")):
        return load_csv(path, task=task, seed=seed, **reading)
    if not name.endswith(".npz"):
        raise ValueError(f"{path}: expected a name that ends in .csv, .csv.gz or .npz")
    given = {option: value for option, value in reading.items() if value is not None}
    if "label" in given:
        raise ValueError(
            f"{path}: label is {given['label']!r}, but the labels of an NPZ file are its y"
        )
    if "header" in given:
        raise ValueError(f"{path}: header is {given['header']}, but an NPZ file has no first line")
    for option in given:
        raise ValueError(f"{path}: {option} goes with a CSV file, and this is an NPZ file")
    return load_npz(path, task=task, seed=seed)
