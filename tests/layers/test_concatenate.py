import re

import numpy as np
import pytest

from chainrule.gradcheck import check
from chainrule.layers import Concatenate, Conv, MaxPool
from chainrule.nets import Graph, load


def test_inputs_stand_one_behind_the_other_and_each_gets_its_part_of_dout(dtype):
    layer = Concatenate()
    a, b = np.array([[1, 2], [3, 4]], dtype), np.array([[5], [6]], dtype)
    out, cache = layer.forward(a, b)
    (da, db), grads = layer.backward(10 * out, cache)
    np.testing.assert_array_equal(out, [[1, 2, 5], [3, 4, 6]])
    np.testing.assert_array_equal(da, 10 * a)
    np.testing.assert_array_equal(db, 10 * b)
    assert grads == {}


def test_an_input_may_hold_nothing():
    layer = Concatenate()
    out, cache = layer.forward(np.zeros((2, 0)), np.ones((2, 3)))
    (da, db), _ = layer.backward(out, cache)
    assert (da.shape, db.shape) == ((2, 0), (2, 3))


def branches():
    """Two branches over the same images, as in an inception module, and a third that is x."""
    g = Graph()
    x = g.input("x")
    g.output(Concatenate(axis=1)(Conv(2, 3, 3, pad=1, rng=0)(x), MaxPool(3, stride=1, pad=1)(x), x))
    return g


def test_branches_of_a_graph_come_together_and_their_gradients_add_up():
    x = np.random.default_rng(1).standard_normal((2, 2, 4, 4))
    out, _ = branches().forward(x)
    assert out.shape == (2, 3 + 2 + 2, 4, 4)
    np.testing.assert_array_equal(out[:, 5:], x)
    report = check(branches(), x, seed=0)
    assert report, str(report)


def test_a_graph_with_it_is_saved_and_loaded(tmp_path):
    x = np.random.default_rng(1).standard_normal((2, 2, 4, 4))
    g = branches()
    g.save(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(load(tmp_path / "net.safetensors").forward(x)[0], g.forward(x)[0])


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([], "Concatenate(axis=1): expected two inputs or more, got 0"),
        ([(2, 3)], "Concatenate(axis=1): expected two inputs or more, got 1"),
        ([(2,), (2,)], "Concatenate(axis=1): x1 has shape (2,), which has no axis 1"),
        (
            [(2, 3, 4, 4), (2, 1, 4, 5)],
            "Concatenate(axis=1): x1 has shape (2, 3, 4, 4) but x2 has (2, 1, 4, 5); expected "
            "shapes that differ along axis 1 alone",
        ),
        (
            [(2, 3), (2, 1), (3, 3)],
            "Concatenate(axis=1): x1 has shape (2, 3) but x3 has (3, 3); expected shapes that "
            "differ along axis 1 alone",
        ),
        (
            [(2, 3), (2, 3, 1)],
            "Concatenate(axis=1): x1 has shape (2, 3) but x2 has (2, 3, 1); expected shapes that "
            "differ along axis 1 alone",
        ),
    ],
)
def test_shapes_that_do_not_go_together_are_refused(shapes, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Concatenate().forward(*map(np.zeros, shapes))


def test_two_dtypes_are_refused():
    message = "x1 has dtype float64 but x2 has float32; cast one of them"
    with pytest.raises(TypeError, match=message):
        Concatenate().forward(np.zeros((2, 3)), np.zeros((2, 3), np.float32))


@pytest.mark.parametrize("axis", [1.0, None, True, "channels"])
def test_what_is_no_axis_is_refused(axis):
    with pytest.raises(ValueError, match=r"^Concatenate: axis must be a whole number, got "):
        Concatenate(axis)
