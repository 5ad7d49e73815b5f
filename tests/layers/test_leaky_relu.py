import re

import numpy as np
import pytest

from chainrule.layers import LeakyReLU


def test_negative_numbers_and_their_gradients_are_multiplied_by_alpha(dtype):
    layer = LeakyReLU(alpha=0.25)
    out, cache = layer.forward(np.array([[-8, 3], [0.5, -1]], dtype))
    dx, _ = layer.backward(np.array([[4, 5], [-7, 16]], dtype), cache)
    np.testing.assert_array_equal(out, [[-2, 3], [0.5, -0.25]])
    np.testing.assert_array_equal(dx, [[1, 5], [-7, 4]])


def test_the_slope_at_the_kink_is_alpha(dtype):
    layer = LeakyReLU(alpha=0.25)
    out, cache = layer.forward(np.array([0.0, -0.0], dtype))
    dx, _ = layer.backward(np.array([8, 12], dtype), cache)
    np.testing.assert_array_equal(out, [0, 0])
    np.testing.assert_array_equal(dx, [2, 3])


@np.errstate(over="raise", divide="raise", invalid="raise")
@pytest.mark.parametrize(("alpha", "out", "dx"), [(0, [0, 1e4], [0, 3]), (1, [-1e4, 1e4], [3, 3])])
def test_alpha_0_is_the_relu_and_alpha_1_the_identity(dtype, alpha, out, dx):
    layer = LeakyReLU(alpha)
    got, cache = layer.forward(np.array([-1e4, 1e4], dtype))
    np.testing.assert_array_equal(got, out)
    np.testing.assert_array_equal(layer.backward(np.array([3, 3], dtype), cache)[0], dx)


def test_alpha_is_a_hundredth_unless_told():
    out, _ = LeakyReLU().forward(np.array([-100.0]))
    assert out[0] == pytest.approx(-1, rel=1e-15)


@pytest.mark.parametrize("alpha", [-0.1, 1.5, np.nan, np.inf])
def test_an_alpha_outside_0_to_1_is_refused(alpha):
    message = f"LeakyReLU: alpha must be a finite number in [0, 1], got {alpha}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        LeakyReLU(alpha)
