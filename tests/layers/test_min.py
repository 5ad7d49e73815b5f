import numpy as np
import pytest

from chainrule.layers import Min


def test_the_gradient_goes_to_the_smaller_input_and_at_a_tie_to_the_first(dtype):
    out, cache = Min().forward(np.array([2, 1, 3, 0.0], dtype), np.array([-1, 1, 5, -0.0], dtype))
    (da, db), _ = Min().backward(np.array([10, 20, 30, 40], dtype), cache)
    np.testing.assert_array_equal(out, [-1, 1, 3, 0])
    np.testing.assert_array_equal(da, [0, 20, 30, 40])
    np.testing.assert_array_equal(db, [10, 0, 0, 0])


def test_what_was_broadcast_collects_the_gradients_of_the_places_where_it_was_the_smaller():
    out, cache = Min().forward(np.array(2.0), np.array([1.0, 3, 2]))
    (da, db), _ = Min().backward(np.array([1.0, 10, 100]), cache)
    np.testing.assert_array_equal(out, [1, 2, 2])
    np.testing.assert_array_equal(da, 110)
    np.testing.assert_array_equal(db, [1, 0, 0])


def test_inputs_that_do_not_go_together_are_refused():
    with pytest.raises(ValueError, match=r"^Min\(\): a has shape \(2, 3\) and b has \(2,\), which"):
        Min().forward(np.zeros((2, 3)), np.zeros(2))
    with pytest.raises(TypeError, match=r"^Min\(\): a has dtype float32 but b has float64"):
        Min().forward(np.zeros(2, np.float32), np.zeros(2))
