"""Copies of a row stand in one part, and data without copies are divided as ever."""

import numpy as np
import pytest

from chainrule.data import Dataset, load_digits, load_npz, stratified_split
from chainrule.data.copies import originals, split_apart


def rows(array):
    return {row.tobytes() for row in array}


def test_the_first_of_equal_rows_is_found():
    x = np.array([[1.0, 2.0], [0.0, 5.0], [1.0, 2.0], [-0.0, 5.0], [1.0, 2.5]])
    assert originals(x).tolist() == [0, 1, 0, 1, 4]


def test_rows_that_stand_six_times_are_in_one_part_each():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((50, 3)), np.arange(50) % 2
    found = Dataset.from_arrays("six", np.repeat(x, 6, axis=0), np.repeat(y, 6))
    parts = [rows(found.x_train), rows(found.x_val), rows(found.x_test)]
    assert [len(part) for part in parts] == [30, 10, 10]  # 60, 20 and 20 % of the 50 rows
    assert len(set.union(*parts)) == 50
    assert len(found.x_train) == 180
    assert found.notes == (
        "250 of the 300 rows repeat another row; copies are kept in one part, so that the parts "
        "share no row",
    )


def test_equal_rows_with_different_labels_are_in_one_part_too():
    x = np.repeat(np.arange(40.0)[:, None], 2, axis=0)
    found = Dataset.from_arrays("twice", x, np.arange(80) % 2)
    assert not rows(found.x_train) & (rows(found.x_val) | rows(found.x_test))


def test_data_without_copies_are_divided_to_the_bit_as_before():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 3, 100)
    parts, said = split_apart("t", rng.standard_normal((100, 2)), y, (0.6, 0.2, 0.2), 7)
    for found, expected in zip(parts, stratified_split(y, (0.6, 0.2, 0.2), 7), strict=True):
        assert found.tolist() == expected.tolist()
    assert said == ""
    assert load_digits().notes == ()


def test_copies_that_cannot_be_kept_apart_are_told():
    x = np.repeat([[0.0], [1.0]], 10, axis=0)
    found = Dataset.from_arrays("bit", x, np.repeat([0, 1], 10))
    assert (
        "18 of the 20 rows repeat another row and a class has too few different" in found.notes[0]
    )


def test_rows_that_two_parts_of_a_file_share_are_told(tmp_path):
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((40, 2)), np.arange(40) % 2
    fresh = rng.standard_normal((7, 2))
    test = np.concatenate([x[:3], fresh])
    np.savez(tmp_path / "t.npz", x_train=x, y_train=y, x_test=test, y_test=np.arange(10) % 2)
    (note,) = load_npz(tmp_path / "t.npz").notes
    assert note.startswith("3 of the 10 rows of x_test stand in x_train too")


@pytest.mark.parametrize("label", ["nan", "", "None"])
def test_labels_that_are_missing_are_refused_in_arrays(label):
    y = np.array(["a", "b", label] * 5)
    with pytest.raises(ValueError, match=rf"t: y\[2\] is '{label}', a missing value: leave such"):
        Dataset.from_arrays("t", np.random.default_rng(0).random((15, 2)), y)


def test_masks_and_frames_are_refused():
    x, y = np.arange(12.0).reshape(6, 2), np.arange(6) % 2
    for given in ((np.ma.masked_array(x, x > 3), y), (x, np.ma.masked_array(y, y > 0))):
        with pytest.raises(ValueError, match="is a masked array, and what is masked"):
            Dataset.from_arrays("t", *given)
    with pytest.raises(ValueError, match=r"t: x is a list, expected an array \(np.asarray\)"):
        Dataset.from_arrays("t", x.tolist(), y)
    with pytest.raises(
        ValueError, match=r"expected integers or strings; numbers to predict are named by targets"
    ):
        Dataset.from_arrays("t", x, y + 0.5)


def test_whole_numbers_to_predict_are_told_in_arrays():
    x = np.random.default_rng(0).random((90, 2))
    with pytest.raises(
        ValueError, match="90 different numbers, and class '0' has 1 of the 90 rows; s"
    ):
        Dataset.from_arrays("t", x, np.arange(90))
    (note,) = Dataset.from_arrays("t", x, np.arange(90) % 30).notes
    assert note.startswith(
        "the labels are 30 different numbers; such labels look like numbers to p"
    )
    assert Dataset.from_arrays("t", x, np.arange(90) % 10).notes == ()
