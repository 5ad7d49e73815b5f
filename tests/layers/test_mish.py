import numpy as np
import pytest

from chainrule.layers import Mish


def test_out_and_slope_where_e_to_the_x_is_a_simple_number(dtype):
    """At log 2 the tanh of log 3 is 4/5, σ is 2/3 and 1 / cosh² is 9/25; at 0 the tanh of log 2 is
    3/5."""
    log2 = np.log(2)
    out, cache = Mish().forward(np.array([log2, 0], dtype))
    dx, _ = Mish().backward(np.array([25, 5], dtype), cache)
    close = {"rtol": 8 * np.finfo(dtype).eps}
    np.testing.assert_allclose(out, [0.8 * log2, 0], **close)
    np.testing.assert_allclose(dx, [20 + 6 * log2, 3], **close)


@pytest.mark.parametrize("x", [-80, -40])
def test_far_below_0_no_digits_are_lost(x, dtype):
    """It is x eˣ there, with the slope eˣ (1 + x)."""
    out, cache = Mish().forward(np.array([x], dtype))
    e = np.exp(np.float64(x))
    np.testing.assert_allclose(out, [x * e], rtol=8 * np.finfo(dtype).eps)
    dx, _ = Mish().backward(np.ones(1), cache)
    np.testing.assert_allclose(dx, [(1 + x) * e], rtol=8 * np.finfo(dtype).eps)
