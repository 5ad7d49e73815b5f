import numpy as np

from chainrule.layers import MaxPool


def test_each_window_gives_its_maximum_and_a_tie_sends_the_gradient_to_the_first(dtype):
    x = np.array([[[[1, 5, 0, 0], [5, 2, 0, 0]]]], dtype)
    out, cache = MaxPool(2).forward(x)
    dx, _ = MaxPool(2).backward(np.array([[[[3, 4]]]], dtype), cache)
    np.testing.assert_array_equal(out, [[[[5, 0]]]])
    np.testing.assert_array_equal(dx, [[[[0, 3, 4, 0], [0, 0, 0, 0]]]])


def test_windows_that_overlap_add_up_at_a_maximum_that_they_share(dtype):
    x = np.array([[[[1, 9, 2], [3, 4, 5]]]], dtype)
    layer = MaxPool(2, stride=1)
    out, cache = layer.forward(x)
    dx, _ = layer.backward(np.array([[[[10, 100]]]], dtype), cache)
    np.testing.assert_array_equal(out, [[[[9, 9]]]])
    np.testing.assert_array_equal(dx, [[[[0, 110, 0], [0, 0, 0]]]])
