"""A user's own labelled data, from an NPZ file."""

import os
from os import PathLike
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from chainrule.data.dataset import Dataset, check_rows
from chainrule.data.opening import open_file, too_large, unpacked_limit
from chainrule.data.splits import split_named

_TRAIN_TEST = ("x_train", "y_train", "x_test", "y_test")
_VAL = ("x_val", "y_val")
_LAYOUTS = (("x", "y"), _TRAIN_TEST + _VAL, _TRAIN_TEST)
_EXPECTED = f"x and y, or {', '.join(_TRAIN_TEST)}, with or without {' and '.join(_VAL)}"


def load_npz(path: str | PathLike[str], *, seed: int = 0) -> Dataset:
    """Load arrays saved with `numpy.savez` or `numpy.savez_compressed`.

    The file holds either x and y, divided as by `Dataset.from_arrays`, or x_train, y_train,
    x_test, y_test, and perhaps x_val, y_val; without those, 20 % of the training rows are
    taken for validation, class by class. Other arrays are ignored. x is (N, …) and keeps
    float32 and float64; float16 and integers of up to 16 bits become float32, other integers
    float64, their values as they are. y is (N,), integers or strings; the classes are its
    different values in order. Rows (H, W) are taken for pictures. Nothing is unpickled.

    Args:
        path: the file.
        seed: decides which row goes to which part.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not as described above, or a class has too few rows to be
            divided; the message names the file and the array.
    """
    arrays = read_npz(str(path), _LAYOUTS, _EXPECTED)
    if "x" in arrays:
        x, y = arrays["x"], arrays["y"]
        return Dataset.from_arrays(str(path), x, y, image_shape=_image_shape(x), seed=seed)

    x, y = arrays["x_train"], arrays["y_train"]
    if "x_val" not in arrays:
        train, val = split_named(str(path), y, (0.8, 0.2), seed)
        arrays |= {"x_train": x[train], "y_train": y[train], "x_val": x[val], "y_val": y[val]}
    classes = np.unique(y)
    for name in ("y_train", "y_val", "y_test"):
        unknown = np.setdiff1d(arrays[name], classes)
        if unknown.size:
            raise ValueError(f"{path}: {name} has the label {unknown[0]}, which y_train lacks")
        arrays[name] = np.searchsorted(classes, arrays[name])
    return Dataset(
        str(path),
        arrays["x_train"],
        arrays["y_train"],
        arrays["x_val"],
        arrays["y_val"],
        arrays["x_test"],
        arrays["y_test"],
        classes=tuple(map(str, classes)),
        image_shape=_image_shape(x),
    )


def read_npz(
    path: str, layouts: tuple[tuple[str, ...], ...], expected: str
) -> dict[str, NDArray[Any]]:
    """Return the arrays of the first layout that the file holds, by name: each x, of floats, and
    the y that belongs to it, if there is one, checked. `expected` says the layouts in words."""
    with open_file(path) as file:
        try:
            archive = NpzFile(file, allow_pickle=False)
        except Exception as error:  # see _read_array
            raise ValueError(
                f"{path}: expected an NPZ file, this is none or is damaged ({error})"
            ) from None
        with archive:
            held = archive.files
            names = next((names for names in layouts if set(names) <= set(held)), None)
            if names is None:
                raise ValueError(
                    f"{path}: holds {', '.join(held) or 'no array'}; expected {expected}"
                )
            arrays = {name: _read_array(path, archive, name) for name in names}
    for x_name in (name for name in names if name.startswith("x")):
        x, y_name = arrays[x_name], x_name.replace("x", "y", 1)
        if x.dtype.kind not in "biuf":
            raise ValueError(f"{path}: {x_name} has dtype {x.dtype}, expected numbers")
        arrays[x_name] = x.astype(np.result_type(x.dtype, np.float32), copy=False)
        y = arrays.get(y_name, np.zeros(x.shape[:1], int))  # any labels do where there are none
        check_rows(path, x_name, arrays[x_name], y_name, y)
    return arrays


def check_unpacked(path: str, archive: NpzFile, name: str) -> None:
    """Raise ValueError where an array would unpack to more than a file may hold."""
    if archive.zip is None:
        return
    limit = unpacked_limit(os.path.getsize(path))
    for member in archive.zip.infolist():
        if member.filename in (name, f"{name}.npy") and member.file_size > limit:
            raise too_large(f"{path}, {name}", limit)


def _read_array(path: str, archive: NpzFile, name: str) -> NDArray[Any]:
    check_unpacked(path, archive, name)
    try:
        values = archive[name]
    except Exception as error:  # zipfile, the decompressors and NumPy's parser raise a dozen kinds
        raise ValueError(
            f"{path}: {name} cannot be read as a plain array of numbers or strings ({error})"
        ) from None
    return np.asarray(values)


def _image_shape(x: NDArray[Any]) -> tuple[int, ...] | None:
    return x.shape[1:] if x.ndim == 3 else None
