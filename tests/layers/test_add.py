import re

import numpy as np
import pytest

from chainrule.layers import Add


def test_the_gradient_flows_unchanged_into_both_inputs(dtype):
    out, cache = Add().forward(np.array([-2, 1], dtype), np.array([5, 3], dtype))
    (da, db), _ = Add().backward(np.array([-4, 7], dtype), cache)
    np.testing.assert_array_equal(out, [3, 4])
    np.testing.assert_array_equal(da, [-4, 7])
    np.testing.assert_array_equal(db, [-4, 7])


@pytest.mark.parametrize(
    ("b", "out", "db"),
    [
        ([10, 20, 30], [[11, 22, 33], [14, 25, 36]], [11, 22, 33]),
        ([[10], [20]], [[11, 12, 13], [24, 25, 26]], [[6], [60]]),
        (10, [[11, 12, 13], [14, 15, 16]], 66),
    ],
    ids=["row", "column", "scalar"],
)
def test_what_was_broadcast_collects_the_gradients_of_all_its_uses(b, out, db):
    dout = np.array([[1.0, 2, 3], [10, 20, 30]])
    got, cache = Add().forward(np.array([[1.0, 2, 3], [4, 5, 6]]), np.array(b, float))
    (da, got_db), _ = Add().backward(dout, cache)
    np.testing.assert_array_equal(got, out)
    np.testing.assert_array_equal(da, dout)
    np.testing.assert_array_equal(got_db, db)
    assert got_db.shape == np.shape(b)


def test_shapes_that_do_not_broadcast_are_refused():
    message = "Add(): a has shape (2, 3) and b has (2,), which do not broadcast"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Add().forward(np.zeros((2, 3)), np.zeros(2))


def test_inputs_of_two_dtypes_are_refused():
    message = "Add(): a has dtype float32 but b has float64; cast one of them"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        Add().forward(np.zeros(2, np.float32), np.zeros(2))
