"""A user's own labelled data, from an NPZ file."""

import os
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from chainrule.data.copies import shared, split_apart
from chainrule.data.dataset import Dataset, check_inputs, check_rows
from chainrule.data.notes import MANY, notes_on, notes_on_labels, notes_on_targets
from chainrule.data.opening import open_file, too_large, unpacked_limit
from chainrule.data.tabular import check_asked
from chainrule.data.targets import check_targets

_TRAIN_TEST = ("x_train", "y_train", "x_test", "y_test")
_VAL = ("x_val", "y_val")
_LAYOUTS = (("x", "y"), _TRAIN_TEST + _VAL, _TRAIN_TEST)
_EXPECTED = f"x and y, or {', '.join(_TRAIN_TEST)}, with or without {' and '.join(_VAL)}"


def load_npz(path: str | PathLike[str], *, task: str | None = None, seed: int = 0) -> Dataset:
    """Load arrays saved with `numpy.savez` or `numpy.savez_compressed`.

    The file holds either x and y, divided as by `Dataset.from_arrays`, or x_train, y_train,
    x_test, y_test, and perhaps x_val, y_val; without those, 20 % of the training rows are
    taken for validation, class by class. Other arrays are ignored. x is (N, …) and keeps
    float32 and float64; float16 and integers of up to 16 bits become float32, other integers
    float64, their values as they are; an integer that float64 cannot hold is refused. y is (N,),
    integers or strings; the classes are its different values in order. Rows (H, W), and (C, H, W)
    with 1 or 3 channels, are taken for pictures. What seems wrong with the rows is in the dataset's
    `notes`. Nothing is unpickled.

    Where y is of floats, (N,) or (N, T), its numbers are to be predicted; whole numbers of up to 20
    values only if `task` is "regression".

    Args:
        path: the file.
        task: "classes", "regression", or None to tell by the dtype of y.
        seed: decides which row goes to which part.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not as described above, or a class has too few rows to be
            divided; the message names the file and the array.
    """
    check_asked(str(path), "refuse", task)
    arrays = read_npz(str(path), _LAYOUTS, _EXPECTED, task)
    if arrays["y" if "x" in arrays else "y_train"].ndim == 2:
        return _with_targets(str(path), arrays, seed)
    if "x" in arrays:
        x, y = arrays["x"], arrays["y"]
        whole = Dataset.from_arrays(str(path), x, y, image_shape=_image_shape(x), seed=seed)
        return replace(whole, notes=tuple(dict.fromkeys((*whole.notes, *_notes(x, y)))))

    x, y = arrays["x_train"], arrays["y_train"]
    notes = [*_notes(x, y), shared("x_test", arrays["x_test"], "x_train", x)]
    if "x_val" in arrays:
        notes.append(shared("x_val", arrays["x_val"], "x_train", x))
    else:
        (train, val), copies = split_apart(str(path), x, y, (0.8, 0.2), seed)
        notes.append(copies)
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
        notes=tuple(filter(None, notes)),
    )


def _with_targets(path: str, arrays: dict[str, NDArray[Any]], seed: int) -> Dataset:
    """Return the dataset of arrays whose y are numbers to predict (N, T)."""
    y = arrays["y" if "x" in arrays else "y_train"]
    targets = ("y",) if y.shape[1] == 1 else tuple(f"y[:, {t}]" for t in range(y.shape[1]))
    if "x" in arrays:
        x = arrays["x"]
        shape = _image_shape(x)
        whole = Dataset.from_arrays(path, x, y, targets=targets, image_shape=shape, seed=seed)
        columns = [f"x[:, {column}]" for column in range(x.shape[1])]
        found = notes_on_targets(x, y, columns, targets) if x.ndim == 2 else ()
        return replace(whole, notes=(*whole.notes, *found))
    if "x_val" not in arrays:
        x, order = arrays["x_train"], np.random.default_rng(seed).permutation(len(y))
        val, train = np.split(order, [max(1, len(y) // 5)])
        arrays |= {"x_train": x[train], "y_train": y[train], "x_val": x[val], "y_val": y[val]}
    parts: dict[str, Any] = {
        f"{name}_{part}": arrays[f"{name}_{part}"]
        for part in ("train", "val", "test")
        for name in "xy"
    }
    image_shape = _image_shape(arrays["x_train"])
    return Dataset(path, classes=(), targets=targets, image_shape=image_shape, **parts)


def read_npz(
    path: str,
    layouts: tuple[tuple[str, ...], ...],
    expected: str,
    task: str | None = "classes",
) -> dict[str, NDArray[Any]]:
    """Return the arrays of the first layout that the file holds, by name: each x, of floats, and
    the y that belongs to it, if there is one, checked: labels (N,), or numbers to predict (N, T)
    as `task` and their dtype say. `expected` says the layouts in words."""
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
        arrays[x_name] = as_floats(path, x_name, x)
        y = arrays.get(y_name, np.zeros(x.shape[:1], int))  # any labels do where there are none
        if task == "regression" or (task is None and are_to_be_predicted(y)):
            check_inputs(path, x_name, arrays[x_name])
            if y.dtype.kind not in "biuf" or y.ndim not in (1, 2):
                raise ValueError(
                    f"{path}: {y_name} has dtype {y.dtype} and shape {y.shape}, expected numbers "
                    f"to predict, (N,) or (N, T)"
                )
            y = as_floats(path, y_name, y).reshape(len(y), -1).astype(arrays[x_name].dtype)
            check_targets(path, y_name, y, (len(arrays[x_name]), y.shape[1]))
            arrays[y_name] = y
        else:
            check_rows(path, x_name, arrays[x_name], y_name, y)
    return arrays


def are_to_be_predicted(y: NDArray[Any]) -> bool:
    """Tell whether y is of floats, and not of a few whole numbers, as labels in floats are."""
    if y.dtype.kind != "f":
        return False
    return y.ndim == 2 or len(np.unique(y)) > MANY or bool((y != np.floor(y)).any())


def check_unpacked(path: str, archive: NpzFile, name: str) -> None:
    """Raise ValueError where an array would unpack to more than a file may hold."""
    if archive.zip is None:
        return
    limit = unpacked_limit(os.path.getsize(path))
    for member in archive.zip.infolist():
        if member.filename in (name, f"{name}.npy") and member.file_size > limit:
            raise too_large(f"{path}, {name}", limit)


def as_floats(name: str, called: str, x: NDArray[Any]) -> NDArray[np.floating]:
    """Return numbers x (N, …) as floats of the same values, float32 or float64.

    Raises:
        ValueError: x holds an integer that float64 cannot hold.
    """
    floats = x.astype(np.result_type(x.dtype, np.float32), copy=False)
    if x.dtype.kind in "iu" and x.dtype.itemsize > 4:
        # 2**63, to which the largest int64 would be rounded, is no int64: compare below it.
        safe = np.abs(floats) < 2.0**63
        wrong = ~safe | (np.where(safe, floats, 0).astype(x.dtype) != x)
        if x.dtype.kind == "i":
            wrong &= x != np.iinfo(np.int64).min
        elif (~safe).any():
            low = floats < 2.0**64
            wrong = ~low | (np.where(low, floats, 0).astype(x.dtype) != x)
        if wrong.any():
            first = tuple(np.argwhere(wrong)[0].tolist())
            raise ValueError(
                f"{name}: {called}{list(first)} is {x[first]}, an integer that float64 cannot hold "
                f"as it is; if it is the name of a row, leave it out"
            )
    return floats


def _notes(x: NDArray[np.floating], y: NDArray[Any]) -> tuple[str, ...]:
    """Return what is to be said of rows x (N, D) and their labels; of pictures and other rows of
    several dimensions only what their labels show."""
    if x.ndim > 2:
        return notes_on_labels(y)
    return notes_on(x, y, [f"x[:, {column}]" for column in range(x.shape[1])])


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
    colours = x.ndim == 4 and x.shape[1] in (1, 3)
    return x.shape[1:] if x.ndim == 3 or colours else None
