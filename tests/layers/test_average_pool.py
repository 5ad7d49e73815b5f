import re

import numpy as np
import pytest

from chainrule.layers import AveragePool


def test_each_window_gives_its_mean_and_sends_an_equal_share_to_each_entry(dtype):
    x = np.array([[[[1, 3, 0, 8], [5, 7, 0, 0]]]], dtype)
    out, cache = AveragePool(2).forward(x)
    dx, _ = AveragePool(2).backward(np.array([[[[4, 8]]]], dtype), cache)
    np.testing.assert_array_equal(out, [[[[4, 2]]]])
    np.testing.assert_array_equal(dx, [[[[1, 1, 2, 2], [1, 1, 2, 2]]]])


def test_windows_that_overlap_add_up():
    layer = AveragePool((1, 2), stride=1)
    out, cache = layer.forward(np.array([[[[1.0, 3.0, 7.0]]]]))
    dx, _ = layer.backward(np.array([[[[10.0, 100.0]]]]), cache)
    np.testing.assert_array_equal(out, [[[[2, 5]]]])
    np.testing.assert_array_equal(dx, [[[[5, 55, 50]]]])


def test_the_zeros_of_the_border_count_as_entries():
    layer = AveragePool(2, pad=1)
    out, cache = layer.forward(np.array([[[[4.0, 8.0], [12.0, 16.0]]]]))
    dx, _ = layer.backward(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), cache)
    np.testing.assert_array_equal(out, [[[[1, 2], [3, 4]]]])
    np.testing.assert_array_equal(dx, [[[[0.25, 0.5], [0.75, 1]]]])


def test_windows_that_do_not_fit_at_the_end_are_left_out():
    layer = AveragePool(2)
    out, cache = layer.forward(np.array([[[[1.0, 2.0, 9.0], [3.0, 6.0, 9.0], [9.0, 9.0, 9.0]]]]))
    dx, _ = layer.backward(np.array([[[[4.0]]]]), cache)
    np.testing.assert_array_equal(out, [[[[3]]]])
    np.testing.assert_array_equal(dx, [[[[1, 1, 0], [1, 1, 0], [0, 0, 0]]]])


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((3, 4), "AveragePool(3 × 3): x has shape (3, 4), expected images (N, C, H, W)"),
        (
            (2, 3, 4, 2),
            "AveragePool(3 × 3): x has images of 4 × 2 (shape (2, 3, 4, 2)), too small for a "
            "window of 3 × 3; expected at least 3 × 3, or a larger pad",
        ),
    ],
)
def test_images_that_do_not_fit_are_refused(shape, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        AveragePool(3).forward(np.zeros(shape))


def test_a_pad_of_more_than_half_the_size_is_refused():
    message = (
        "AveragePool: pad is 1 for a size of 1 in height, expected at most half the size, 0, since "
        "a window could hold nothing but border"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        AveragePool((1, 2), pad=1)


def test_it_says_what_it_does():
    assert repr(AveragePool(2)) == "AveragePool(2 × 2)"
    assert repr(AveragePool(3, stride=2, pad=1)) == "AveragePool(3 × 3, stride=2, pad=1)"
