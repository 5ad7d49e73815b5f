"""Arrays are taken as they were saved, and nothing is unpickled."""

import struct
import zipfile

import numpy as np
import pytest

from chainrule.data import load_npz

X = np.arange(40.0).reshape(20, 2)
Y = np.arange(20) % 2
SPLIT = {"x_train": X, "y_train": Y, "x_test": X[:4], "y_test": Y[:4]}


@pytest.fixture
def saved(tmp_path):
    def save(**arrays):
        np.savez_compressed(tmp_path / "t.npz", **arrays)
        return tmp_path / "t.npz"

    return save


def test_x_and_y_are_divided_60_20_20(saved):
    loaded = load_npz(saved(x=X, y=Y))
    assert [len(loaded.x_train), len(loaded.x_val), len(loaded.x_test)] == [12, 4, 4]
    assert np.array_equal(loaded.x_train[:, 0] // 2 % 2, loaded.y_train)


def test_a_saved_test_part_stays_and_a_fifth_of_the_training_rows_validates(saved):
    loaded = load_npz(saved(**SPLIT))
    assert np.array_equal(loaded.x_test, X[:4])
    assert np.array_equal(loaded.y_test, Y[:4])
    assert np.bincount(loaded.y_val).tolist() == [2, 2]
    together = np.concatenate([loaded.x_train, loaded.x_val])
    assert np.array_equal(np.sort(together, axis=0), X)


def test_three_saved_parts_stay_as_they_are(saved):
    loaded = load_npz(saved(**SPLIT, x_val=X[5:7], y_val=Y[5:7]))
    assert np.array_equal(loaded.x_train, X)
    assert np.array_equal(loaded.x_val, X[5:7])
    assert np.array_equal(loaded.y_val, Y[5:7])


def test_arrays_with_other_names_are_ignored(saved):
    assert load_npz(saved(x=X, y=Y, z=np.ones(3))).num_classes == 2


def test_labels_may_be_words_or_any_integers(saved):
    words = np.array(["cat", "ant"])
    assert load_npz(saved(x=X, y=words[Y])).classes == ("ant", "cat")
    parts = load_npz(saved(**(SPLIT | {"y_train": words[Y], "y_test": words[Y[:4]]})))
    assert parts.y_test.tolist() == [1, 0, 1, 0]
    assert load_npz(saved(x=X, y=10 * Y - 3)).classes == ("-3", "7")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("float32", "float32"),
        ("float64", "float64"),
        ("float16", "float32"),
        ("uint8", "float32"),
        ("bool", "float32"),
        ("int32", "float64"),
        (">f4", "float32"),
    ],
)
def test_numbers_become_floats_that_hold_them_exactly(saved, given, kept):
    x = X.astype(given)
    loaded = load_npz(saved(**(SPLIT | {"x_train": x, "x_test": x[:4]})))
    assert loaded.x_test.dtype == kept
    assert np.array_equal(loaded.x_test, x[:4])


@pytest.mark.parametrize(
    ("row", "picture"),
    [
        ((3, 4), (3, 4)),
        ((1, 4, 5), (1, 4, 5)),
        ((3, 4, 5), (3, 4, 5)),
        ((2, 4, 5), None),
        ((4, 5, 3), None),  # the channels stand last
        ((3, 4, 5, 6), None),
    ],
)
def test_rows_of_two_dimensions_and_of_one_or_three_channels_are_pictures(saved, row, picture):
    x = np.ones((20, *row), np.uint8)
    assert load_npz(saved(x=x, y=Y)).image_shape == picture
    parts = SPLIT | {"x_train": x, "x_test": x[:4]}
    assert load_npz(saved(**parts)).image_shape == picture


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "holds no array; expected x and y, or x_train, y_train, x_test, y_test"),
        ({"x": X, "labels": Y}, "holds x, labels; expected x and y, or x_train"),
        ({"x": X, "y": Y[:19]}, r"y has shape \(19,\), expected \(20,\): one label for each row"),
        ({"x": X, "y": Y[:, None]}, r"y has shape \(20, 1\), expected \(20,\)"),
        ({"x": X[:0], "y": Y[:0]}, r"x has shape \(0, 2\), expected \(N, …\): at least one row"),
        ({"x": X[:, 0], "y": Y}, r"x has shape \(20,\), expected \(N, …\)"),
        ({"x": X.astype(str), "y": Y}, "x has dtype <U32, expected numbers"),
        ({"x": X * 1j, "y": Y}, "x has dtype complex128, expected numbers"),
        ({"x": X, "y": Y * 1.0}, "y has dtype float64, expected integers or strings"),
        ({"x": X.astype(object), "y": Y}, "x cannot be read as a plain array .*allow_pickle"),
        ({"x": X, "y": np.zeros(20, int)}, r"classes are \('0',\), expected at least two"),
        ({"x": X, "y": np.arange(20) // 19}, "class '1' has 1 of the 20 rows"),
        ({"x": np.where(X == 7, np.nan, X), "y": Y}, r"x\[3, 1\] is nan, expected finite"),
        (SPLIT | {"x_test": np.full((4, 2), np.nan)}, r"x_test\[0, 0\] is nan"),
        (SPLIT | {"x_test": X[:4, :1]}, r"x_test has float64 rows of shape \(1,\), expected"),
        (SPLIT | {"y_test": Y[:4] + 1}, "y_test has the label 2, which y_train lacks"),
        (SPLIT | {"y_train": np.arange(20) // 19}, "class '1' has 1 of the 20 rows, .* 2 parts"),
    ],
)
def test_what_is_wrong_in_an_array_is_named(saved, arrays, message):
    with pytest.raises(ValueError, match=rf"t\.npz: {message}"):
        load_npz(saved(**arrays))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY", b"x,y\n1,2\n"])
def test_a_file_that_is_no_zip_archive_is_refused(tmp_path, content):
    (tmp_path / "t.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"t\.npz: expected an NPZ file"):
        load_npz(tmp_path / "t.npz")


def test_a_file_cut_short_is_refused(saved):
    path = saved(x=X, y=Y)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"t\.npz: expected an NPZ file, this is none or is dam"):
        load_npz(path)


def test_an_array_that_does_not_unpack_is_named(saved):
    path = saved(x=np.random.default_rng(0).random((100, 9)), y=np.arange(100) % 2)
    damaged = bytearray(path.read_bytes())
    damaged[3000:3100] = bytes(100)
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=r"t\.npz: x cannot be read"):
        load_npz(path)


def npy(header):
    """The bytes of a .npy file with this header and no numbers."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()


def of_shape(rows):
    return npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({rows}, 2)}}\n")


@pytest.mark.parametrize(
    "x",
    [npy("((\n"), npy("{'descr': \n"), of_shape(10**15), of_shape(10**22), b"", b"text"],
    ids=["open brackets", "open dict", "too much memory", "too large an index", "empty", "no npy"],
)
def test_an_array_with_a_damaged_header_is_named(tmp_path, x):
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("x.npy", x)
        archive.writestr("y.npy", npy("(("))
    with pytest.raises(ValueError, match=r"t\.npz: (x cannot be read as|x has|y cannot)"):
        load_npz(tmp_path / "t.npz")


@pytest.mark.parametrize(
    ("at", "value"),
    [((6, 8), 1), ((8, 10), 99)],  # offsets in the header of a member and of the directory
    ids=["encrypted", "unknown compression"],
)
def test_an_archive_that_zipfile_does_not_unpack_is_named(saved, at, value):
    path = saved(x=X, y=Y)
    content = bytearray(path.read_bytes())
    directory = content.index(b"PK\x01\x02")
    for offset in (at[0], directory + at[1]):
        content[offset : offset + 2] = struct.pack("<H", value)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"t\.npz: x cannot be read .*(encrypted|compression)"):
        load_npz(path)


def test_an_array_of_damaged_lzma_is_named(saved, tmp_path):
    with zipfile.ZipFile(saved(x=X, y=Y)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "l.npz", "w", zipfile.ZIP_LZMA) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    damaged = bytearray((tmp_path / "l.npz").read_bytes())
    damaged[50:120] = b"\xff" * 70
    (tmp_path / "l.npz").write_bytes(damaged)
    with pytest.raises(ValueError, match=r"l\.npz: x cannot be read"):
        load_npz(tmp_path / "l.npz")


def test_a_damaged_directory_is_refused_with_the_name_of_the_file(saved):
    path = saved(x=X, y=Y)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 6] = 99  # the version of ZIP that would be needed
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"t\.npz: expected an NPZ file, .*damaged \(zip file ver"):
        load_npz(path)


def test_integers_keep_their_value_or_are_refused(tmp_path):
    y = np.arange(6) % 2
    path = tmp_path / "t.npz"
    for dtype, exact in (("int64", 2**62), ("uint64", 2**63), ("int64", -(2**63))):
        np.savez(path, x=np.array([[exact], [1], [2], [3], [4], [5]], dtype), y=y)
        loaded = load_npz(path)
        every = np.concatenate([loaded.x_train, loaded.x_val, loaded.x_test])
        assert sorted(map(int, every.ravel())) == sorted([exact, 1, 2, 3, 4, 5])
    for dtype, rounded in (
        ("int64", 2**62 + 1), ("int64", 2**63 - 1), ("uint64", 2**64 - 1), ("int64", -(2**53) - 1),
    ):  # fmt: skip
        np.savez(path, x=np.array([[1], [rounded], [2], [3], [4], [5]], dtype), y=y)
        with pytest.raises(
            ValueError, match=rf"x\[1, 0\] is {rounded}, an integer that float64 can"
        ):
            load_npz(path)
