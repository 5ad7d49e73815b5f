"""Images kept as bytes are, row by row, the floats that they stand for."""

import copy
from dataclasses import replace

import numpy as np
import pytest

from chainrule.data import Dataset, Pixels, Standardiser

RNG = np.random.default_rng(0)
VALUES = RNG.integers(0, 256, (40, 2, 3), dtype=np.uint8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_a_slice_and_a_batch_are_the_bytes_divided_by_255(dtype):
    pixels, whole = Pixels(VALUES, dtype), np.divide(VALUES, 255, dtype=dtype)
    rows = np.array([7, 3, 3, 39])
    for got, expected in (
        (pixels.take(rows), whole[rows]),
        (pixels[rows], whole[rows]),
        (pixels[5:9], whole[5:9]),
        (pixels[-1], whole[-1]),
        (pixels[4, 1, 2], whole[4, 1, 2]),
        (np.asarray(pixels), whole),
    ):
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, expected)
    assert (pixels.shape, pixels.ndim, pixels.size, len(pixels)) == ((40, 2, 3), 3, 240, 40)
    assert pixels.min() == whole.min()
    assert pixels.max() == whole.max()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_some_rows_of_many_are_an_array_of_their_own(dtype):
    rows = np.array([30, 2, 17, 2])
    pixels, whole = Pixels(VALUES, dtype, rows=rows), np.divide(VALUES[rows], 255, dtype=dtype)
    for index in (0, -1, slice(1, 3), np.array([3, 0]), (1, 0, 2), (slice(2), 1), (..., 0)):
        np.testing.assert_array_equal(pixels[index], whole[index])
    np.testing.assert_array_equal(pixels.take(np.array([3, 3, 0])), whole[[3, 3, 0]])
    np.testing.assert_array_equal(pixels, whole)
    assert (pixels.shape, pixels.size, len(pixels)) == ((4, 2, 3), 24, 4)
    measured, expected = pixels.measure(), Pixels(VALUES[rows], dtype).measure()
    assert (measured.mean == expected.mean).all()
    np.testing.assert_array_equal(
        pixels.standardised(measured).astype(np.float64)[:],
        Pixels(VALUES[rows], np.float64).standardised(measured)[:],
    )


def test_all_else_is_done_with_the_whole_array():
    pixels, whole = Pixels(VALUES, np.float64), VALUES / 255.0
    np.testing.assert_array_equal(255 * pixels - 1, 255 * whole - 1)
    np.testing.assert_array_equal(np.exp(pixels), np.exp(whole))
    np.testing.assert_array_equal(pixels.mean(axis=0), whole.mean(axis=0))
    np.testing.assert_array_equal(pixels.reshape(40, -1), whole.reshape(40, -1))
    assert np.isfinite(pixels).all()
    np.testing.assert_array_equal(copy.deepcopy(pixels)[3], whole[3])
    with pytest.raises(AttributeError, match="nonsense"):
        print(pixels.nonsense)


@pytest.mark.parametrize("values", [VALUES, np.full((9, 4), 17, np.uint8)], ids=["any", "constant"])
def test_standardised_it_is_what_the_floats_become(values):
    pixels, whole = Pixels(values, np.float64), values / 255.0
    measured, expected = pixels.measure(), Standardiser.fit(whole, shared=True)
    np.testing.assert_allclose(measured.mean, expected.mean, rtol=1e-14)
    np.testing.assert_allclose(measured.std, expected.std, rtol=1e-13)
    done = pixels.standardised(measured)
    np.testing.assert_allclose(done[:], expected.transform(whole), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(done.astype(np.float32)[2], done[2].astype(np.float32), atol=3e-7)
    assert done.astype(np.float32).values is values


def test_a_dataset_of_bytes_keeps_them_through_standardising_and_a_change_of_dtype():
    labels = np.arange(40) % 2
    whole = VALUES.reshape(40, 6) / 255.0
    floats = Dataset("bytes", *([whole, labels] * 3), classes=("a", "b"), image_shape=(2, 3))
    data = replace(floats, x_train=Pixels(VALUES.reshape(40, 6), np.float64))
    done, expected = (one.standardised().astype(np.float32) for one in (data, floats))
    assert isinstance(done.x_train, Pixels)
    assert done.x_train.values is data.x_train.values
    np.testing.assert_allclose(done.x_train[:], expected.x_train, atol=1e-6)
    np.testing.assert_allclose(done.x_val, expected.x_val, atol=1e-6)
    assert done.describe() == expected.describe()


@pytest.mark.parametrize(
    "index",
    [
        ([0, 1], [1, 0]),
        ([0, 1], slice(None), [1, 0]),
        ([3, 1], 1),
        ([3, 1], slice(1), 2),
        (slice(1, 3), [0, 1], [1, 2]),
        (1, [0, 1]),
        (np.array([[0, 1], [2, 3]]), 1),
        np.array([True, False, True, False]),
        ([0, 1], None),
    ],
    ids=str,
)
def test_arrays_of_indices_are_paired_as_numpy_pairs_them(index):
    pixels = Pixels(VALUES, np.float64, rows=np.array([30, 2, 17, 2]))
    np.testing.assert_array_equal(pixels[index], np.asarray(pixels)[index])


def test_a_mask_of_all_entries_picks_numbers():
    pixels = Pixels(VALUES, np.float64, rows=np.array([30, 2, 17, 2]))
    np.testing.assert_array_equal(
        pixels[pixels > 0.5], np.asarray(pixels)[np.asarray(pixels) > 0.5]
    )
