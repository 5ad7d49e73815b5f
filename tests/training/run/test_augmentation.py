"""The words of --augment, and what is refused."""

import numpy as np
import pytest

from chainrule.data import Dataset, load_digits, load_npz, spirals
from chainrule.training.run.augmentation import augmentation


def pictures(side=32):
    x = np.random.default_rng(0).random((30, 3, side, side + 8))
    return Dataset.from_arrays("x", x, np.arange(30) % 2, image_shape=x.shape[1:]).standardised()


def said(words, dataset):
    return [repr(one) for one in augmentation(words, dataset)]


def test_words_stand_for_functions_in_their_order():
    dataset = pictures()
    black = -dataset.standardiser.mean.flat[0] / dataset.standardiser.std.flat[0]
    assert said(None, dataset) == []
    assert said("crop,flip,shift=3", dataset) == [f"Crop(4, fill={black:g})", "Flip()", "Shift(3)"]
    assert said(" shift , crop=1", dataset) == ["Shift(4)", f"Crop(1, fill={black:g})"]


def test_small_pictures_are_moved_by_a_pixel():
    assert said("shift", load_digits().standardised()) == ["Shift(1)"]


def test_without_a_standardiser_black_is_0():
    assert said("crop", load_digits()) == ["Crop(1, fill=0)"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("flop", "--augment flop: 'flop', expected flip, crop, crop=PIXELS, shift or shift=PIXELS"),
        ("flip,,crop", "--augment flip,,crop: '', expected flip"),
        ("flip,flip", "--augment flip,flip: 'flip', expected flip once"),
        ("flip=2", "'flip=2', expected"),
        ("crop=0", "--augment crop=0: expected a whole number of pixels, from 1 to 7"),
        ("crop=8", "for pictures of 8 × 8"),
        ("shift=-1", "shift=-1: expected a whole number"),
        ("shift=", "shift=: expected a whole number"),
    ],
)
def test_other_words_are_refused(words, complaint):
    with pytest.raises(ValueError, match=complaint):
        augmentation(words, load_digits())


def test_rows_that_are_no_pictures_are_refused():
    with pytest.raises(ValueError, match="--augment flip: goes with digits, mnist"):
        augmentation("flip", spirals())


@pytest.mark.parametrize("channels", [1, 3])
def test_a_file_of_arrays_holds_pictures_where_channels_come_first(channels, tmp_path):
    file = tmp_path / "t.npz"
    x = np.random.default_rng(0).random((30, channels, 16, 24))
    np.savez(file, x=x, y=np.arange(30) % 2)
    dataset = load_npz(file).standardised()
    crop, flip = augmentation("crop,flip", dataset)
    changed = flip(crop(dataset.x_train, np.random.default_rng(1)), np.random.default_rng(2))
    assert changed.shape == dataset.x_train.shape
    border = changed[~np.isin(changed, dataset.x_train)]
    assert border.size > 0
    np.testing.assert_allclose(border, -x.mean() / x.std(), rtol=0.05)  # 0 in the file is black

    np.savez(file, x=x.transpose(0, 2, 3, 1), y=np.arange(30) % 2)
    with pytest.raises(ValueError, match=r"\.npz file of some, \(N, H, W\) or \(N, C, H, W\)"):
        augmentation("flip", load_npz(file).standardised())
