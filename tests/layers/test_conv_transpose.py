import re

import numpy as np
import pytest

from chainrule.layers import ConvTranspose


def test_every_entry_leaves_its_kernel_and_where_they_overlap_they_add_up(dtype):
    layer = ConvTranspose(1, 1, 2, dtype=dtype)
    layer.params["W"][...] = [[1, 2], [3, 4]]
    layer.params["b"][...] = 10
    out, cache = layer.forward(np.array([[[[1, 5]]]], dtype))
    dx, grads = layer.backward(np.array([[[[1, 0, 2], [0, 1, 0]]]], dtype), cache)
    np.testing.assert_array_equal(out, [[[[11, 17, 20], [13, 29, 30]]]])
    np.testing.assert_array_equal(dx, [[[[5, 7]]]])
    np.testing.assert_array_equal(grads["W"], [[[[1, 10], [5, 1]]]])
    np.testing.assert_array_equal(grads["b"], [4])


def test_a_stride_of_2_doubles_an_image_and_pad_cuts_a_border_off(dtype):
    layer = ConvTranspose(3, 2, 4, stride=2, pad=1, dtype=dtype)
    out, _ = layer.forward(np.zeros((5, 3, 7, 6), dtype))
    assert out.shape == (5, 2, 14, 12)


def test_a_pad_that_leaves_nothing_and_same_are_refused():
    with pytest.raises(ValueError, match=re.escape("of which pad=1 leaves 0 × 1; expected a")):
        ConvTranspose(1, 1, 2, pad=1).forward(np.zeros((1, 1, 1, 2)))
    with pytest.raises(ValueError, match="pad must be a number or a pair, got 'same'"):
        ConvTranspose(1, 1, 2, pad="same")
