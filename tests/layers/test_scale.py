import numpy as np
import pytest

from chainrule.layers import Scale


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_value_and_gradient_are_multiplied_by_a(dtype):
    layer = Scale(-2.5)
    out, cache = layer.forward(np.array([[2, -4], [1e4, 0]], dtype))
    dx, _ = layer.backward(np.array([[1, 2], [3, 4]], dtype), cache)
    np.testing.assert_array_equal(out, [[-5, 10], [-2.5e4, 0]])
    np.testing.assert_array_equal(dx, [[-2.5, -5], [-7.5, -10]])


@pytest.mark.parametrize("a", [np.inf, np.nan])
def test_a_factor_that_is_not_finite_is_refused(a):
    with pytest.raises(ValueError, match=f"^Scale: a must be a finite number, got {a}$"):
        Scale(a)
