import math

import numpy as np
import pytest

from chainrule.layers import Exp


def test_out_and_slope_are_the_hand_worked_ones(dtype):
    out, cache = Exp().forward(np.array([0, math.log(2), -math.log(4)], dtype))
    dx, _ = Exp().backward(np.array([3, 5, 8], dtype), cache)
    np.testing.assert_allclose(out, [1, 2, 0.25], rtol=8 * np.finfo(dtype).eps)
    np.testing.assert_allclose(dx, [3, 10, 2], rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize(("dtype", "largest"), [(np.float32, 88.72), (np.float64, 709.78)])
@np.errstate(over="raise", divide="raise", invalid="raise")
def test_it_is_inf_only_above_the_stated_bound_and_never_warns(dtype, largest):
    out, cache = Exp().forward(np.array([largest, largest + 0.01, 1e4, -1e4], dtype))
    np.testing.assert_array_equal(np.isinf(out), [False, True, True, False])
    assert out[3] == 0
    np.testing.assert_array_equal(Exp().backward(np.ones(4, dtype), cache)[0], out)
