"""Numbers to predict, in arrays, files and frames."""

import numpy as np
import pytest

from chainrule.data import Dataset, load_csv, load_file, load_npz, load_rows

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3))
Y = np.stack([X[:, 0] * 7 + 100, RNG.normal(size=50)], axis=1)


def test_arrays_are_divided_and_targets_standardised_and_brought_back():
    whole = Dataset.from_arrays("t", X, Y, targets=("a", "b"), weights=np.arange(1.0, 51))
    assert (whole.num_outputs, whole.num_classes, whole.targets) == (2, 0, ("a", "b"))
    assert [len(y) for y in (whole.y_train, whole.y_val, whole.y_test)] == [30, 10, 10]
    scaled = whole.standardised().astype(np.float32)
    assert scaled.y_test.dtype == np.float32
    np.testing.assert_allclose(scaled.y_train.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.y_train.std(axis=0), 1, rtol=1e-6)
    back = scaled.in_unit(scaled.y_test)
    assert whole.in_unit(Y) is Y
    np.testing.assert_allclose(back, whole.y_test, rtol=1e-5, atol=1e-5)
    assert "targets          2: a, b" in whole.describe()
    one = Dataset.from_arrays("t", X, Y[:, 0], targets=("a",))
    assert one.y_val.shape == (10, 1)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (Y[:, :1], r"y has shape \(50, 1\), expected \(50, 2\): a row for each row of x, a column"),
        (Y.astype(int), "y is int64, expected float32 or float64 to be predicted"),
        (Y.tolist(), "y is list, expected float32 or float64"),
        (np.where(Y[3, 1] == Y, np.nan, Y), r"y\[3, 1\] is nan, expected finite numbers"),
    ],
)
def test_wrong_targets_are_named(y, message):
    with pytest.raises(ValueError, match=message):
        Dataset.from_arrays("t", X, y, targets=("a", "b"))


def test_classes_and_targets_do_not_go_together_and_a_constant_target_teaches_nothing():
    parts = [X[:30], Y[:30], X[30:40], Y[30:40], X[40:], Y[40:]]
    with pytest.raises(ValueError, match="has classes and targets, expected one of them"):
        Dataset("t", *parts, classes=("0", "1"), targets=("a", "b"))
    level = Dataset.from_arrays("t", X, np.ones((50, 1)), targets=("a",))
    with pytest.raises(ValueError, match="the target 'a' is the same in all training rows"):
        level.standardised()
    with pytest.raises(ValueError, match="--class-weights balanced goes with classes"):
        level.balanced()


def test_an_npz_file_of_floats_holds_numbers_to_predict(tmp_path):
    path = tmp_path / "t.npz"
    np.savez(path, x=X, y=Y)
    whole = load_file(path)
    assert whole.targets == ("y[:, 0]", "y[:, 1]")
    assert whole.notes == ("x[:, 0] rises or falls with a target exactly: is it that once more?",)
    x, labels = load_rows(path, (3,))
    assert (x.shape, labels) == ((50, 3), None)
    np.savez(path, x_train=X, y_train=Y[:, 1], x_test=X[:5], y_test=Y[:5, 1])
    parts = load_npz(path)
    assert (len(parts.y_train), len(parts.y_val), len(parts.y_test)) == (40, 10, 5)
    assert parts.targets == ("y",)
    np.savez(path, x=X, y=np.arange(50) % 4)
    assert load_npz(path).num_classes == 4
    assert load_npz(path, task="regression").targets == ("y",)
    np.savez(path, x=X, y=np.full(50, "a"))
    with pytest.raises(ValueError, match=r"y has dtype <U1 and shape .*, expected numbers to pred"):
        load_npz(path, task="regression")
    with pytest.raises(ValueError, match="task is 'guess', expected classes or regression"):
        load_npz(path, task="guess")


def table(tmp_path, answers, names="a,b,answer"):
    path = tmp_path / "t.csv"
    rows = zip(X[:, 0].round(3), X[:, 1].round(3), answers, strict=False)
    path.write_text("\n".join([names, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def test_what_seems_wrong_with_targets_is_told(tmp_path):
    answers = X[:, 2].round(3)
    answers[7] = -999
    (note,) = load_csv(table(tmp_path, answers), label="answer", task="regression").notes
    assert note.startswith("the target answer holds -999, far from its other numbers: if that st")
    dropped = load_csv(table(tmp_path, answers), label="answer", na=["-999"], missing="drop")
    assert sum(map(len, (dropped.y_train, dropped.y_val, dropped.y_test))) == 49
    answers[7] = 5e8
    (note,) = load_csv(table(tmp_path, answers), label="answer", task="regression").notes
    assert note.startswith("the target answer: one cell such as 5e+08 in example 8, so far from")


def test_a_target_that_is_no_number_is_named_with_its_line(tmp_path):
    words = ["1.5", "high", *map(str, X[2:, 2])]
    path = table(tmp_path, words)
    with pytest.raises(ValueError, match=r"line 3, column 3 \(answer\): 'high', expected a number"):
        load_csv(path, label="answer", task="regression")
    with pytest.raises(ValueError, match="label names 2 columns, expected one for classes"):
        load_csv(path, label=["answer", "a"], task="classes")
    with pytest.raises(ValueError, match="label names a column more than once"):
        load_csv(path, label="b,b")


def test_a_frame_has_targets_by_their_names():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"size": X[:, 0], "price": Y[:, 0], "rent": Y[:, 1]})
    both = Dataset.from_frame(frame, label=["price", "rent"])
    assert (both.features, both.targets) == (("size",), ("price", "rent"))
    found = Dataset.from_frame(frame, label="rent")
    assert found.targets == ("rent",)
    assert any("are 50 different numbers, which are predicted as such" in n for n in found.notes)
