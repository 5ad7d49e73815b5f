"""CIFAR-10: 60,000 colour photographs of 32 × 32 pixels in ten classes."""

import os
import tarfile
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from chainrule.data._download import fetch
from chainrule.data._images import image_dataset
from chainrule.data.dataset import Dataset
from chainrule.data.pixels import Bytes

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"
)  # fmt: skip

_FOLDER = "cifar-10-batches-bin"
_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_TEST = "test_batch.bin"
_SHAPE = (3, 32, 32)
_RECORD = 1 + 3 * 32 * 32  # label, then the red, the green and the blue plane


def load_cifar10(
    folder: str | PathLike[str] | None = None,
    *,
    validation: int = 1000,
    seed: int = 0,
    dtype: DTypeLike = np.float32,
    url: str = URL,
) -> Dataset:
    """Load CIFAR-10 from a folder, or download it (170 MB, once).

    x is (N, 3, 32, 32): channel (red, green, blue), line, column; values 0 to 255 divided by
    255. y is the class, in the order of the source: airplane, automobile, bird, cat, deer,
    dog, frog, horse, ship, truck. The test part is the source's test batch; the validation
    part is taken out of the training batches, class by class.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009,
    https://www.cs.toronto.edu/~kriz/cifar.html

    Args:
        folder: holds the binary version: `test_batch.bin` and at least one of
            `data_batch_1.bin` to `data_batch_5.bin`, in it or in its folder
            `cifar-10-batches-bin`. Training uses the batches that are there. Without it all
            are downloaded, compared with a SHA-256 and kept in the user's cache folder.
        validation: the number of validation rows.
        seed: decides which rows these are.
        dtype: of x, float32 or float64.
        url: where to download from.

    Raises:
        FileNotFoundError: the folder lacks the test batch or has no training batch.
        OSError: the download failed.
        ValueError: a file is not a sequence of whole records with labels 0 to 9, or
            `validation` is out of range; the message names the file.
    """
    home = _download(url) if folder is None else Path(folder)
    if (home / _FOLDER).is_dir():
        home = home / _FOLDER
    batches = [home / name for name in _TRAIN if (home / name).is_file()]
    if not batches or not (home / _TEST).is_file():
        raise FileNotFoundError(
            f"{home}: expected {_TEST} and at least one of {_TRAIN[0]} to {_TRAIN[-1]} "
            "(the binary version of CIFAR-10; the Python version consists of pickles)"
        )
    return image_dataset(
        "CIFAR-10",
        _images_and_labels(np.concatenate([_read_batch(path) for path in batches])),
        _images_and_labels(_read_batch(home / _TEST)),
        CLASSES,
        _SHAPE,
        validation=validation,
        seed=seed,
        dtype=dtype,
    )


def _read_batch(path: Path) -> Bytes:
    """Return the records of a batch, (N, 3073)."""
    values = np.fromfile(path, np.uint8)
    if values.size == 0 or values.size % _RECORD:
        raise ValueError(
            f"{path}: {values.size} bytes, expected a positive multiple of {_RECORD} "
            "(a label and 3 × 32 × 32 values for each image)"
        )
    records = values.reshape(-1, _RECORD)
    if records[:, 0].max() > 9:
        row = int(records[:, 0].argmax())
        raise ValueError(f"{path}: record {row} has the label {records[row, 0]}, expected 0 to 9")
    return records


def _images_and_labels(records: Bytes) -> tuple[Bytes, Bytes]:
    return records[:, 1:].reshape(-1, *_SHAPE), records[:, 0]


def _download(url: str) -> Path:
    """Return a folder with the six batches, unpacked beside the archive once."""
    archive = fetch(url, SHA256)
    folder = archive.parent / _FOLDER
    folder.mkdir(exist_ok=True)
    missing = [name for name in (*_TRAIN, _TEST) if not (folder / name).is_file()]
    if missing:
        with tarfile.open(archive) as tar:
            for name in missing:
                _unpack(tar, name, folder)
    return folder


def _unpack(tar: tarfile.TarFile, name: str, folder: Path) -> None:
    """Write one expected member; nothing else of the archive, its paths included, is used."""
    member = tar.extractfile(f"{_FOLDER}/{name}")
    assert member is not None, f"{name} is no file in an archive whose checksum is right"
    partial = folder / f"{name}.part{os.getpid()}"
    partial.write_bytes(member.read())
    partial.replace(folder / name)
