import re

import numpy as np
import pytest

from chainrule.layers import Exp, Negate, Reciprocal, Shift


def test_out_and_slope_are_the_hand_worked_ones(dtype):
    out, cache = Reciprocal().forward(np.array([2, -4], dtype))
    dx, _ = Reciprocal().backward(np.array([8, 16], dtype), cache)
    np.testing.assert_array_equal(out, [0.5, -0.25])
    np.testing.assert_array_equal(dx, [-2, -1])


def test_the_sigmoid_neuron_of_the_course_has_the_gradients_of_the_course():
    gates = [Negate(), Exp(), Shift(1), Reciprocal()]  # 1 / (1 + e⁻ˣ) at x = 1
    value, caches, values, gradients = np.array(1.0), [], [], []
    for gate in gates:
        value, cache = gate.forward(value)
        values.append(value)
        caches.append(cache)
    grad = 1.0
    for gate, cache in zip(reversed(gates), reversed(caches), strict=True):
        grad, _ = gate.backward(grad, cache)
        gradients.append(grad)
    np.testing.assert_allclose(values, [-1, 0.37, 1.37, 0.73], atol=0.005)
    np.testing.assert_allclose(gradients, [-0.53, -0.53, -0.2, 0.2], atol=0.005)
    assert values[-1] == pytest.approx(0.7310585786300049, rel=1e-15)
    assert gradients[-1] == pytest.approx(0.19661193324148185, rel=1e-15)


@np.errstate(over="raise", divide="raise", invalid="raise")
def test_ten_thousand_has_the_slope_of_minus_1e_minus_8(dtype):
    out, cache = Reciprocal().forward(np.array([1e4, -1e-4], dtype))
    dx, _ = Reciprocal().backward(np.ones(2, dtype), cache)
    np.testing.assert_allclose(out, [1e-4, -1e4], rtol=8 * np.finfo(dtype).eps)
    np.testing.assert_allclose(dx, [-1e-8, -1e8], rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[1.0, 0]], "Reciprocal(): x[0, 1] is 0.0, expected a number other than 0"),
        ([-0.0], "Reciprocal(): x[0] is -0.0, expected a number other than 0"),
    ],
)
def test_zero_is_refused_and_shown(x, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Reciprocal().forward(np.array(x))
