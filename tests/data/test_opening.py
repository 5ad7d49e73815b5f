"""Files that would hang or swell: each reader of data refuses them in one sentence."""

import gzip
import os
import zipfile

import numpy as np
import pytest

from chainrule.data import load_cifar10, load_file, load_mnist, load_rows
from chainrule.data.mnist import read_idx
from chainrule.data.opening import ANY, open_file, unpacked_limit


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.npz"])
@pytest.mark.parametrize("read", [load_file, lambda path: load_rows(path, (2,))])
def test_a_pipe_and_a_device_are_refused(read, name, tmp_path):
    for make in (os.mkfifo, lambda path: os.symlink("/dev/zero", path)):
        make(tmp_path / name)
        with pytest.raises(OSError, match="It is a pipe, a socket or a device"):
            read(tmp_path / name)
        os.unlink(tmp_path / name)


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(IsADirectoryError):
        load_file(tmp_path / "t.csv")


def test_pictures_in_a_pipe_are_refused(tmp_path):
    for name in ("train-images-idx3-ubyte", "data_batch_1.bin", "test_batch.bin"):
        os.mkfifo(tmp_path / name)
    for load in (load_mnist, load_cifar10):
        with pytest.raises(FileNotFoundError):
            load(tmp_path)
    with pytest.raises(OSError, match="It is a pipe"):
        read_idx(tmp_path / "train-images-idx3-ubyte", 3)


def bomb(path, begin, size):
    """A gzip file that unpacks to a thousand times its size."""
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(begin)
        for _ in range(size // 2**20):
            file.write(b"\n" * 2**20)


def test_a_gzip_file_that_swells_is_refused_while_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("chainrule.data.opening.ANY", 2**16)
    bomb(tmp_path / "t.csv.gz", b"1,2,a\n", 2**22)
    bomb(tmp_path / "t-idx1-ubyte", b"\0\0\x08\x01\xff\0\0\0", 2**28)
    for read in (
        lambda: load_file(tmp_path / "t.csv.gz"),
        lambda: read_idx(tmp_path / "t-idx1-ubyte", 1),
    ):
        with pytest.raises(ValueError, match=r"unpacks to more than [\d,]+ bytes, over 300 times"):
            read()


def test_an_npz_file_that_swells_is_refused_before_it_is_read(tmp_path):
    np.savez_compressed(tmp_path / "t.npz", x=np.zeros((2**24, 2)), y=np.zeros(2**24, np.int8))
    with pytest.raises(ValueError, match=r"t\.npz, x: unpacks to more than"):
        load_file(tmp_path / "t.npz")


def test_an_array_that_claims_more_than_its_member_holds_is_refused(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (9000000000, 2), }"
    with zipfile.ZipFile(tmp_path / "t.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("x", "y"):
            content = b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header
            archive.writestr(f"{name}.npy", content + bytes(1000))
    with pytest.raises(ValueError, match=r"t\.npz: x cannot be read"):
        load_file(tmp_path / "t.npz")


def test_what_is_packed_well_is_read(tmp_path):
    assert unpacked_limit(10) == ANY
    assert unpacked_limit(10**6) == 3 * 10**8
    row = ",".join(["0"] * 500)
    text = "".join(f"{row},{c}\n" for c in "ab" * 200)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(text.encode()))
    with open_file(tmp_path / "t.csv.gz") as file:
        assert file.read() == text.encode()
    assert load_file(tmp_path / "t.csv.gz").x_train.shape[1] == 500
