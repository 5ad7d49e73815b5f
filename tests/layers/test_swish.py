import numpy as np
import pytest

from chainrule.layers import Swish


def test_out_and_slope_where_e_to_the_x_is_a_simple_number(dtype):
    """σ(log 3) is 3/4, σ(-log 3) is 1/4, and the slope σ (1 + x (1 - σ))."""
    log3 = np.log(3)
    out, cache = Swish().forward(np.array([log3, -log3, 0], dtype))
    dx, _ = Swish().backward(np.array([16, 16, 2], dtype), cache)
    close = {"rtol": 8 * np.finfo(dtype).eps}
    np.testing.assert_allclose(out, [0.75 * log3, -0.25 * log3, 0], **close)
    np.testing.assert_allclose(dx, [12 + 3 * log3, 4 - 3 * log3, 1], **close)


@pytest.mark.parametrize("x", [-80, -30, -5])
def test_far_below_0_no_digits_are_lost(x, dtype):
    """Up to e²ˣ it is x eˣ (1 - eˣ), with the slope eˣ (1 + x - …)."""
    out, cache = Swish().forward(np.array([x], dtype))
    e = np.exp(np.float64(x))
    np.testing.assert_allclose(out, [x * e / (1 + e)], rtol=8 * np.finfo(dtype).eps)
    dx, _ = Swish().backward(np.ones(1), cache)
    np.testing.assert_allclose(dx, [(e + x * e / (1 + e)) / (1 + e)], rtol=9 * np.finfo(dtype).eps)
