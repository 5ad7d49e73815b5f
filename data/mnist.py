"""MNIST: 70,000 handwritten digits of 28 × 28 pixels."""

import gzip
import math
import mmap
import os
import zlib
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from chainrule.data._download import fetch
from chainrule.data._images import image_dataset
from chainrule.data.dataset import Dataset
from chainrule.data.opening import open_regular, unpacked
from chainrule.data.pixels import Bytes

URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
SHA256 = {
    "train-images-idx3-ubyte.gz": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    "train-labels-idx1-ubyte.gz": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
    ),
}


def load_mnist(
    folder: str | PathLike[str] | None = None,
    *,
    validation: int = 5000,
    seed: int = 0,
    dtype: DTypeLike = np.float32,
    base_url: str = URL,
    mapped: bool = False,
) -> Dataset:
    """Load MNIST from a folder, or download it (11 MB, once).

    x is (N, 784), each row a picture read line by line, grey levels 0 to 255 divided by 255;
    y is the digit. The test part is MNIST's own; the validation part is taken out of its
    60,000 training images, class by class.

    Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to
    document recognition", Proc. IEEE 86(11), 1998. Fashion-MNIST and other sets with labels
    0 to 9 in the same four files load as well.

    Args:
        folder: holds the four IDX files, gzipped or not, spelled `train-images-idx3-ubyte` or
            `train-images.idx3-ubyte`. Without it they are downloaded, compared with the
            SHA-256 of the originals and kept in the user's cache folder.
        validation: the number of validation rows.
        seed: decides which rows these are.
        dtype: of x, float32 or float64.
        base_url: where to download from, with a slash at the end.
        mapped: leave the training images in their file, where that is not gzipped, and read the
            rows that are asked for. It must stay as it is meanwhile: where a mapped file is cut
            short, the system kills the process.

    Raises:
        FileNotFoundError: the folder lacks one of the files.
        OSError: the download failed.
        ValueError: a file is damaged or not what its name says, or `validation` is out of
            range; the message names the file, what was found and what was expected.
    """
    x_train, y_train = _read_part("train", folder, base_url, mapped)
    x_test, y_test = _read_part("t10k", folder, base_url)
    return image_dataset(
        "MNIST",
        (x_train.reshape(len(x_train), -1), y_train),
        (x_test.reshape(len(x_test), -1), y_test),
        tuple("0123456789"),
        x_train.shape[1:],
        validation=validation,
        seed=seed,
        dtype=dtype,
    )


def _read_part(
    part: str, folder: str | PathLike[str] | None, base_url: str, mapped: bool = False
) -> tuple[Bytes, Bytes]:
    """Return the images (N, H, W) and the labels (N,) of "train" or "t10k"."""
    paths = []
    for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"):
        name = f"{part}-{kind}.gz"
        paths.append(
            fetch(base_url + name, SHA256[name]) if folder is None else _find(Path(folder), name)
        )
    images, labels = read_idx(paths[0], ndim=3, mapped=mapped), read_idx(paths[1], ndim=1)
    if len(images) != len(labels):
        raise ValueError(
            f"{paths[1]}: {len(labels)} labels, "
            f"expected {len(images)} for the images of {paths[0].name}"
        )
    if labels.max() > 9:
        raise ValueError(f"{paths[1]}: holds the label {labels.max()}, expected 0 to 9")
    return images, labels


def _find(folder: Path, packed: str) -> Path:
    plain = packed.removesuffix(".gz")
    dotted = plain.replace("-idx", ".idx")
    names = (packed, plain, f"{dotted}.gz", dotted)
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{folder}: holds none of {', '.join(names)}")


def read_idx(path: Path, ndim: int, *, mapped: bool = False) -> Bytes:
    """Read an IDX file of unsigned bytes, gzipped or not, as an array of `ndim` dimensions.

    The format: two zero bytes, 8 (for unsigned bytes), the number of dimensions; each
    dimension as a big-endian 32-bit integer; the values, last dimension fastest. With `mapped`,
    the values of a file that is not gzipped stay there until they are used.

    Raises:
        ValueError: another format, an array without values, or a file of the wrong length.
    """
    raw: bytes | mmap.mmap
    with open_regular(path) as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        size = os.fstat(file.fileno()).st_size
        if packed:
            try:
                raw = unpacked(file).read()
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise ValueError(
                    f"{path}: the gzip file is cut short or damaged ({error})"
                ) from error
        elif mapped and size:
            raw = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        else:
            raw = file.read()
    start = 4 + 4 * ndim
    if raw[:4] != bytes([0, 0, 8, ndim]) or len(raw) < start:
        raise ValueError(
            f"{path}: begins with the bytes {raw[:4].hex(' ')}, expected 00 00 08 {ndim:02x} "
            f"and {ndim} sizes (IDX, unsigned bytes in {ndim} dimensions)"
        )
    shape = tuple(int(size) for size in np.frombuffer(raw, ">u4", count=ndim, offset=4))
    expected = math.prod(shape)
    if expected == 0 or len(raw) - start != expected:
        raise ValueError(
            f"{path}: {len(raw) - start} bytes follow the header, expected {expected} (at least "
            f"one) for its sizes {' × '.join(map(str, shape))}"
        )
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)
