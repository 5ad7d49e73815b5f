import numpy as np

from chainrule.layers import Square


@np.errstate(over="raise", divide="raise", invalid="raise")
def test_out_and_slope_are_the_hand_worked_ones(dtype):
    out, cache = Square().forward(np.array([3, -4, 0, -1e4], dtype))
    dx, _ = Square().backward(np.array([1, 0.5, 7, 10], dtype), cache)
    np.testing.assert_array_equal(out, [9, 16, 0, 1e8])
    np.testing.assert_array_equal(dx, [6, -4, 0, -2e5])
