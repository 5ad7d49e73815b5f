"""A user's own labelled data, whatever the kind of file."""

from os import PathLike
from pathlib import Path

from chainrule.data.csv_file import load_csv
from chainrule.data.dataset import Dataset
from chainrule.data.npz_file import load_npz


def load_file(
    path: str | PathLike[str],
    *,
    label: int | str | None = None,
    header: bool | None = None,
    seed: int = 0,
) -> Dataset:
    """Load `.csv` or `.csv.gz` with `load_csv`, `.npz` with `load_npz`.

    Args:
        path: the file.
        label: the label column of a CSV file, by name or index; None is its last column, as long
            as nothing speaks against it.
        header: whether the first line of a CSV file is a header; None to find out.
        seed: decides which row goes to which part.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: another suffix, a `label` or `header` for an NPZ file, or what the two
            functions raise.
    """
    name = Path(path).name.lower()
    if name.endswith((".csv", ".csv.gz")):
        return load_csv(path, label=label, header=header, seed=seed)
    if not name.endswith(".npz"):
        raise ValueError(f"{path}: expected a name that ends in .csv, .csv.gz or .npz")
    if label is not None:
        raise ValueError(f"{path}: label is {label!r}, but the labels of an NPZ file are its y")
    if header is not None:
        raise ValueError(f"{path}: header is {header}, but an NPZ file has no first line")
    return load_npz(path, seed=seed)
