"""Rows to be judged are read in the order of their file, with labels or without."""

import gzip

import numpy as np
import pytest

from chainrule.data import load_rows

ROWS = [[5.1, 3.5], [7.0, 3.2], [4.9, 3.0]]


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def saved(folder, **arrays):
    np.savez(folder / "t.npz", **arrays)
    return folder / "t.npz"


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("5.1,3.5\n7.0,3.2\n4.9,3.0\n", None),
        ("length,width\n5.1,3.5\n7.0,3.2\n4.9,3.0\n", None),
        ("5.1,3.5,b\n7.0,3.2,a\n4.9,3.0, b\n", ["b", "a", "b"]),
        ("length,width,kind\n5.1,3.5,b\n7.0,3.2,a\n4.9,3.0,b\n", ["b", "a", "b"]),
        ("5.1,3.5,007\n7.0,3.2,1\n4.9,3.0,1\n", ["007", "1", "1"]),
        ("5.1,3.5,\n7.0,3.2,\n4.9,3.0,?\n", ["", "", "?"]),
    ],
    ids=["plain", "header", "labels", "header and labels", "numbers for labels", "empty labels"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_table_is_read_with_and_without_labels(tmp_path, text, labels, packed):
    content = gzip.compress(text.encode()) if packed else text
    path = written(tmp_path / ("t.csv.gz" if packed else "t.CSV"), content)
    x, found = load_rows(path, (2,))
    assert x.tolist() == ROWS
    assert x.dtype == np.float64
    assert (found if found is None else found.tolist()) == labels


def test_a_table_of_one_feature_needs_no_label(tmp_path):
    x, labels = load_rows(written(tmp_path / "t.csv", "size\n1\n2\n"), (1,))
    assert x.tolist() == [[1.0], [2.0]]
    assert labels is None


def test_the_numbers_of_a_line_fill_a_row_of_any_shape(tmp_path):
    x, _ = load_rows(written(tmp_path / "t.csv", "1,2,3,4,5,7\n"), (2, 3))
    assert x.tolist() == [[[1, 2, 3], [4, 5, 7]]]


@pytest.mark.parametrize(
    ("y", "labels"),
    [(None, None), ([2, 0, 2], ["2", "0", "2"]), (["b", "a", "b"], ["b", "a", "b"])],
)
def test_arrays_are_read_with_and_without_labels(tmp_path, y, labels):
    given = {} if y is None else {"y": np.array(y)}
    x, found = load_rows(saved(tmp_path, x=np.array(ROWS), **given), (2,))
    assert np.array_equal(x, ROWS)
    assert (found if found is None else found.tolist()) == labels


@pytest.mark.parametrize(("given", "kept"), [("float32", "float32"), ("uint8", "float32")])
def test_numbers_of_arrays_become_floats_that_hold_them(tmp_path, given, kept):
    assert load_rows(saved(tmp_path, x=np.ones((2, 3), given)), (3,))[0].dtype == kept


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"t\.csv: the file is empty, expected lines of 2 numbers$"),
        ("a,b\n", r"t\.csv: a header alone, expected a line for each example"),
        ("1\n", r"t\.csv: expected 2 columns of numbers, with or without one more .*, got 1$"),
        ("1,2,3,a\n", r"t\.csv: expected 2 columns of numbers, .*, got 4$"),
        ("1,2\n3,4,5\n", r"t\.csv, line 2: 3 columns, expected 2 as in the first"),
        ("1,2\n3,four\n", r"t\.csv, line 2, column 2: 'four', expected a finite number"),
        ("s,t\n1,2\n3,x\n", r"t\.csv, line 3, column 2 \(t\): 'x', expected a finite number"),
        ("1,2,a\n3,nan,a\n", r"t\.csv, line 2, column 2: .* this is a missing value, one of 1"),
        ("1,2\n-inf,4\n", r"t\.csv, line 2, column 1: '-inf', expected a finite number"),
        (",s,t\nx,2,3\n", r"t\.csv: column 1 has no name in the header"),
        (b"1,2\n2,\xff\xfe\n", r"t\.csv: expected text in UTF-8"),
    ],
)
def test_what_is_wrong_in_a_table_is_named_with_its_place(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        load_rows(written(tmp_path / "t.csv", text), (2,))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": np.zeros(3, int)}, r"t\.npz: holds y; expected x, with or without y"),
        ({"x": np.ones((3, 4))}, r"t\.npz: x has rows of shape \(4,\), expected \(2,\)"),
        ({"x": np.ones((3, 2, 1))}, r"t\.npz: x has rows of shape \(2, 1\), expected \(2,\)"),
        ({"x": np.ones(3)}, r"t\.npz: x has shape \(3,\), expected \(N, …\)"),
        ({"x": np.array(1.0)}, r"t\.npz: x has shape \(\), expected \(N, …\)"),
        ({"x": np.ones((0, 2))}, r"t\.npz: x has shape \(0, 2\), expected .* at least one row"),
        ({"x": np.array([["a", "b"]])}, r"t\.npz: x has dtype <U1, expected numbers"),
        ({"x": np.array([[1, None]])}, r"t\.npz: x cannot be read as a plain array .*allow_pickle"),
        ({"x": np.array([[1, np.nan]])}, r"t\.npz: x\[0, 1\] is nan, expected finite numbers"),
        ({"x": np.array([[np.inf, 1]])}, r"t\.npz: x\[0, 0\] is inf, expected finite numbers"),
        ({"x": np.ones((3, 2)), "y": np.zeros(2, int)}, r"t\.npz: y has shape \(2,\), expected"),
        ({"x": np.ones((3, 2)), "y": np.zeros(3)}, r"t\.npz: y has dtype float64, expected int"),
    ],
)
def test_what_is_wrong_in_an_array_is_named(tmp_path, arrays, message):
    with pytest.raises(ValueError, match=message):
        load_rows(saved(tmp_path, **arrays), (2,))


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"t\.xlsx: expected a name that ends in \.csv, "):
        load_rows(tmp_path / "t.xlsx", (2,))
    with pytest.raises(ValueError, match=r"t\.npz: expected an NPZ file"):
        load_rows(written(tmp_path / "t.npz", "1,2\n"), (2,))
    with pytest.raises(FileNotFoundError, match=r"no\.csv"):
        load_rows(tmp_path / "no.csv", (2,))


RNG = np.random.default_rng(0)
TRUTH = np.arange(90) % 3
FLOWERS = RNG.normal(0, 0.3, (90, 3)) + [[5, 40, 300]] * np.array([[1, 1.1, 1.2]]).T[TRUTH]


def known(**others):
    from chainrule.data import Standardiser
    from chainrule.data.rows import Known

    return Known(scale=Standardiser.fit(FLOWERS), classes=("0", "1", "2"), **others)


def lines(*columns, first=None):
    rows = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    return "\n".join(rows if first is None else [first, *rows]) + "\n"


COLUMNS = [column.round(4).tolist() for column in FLOWERS.T]


def test_labels_are_where_they_were_if_they_are_known_there(tmp_path):
    path = written(tmp_path / "t.csv", lines(*COLUMNS, TRUTH))
    x, labels = load_rows(path, (3,), known=known(label_column=3))
    np.testing.assert_allclose(x, FLOWERS, atol=1e-4)
    assert labels.tolist() == [str(y) for y in TRUTH]
    path = written(tmp_path / "t.csv", lines(TRUTH, *COLUMNS))
    x, labels = load_rows(path, (3,), known=known(label_column=0))
    np.testing.assert_allclose(x, FLOWERS, atol=1e-4)
    assert labels.tolist() == [str(y) for y in TRUTH]


def test_labels_in_another_column_are_found_by_their_cells_and_that_is_told(tmp_path):
    path = written(tmp_path / "t.csv", lines(TRUTH, *COLUMNS))
    with pytest.warns(UserWarning, match="column 1 holds the names of classes, and is left out"):
        x, labels = load_rows(path, (3,), known=known(label_column=3))
    np.testing.assert_allclose(x, FLOWERS, atol=1e-4)
    assert labels.tolist() == [str(y) for y in TRUTH]


@pytest.mark.parametrize("name", ["label", "Target", "kind"])
def test_labels_are_found_by_the_name_of_their_column(tmp_path, name):
    for at in range(4):
        columns, names = [*COLUMNS], ["a", "b", "c"]
        columns.insert(at, TRUTH)
        names.insert(at, name)
        path = written(tmp_path / "t.csv", lines(*columns, first=",".join(names)))
        for features in ((), ("a", "b", "c")):
            if features or name != "kind":
                x, labels = load_rows(path, (3,), known=known(label="kind", features=features))
                np.testing.assert_allclose(x, FLOWERS, atol=1e-4)
                assert labels.tolist() == [str(y) for y in TRUTH]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([range(90), *COLUMNS], "has 4 columns, one more than the 3 features, and column 4, where"),
        (
            [*COLUMNS, COLUMNS[0]],
            "has 4 columns, one more than the 3 features, and column 4, where",
        ),
        ([range(500, 590), *COLUMNS[:2], TRUTH], "column 1 looks like the one that is too many"),
        ([RNG.permutation(90) * 7, *COLUMNS[:2], TRUTH], "column 1 looks like the one that is too"),
    ],
)
def test_one_column_too_many_that_is_not_the_label_is_refused(tmp_path, columns, message):
    # In the last two the third feature has the classes' names for values.
    from chainrule.data import Standardiser
    from chainrule.data.rows import Known

    features = FLOWERS if "has 4" in message else np.column_stack([*COLUMNS[:2], TRUTH])
    told = Known(scale=Standardiser.fit(features), classes=("0", "1", "2"), label_column=3)
    path = written(tmp_path / "t.csv", lines(*columns))
    with pytest.raises(ValueError, match=message):
        load_rows(path, (3,), known=told)


def test_a_label_in_the_place_of_a_feature_is_refused(tmp_path):
    path = written(tmp_path / "t.csv", lines(TRUTH, *COLUMNS[:2], first="label,a,b"))
    with pytest.raises(
        ValueError, match="the column 'label' seems to hold labels, and there are 2"
    ):
        load_rows(path, (3,), known=known())


def test_columns_are_taken_by_name_in_any_order(tmp_path):
    path = written(tmp_path / "t.csv", lines(*COLUMNS[::-1], first="c,b,a"))
    with pytest.warns(UserWarning, match="brought into the order of the training data by name"):
        x, labels = load_rows(path, (3,), known=known(features=("a", "b", "c")))
    np.testing.assert_allclose(x, FLOWERS, atol=1e-4)
    assert labels is None
    for first, message in (
        ("c,b,A", "lacks the column 'a' of the training data; its columns are c, b, A"),
        ("c,b,a,d", "the column 'd' was not in the training data and is not known to be the label"),
        ("c,b,a,label,id", "the column 'id' was not in the training data"),
    ):
        columns = [*COLUMNS[::-1], COLUMNS[0], range(90)][: first.count(",") + 1]
        with pytest.raises(ValueError, match=message):
            load_rows(
                written(tmp_path / "t.csv", lines(*columns, first=first)),
                (3,),
                known=known(features=("a", "b", "c")),
            )


def test_a_header_of_integers_that_are_the_names_of_the_features_is_one(tmp_path):
    path = written(tmp_path / "t.csv", lines(*COLUMNS, first="0,1,2"))
    x, _ = load_rows(path, (3,), known=known(features=("0", "1", "2")))
    np.testing.assert_allclose(x, FLOWERS, atol=1e-4)


@pytest.mark.parametrize("features", [(), ("a", "b", "c")])
def test_a_header_of_integers_is_no_row(tmp_path, features):
    path = written(tmp_path / "t.csv", lines(*COLUMNS, first="0,1,2"))
    with pytest.warns(UserWarning, match="the first line, 0,1,2, is taken for a header"):
        x, _ = load_rows(path, (3,), known=known(features=features))
    np.testing.assert_allclose(x, FLOWERS, atol=1e-4)
    assert len(load_rows(path, (3,), header=False)[0]) == 91


def test_a_header_of_integers_in_another_order_is_told_by_the_names_or_refused(tmp_path):
    path = written(tmp_path / "t.csv", lines(COLUMNS[2], *COLUMNS[:2], first="2,0,1"))
    with pytest.warns(UserWarning, match="brought into the order of the training data by name"):
        x, _ = load_rows(path, (3,), known=known(features=("0", "1", "2")))
    np.testing.assert_allclose(x, FLOWERS, atol=1e-4)
    with pytest.raises(ValueError, match="the first line, 2,0,1, may be a header or an example"):
        load_rows(path, (3,), known=known())


def test_a_header_of_one_or_two_integers_cannot_be_told(tmp_path):
    for first, columns in (("0", COLUMNS[:1]), ("0,1", COLUMNS[:2])):
        path = written(tmp_path / "t.csv", lines(*columns, first=first))
        with pytest.raises(
            ValueError, match=f"the first line, {first}, may be .* --header yes or no"
        ):
            load_rows(path, (len(columns),))
        assert len(load_rows(path, (len(columns),), header=True)[0]) == 90
