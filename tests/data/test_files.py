"""The suffix decides how a file is read."""

import gzip

import numpy as np
import pytest

from chainrule.data import load_file

CSV = "1,a\n2,b\n" * 3


def test_each_suffix_has_its_reader(tmp_path):
    (tmp_path / "t.csv").write_text(CSV)
    (tmp_path / "t.CSV.gz").write_bytes(gzip.compress(CSV.encode()))
    np.savez(tmp_path / "t.npz", x=np.array([[1.0], [2.0]] * 3), y=np.array(["a", "b"] * 3))
    for name in ("t.csv", "t.CSV.gz", "t.npz"):
        loaded = load_file(tmp_path / name)
        assert loaded.name == str(tmp_path / name)
        assert loaded.classes == ("a", "b")
        assert np.array_equal(loaded.x_train[:, 0], loaded.y_train + 1)


def test_label_and_seed_are_passed_on(tmp_path):
    (tmp_path / "t.csv").write_text("kind,size\n" + "a,1\nb,2\n" * 10)
    assert load_file(tmp_path / "t.csv", label="kind").classes == ("a", "b")
    zero, one = (load_file(tmp_path / "t.csv", label=0, seed=seed) for seed in (0, 1))
    assert not np.array_equal(zero.y_train, one.y_train)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.npz"])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=name):
        load_file(tmp_path / name)


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"t\.xlsx: expected a name that ends in \.csv, "):
        load_file(tmp_path / "t.xlsx")


def test_an_npz_file_has_no_label_column(tmp_path):
    with pytest.raises(ValueError, match=r"t\.npz: label is 'kind', but the labels of an NPZ"):
        load_file(tmp_path / "t.npz", label="kind")
