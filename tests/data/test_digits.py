"""The digits that come with the package are those of the source."""

import numpy as np

from chainrule.data import load_digits


def all_rows(digits):
    x = np.concatenate([digits.x_train, digits.x_val, digits.x_test])
    return x, np.concatenate([digits.y_train, digits.y_val, digits.y_test])


def test_each_digit_occurs_as_often_as_the_source_says():
    _, y = all_rows(load_digits())
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_grey_levels_are_sixteenths_from_0_to_1():
    x, _ = all_rows(load_digits())
    assert x.dtype == np.float64
    assert np.array_equal(np.unique(16 * x), np.arange(17))
    assert 16 * x.sum() == 561718


def test_the_first_picture_of_the_source_is_among_the_zeros():
    first = """
        0 0  5 13  9  1 0 0    0 0 13 15 10 15 5 0    0 3 15 2 0 11 8 0    0 4 12 0 0 8 8 0
        0 5  8  0  0  9 8 0    0 4 11  0  1 12 7 0    0 2 14 5 10 12 0 0   0 0 6 13 10 0 0 0
    """
    x, y = all_rows(load_digits())
    [row] = np.flatnonzero((16 * x == np.array(first.split(), float)).all(axis=1))
    assert y[row] == 0


def test_the_parts_hold_60_20_and_20_percent_of_every_digit():
    digits = load_digits()
    assert [len(digits.x_train), len(digits.x_val), len(digits.x_test)] == [1078, 360, 359]
    for y, least, most in (
        (digits.y_train, 104, 110), (digits.y_val, 34, 37), (digits.y_test, 34, 38)
    ):  # fmt: skip
        counts = np.bincount(y)
        assert least <= counts.min() <= counts.max() <= most


def test_the_split_follows_from_the_seed():
    assert np.array_equal(load_digits().x_train, load_digits(seed=0).x_train)
    assert not np.array_equal(load_digits().x_train, load_digits(seed=1).x_train)


def test_rows_can_be_drawn_and_single_precision_can_be_asked_for():
    digits = load_digits(dtype=np.float32)
    assert digits.x_test.dtype == np.float32
    assert digits.x_test[0].reshape(digits.image_shape).shape == (8, 8)
    assert digits.classes == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
