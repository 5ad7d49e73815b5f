import re

import numpy as np
import pytest

from chainrule.layers import Conv, Pad
from chainrule.nets import Sequential


def test_the_border_holds_the_value_and_has_no_gradient(dtype):
    layer, x = Pad(1, value=7), np.array([[[[1, 2]]]], dtype)
    out, cache = layer.forward(x)
    dx, _ = layer.backward(np.arange(12).reshape(1, 1, 3, 4), cache)
    np.testing.assert_array_equal(out, [[[[7, 7, 7, 7], [7, 1, 2, 7], [7, 7, 7, 7]]]])
    np.testing.assert_array_equal(dx, [[[[5, 6]]]])


def test_a_pair_is_for_height_and_width():
    out, _ = Pad((0, 2)).forward(np.ones((1, 1, 1, 1)))
    np.testing.assert_array_equal(out, [[[[0, 0, 1, 0, 0]]]])


def test_a_convolution_of_padded_images_is_one_with_a_pad():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 4, 5))
    want, _ = Conv(3, 2, 3, pad=(1, 2), rng=1).forward(x)
    got, _ = Sequential(Pad((1, 2)), Conv(3, 2, 3, rng=1)).forward(x)
    np.testing.assert_allclose(got, want, atol=1e-13)


@pytest.mark.parametrize("pad", [-1, 0.5, "same", (1, 2, 3), True])
def test_what_is_no_pad_is_refused(pad):
    message = (
        f"Pad: pad must be a whole number of at least 0, or a pair of them for height and width, "
        f"got {pad!r}"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Pad(pad)


def test_a_value_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match=r"^Pad: value must be a finite number, got nan$"):
        Pad(1, value=np.nan)


def test_a_value_that_is_infinite_in_the_dtype_of_the_images_is_refused():
    layer, x = Pad(1, value=-1e300), np.zeros((1, 1, 2, 2))
    assert layer.forward(x)[0][0, 0, 0, 0] == -1e300
    with pytest.raises(ValueError, match=r"value is too large for float32, the dtype of x$"):
        layer.forward(x.astype(np.float32))


def test_what_is_no_image_is_refused():
    with pytest.raises(ValueError, match=r"x has shape \(2, 3\), expected images \(N, C, H, W\)$"):
        Pad(1).forward(np.zeros((2, 3)))
