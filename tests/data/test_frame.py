"""A data frame gives the dataset that its CSV file gives."""

import numpy as np
import pytest

from chainrule.data import Dataset, load_csv

pandas = pytest.importorskip("pandas")


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    size = rng.normal(5, 1, 60).round(3)
    size[::7] = np.nan
    return pandas.DataFrame(
        {
            "size": size,
            "colour": np.array(["red", "green", "blue"])[np.arange(60) % 3],
            "old": np.arange(60) % 4 == 0,
            "n": np.arange(60) % 5,
            "kind": np.array(["a", "b"])[np.arange(60) % 2],
        }
    )


def test_a_frame_and_its_file_are_the_same_dataset(frame, tmp_path):
    frame.to_csv(tmp_path / "t.csv")  # with the index
    options = {"label": "kind", "missing": "indicator", "weights": "n"}
    one, two = Dataset.from_frame(frame, **options), load_csv(tmp_path / "t.csv", **options)
    assert one.features == two.features
    assert one.classes == two.classes
    for name in ("x_train", "y_train", "w_train", "x_val", "y_test"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name


def test_what_is_wrong_in_a_frame_is_named(frame):
    with pytest.raises(TypeError, match="frame is a ndarray, expected a data frame with columns"):
        Dataset.from_frame(frame.to_numpy(), "kind")
    with pytest.raises(
        ValueError, match="the data frame: no column 'sort', the first line is size"
    ):
        Dataset.from_frame(frame, "sort")
    with pytest.raises(ValueError, match="column 'size': a missing value; 9 of the 240 cells"):
        Dataset.from_frame(frame, "kind")
    dated = frame.assign(day=pandas.date_range("2020-01-01", periods=60))
    with pytest.raises(ValueError, match="column 'day' holds dates or times such as '2020-01-01"):
        Dataset.from_frame(dated, "kind", missing="mean")
