"""What the loaders of byte images share."""

import numpy as np
from numpy.typing import DTypeLike, NDArray

from chainrule.data.dataset import Dataset
from chainrule.data.pixels import Bytes, Pixels
from chainrule.data.splits import split_named


def image_dataset(
    name: str,
    train: tuple[Bytes, Bytes],
    test: tuple[Bytes, Bytes],
    classes: tuple[str, ...],
    image_shape: tuple[int, ...],
    *,
    validation: int,
    seed: int,
    dtype: DTypeLike,
) -> Dataset:
    """Take `validation` rows out of the training images (stratified) and scale all to [0, 1].

    `train` and `test` are pairs of images (N, …) and labels (N,). The training images stay
    bytes, where they are; the others, which are fewer and read in every epoch, become floats.
    """
    images, labels = train
    rest = len(labels) - validation
    if validation < 1 or rest < 1:
        raise ValueError(
            f"{name}: validation is {validation}, expected 1 to {len(labels) - 1} "
            f"of the {len(labels)} training images"
        )
    train_rows, val_rows = split_named(name, labels, (rest, validation), seed)

    def scaled(rows: Bytes) -> NDArray[np.floating]:
        return np.divide(rows, 255, dtype=dtype)

    y = labels.astype(np.int64)
    return Dataset(
        name,
        Pixels(images, dtype, rows=train_rows),
        y[train_rows],
        scaled(images[val_rows]),
        y[val_rows],
        scaled(test[0]),
        test[1].astype(np.int64),
        classes,
        image_shape,
    )
