import numpy as np

from chainrule.layers import ReLU


def test_negative_numbers_become_zero_and_the_gradient_passes_where_x_is_positive(dtype):
    out, cache = ReLU().forward(np.array([[-2, 3], [0.5, -1]], dtype))
    dx, _ = ReLU().backward(np.array([[5, 6], [-7, 8]], dtype), cache)
    np.testing.assert_array_equal(out, [[0, 3], [0.5, 0]])
    np.testing.assert_array_equal(dx, [[0, 6], [-7, 0]])


def test_the_slope_at_the_kink_is_zero_for_both_signs_of_zero(dtype):
    out, cache = ReLU().forward(np.array([0.0, -0.0], dtype))
    dx, _ = ReLU().backward(np.array([5, 6], dtype), cache)
    np.testing.assert_array_equal(out, [0, 0])
    np.testing.assert_array_equal(dx, [0, 0])


@np.errstate(over="raise", divide="raise", invalid="raise")
def test_the_smallest_and_the_largest_numbers_pass_unchanged(dtype):
    x = np.array([np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max, np.inf], dtype)
    out, cache = ReLU().forward(np.concatenate([x, -x]))
    dx, _ = ReLU().backward(np.full(6, 3, dtype), cache)
    np.testing.assert_array_equal(out, [*x, 0, 0, 0])
    np.testing.assert_array_equal(dx, [3, 3, 3, 0, 0, 0])
