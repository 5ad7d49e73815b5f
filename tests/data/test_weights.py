"""What rows weigh, in a dataset."""

import numpy as np
import pytest

from chainrule.data import Dataset, balanced_weights


def test_a_dataset_divides_weights_with_the_rows():
    x = np.arange(40.0)[:, np.newaxis]
    data = Dataset.from_arrays("rows", x, np.arange(40) % 2, weights=x[:, 0] + 1)
    for part in ("train", "val", "test"):
        np.testing.assert_array_equal(
            getattr(data, f"w_{part}"), getattr(data, f"x_{part}")[:, 0] + 1
        )
    assert data.standardised().w_val is data.w_val
    assert Dataset.from_arrays("rows", x, np.arange(40) % 2).w_train is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            np.ones(39),
            r"rows: weights is ndarray of shape \(39,\), expected an array of 40 numbers",
        ),
        ([1.0] * 40, r"rows: weights is list of shape \(40,\), expected an array of 40 numbers"),
        (
            np.where(np.arange(40) == 7, -1, 1),
            r"rows: weights\[7\] is -1, expected a finite number",
        ),
        (np.where(np.arange(40) == 2, np.nan, 1), r"weights\[2\] is nan, expected a finite number"),
        (np.zeros(40), "rows: weights holds zeros alone, expected one number above 0"),
        (np.ma.masked_equal(np.arange(40), 3), "rows: weights is a masked array"),
    ],
)
def test_a_dataset_refuses_what_is_no_weight(wrong, message):
    with pytest.raises(ValueError, match=message):
        Dataset.from_arrays("rows", np.ones((40, 1)), np.arange(40) % 2, weights=wrong)


def test_balanced_weights_give_all_classes_the_same_sum_and_a_mean_of_one():
    weights = balanced_weights(np.array(["b", "a", "b", "b"]))
    np.testing.assert_allclose(weights, [2 / 3, 2, 2 / 3, 2 / 3])


def test_rows_of_a_class_keep_the_ratios_of_their_weights_when_balanced():
    weights = balanced_weights(np.array(["b", "a", "b", "b"]), np.array([1, 4, 3, 2]))
    np.testing.assert_allclose(weights, [5 / 6, 5, 15 / 6, 10 / 6])
