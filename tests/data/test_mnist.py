"""IDX files are read byte by byte as their format says, from a folder or from the network."""

import gzip
import hashlib
import socket
import struct

import numpy as np
import pytest

from chainrule.data import load_mnist, mnist

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def idx_images(pictures):
    """Pictures of 2 × 3 pixels, all pixels of one picture of one grey level."""
    return struct.pack(">4I", 0x803, len(pictures), 2, 3) + b"".join(
        bytes([grey]) * 6 for grey in pictures
    )


def idx_labels(labels):
    return struct.pack(">2I", 0x801, len(labels)) + bytes(labels)


def small_files():
    """Forty training and three test pictures; the grey level is 10 times the label."""
    labels = [i % 4 for i in range(40)]
    return dict(
        zip(
            NAMES,
            [
                idx_images([10 * label for label in labels]),
                idx_labels(labels),
                idx_images([255, 0, 51]),
                idx_labels([9, 0, 5]),
            ],
            strict=True,
        )
    )


def write(folder, files, spell=lambda name: name):
    for name, content in files.items():
        spelled = spell(name)
        packed = gzip.compress(content) if spelled.endswith(".gz") else content
        (folder / spelled).write_bytes(packed)
    return folder


@pytest.mark.parametrize(
    "spell",
    [
        lambda name: name,
        lambda name: name + ".gz",
        lambda name: name.replace("-idx", ".idx"),
        lambda name: name.replace("-idx", ".idx") + ".gz",
    ],
    ids=["plain", "gz", "dotted", "dotted gz"],
)
def test_every_spelling_of_the_four_files_is_read(tmp_path, spell):
    loaded = load_mnist(write(tmp_path, small_files(), spell), validation=8)
    assert loaded.x_train.shape == (32, 6)
    assert loaded.x_train.dtype == np.float32
    assert loaded.image_shape == (2, 3)
    assert loaded.classes == tuple("0123456789")
    assert loaded.y_test.tolist() == [9, 0, 5]
    assert loaded.x_test[:, 0].tolist() == [1.0, 0.0, np.float32(0.2)]
    assert np.bincount(loaded.y_val).tolist() == [2, 2, 2, 2]
    for x, y in ((loaded.x_train, loaded.y_train), (loaded.x_val, loaded.y_val)):
        np.testing.assert_allclose(255 * x, 10 * np.repeat(y[:, None], 6, axis=1), rtol=1e-6)


def test_dtype_and_seed_are_followed(tmp_path):
    write(tmp_path, small_files())
    first, second = (load_mnist(tmp_path, validation=8, seed=s, dtype=np.float64) for s in (0, 1))
    assert first.x_val.dtype == np.float64
    assert not np.array_equal(first.y_train, second.y_train)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (NAMES[0], idx_labels([1, 2]), "begins with the bytes 00 00 08 01, expected 00 00 08 03"),
        (NAMES[1], idx_images([1, 2]), "begins with the bytes 00 00 08 03, expected 00 00 08 01"),
        (NAMES[1], b"", "begins with the bytes , expected 00 00 08 01 and 1 sizes"),
        (NAMES[0], idx_images([])[:10], "begins with the bytes 00 00 08 03, .* and 3 sizes"),
        (NAMES[0], idx_images([1])[:-1], "5 bytes follow the header, expected 6 .* 1 × 2 × 3"),
        (NAMES[2], idx_images([1]) + b"x", "7 bytes follow the header, expected 6 "),
        (NAMES[2], idx_images([]), "0 bytes follow the header, expected 0 .at least one."),
        (NAMES[3], idx_labels([1, 2]), "2 labels, expected 3 for the images of t10k-images-idx3"),
        (NAMES[3], idx_labels([1, 2, 10]), "holds the label 10, expected 0 to 9"),
        (NAMES[0], gzip.compress(idx_images([7] * 40), mtime=0)[:-9], "the gzip file is cut short"),
        (NAMES[0], b"\x1f\x8b\x08" + b"\x00" * 30, "the gzip file is cut short or damaged"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_named(tmp_path, name, content, message):
    write(tmp_path, small_files() | {name: content})
    with pytest.raises(ValueError, match=f"{name}: {message}"):
        load_mnist(tmp_path, validation=8)


def test_training_and_test_pictures_of_two_sizes_are_refused(tmp_path):
    square = struct.pack(">4I", 0x803, 3, 2, 2) + bytes(12)
    write(tmp_path, small_files() | {NAMES[2]: square})
    with pytest.raises(ValueError, match=r"MNIST: x_test has float32 rows of shape \(4,\)"):
        load_mnist(tmp_path, validation=8)


def test_a_file_that_is_missing_is_named_in_all_its_spellings(tmp_path):
    write(tmp_path, small_files())
    (tmp_path / NAMES[3]).unlink()
    with pytest.raises(FileNotFoundError, match=r"holds none of t10k-labels-idx1-ubyte\.gz, t10k-"):
        load_mnist(tmp_path, validation=8)


@pytest.mark.parametrize("validation", [0, 40])
def test_a_validation_part_that_leaves_nothing_is_refused(tmp_path, validation):
    write(tmp_path, small_files())
    with pytest.raises(ValueError, match=f"validation is {validation}, expected 1 to 39 of the 40"):
        load_mnist(tmp_path, validation=validation)


def test_a_label_that_is_too_rare_to_divide_is_named(tmp_path):
    labels = idx_labels([0] * 39 + [7])
    with pytest.raises(ValueError, match="MNIST: class '7' has 1 of the 40 rows"):
        load_mnist(write(tmp_path, small_files() | {NAMES[1]: labels}), validation=8)


@pytest.fixture
def served(server, monkeypatch):
    write(server.folder, small_files(), lambda name: name + ".gz")
    for name in NAMES:
        packed = (server.folder / f"{name}.gz").read_bytes()
        monkeypatch.setitem(mnist.SHA256, f"{name}.gz", hashlib.sha256(packed).hexdigest())
    return server


def test_files_are_downloaded_once_and_then_come_from_the_cache(served):
    first = load_mnist(validation=8, base_url=served.url)
    assert sorted(served.fetched) == sorted(f"{name}.gz" for name in NAMES)
    second = load_mnist(validation=8, base_url=served.url)
    assert len(served.fetched) == 4
    assert np.array_equal(first.x_train, second.x_train)
    assert sorted(path.name for path in served.cache.iterdir()) == sorted(served.fetched)


def test_a_cached_file_that_was_damaged_is_downloaded_again(served):
    load_mnist(validation=8, base_url=served.url)
    (served.cache / f"{NAMES[1]}.gz").write_bytes(b"damaged")
    load_mnist(validation=8, base_url=served.url)
    assert served.fetched[4:] == [f"{NAMES[1]}.gz"]


def test_a_download_with_the_wrong_checksum_is_refused_and_not_kept(served):
    (served.folder / f"{NAMES[0]}.gz").write_bytes(b"something else")
    with pytest.raises(OSError, match=rf"{NAMES[0]}.gz: download failed \(SHA256 hash .* expected"):
        load_mnist(validation=8, base_url=served.url)
    assert list(served.cache.iterdir()) == []


def test_a_file_the_server_does_not_have_is_named(served):
    (served.folder / f"{NAMES[0]}.gz").unlink()
    with pytest.raises(OSError, match=r"download failed \(404 .*File not found"):
        load_mnist(validation=8, base_url=served.url)


@pytest.mark.usefixtures("cache")
def test_without_a_network_the_error_says_what_to_do():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        message = r"download failed \(ConnectionError\); where .* and pass .*--data-dir\)$"
        with pytest.raises(OSError, match=message):
            load_mnist(base_url=url)


@pytest.mark.parametrize("spell", [lambda name: name, lambda name: name + ".gz"])
def test_mapped_images_are_the_same_and_plain_ones_stay_in_their_file(tmp_path, spell):
    folder = write(tmp_path, small_files(), spell)
    mapped = load_mnist(folder, validation=8, mapped=True)
    np.testing.assert_array_equal(mapped.x_train, load_mnist(folder, validation=8).x_train)
    if spell("") == "":
        path = folder / NAMES[0]
        with open(path, "r+b") as file:
            file.seek(16)
            file.write(bytes(40 * 6))
        assert not mapped.x_train[:].any()
    (folder / spell(NAMES[0])).write_bytes(b"")
    with pytest.raises(ValueError, match="begins with the bytes"):
        load_mnist(folder, validation=8, mapped=True)


def test_the_real_files_hold_the_counts_that_their_authors_published(real_data):
    folder = real_data / "mnist"
    if not folder.is_dir():
        pytest.skip("no MNIST files beside the repository")
    loaded = load_mnist(folder)
    assert loaded.x_train.shape == (55000, 784)
    assert loaded.image_shape == (28, 28)
    published = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert (np.bincount(loaded.y_train) + np.bincount(loaded.y_val)).tolist() == published
    exact = np.array(published) / 12
    assert np.all(np.abs(np.bincount(loaded.y_val) - exact) < 1)
    assert np.bincount(loaded.y_test).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009
    ]  # fmt: skip
    assert (loaded.x_test.min(), loaded.x_test.max()) == (0, 1)
    assert loaded.y_test[:5].tolist() == [7, 2, 1, 0, 4]
    for name in ("t10k-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"):
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == mnist.SHA256[name]
