import numpy as np

from chainrule.layers import Flatten


def test_the_last_axis_runs_fastest_and_the_gradient_takes_the_shape_of_x(dtype):
    x = np.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], dtype)
    out, cache = Flatten().forward(x)
    dx, _ = Flatten().backward(10 * out, cache)
    np.testing.assert_array_equal(out, [[1, 2, 3, 4], [5, 6, 7, 8]])
    np.testing.assert_array_equal(dx, 10 * x)
