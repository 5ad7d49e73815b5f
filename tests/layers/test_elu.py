import math

import numpy as np
import pytest

from chainrule.layers import ELU


def ulps(dtype):
    return 8 * np.finfo(dtype).eps


def test_out_and_slope_are_the_hand_worked_ones(dtype):
    layer = ELU(alpha=2)
    out, cache = layer.forward(np.array([3, -math.log(2), -math.log(4)], dtype))
    dx, _ = layer.backward(np.array([7, 5, 6], dtype), cache)
    np.testing.assert_allclose(out, [3, -1, -1.5], rtol=ulps(dtype))
    np.testing.assert_allclose(dx, [7, 5, 3], rtol=ulps(dtype))


def test_the_slope_at_the_kink_is_alpha(dtype):
    layer = ELU(alpha=2)
    out, cache = layer.forward(np.array([0.0, -0.0], dtype))
    dx, _ = layer.backward(np.array([3, 5], dtype), cache)
    np.testing.assert_array_equal(out, [0, 0])
    np.testing.assert_array_equal(dx, [6, 10])


def test_near_zero_no_digit_cancels(dtype):
    out, _ = ELU().forward(np.array([1e-12, -1e-12], dtype))
    # exp(-h) - 1 = -h + h²/2 - …
    np.testing.assert_allclose(out, [1e-12, -9.999999999995e-13], rtol=ulps(dtype))


@np.errstate(over="raise", divide="raise", invalid="raise")
def test_far_out_it_is_x_on_one_side_and_minus_alpha_on_the_other(dtype):
    layer = ELU(alpha=2)
    out, cache = layer.forward(np.array([1e4, -1e4], dtype))
    dx, _ = layer.backward(np.array([3, 3], dtype), cache)
    np.testing.assert_array_equal(out, [1e4, -2])
    np.testing.assert_array_equal(dx, [3, 0])


def test_the_slope_keeps_its_digits_where_it_is_tiny(dtype):
    _, cache = ELU().forward(np.array([-80], dtype))
    dx, _ = ELU().backward(np.array([1], dtype), cache)
    np.testing.assert_allclose(dx, [1.8048513878454153e-35], rtol=ulps(dtype))


@pytest.mark.parametrize("alpha", [-0.5, np.inf, np.nan])
def test_an_alpha_that_is_negative_or_not_finite_is_refused(alpha):
    with pytest.raises(
        ValueError, match=rf"^ELU: alpha must be a finite number of at least 0, got {alpha}$"
    ):
        ELU(alpha)
