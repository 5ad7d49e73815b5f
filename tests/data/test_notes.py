"""What looks well in a table and is not is said, with the name of the column."""

import numpy as np
import pytest

from chainrule.data import blobs, circles, load_csv, load_npz, moons, spirals, xor

N = 200


@pytest.fixture
def notes(tmp_path):
    """The notes on a table of two good columns, `a` and `b`, and of others."""

    def of(label=None, **columns):
        rng = np.random.default_rng(0)
        y = np.arange(N) % 2 if label is None else label
        table = {"a": rng.normal(y == y[0], 1.0), "b": rng.exponential(1.0, N), **columns}
        columns = (np.asarray(column).tolist() for column in (*table.values(), y))
        rows = zip(*columns, strict=True)
        text = "\n".join([",".join([*table, "kind"]), *(",".join(map(str, r)) for r in rows)])
        (tmp_path / "t.csv").write_text(text, encoding="utf-8")
        return load_csv(tmp_path / "t.csv").notes

    return of


def with_cells(value, count=4):
    column = np.random.default_rng(1).normal(5, 1, N)
    column[10 : 10 + count] = value
    return column


def test_nothing_is_said_of_good_columns(notes):
    rng = np.random.default_rng(3)
    assert notes(c=rng.normal(0, 1e6, N), d=rng.integers(0, 5, N), e=rng.lognormal(0, 1, N)) == ()
    assert notes(c=np.zeros(N), d=np.eye(N)[0] + 5, e=rng.integers(-2000, 2000, N)) == ()


@pytest.mark.parametrize("toy", [spirals, moons, circles, blobs, xor])
def test_nothing_is_said_of_the_toy_sets(toy):
    assert toy().notes == ()


@pytest.mark.parametrize(
    "column",
    [
        np.arange(N),
        np.arange(N) + 1001,
        np.arange(N) * 0.5,
        -np.arange(N),
        np.random.default_rng(0).permutation(N),
    ],
)
def test_a_column_that_numbers_the_rows_is_named(notes, column):
    (note,) = notes(no=column)
    assert note.startswith("column 3 (no) numbers the rows, and new rows go on where it ends")


@pytest.mark.parametrize(
    ("value", "count"), [(-999, 1), (-999, 60), (-9999, 5), (9999, 3), (1e20, 2)]
)
def test_numbers_that_stand_for_missing_ones_are_named(notes, value, count):
    (note,) = notes(age=with_cells(value, count))
    assert note.startswith(f"column 3 (age) holds {value:g}, far from its other numbers")


@pytest.mark.parametrize(("value", "count"), [(1e12, 4), (-1e12, 1), (5e5, 2), (1e300, 3)])
def test_cells_far_from_all_others_are_named_with_one_of_them(notes, value, count):
    (note,) = notes(x3=with_cells(value, count))
    cells = "one cell" if count == 1 else f"{count} cells"
    assert note.startswith(f"column 3 (x3) ({cells} such as {value:g} in example 11): so far from")


def test_a_column_that_is_the_label_again_is_named(notes):
    (note,) = notes(code=3 + 4 * (np.arange(N) % 2))
    assert note.startswith("column 3 (code) says which class a row is in: is it the label once")


def test_a_class_of_nearly_all_rows_is_named(notes):
    (note,) = notes(label=np.where(np.arange(N) % 50 == 0, "yes", "no"))
    assert note.startswith("98.0% of the rows are of the class 'no': always naming it is right as")


def test_classes_in_two_spellings_are_named(notes):
    first, second = notes(label=np.array(["1", "1.0", "ja", "Ja"])[np.arange(N) % 4])
    assert first.startswith("the labels '1' and '1.0' are 2 classes: if they are one, spell them")
    assert second.startswith("the labels 'Ja' and 'ja' are 2 classes")


def test_many_columns_of_one_kind_are_one_note(notes):
    (note,) = notes(**{f"c{k}": np.arange(N) + k for k in range(5)})
    assert note.startswith("column 3 (c0), column 4 (c1), column 5 (c2) and 2 more numbers the")


def test_columns_of_arrays_are_named_by_their_index(tmp_path):
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.standard_normal(N), np.arange(N)])
    np.savez(tmp_path / "t.npz", x=x, y=np.arange(N) % 2)
    (note,) = load_npz(tmp_path / "t.npz").notes
    assert note.startswith("x[:, 1] numbers the rows")
