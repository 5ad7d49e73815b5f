import re

import numpy as np
import pytest

from chainrule import nets
from chainrule.gradcheck import check
from chainrule.layers import (
    MSE,
    Add,
    Affine,
    BatchNorm,
    Conv,
    Dropout,
    ReLU,
    SoftmaxCrossEntropy,
    Tanh,
)
from chainrule.nets import Residual, Sequential


def affine(W, b):
    layer = Affine(1, 1)
    layer.params["W"][...] = W
    layer.params["b"][...] = b
    return layer


def test_the_input_is_added_and_gradients_of_both_ways_meet():
    net = Residual(Sequential(affine(3.0, 1.0), ReLU()))  # relu(3 x + 1) + x
    out, cache = net.forward(np.array([[2.0], [-5.0]]))
    np.testing.assert_array_equal(out, [[9.0], [-5.0]])
    dx, grads = net.backward(np.array([[1.0], [10.0]]), cache)
    np.testing.assert_array_equal(dx, [[4.0], [10.0]])  # 3 + 1, and past the dead unit 10 alone
    np.testing.assert_array_equal(grads["inner.affine1.W"], [[2.0]])
    np.testing.assert_array_equal(grads["inner.affine1.b"], [1.0])


def test_a_shortcut_takes_the_place_of_the_input():
    net = Residual(affine(3.0, 0.0), affine(-2.0, 0.5))
    assert list(net.params) == ["inner.W", "inner.b", "shortcut.W", "shortcut.b"]
    out, cache = net.forward(np.array([[4.0]]))
    assert out.item() == 4.5  # 12 - 7.5
    dx, grads = net.backward(np.array([[2.0]]), cache)
    assert dx.item() == 2.0  # 2 (3 - 2)
    assert {name: grad.item() for name, grad in grads.items()} == {
        "inner.W": 8.0,
        "inner.b": 2.0,
        "shortcut.W": 8.0,
        "shortcut.b": 2.0,
    }


def test_one_layer_on_both_ways_has_one_name_and_its_gradients_add_up():
    twice = affine(3.0, 0.0)
    net = Residual(twice, twice)  # 6 x
    out, cache = net.forward(np.array([[2.0]]))
    dx, grads = net.backward(np.array([[1.0]]), cache)
    assert (out.item(), dx.item()) == (12.0, 6.0)
    assert {name: grad.item() for name, grad in grads.items()} == {"inner.W": 4.0, "inner.b": 2.0}


def test_in_a_row_the_names_tell_the_way_and_the_whole_is_right():
    block = Residual(Sequential(Affine(3, 4, rng=0), BatchNorm(4), Tanh(), Affine(4, 3, rng=1)))
    net = Sequential(Affine(5, 3, rng=2), block, block, Affine(3, 2, rng=3))
    assert [name for name in net.params if name.endswith("W")] == [
        "affine1.W",
        "residual1.inner.affine1.W",
        "residual1.inner.affine2.W",
        "affine2.W",
    ]
    assert net.weights == (
        "affine1.W",
        "residual1.inner.affine1.W",
        "residual1.inner.affine2.W",
        "affine2.W",
    )
    assert list(net.state) == [
        "residual1.inner.batchnorm1.running_mean",
        "residual1.inner.batchnorm1.running_var",
    ]
    assert check(net, np.random.default_rng(4).standard_normal((5, 5)))


def test_two_ways_of_different_shapes_are_refused_with_a_shortcut_that_fits():
    x = np.ones((2, 3))
    net = Residual(Affine(3, 4))
    with pytest.raises(
        ValueError,
        match=r"inner\(x\) has shape \(2, 4\), but x itself has \(2, 3\).*shortcut Affine\(3, 4\)",
    ):
        net.forward(x)
    Residual(Affine(3, 4), Affine(3, 4)).forward(x)

    images = np.ones((2, 3, 5, 8))
    inner = Conv(3, 6, 3, stride=(1, 2), pad=1)
    fits = r"\(2, 6, 5, 4\).*\(2, 3, 5, 8\).*the shortcut Conv\(3, 6, 1, stride=\(1, 2\)\) would"
    with pytest.raises(ValueError, match=fits):
        Residual(inner).forward(images)
    Residual(inner, Conv(3, 6, 1, stride=(1, 2))).forward(images)
    with pytest.raises(ValueError, match=r"shortcut\(x\) has \(2, 6, 5, 8\).*stride=\(1, 2\)"):
        Residual(inner, Conv(3, 6, 1)).forward(images)


def test_two_ways_that_would_broadcast_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 1\), but x itself has \(2, 3\)"):
        Residual(Affine(3, 1)).forward(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"only arrays of one shape add up$"):  # none fits
        Residual(Conv(1, 1, 3)).forward(np.ones((1, 1, 7, 7)))


@pytest.mark.parametrize("wrong", [(Affine,), (3,), (Affine(1, 1), Tanh), (Tanh(), MSE())])
def test_what_is_no_layer_is_refused(wrong):
    with pytest.raises(TypeError, match=r"Residual: (inner|shortcut) is"):
        Residual(*wrong)


@pytest.mark.parametrize(
    ("layer", "takes"),
    [
        (MSE(), "outputs and targets"),
        (SoftmaxCrossEntropy(), "scores and targets"),
        (Add(), "a and b"),
    ],
)
def test_a_layer_of_two_inputs_is_refused_in_a_sentence(layer, takes):
    said = f"is {re.escape(repr(layer))}, which takes {takes}; expected a layer that takes x alone$"
    with pytest.raises(TypeError, match=f"^Residual: inner {said}"):
        Residual(layer)
    with pytest.raises(TypeError, match=f"^Sequential: argument 2 {said}"):
        Sequential(Tanh(), layer)


def test_the_mode_reaches_both_ways():
    net = Residual(Dropout(0.5, rng=0), Dropout(0.5, rng=1))
    x = np.ones((20, 20))
    np.testing.assert_array_equal(net.forward(x, train=False)[0], 2 * x)
    assert {*np.unique(net.forward(x)[0])} == {0.0, 2.0, 4.0}


def test_an_array_replaced_after_building_is_an_error_that_names_it():
    net = Residual(Affine(2, 2))
    net.inner.params["W"] = np.eye(2)
    with pytest.raises(RuntimeError, match=r"inner\.W was replaced"):
        net.forward(np.ones((1, 2)))


def test_from_a_file_it_comes_back_as_it_was(tmp_path):
    shared = Affine(3, 3, rng=0)
    net = Sequential(
        Residual(Sequential(shared, BatchNorm(3), ReLU()), shared),
        Residual(Tanh()),
        Residual(Affine(3, 2, rng=1), Affine(3, 2, rng=2)),
    )
    x = np.random.default_rng(3).standard_normal((4, 3))
    net.forward(x)
    net.save(tmp_path / "net.safetensors")
    again = nets.load(tmp_path / "net.safetensors")
    assert again.params.keys() == net.params.keys()
    assert again.layers[0].shortcut is again.layers[0].inner.layers[0]
    assert again.layers[1].shortcut is None
    np.testing.assert_array_equal(again.forward(x, train=False)[0], net.forward(x, train=False)[0])
