import numpy as np

from chainrule.layers import AveragePool


def test_each_window_gives_its_mean_and_sends_an_equal_share_to_each_entry(dtype):
    x = np.array([[[[1, 3, 0, 8], [5, 7, 0, 0]]]], dtype)
    out, cache = AveragePool(2).forward(x)
    dx, _ = AveragePool(2).backward(np.array([[[[4, 8]]]], dtype), cache)
    np.testing.assert_array_equal(out, [[[[4, 2]]]])
    np.testing.assert_array_equal(dx, [[[[1, 1, 2, 2], [1, 1, 2, 2]]]])
