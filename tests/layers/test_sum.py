import numpy as np

from chainrule.layers import Sum


def test_out_is_the_sum_of_all_entries_and_each_gets_the_gradient(dtype):
    out, cache = Sum().forward(np.array([[1, -4, 2.5], [0, 8, -1]], dtype))
    dx, _ = Sum().backward(np.array(-3, dtype), cache)
    assert (out, out.dtype) == (6.5, dtype)
    np.testing.assert_array_equal(dx, [[-3, -3, -3], [-3, -3, -3]])
    assert dx.dtype == dtype
