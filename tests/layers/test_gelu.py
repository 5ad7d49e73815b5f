import numpy as np
import pytest

from chainrule.layers import GELU


def test_out_and_slope_are_those_of_the_tables(dtype):
    """Φ(1) = 0.8413447461, φ(1) = 0.2419707245 and Φ(-2) = 0.0227501319, φ(2) = 0.0539909665."""
    out, cache = GELU().forward(np.array([1, -2, 0], dtype))
    dx, _ = GELU().backward(np.array([1, 10, 4], dtype), cache)
    np.testing.assert_allclose(out, [0.8413447461, -0.0455002639, 0], rtol=3e-7, atol=1e-10)
    np.testing.assert_allclose(dx, [1.0833154706, -0.852318011, 2], rtol=3e-7)


def test_the_tanh_form_is_the_hand_worked_one(dtype):
    """At x = 2, y is 0.7978845608 · 2.35772 = 1.8811883867, its tanh 0.9545978, and the slope
    (1 + tanh y) / 2 + (1 - tanh² y) · 0.7978845608 · 1.53658."""
    out, cache = GELU("tanh").forward(np.array([2, -2], dtype))
    dx, _ = GELU("tanh").backward(np.ones(2), cache)
    np.testing.assert_allclose(out, [1.9545977, -0.0454023], atol=1e-6)
    np.testing.assert_allclose(dx, [1.0860993, -0.0860993], atol=1e-6)


def test_it_keeps_its_digits_where_it_is_close_to_0():
    """Φ(-10) = 7.619853024160526e-24 and Φ(-30) = 4.906713927148187e-198."""
    out, _ = GELU().forward(np.array([-10.0, -30.0]))
    np.testing.assert_allclose(out, [-7.619853024160526e-23, -1.4720141781444562e-196], rtol=2e-15)


def test_there_are_two_forms():
    assert repr(GELU("tanh")) == "GELU(approximate='tanh')"
    with pytest.raises(ValueError, match=r"^GELU: approximate must be 'none' or 'tanh', got True$"):
        GELU(True)
