import numpy as np

from chainrule.layers import Softsign


def test_out_and_slope_are_the_hand_worked_ones(dtype):
    x = np.array([-3, -1, 0, 1, 4], dtype)
    out, cache = Softsign().forward(x)
    dx, _ = Softsign().backward(np.full(5, 400, dtype), cache)
    np.testing.assert_allclose(out, [-0.75, -0.5, 0, 0.5, 0.8], rtol=2 * np.finfo(dtype).eps)
    np.testing.assert_allclose(dx, [25, 100, 400, 100, 16], rtol=2 * np.finfo(dtype).eps)


def test_the_slope_of_a_large_number_is_its_square_and_no_nonsense(dtype):
    large = np.sqrt(np.finfo(dtype).max) * 4
    out, cache = Softsign().forward(np.array([large, -large], dtype))
    np.testing.assert_array_equal(out, [1, -1])
    dx, _ = Softsign().backward(np.array([large, -large]), cache)
    np.testing.assert_allclose(dx * large, [1, -1], rtol=4 * np.finfo(dtype).eps)
