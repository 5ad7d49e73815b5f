"""Augmentation moves and mirrors pictures as it says, draws alike, and writes into nothing."""

import numpy as np
import pytest

from chainrule.data import Crop, Flip, Shift

SHAPES = [(40, 6, 5), (40, 1, 6, 5), (40, 3, 6, 5)]
WAYS = [Flip(), Crop(2), Shift(2)]


def pictures(shape, dtype=np.float32):
    x = np.arange(1, np.prod(shape) + 1, dtype=dtype).reshape(shape)
    x.flags.writeable = False
    return x


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("way", WAYS, ids=repr)
def test_pictures_are_new_and_of_the_same_kind(way, shape, dtype):
    x = pictures(shape, dtype)
    out = way(x, np.random.default_rng(0))
    assert (out.shape, out.dtype) == (x.shape, x.dtype)
    assert not np.shares_memory(out, x)
    assert out.flags.writeable
    assert not np.array_equal(out, x)
    same = way(x, np.random.default_rng(0))
    assert out.tobytes() == same.tobytes()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_flipped_picture_is_mirrored_or_as_it_was(shape):
    x = pictures(shape)
    out = Flip()(x, np.random.default_rng(1))
    mirrored = [np.array_equal(one, two[..., ::-1]) for one, two in zip(out, x, strict=True)]
    kept = [np.array_equal(one, two) for one, two in zip(out, x, strict=True)]
    assert all(m != k for m, k in zip(mirrored, kept, strict=True))
    assert 10 < sum(mirrored) < 30


def moved(picture, down, right, by, outside):
    """The picture moved pixel by pixel; `outside(row, column)` is what stands beyond its edge."""
    H, W = picture.shape[-2:]
    out = np.empty_like(picture)
    for i in range(H):
        for j in range(W):
            row, column = i + down - by, j + right - by
            inside = 0 <= row < H and 0 <= column < W
            out[..., i, j] = picture[..., row, column] if inside else outside(row, column)
    return out


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["crop", "shift"])
def test_a_moved_picture_is_one_of_all_that_there_are(kind, shape):
    x, by = pictures(shape), 2
    out = (Crop(by, fill=-1.5) if kind == "crop" else Shift(by))(x, np.random.default_rng(2))
    seen = set()
    for picture, found in zip(x, out, strict=True):
        H, W = picture.shape[-2:]

        def outside(row, column, picture=picture, H=H, W=W):
            if kind == "crop":
                return -1.5
            return picture[..., min(max(row, 0), H - 1), min(max(column, 0), W - 1)]

        places = [
            (down, right)
            for down in range(5)
            for right in range(5)
            if np.array_equal(found, moved(picture, down, right, by, outside))
        ]
        assert len(places) == 1
        seen.update(places)
    assert {down for down, _ in seen} == {right for _, right in seen} == {*range(5)}


def test_each_distance_is_drawn_as_often():
    x = np.zeros((9000, 3, 3))
    x[:, 1, 1] = 1
    mean = Crop(1)(x, np.random.default_rng(3)).mean(axis=0)
    np.testing.assert_allclose(mean, 1 / 9, atol=0.015)


@pytest.mark.parametrize("way", WAYS, ids=repr)
def test_no_pictures_are_no_pictures(way):
    assert way(np.empty((0, 3, 6, 5)), np.random.default_rng(0)).shape == (0, 3, 6, 5)


@pytest.mark.parametrize("way", WAYS, ids=repr)
def test_rows_that_are_no_pictures_are_refused(way):
    with pytest.raises(ValueError, match=r"x has shape \(4, 9\), expected pictures \(N, H, W\)"):
        way(np.ones((4, 9)), np.random.default_rng(0))


def test_pictures_are_not_moved_out_of_sight():
    with pytest.raises(ValueError, match=r"Shift\(3\): pictures of 3 × 8 pixels would be moved"):
        Shift(3)(np.ones((4, 3, 8)), np.random.default_rng(0))


@pytest.mark.parametrize("by", [0, -1, 1.5, "4"])
@pytest.mark.parametrize("way", [Crop, Shift])
def test_a_distance_is_a_whole_number_of_pixels(way, by):
    with pytest.raises(ValueError, match="expected a whole number of pixels, at least 1"):
        way(by)


@pytest.mark.parametrize("fill", [np.nan, np.inf, "black"])
def test_a_border_has_a_finite_value(fill):
    with pytest.raises(ValueError, match="expected a finite number"):
        Crop(2, fill=fill)
