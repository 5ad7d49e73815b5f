import re

import numpy as np
import pytest

from chainrule.layers import MaxPool


def pooled(layer, x, dout):
    out, cache = layer.forward(x)
    return out, layer.backward(np.array(dout, x.dtype), cache)[0]


def test_each_window_gives_its_maximum_and_a_tie_sends_the_gradient_to_the_first(dtype):
    x = np.array([[[[1, 5, 0, 0], [5, 2, 0, 0]]]], dtype)
    out, dx = pooled(MaxPool(2), x, [[[[3, 4]]]])
    np.testing.assert_array_equal(out, [[[[5, 0]]]])
    np.testing.assert_array_equal(dx, [[[[0, 3, 4, 0], [0, 0, 0, 0]]]])


def test_windows_that_overlap_add_up_at_a_maximum_that_they_share(dtype):
    x = np.array([[[[1, 9, 2], [3, 4, 5]]]], dtype)
    out, dx = pooled(MaxPool(2, stride=1), x, [[[[10, 100]]]])
    np.testing.assert_array_equal(out, [[[[9, 9]]]])
    np.testing.assert_array_equal(dx, [[[[0, 110, 0], [0, 0, 0]]]])


def test_the_border_never_wins_not_even_over_negative_numbers_and_infinite_ones():
    x = np.array([[[[-1, -2], [-3, -np.inf]]]])
    out, dx = pooled(MaxPool(2, pad=1), x, [[[[1, 2], [3, 4]]]])
    np.testing.assert_array_equal(out, [[[[-1, -2], [-3, -np.inf]]]])
    np.testing.assert_array_equal(dx, [[[[1, 2], [3, 4]]]])


def test_windows_that_do_not_fit_at_the_end_are_left_out():
    x = np.arange(15.0).reshape(1, 1, 3, 5)
    out, dx = pooled(MaxPool(2), x, [[[[1, 2]]]])
    np.testing.assert_array_equal(out, [[[[6, 8]]]])
    np.testing.assert_array_equal(dx[0, 0], [[0, 0, 0, 0, 0], [0, 1, 0, 2, 0], [0, 0, 0, 0, 0]])


def test_a_nan_wins_and_the_gradient_goes_to_the_first():
    x = np.array([[[[5, np.nan, 1, 2], [np.nan, 9, 3, 4]]]])
    out, dx = pooled(MaxPool(2), x, [[[[7, 8]]]])
    np.testing.assert_array_equal(out, [[[[np.nan, 4]]]])
    np.testing.assert_array_equal(dx, [[[[0, 7, 0, 0], [0, 0, 0, 8]]]])


def test_an_infinite_gradient_reaches_the_maximum_alone():
    x = np.array([[[[1.0, 2.0]]]])
    _, dx = pooled(MaxPool((1, 2)), x, [[[[np.inf]]]])
    np.testing.assert_array_equal(dx, [[[[0, np.inf]]]])


def test_the_course_s_numbers():
    """CS231n, assignment 2, ConvolutionalNetworks.ipynb."""
    x = np.linspace(-0.3, 0.4, 96).reshape(2, 3, 4, 4)
    want = [
        [
            [[-0.26315789, -0.24842105], [-0.20421053, -0.18947368]],
            [[-0.14526316, -0.13052632], [-0.08631579, -0.07157895]],
            [[-0.02736842, -0.01263158], [0.03157895, 0.04631579]],
        ],
        [
            [[0.09052632, 0.10526316], [0.14947368, 0.16421053]],
            [[0.20842105, 0.22315789], [0.26736842, 0.28210526]],
            [[0.32631579, 0.34105263], [0.38526316, 0.4]],
        ],
    ]
    np.testing.assert_allclose(MaxPool(2).forward(x)[0], want, rtol=0, atol=5e-9)


def test_the_cache_holds_a_byte_per_window_and_none_of_the_images():
    out, cache = MaxPool(2).forward(np.zeros((2, 3, 8, 8), np.float32))
    arrays = [a for a in cache if isinstance(a, np.ndarray)]
    held = [array if array.base is None else array.base for array in arrays]
    assert sum(array.nbytes for array in held) == out.size


@pytest.mark.parametrize("shape", [(0, 3, 4, 4), (2, 0, 4, 4)])
def test_a_batch_without_images_or_channels_gives_one(shape):
    out, cache = MaxPool(3, stride=2, pad=1).forward(np.zeros(shape))
    dx, _ = MaxPool(3, stride=2, pad=1).backward(out, cache)
    assert out.shape == (*shape[:2], 2, 2)
    assert dx.shape == shape


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((4, 4), "MaxPool(2 × 2): x has shape (4, 4), expected images (N, C, H, W)"),
        (
            (3, 4, 4),
            "MaxPool(2 × 2): x has shape (3, 4, 4), expected images (N, C, H, W); a single image "
            "is x[np.newaxis]",
        ),
        (
            (2, 3, 1, 4),
            "MaxPool(2 × 2): x has images of 1 × 4 (shape (2, 3, 1, 4)), too small for a window "
            "of 2 × 2; expected at least 2 × 2, or a larger pad",
        ),
    ],
)
def test_images_that_do_not_fit_are_refused(shape, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        MaxPool(2).forward(np.zeros(shape))


def test_images_of_no_entries_are_refused_though_there_is_a_pad():
    message = "MaxPool(2 × 2, pad=1): x has shape (2, 3, 0, 4), expected images of at least 1 × 1"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        MaxPool(2, pad=1).forward(np.zeros((2, 3, 0, 4)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"size": 0},
            "MaxPool: size must be a whole number of at least 1, or a pair of them for height and "
            "width, got 0",
        ),
        (
            {"size": 2, "stride": 0},
            "MaxPool: stride must be a whole number of at least 1, or a pair of them for height "
            "and width, got 0",
        ),
        (
            {"size": 2, "pad": "same"},
            "MaxPool: pad must be a whole number of at least 0, or a pair of them for height and "
            "width, got 'same'",
        ),
        (
            {"size": (4, 3), "pad": (2, 2)},
            "MaxPool: pad is 2 for a size of 3 in width, expected at most half the size, 1, since "
            "a window could hold nothing but border",
        ),
    ],
)
def test_settings_that_make_no_pooling_are_refused(settings, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        MaxPool(**settings)


def test_it_says_what_it_does():
    assert repr(MaxPool(2)) == "MaxPool(2 × 2)"
    assert repr(MaxPool((3, 2), stride=2, pad=1)) == "MaxPool(3 × 2, stride=2, pad=1)"
