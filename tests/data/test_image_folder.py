"""Every picture of a folder is used, in the part where it belongs, or the folder is refused."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

from chainrule.data import load_images  # noqa: E402
from chainrule.data.image_folder import read_images  # noqa: E402

CLASSES = {"cat": 40, "große Hunde 狗": 200}  # and the grey level of their pictures


def fill(folder, classes=CLASSES, count=5, first=0, mode="RGB", size=(6, 9)):
    """Writes so many pictures, whose first pixel is their number, into a folder for each class."""
    for name, level in classes.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(first, first + count):
            pixels = np.full((*size, 3), level, np.uint8)
            pixels[0, 0] = number
            Image.fromarray(pixels).convert(mode).save(folder / name / f"picture {number}.png")
    return folder


@pytest.fixture
def folder(tmp_path):
    return fill(tmp_path / "pets")


def loaded(folder, size=(6, 9), **options):
    return load_images(folder, size=size, **options)


def numbers(x):
    """The numbers of pictures, which tell those of a class apart."""
    return sorted((np.asarray(x)[:, 0, 0, 0] * 255).round().astype(int).tolist())


def test_classes_are_folders_and_pixels_are_from_0_to_1(folder):
    found = loaded(folder)
    assert found.classes == ("cat", "große Hunde 狗")
    assert found.x_train.shape == (6, 3, 6, 9)
    assert (len(found.x_val), len(found.x_test)) == (2, 2)
    assert (found.image_shape, found.x_test.dtype, found.notes) == ((3, 6, 9), np.float32, ())
    for part in ("train", "val", "test"):
        x, y = np.asarray(getattr(found, f"x_{part}")), getattr(found, f"y_{part}")
        levels = np.array([40, 200])[y] / 255
        np.testing.assert_allclose(x[:, :, 3, 4], levels[:, None].repeat(3, 1), rtol=1e-6)
    everything = numbers(found.x_train) + numbers(found.x_val) + numbers(found.x_test)
    assert sorted(everything) == sorted([*range(5), *range(5)])


def test_the_same_seed_divides_alike(folder):
    one, two, other = loaded(folder), loaded(folder), loaded(folder, seed=3)
    assert np.asarray(one.x_train).tobytes() == np.asarray(two.x_train).tobytes()
    assert np.asarray(one.x_train).tobytes() != np.asarray(other.x_train).tobytes()


def test_pictures_without_colours_have_one_channel_unless_it_is_asked_otherwise(tmp_path):
    folder = fill(tmp_path / "grey", mode="L")
    assert loaded(folder).image_shape == (1, 6, 9)
    colour = np.asarray(loaded(folder, gray=False).x_train)
    assert colour.shape[1:] == (3, 6, 9)
    assert (colour == colour[:, :1]).all()


def test_one_picture_with_colours_makes_all_of_them_so(folder):
    fill(folder, count=5, first=5, mode="L")
    assert loaded(folder).image_shape == (3, 6, 9)
    assert loaded(folder, gray=True).image_shape == (1, 6, 9)


def test_names_that_are_numbers_are_ordered_as_numbers(tmp_path):
    folder = fill(tmp_path, dict.fromkeys(("10", "9", "1"), 20))
    assert loaded(folder).classes == ("1", "9", "10")


def test_one_number_is_height_and_width(folder):
    assert loaded(folder, 4).image_shape == (3, 4, 4)


@pytest.mark.parametrize("size", [0, (4,), (4, -1), (4, 4, 3), 4.5])
def test_other_sizes_are_refused(folder, size):
    with pytest.raises((ValueError, TypeError)):
        loaded(folder, size)


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Training", "valid", "TEST")])
def test_folders_of_parts_are_the_parts(tmp_path, names):
    for at, name in enumerate(names):
        fill(tmp_path / name, count=3, first=10 * at)
    found = loaded(tmp_path)
    assert set(numbers(found.x_train)) == {0, 1, 2}
    assert set(numbers(found.x_val)) == {10, 11, 12}
    assert set(numbers(found.x_test)) == {20, 21, 22}
    assert found.notes == ()


@pytest.mark.parametrize("given", ["val", "test"])
def test_the_part_that_is_missing_is_taken_from_the_training_pictures(tmp_path, given):
    fill(tmp_path / "train", count=10)
    fill(tmp_path / given, count=3, first=50)
    found, missing = loaded(tmp_path), "test" if given == "val" else "val"
    assert len(found.x_train) == 16
    assert set(numbers(getattr(found, f"x_{given}"))) == {50, 51, 52}
    rest = getattr(found, f"x_{missing}")
    assert len(rest) == 4
    assert sorted(numbers(found.x_train) + numbers(rest)) == sorted([*range(10)] * 2)
    assert found.notes == (f"20 % of the pictures in train are the {missing} part",)


def test_a_class_may_be_called_train(tmp_path):
    assert loaded(fill(tmp_path, {"train": 1, "bus": 2})).classes == ("bus", "train")


def test_a_class_that_is_in_one_part_alone(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "test", {"cat": 40}, first=50)
    assert loaded(tmp_path).notes[0] == "test has no pictures of große Hunde 狗"
    fill(tmp_path / "test", {"mouse": 4})
    with pytest.raises(ValueError, match="test has the class 'mouse', which the training part"):
        loaded(tmp_path)


def test_files_that_are_no_pictures_are_left_out_and_named(folder):
    for name in ("LICENSE", "cat/labels.csv", "cat/.hidden", "cat/Thumbs.db", ".DS_Store"):
        (folder / name).write_text("words")
    (folder / ".git").mkdir()
    (note,) = loaded(folder).notes
    assert note == (
        f"left out, since they are no pictures by their names: {folder / 'LICENSE'}, "
        f"{folder / 'cat' / 'labels.csv'}"
    )


def test_all_pictures_that_cannot_be_read_are_counted_and_the_first_are_named(folder):
    for number in range(5):
        (folder / "cat" / f"bad {number}.png").write_bytes(b"")
    names = "; ".join(
        f"{folder / 'cat' / f'bad {n}.png'} is no PNG or JPEG: it is empty" for n in range(3)
    )
    said = f"{folder}: 5 of the 15 pictures cannot be read: {names}; and 2 more"
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        loaded(folder)


def spoiled(folder, how):
    if how == "empty class":
        (folder / "empty").mkdir()
    elif how == "nested":
        fill(folder / "cat", {"kittens": 3})
    elif how == "beside":
        shutil.copy(folder / "cat" / "picture 0.png", folder)
    elif how == "gif":
        (folder / "cat" / "moving.gif").write_bytes(b"GIF89a")
    elif how == "one class":
        shutil.rmtree(folder / "cat")
    elif how == "nothing":
        shutil.rmtree(folder)
        folder.mkdir()
    elif how == "half divided":
        fill(folder / "train")
        fill(folder / "test")
    elif how == "too few":
        for path in [*(folder / "cat").iterdir()][2:]:
            path.unlink()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("empty class", "empty: holds no pictures, expected PNG or JPEG files"),
        ("nested", "cat: holds a folder, 'kittens', expected pictures alone"),
        ("beside", "in no folder of a class, such as 'picture 0.png'"),
        ("gif", r"moving.gif: expected PNG or JPEG \(.*\); convert such pictures"),
        ("one class", "expected two folders or more, .* found 'große Hunde 狗' alone"),
        ("nothing", "expected two folders or more, .* found none"),
        ("half divided", "expected train, val and test alone"),
        ("too few", "class 'cat' has 2 of the 7 rows, expected at least one for each of the 3"),
    ],
)
def test_folders_of_which_something_would_be_lost_are_refused(folder, how, said):
    spoiled(folder, how)
    with pytest.raises(ValueError, match=said):
        loaded(folder)


def test_links_are_followed_and_those_to_nothing_are_named(folder, tmp_path):
    fill(tmp_path / "elsewhere", {"birds": 90})
    try:
        os.symlink(tmp_path / "elsewhere" / "birds", folder / "bird", target_is_directory=True)
    except OSError:
        pytest.skip("no links")
    assert loaded(folder).classes[0] == "bird"
    os.symlink("nowhere.png", folder / "cat" / "link.png")
    with pytest.raises(ValueError, match=r"link.png cannot be opened \(No such file"):
        loaded(folder)
    os.unlink(folder / "cat" / "link.png")
    os.symlink("nowhere", folder / "dog")
    with pytest.raises(ValueError, match="dog: a link to what is not there"):
        loaded(folder)


def test_copies_stay_in_one_part_and_are_told_of(folder):
    for number in range(4):
        shutil.copy(folder / "cat" / "picture 0.png", folder / "cat" / f"copy {number}.png")
    found = loaded(folder)
    counts = [numbers(getattr(found, f"x_{part}")).count(0) for part in ("train", "val", "test")]
    assert max(counts) >= 5
    assert "4 of the 14 rows repeat another row; copies are kept in one part" in found.notes[0]


def test_a_picture_in_two_classes_is_told_of(folder):
    first = folder / "cat" / "picture 0.png"
    second = folder / "große Hunde 狗" / "cat.png"
    shutil.copy(first, second)
    assert loaded(folder).notes[0] == (
        f"1 of the 11 pictures are in two classes, such as {first} and {second}: no network can "
        f"get both right"
    )


def test_a_picture_of_the_test_part_that_was_trained_on_is_told_of(tmp_path):
    fill(tmp_path / "train", count=10)
    fill(tmp_path / "test", count=3)
    assert "6 of the 6 rows of test stand in train too" in loaded(tmp_path).notes[0]


def test_pictures_to_judge_have_the_labels_of_their_folders(folder):
    x, paths, labels, notes = read_images([folder], (1, 3, 3))
    assert (x.shape, x.dtype, notes) == ((10, 1, 3, 3), np.uint8, [])
    assert labels.tolist() == ["cat"] * 5 + ["große Hunde 狗"] * 5
    assert [path.name for path in paths[:5]] == [f"picture {n}.png" for n in range(5)]


def test_pictures_to_judge_may_be_files_and_flat_folders(folder):
    one = folder / "cat" / "picture 3.png"
    x, paths, labels, _ = read_images([str(one), folder / "cat"], (6, 9))
    assert x.shape == (6, 6, 9)
    assert labels is None
    assert paths[0] == Path(one)
    assert x[:, 0, 0].tolist() == [3, 0, 1, 2, 3, 4]
