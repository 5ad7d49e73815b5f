import numpy as np
import pytest

from chainrule.layers import Shift


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_value_moves_by_c_and_the_gradient_passes_unchanged(dtype):
    layer = Shift(-2.5)
    out, cache = layer.forward(np.array([[2, -4], [1e4, 0]], dtype))
    dx, _ = layer.backward(np.array([[1, 2], [3, 4]], dtype), cache)
    np.testing.assert_array_equal(out, [[-0.5, -6.5], [9997.5, -2.5]])
    np.testing.assert_array_equal(dx, [[1, 2], [3, 4]])


@pytest.mark.parametrize("c", [-np.inf, np.nan])
def test_a_shift_that_is_not_finite_is_refused(c):
    with pytest.raises(ValueError, match=f"^Shift: c must be a finite number, got {c}$"):
        Shift(c)
