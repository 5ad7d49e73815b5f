"""Records of CIFAR-10 become pictures, channel by channel."""

import hashlib
import io
import tarfile

import numpy as np
import pytest

from chainrule.data import cifar10, load_cifar10

FOLDER = "cifar-10-batches-bin"


def record(label, red=0, green=0, blue=0):
    return bytes([label]) + bytes([red]) * 1024 + bytes([green]) * 1024 + bytes([blue]) * 1024


def batch(number):
    """Two pictures of each class; red is the label, green the number of the batch."""
    return b"".join(record(label, red=label, green=number) for label in [*range(10)] * 2)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data_batch_1.bin").write_bytes(batch(1))
    (tmp_path / "data_batch_4.bin").write_bytes(batch(4))
    last = bytearray(record(9, blue=255))
    last[1 + 2 * 1024 + 32 * 3 + 5] = 51  # blue, line 3, column 5
    (tmp_path / "test_batch.bin").write_bytes(record(2, red=255) + last)
    return tmp_path


def test_channels_lines_and_columns_stand_where_the_record_has_them(folder):
    loaded = load_cifar10(folder, validation=10)
    assert loaded.x_test.shape == (2, 3, 32, 32)
    assert loaded.x_test.dtype == np.float32
    assert loaded.x_test[0].mean(axis=(1, 2)).tolist() == [1, 0, 0]
    assert loaded.x_test[1, 2, 3, 5] == np.float32(0.2)
    assert loaded.x_test[1, 2].sum() == np.float32(1023.2)
    assert [loaded.classes[label] for label in loaded.y_test] == ["bird", "truck"]
    assert loaded.image_shape == (3, 32, 32)


def test_all_training_batches_that_are_there_are_used(folder):
    loaded = load_cifar10(folder, validation=10)
    assert np.bincount(loaded.y_train).tolist() == [3] * 10
    assert np.bincount(loaded.y_val).tolist() == [1] * 10
    x, y = (np.concatenate(both) for both in zip(
        (loaded.x_train, loaded.y_train), (loaded.x_val, loaded.y_val), strict=True
    ))  # fmt: skip
    assert np.array_equal(np.rint(255 * x[:, 0, 0, 0]), y)
    numbers = np.rint(255 * x[:, 1, 0, 0]).astype(int)
    assert np.bincount(numbers).tolist() == [0, 20, 0, 0, 20]


def test_the_folder_above_is_accepted_too(folder, tmp_path_factory):
    above = tmp_path_factory.mktemp("above")
    folder.rename(above / FOLDER)
    assert len(load_cifar10(above, validation=10).x_train) == 30


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("test_batch.bin", b"", "0 bytes, expected a positive multiple of 3073"),
        ("data_batch_4.bin", batch(4)[:-1], "61459 bytes, expected a positive multiple of 3073"),
        ("data_batch_1.bin", record(1) + record(10), "record 1 has the label 10, expected 0 to 9"),
    ],
)
def test_a_damaged_batch_is_named(folder, name, content, message):
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name}: {message}"):
        load_cifar10(folder, validation=10)


@pytest.mark.parametrize("missing", ["test_batch.bin", "data_batch_*.bin"])
def test_a_folder_without_test_or_training_batches_is_refused(folder, missing):
    for path in folder.glob(missing):
        path.unlink()
    with pytest.raises(FileNotFoundError, match=r"expected test_batch\.bin and at least one of"):
        load_cifar10(folder)


@pytest.fixture
def archive(server, monkeypatch):
    """A served archive with all batches, and one member that wants to be elsewhere."""
    contents = {f"{FOLDER}/data_batch_{number}.bin": batch(number) for number in range(1, 6)}
    contents[f"{FOLDER}/test_batch.bin"] = batch(9)
    contents["../outside.bin"] = b"must not be unpacked"
    with tarfile.open(server.folder / "c.tar.gz", "w:gz") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    packed = (server.folder / "c.tar.gz").read_bytes()
    monkeypatch.setattr(cifar10, "SHA256", hashlib.sha256(packed).hexdigest())
    return server


def test_the_archive_is_downloaded_once_and_only_its_batches_are_unpacked(archive):
    cache = archive.cache
    first = load_cifar10(validation=10, url=archive.url + "c.tar.gz")
    unpacked = {path: path.stat().st_mtime_ns for path in (cache / FOLDER).iterdir()}
    second = load_cifar10(validation=10, url=archive.url + "c.tar.gz")
    assert archive.fetched == ["c.tar.gz"]
    assert unpacked == {path: path.stat().st_mtime_ns for path in (cache / FOLDER).iterdir()}
    assert len(first.x_train) == len(second.x_train) == 90
    assert sorted(path.name for path in cache.iterdir()) == ["c.tar.gz", FOLDER]
    assert sorted(path.name for path in (cache / FOLDER).iterdir()) == [
        *(f"data_batch_{number}.bin" for number in range(1, 6)),
        "test_batch.bin",
    ]
    assert not list(cache.parent.rglob("outside.bin"))


def test_a_batch_that_was_removed_from_the_cache_is_unpacked_again(archive):
    load_cifar10(validation=10, url=archive.url + "c.tar.gz")
    (archive.cache / FOLDER / "data_batch_3.bin").unlink()
    assert len(load_cifar10(validation=10, url=archive.url + "c.tar.gz").x_train) == 90
    assert archive.fetched == ["c.tar.gz"]


def test_an_archive_with_the_wrong_checksum_is_refused(archive, monkeypatch):
    monkeypatch.setattr(cifar10, "SHA256", "0" * 64)
    with pytest.raises(OSError, match=r"c\.tar\.gz: download failed \(SHA256 hash"):
        load_cifar10(url=archive.url + "c.tar.gz")


def test_the_real_batches_hold_the_pictures_that_their_author_published(real_data):
    folder = real_data / "cifar10"
    if not folder.is_dir():
        pytest.skip("no CIFAR-10 files beside the repository")
    loaded = load_cifar10(folder)
    published = [1005, 974, 1032, 1016, 999, 937, 1030, 1001, 1025, 981]  # of batch 1
    assert (np.bincount(loaded.y_train) + np.bincount(loaded.y_val)).tolist() == published
    assert [loaded.classes[label] for label in loaded.y_test[:4]] == [
        "cat", "ship", "ship", "airplane"
    ]  # fmt: skip
    channels = loaded.x_train.mean(axis=(0, 2, 3), dtype=np.float64)
    np.testing.assert_allclose(channels, [0.4914, 0.4822, 0.4465], atol=0.005)  # of the 50,000
