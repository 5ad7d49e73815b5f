import numpy as np

from chainrule.layers import GlobalAveragePool


def test_each_channel_gives_its_mean_and_sends_an_equal_share_to_each_entry(dtype):
    x = np.array([[[[1, 2], [3, 6]], [[0, 0], [0, 4]]]], dtype)
    out, cache = GlobalAveragePool().forward(x)
    dx, _ = GlobalAveragePool().backward(np.array([[4, 8]], dtype), cache)
    np.testing.assert_array_equal(out, [[3, 1]])
    np.testing.assert_array_equal(dx, [[[[1, 1], [1, 1]], [[2, 2], [2, 2]]]])
