"""The small set of handwritten digits that comes with the package."""

import gzip
from importlib import resources

import numpy as np
from numpy.typing import DTypeLike

from chainrule.data.dataset import Dataset


def load_digits(*, seed: int = 0, dtype: DTypeLike = np.float64) -> Dataset:
    """Load 1,797 handwritten digits of 8 × 8 pixels; needs no download.

    x is (N, 64), each row a picture read line by line, grey levels 0 (paper) to 16 (ink)
    divided by 16, so from 0 to 1; y is the digit. 60 % of the rows are for training (1,078),
    20 % for validation (360), 20 % for test (359), divided class by class.

    Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
    Learning Repository, 1998, https://doi.org/10.24432/C50P49, licensed under CC BY 4.0
    (https://creativecommons.org/licenses/by/4.0/). `digits.csv.gz` holds that source's test
    set (its training set is left out) as scikit-learn distributes it: a line is 64 grey levels
    and the digit. Its values are unchanged; it was compressed again. Division by 16 and the
    split into three parts are ours, so results do not compare with those on the source's
    own division into training and test set.

    Args:
        seed: decides which row goes to which part.
        dtype: of x, float32 or float64.
    """
    packed = resources.files("chainrule.data").joinpath("digits.csv.gz").read_bytes()
    lines = gzip.decompress(packed).decode("ascii").splitlines()
    table = np.loadtxt(lines, delimiter=",", dtype=np.int64)  # (1797, 65)
    x, y = table[:, :-1] / 16, table[:, -1]
    return Dataset.from_arrays("digits", x.astype(dtype), y, image_shape=(8, 8), seed=seed)
