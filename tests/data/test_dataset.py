"""A dataset checks its arrays once and describes itself."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from chainrule.data import Dataset


@pytest.fixture
def small() -> Dataset:
    x = np.arange(24.0).reshape(6, 4)
    y = np.array([0, 1, 2, 0, 1, 2])
    parts = x[:3], y[:3], x[3:5], y[3:5], x[5:], y[5:]
    return Dataset("small", *parts, classes=("a", "b", "c"), image_shape=(2, 2))


def test_the_number_of_classes_is_that_of_their_names(small):
    assert small.num_classes == 3


def test_the_description_is_aligned_and_has_every_size(small):
    assert small.describe().splitlines() == [
        "small",
        "  training         3 examples",
        "  validation       2 examples",
        "  test             1 examples",
        "  features         4 (2 × 2), float64",
        "  classes          3: a, b, c",
    ]


def test_the_description_stops_after_ten_names_of_classes(small):
    many = replace(small, classes=tuple("abcdefghijkl"))
    assert many.describe().endswith("12: a, b, c, d, e, f, g, h, i, j, …")


def test_rows_that_are_no_pictures_are_described_by_their_shape(small):
    tall = Dataset.from_arrays("tall", np.ones((6, 1, 4)), np.array([0, 0, 0, 1, 1, 1]))
    assert "4 (1 × 4), float64" in tall.describe()
    assert "4, float64" in replace(small, image_shape=None).describe()


def test_printing_a_dataset_shows_no_array(small):
    assert repr(small) == "Dataset(name='small', classes=('a', 'b', 'c'), image_shape=(2, 2))"


def test_a_dataset_cannot_be_changed_in_part(small):
    with pytest.raises(FrozenInstanceError):
        small.x_train = small.x_test


def test_only_the_training_part_is_measured_and_all_three_are_standardised(small):
    # Training rows are 0…3, 4…7, 8…11: each feature has its mean in the second row.
    ready = replace(small, image_shape=None).standardised()
    step = 4 / (32 / 3) ** 0.5
    np.testing.assert_allclose(ready.x_train, np.outer([-1, 0, 1], np.full(4, step)))
    np.testing.assert_allclose(ready.x_val, np.outer([2, 3], np.full(4, step)))
    np.testing.assert_allclose(ready.x_test, np.full((1, 4), 4 * step))
    assert ready.y_train is small.y_train


def test_the_standardiser_stays_with_the_dataset_for_rows_to_come(small):
    ready = replace(small, image_shape=None).standardised()
    assert small.standardiser is None
    assert ready.standardiser.mean.tolist() == [4, 5, 6, 7]
    assert np.array_equal(ready.standardiser.transform(small.x_test), ready.x_test)
    assert np.array_equal(ready.astype(np.float32).standardiser.mean, ready.standardiser.mean)


def test_the_pixels_of_pictures_share_one_mean_and_one_deviation(small):
    ready = small.standardised()
    np.testing.assert_allclose(ready.x_train.mean(), 0, atol=1e-15)
    np.testing.assert_allclose(ready.x_train.std(), 1)
    np.testing.assert_allclose(np.diff(ready.x_train, axis=1), (12 / 143) ** 0.5)  # of 0 … 11


def test_standardising_twice_is_standardising_once(small):
    ready = small.standardised()
    assert ready.standardised() is ready


def test_astype_converts_all_parts_and_copies_none_that_has_the_dtype(small):
    single = small.astype(np.float32)
    assert {single.x_train.dtype, single.x_val.dtype, single.x_test.dtype} == {np.dtype(np.float32)}
    assert single.astype(np.float32).x_train is single.x_train


def test_a_number_too_large_for_float32_is_named_as_such(small):
    far = replace(small, x_val=small.x_val * 1e60)
    with pytest.raises(ValueError, match=r"^small: x_val\[0, 0\] is 1\.2e\+61, too large for f"):
        far.astype(np.float32)
    ready = replace(far, image_shape=None).standardised()
    message = r"x_val\[0, 0\] is .*e\+60 \(standardised\), too large for float32$"
    with pytest.raises(ValueError, match=message):
        ready.astype(np.float32)


def test_a_number_too_far_from_the_others_to_be_standardised_is_named_as_it_was(small):
    far = replace(small, x_train=small.x_train * 1e-10, x_val=small.x_val * 1e299)
    message = r"^small: x_val\[0, 0\] is 1\.2e\+300, too large for float64 once standardised$"
    with pytest.raises(ValueError, match=message):
        far.standardised()


def test_from_arrays_divides_each_class_60_20_20_and_keeps_rows_with_their_labels():
    y = np.array(["no", "yes"] * 10)
    x = np.arange(20.0)[:, None]
    divided = Dataset.from_arrays("answers", x, y, seed=3)
    assert divided.classes == ("no", "yes")
    seen = []
    for part, each in (("train", 6), ("val", 2), ("test", 2)):
        x_part, y_part = getattr(divided, f"x_{part}"), getattr(divided, f"y_{part}")
        assert np.bincount(y_part).tolist() == [each, each]
        assert np.array_equal(x_part[:, 0] % 2, y_part)  # "yes" stands at the odd numbers
        seen += x_part[:, 0].tolist()
    assert sorted(seen) == list(range(20))


def test_from_arrays_numbers_the_classes_in_the_order_of_integer_labels():
    divided = Dataset.from_arrays("far", np.ones((6, 1)), np.array([10, 10, 10, -2, -2, -2]))
    assert divided.classes == ("-2", "10")
    assert sorted(divided.y_train.tolist()) == [0, 0, 1, 1]


def test_from_arrays_names_the_data_and_the_class_that_is_too_small():
    with pytest.raises(ValueError, match="rare: class 'b' has 2 of the 7 rows"):
        Dataset.from_arrays("rare", np.ones((7, 1)), np.array(list("aaaaabb")))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ("a",)}, r"classes are \('a',\), expected at least two"),
        ({"x_val": np.ones((3, 4))}, r"y_val has shape \(2,\), expected \(3,\): one label for"),
        ({"y_val": np.array([[0], [1]])}, r"y_val has shape \(2, 1\), expected \(2,\)"),
        ({"y_val": np.array([0.0, 1.0])}, "y_val has dtype float64, expected integers or strings"),
        ({"y_val": np.array(["a", "b"])}, "y_val has dtype <U1, expected integers"),
        ({"y_val": np.array([0, 3])}, "y_val holds the label 3, expected 0 to 2"),
        ({"y_val": np.array([-1, 0])}, "y_val holds the label -1, expected 0 to 2"),
        ({"x_test": np.ones((0, 4)), "y_test": np.ones(0, int)}, r"x_test has shape \(0, 4\)"),
        ({"x_test": np.ones(1)}, r"x_test has shape \(1,\), expected \(N, …\)"),
        ({"x_test": np.ones((1, 4), int)}, "x_test has dtype int64, expected float32 or float64"),
        ({"x_test": np.ones((1, 4), np.float32)}, "x_test has float32 rows .* expected float64"),
        (
            {"x_test": np.ones((1, 5))},
            r"x_test has .* shape \(5,\), expected float64 rows .* \(4,\)",
        ),
        ({"x_test": np.array([[1, 2, np.nan, 4]])}, r"x_test\[0, 2\] is nan, expected finite"),
        ({"x_test": np.array([[1, -np.inf, 3, 4]])}, r"x_test\[0, 1\] is -inf, expected finite"),
        ({"image_shape": (2, 3)}, r"image_shape is \(2, 3\), expected as many pixels .* \(4,\)"),
    ],
)
def test_an_array_that_does_not_fit_is_named_with_what_was_expected(small, change, message):
    with pytest.raises(ValueError, match=f"^small: {message}"):
        replace(small, **change)
