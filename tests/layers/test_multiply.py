import numpy as np
import pytest

from chainrule.layers import Add, Max, Multiply, Scale


def test_each_gradient_is_scaled_by_the_value_of_the_other_input(dtype):
    out, cache = Multiply().forward(np.array([3, -2], dtype), np.array([-4, 5], dtype))
    (da, db), _ = Multiply().backward(np.array([1, 10], dtype), cache)
    np.testing.assert_array_equal(out, [-12, -10])
    np.testing.assert_array_equal(da, [-4, 50])
    np.testing.assert_array_equal(db, [3, -20])


def test_the_first_circuit_of_the_course_has_the_gradients_of_the_course(dtype):
    x, y, z = np.array([-2, 5, -4], dtype)  # f = (x + y) z
    q, add_cache = Add().forward(x, y)
    f, multiply_cache = Multiply().forward(q, z)
    (dq, dz), _ = Multiply().backward(1, multiply_cache)
    (dx, dy), _ = Add().backward(dq, add_cache)
    assert (q, f) == (3, -12)
    assert (dx, dy, dz) == (-4, -4, 3)


def test_the_second_circuit_of_the_course_has_the_gradients_of_the_course(dtype):
    x, y, z, w = np.array([3, -4, 2, -1], dtype)  # f = 2 (x y + max(z, w))
    xy, multiply_cache = Multiply().forward(x, y)
    zw, max_cache = Max().forward(z, w)
    total, add_cache = Add().forward(xy, zw)
    f, scale_cache = Scale(2).forward(total)
    dtotal, _ = Scale(2).backward(1, scale_cache)
    (dxy, dzw), _ = Add().backward(dtotal, add_cache)
    dx, dy = Multiply().backward(dxy, multiply_cache)[0]
    dz, dw = Max().backward(dzw, max_cache)[0]
    assert f == -20
    assert (dx, dy, dz, dw) == (-8, 6, 2, 0)


@pytest.mark.parametrize(
    ("b", "da", "db"),
    [
        ([10, 100], [[10, 200], [30, 400]], [10, 20]),
        ([[10], [100]], [[10, 20], [300, 400]], [[5], [25]]),
        (10, [[10, 20], [30, 40]], 30),
    ],
    ids=["row", "column", "scalar"],
)
def test_what_was_broadcast_collects_the_gradients_of_all_its_uses(b, da, db):
    a = np.array([[1.0, 2], [3, 4]])
    out, cache = Multiply().forward(a, np.array(b, float))
    (got_da, got_db), _ = Multiply().backward(a, cache)
    np.testing.assert_array_equal(out, da)  # dout is a here
    np.testing.assert_array_equal(got_da, da)
    np.testing.assert_array_equal(got_db, db)
    assert got_db.shape == np.shape(b)


def test_inputs_that_do_not_go_together_are_refused():
    with pytest.raises(ValueError, match=r"^Multiply\(\): a has shape \(2, 3\) and b has \(2,\), "):
        Multiply().forward(np.zeros((2, 3)), np.zeros(2))
    with pytest.raises(TypeError, match=r"^Multiply\(\): a has dtype float32 but b has float64"):
        Multiply().forward(np.zeros(2, np.float32), np.zeros(2))
