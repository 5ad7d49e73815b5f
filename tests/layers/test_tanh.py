import math
from decimal import Decimal

import numpy as np

from chainrule.layers import Tanh


def ulps(dtype):
    return 8 * np.finfo(dtype).eps


def test_out_and_slope_are_the_hand_worked_ones(dtype):
    out, cache = Tanh().forward(np.array([0, math.log(2), -math.log(3)], dtype))
    dx, _ = Tanh().backward(np.array([2, 25, -25], dtype), cache)
    np.testing.assert_allclose(out, [0, 0.6, -0.8], rtol=ulps(dtype))
    np.testing.assert_allclose(dx, [2, 16, -9], rtol=ulps(dtype))


@np.errstate(over="raise", divide="raise", invalid="raise")
def test_far_out_it_is_plus_or_minus_1_and_flat(dtype):
    out, cache = Tanh().forward(np.array([-1e4, 1e4], dtype))
    dx, _ = Tanh().backward(np.ones(2, dtype), cache)
    np.testing.assert_array_equal(out, [-1, 1])
    np.testing.assert_allclose(dx, [0, 0], atol=np.finfo(dtype).tiny)


def test_close_to_zero_it_is_x_to_the_last_digit(dtype):
    x = np.array([1e-12, -1e-30], dtype)
    np.testing.assert_array_equal(Tanh().forward(x)[0], x)


def test_the_slope_is_exact_to_a_rounding_of_1(dtype):
    def slope(x):
        return float((2 / (Decimal(x).exp() + Decimal(-x).exp())) ** 2)

    xs = [-20, -10, -5, -2, 2, 5, 10, 20, 40]
    _, cache = Tanh().forward(np.array(xs, dtype))
    dx, _ = Tanh().backward(np.ones(len(xs), dtype), cache)
    np.testing.assert_allclose(dx, [slope(x) for x in xs], rtol=0, atol=2 * np.finfo(dtype).eps)
