import re

import numpy as np
import pytest

from chainrule.layers import Conv, ConvTranspose


def test_a_kernel_is_laid_on_the_image_as_it_is_and_not_turned_round(dtype):
    layer = Conv(1, 1, 2, dtype=dtype)
    layer.params["W"][...] = [[1, 2], [3, 4]]
    layer.params["b"][...] = 10
    x = np.array([[[[1, 0, 0], [0, 0, 5]]]], dtype)
    out, cache = layer.forward(x)
    dx, grads = layer.backward(np.array([[[[1, 2]]]], dtype), cache)
    np.testing.assert_array_equal(out, [[[[11, 30]]]])
    np.testing.assert_array_equal(dx, [[[[1, 4, 4], [3, 10, 8]]]])
    np.testing.assert_array_equal(grads["W"], [[[[1, 0], [0, 10]]]])
    np.testing.assert_array_equal(grads["b"], [3])


@pytest.mark.parametrize("layer", [Conv, ConvTranspose])
@pytest.mark.parametrize("bias", ["no", None, np.zeros(2), 1])
def test_a_bias_is_there_or_not(layer, bias):
    message = f"{layer.__name__}: bias must be True or False, got {bias!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        layer(2, 2, 3, bias=bias)


def test_groups_that_do_not_divide_are_refused_at_once_however_many_channels_there_are():
    with pytest.raises(ValueError, match=r"expected one of 1, 2, 4, 5, .*, 4096, …$"):
        Conv(10**15, 14, 3, groups=7)
