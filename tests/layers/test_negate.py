import numpy as np
import pytest

from chainrule.layers import Negate


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_value_and_gradient_change_their_sign(dtype):
    out, cache = Negate().forward(np.array([3, -1e4, 0], dtype))
    dx, _ = Negate().backward(np.array([5, -6, 7], dtype), cache)
    np.testing.assert_array_equal(out, [-3, 1e4, 0])
    np.testing.assert_array_equal(dx, [-5, 6, -7])
