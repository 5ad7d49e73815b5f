import numpy as np
import pytest

from chainrule.layers import Subtract


def test_what_is_subtracted_gets_the_gradient_with_its_sign_turned(dtype):
    out, cache = Subtract().forward(np.array([5, 1], dtype), np.array([3, 4], dtype))
    (da, db), _ = Subtract().backward(np.array([2, -7], dtype), cache)
    np.testing.assert_array_equal(out, [2, -3])
    np.testing.assert_array_equal(da, [2, -7])
    np.testing.assert_array_equal(db, [-2, 7])


def test_what_was_broadcast_collects_the_gradients_of_all_its_uses():
    column, row = np.array([[10.0], [20]]), np.array([1.0, 2, 3])
    out, cache = Subtract().forward(column, row)
    (da, db), _ = Subtract().backward(np.array([[1.0, 2, 3], [10, 20, 30]]), cache)
    np.testing.assert_array_equal(out, [[9, 8, 7], [19, 18, 17]])
    np.testing.assert_array_equal(da, [[6], [60]])
    np.testing.assert_array_equal(db, [-11, -22, -33])


def test_inputs_that_do_not_go_together_are_refused():
    with pytest.raises(ValueError, match=r"^Subtract\(\): a has shape \(3,\) and b has \(2, 2\), "):
        Subtract().forward(np.zeros(3), np.zeros((2, 2)))
    with pytest.raises(TypeError, match=r"^Subtract\(\): a has dtype float64 but b has float32"):
        Subtract().forward(np.zeros(2), np.zeros(2, np.float32))
