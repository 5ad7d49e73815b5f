import numpy as np

from chainrule.layers import Conv


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
