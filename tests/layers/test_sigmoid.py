import math
from decimal import Decimal

import numpy as np
import pytest

from chainrule.layers import Sigmoid


def ulps(dtype):
    return 8 * np.finfo(dtype).eps


def test_out_and_slope_are_the_hand_worked_ones(dtype):
    out, cache = Sigmoid().forward(np.array([0, math.log(3), -math.log(3)], dtype))
    dx, _ = Sigmoid().backward(np.array([4, 16, -16], dtype), cache)
    np.testing.assert_allclose(out, [0.5, 0.75, 0.25], rtol=ulps(dtype))
    np.testing.assert_allclose(dx, [1, 3, -3], rtol=ulps(dtype))


@pytest.mark.parametrize(("dtype", "largest"), [(np.float32, 86), (np.float64, 706)])
@np.errstate(over="raise", divide="raise", invalid="raise")
def test_out_and_slope_keep_their_digits_wherever_the_dtype_can_hold_them(dtype, largest):
    def sigma(x):
        return 1 / (1 + (-Decimal(x)).exp())

    x = np.concatenate([np.linspace(-largest, largest, 41), np.linspace(-3, 3, 49)]).astype(dtype)
    out, cache = Sigmoid().forward(x)
    dx, _ = Sigmoid().backward(np.ones_like(x), cache)
    xs = x.tolist()
    np.testing.assert_allclose(out, [float(sigma(x)) for x in xs], rtol=ulps(dtype))
    np.testing.assert_allclose(dx, [float(sigma(x) * sigma(-x)) for x in xs], rtol=ulps(dtype))


def test_at_minus_100_out_and_slope_are_the_hundredth_power_of_one_over_e():
    out, cache = Sigmoid().forward(np.array([-100.0]))
    dx, _ = Sigmoid().backward(np.array([1.0]), cache)
    np.testing.assert_allclose([out, dx], [[3.720075976020836e-44]] * 2, rtol=ulps(float))


@np.errstate(over="raise", divide="raise", invalid="raise")
def test_far_out_it_is_0_or_1_and_flat(dtype):
    out, cache = Sigmoid().forward(np.array([-np.inf, -1e4, 1e4, np.inf], dtype))
    dx, _ = Sigmoid().backward(np.ones(4, dtype), cache)
    np.testing.assert_array_equal(out, [0, 0, 1, 1])
    assert (np.abs(dx) <= np.finfo(dtype).tiny).all()
