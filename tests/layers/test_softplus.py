import math
from decimal import Decimal, localcontext

import numpy as np

from chainrule.layers import Softplus


def ulps(dtype):
    return 8 * np.finfo(dtype).eps


def test_out_and_slope_are_the_hand_worked_ones(dtype):
    out, cache = Softplus().forward(np.array([0, math.log(3), -math.log(3)], dtype))
    dx, _ = Softplus().backward(np.array([2, 4, 4], dtype), cache)
    expected = [0.6931471805599453, 1.3862943611198906, 0.28768207245178096]  # ln 2, ln 4, ln 4/3
    np.testing.assert_allclose(out, expected, rtol=ulps(dtype))
    np.testing.assert_allclose(dx, [1, 3, 1], rtol=ulps(dtype))


@np.errstate(over="raise", divide="raise", invalid="raise")
def test_out_and_slope_keep_their_digits_over_the_whole_range(dtype):
    # 16 and 36 are about where the layer becomes x itself, in float32 and in float64.
    xs = [-80, -50, -17.5, -3, -0.125, 0.125, 1, 5, 15.5, 15.875, 16, 17, 30, 35.75, 36.25, 40, 1e4]
    with localcontext(prec=80):
        exps = [Decimal(x).exp() for x in xs]
        expected = [float((1 + e).ln()) for e in exps]
        slopes = [float(1 / (1 + 1 / e)) for e in exps]
    out, cache = Softplus().forward(np.array(xs, dtype))
    dx, _ = Softplus().backward(np.ones(len(xs), dtype), cache)
    np.testing.assert_allclose(out, expected, rtol=ulps(dtype))
    np.testing.assert_allclose(dx, slopes, rtol=ulps(dtype))


def test_at_minus_50_out_and_slope_are_the_fiftieth_power_of_one_over_e():
    out, cache = Softplus().forward(np.array([-50.0]))
    dx, _ = Softplus().backward(np.array([1.0]), cache)
    np.testing.assert_allclose([out, dx], [[1.9287498479639178e-22]] * 2, rtol=ulps(float))


@np.errstate(over="raise", divide="raise", invalid="raise")
def test_far_out_it_is_the_relu(dtype):
    out, cache = Softplus().forward(np.array([-np.inf, -1e4, 1e4, np.inf], dtype))
    dx, _ = Softplus().backward(np.full(4, 3, dtype), cache)
    np.testing.assert_array_equal(out, [0, 0, 1e4, np.inf])
    np.testing.assert_allclose(dx, [0, 0, 3, 3], rtol=ulps(dtype))
