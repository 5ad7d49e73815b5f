import numpy as np
import pytest

from gradcheck import numerical_gradient


def test_the_gradient_of_a_polynomial_is_found_entry_by_entry():
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    slopes = numerical_gradient(lambda: (x**3).sum(), x)
    np.testing.assert_allclose(slopes, [[3.0, 12.0], [0.75, 27.0]], rtol=1e-9)


def test_dout_weighs_the_outputs():
    x = np.array([1.0, 2.0])
    slopes = numerical_gradient(lambda: np.array([x[0] * x[1], x[1]]), x, np.array([10.0, 1.0]))
    np.testing.assert_allclose(slopes, [20.0, 11.0], rtol=1e-9)


def test_x_is_put_back_bit_for_bit_even_when_f_raises():
    x = np.array([0.1, 0.2])
    kept = x.tobytes()
    numerical_gradient(lambda: x.sum(), x)
    assert x.tobytes() == kept

    def fails():
        raise RuntimeError("no value here")

    with pytest.raises(RuntimeError, match="no value here"):
        numerical_gradient(fails, x)
    assert x.tobytes() == kept


def test_a_function_that_returns_x_itself_has_slope_one():
    x = np.array([0.1, 0.2])
    np.testing.assert_allclose(numerical_gradient(lambda: x, x, np.ones(2)), [1, 1], rtol=1e-9)


def test_large_inputs_get_large_steps():
    x = np.array([1e9])
    np.testing.assert_allclose(numerical_gradient(lambda: x * x, x, np.ones(1)), [2e9], rtol=1e-6)


def test_only_the_entries_asked_for_are_looked_at():
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(
        numerical_gradient(lambda: (x**2).sum(), x, entries=[5, 1]), [10, 2], rtol=1e-9
    )


def test_differences_are_taken_before_they_are_summed():
    x = np.array([0.5])
    large = np.full(1000, 1e6)  # a total of 1e9, in which a step of 1e-5 would drown
    slope = numerical_gradient(lambda: np.append(large, np.sin(x)), x, np.ones(1001))
    assert slope.item() == pytest.approx(0.8775825618903728, rel=1e-9)


def test_a_dout_of_another_shape_is_refused_not_broadcast():
    x = np.ones(3)
    with pytest.raises(ValueError, match=r"dout has shape \(3, 1\), expected \(3,\)"):
        numerical_gradient(lambda: x * 2, x, np.ones((3, 1)))


def test_float32_is_refused():
    with pytest.raises(TypeError, match="x has dtype float32, expected float64"):
        numerical_gradient(lambda: 0.0, np.ones(2, np.float32))
