import numpy as np
import pytest

from gradcheck import check
from layers import Add, Affine, BatchNorm, Dropout, MatMul, SoftmaxCrossEntropy, Square
from nets import MLP, Sequential


class ForgetsTheTranspose(Affine):
    def backward(self, dout, cache):
        _, W = cache
        return dout @ W, self.param_grads(dout, cache)


class AveragesTheBias(Affine):
    def param_grads(self, dout, cache):
        return super().param_grads(dout, cache) | {"b": dout.mean(axis=0)}


class LosesAnAxis(Affine):
    def param_grads(self, dout, cache):
        return super().param_grads(dout, cache) | {"b": dout.sum()}


class OffByAMillionth(Square):
    def backward(self, dout, cache):
        dx, grads = super().backward(dout, cache)
        return dx * (1 + 1e-5), grads


def test_right_gradients_pass_and_wrong_ones_are_named():
    x = np.random.default_rng(0).standard_normal((5, 4))
    assert all(error < 1e-6 for error in check(Affine(4, 4, rng=0), x).values())
    errors = check(ForgetsTheTranspose(4, 4, rng=0), x)
    assert [name for name, error in errors.items() if error > 1e-6] == ["x"]
    errors = check(AveragesTheBias(4, 4, rng=0), x)
    assert [name for name, error in errors.items() if error > 1e-6] == ["b"]
    assert errors["b"] == pytest.approx(0.8)  # a fifth of what it should be
    assert check(OffByAMillionth(), x)["x"] == pytest.approx(1e-5, rel=0.01)


def test_a_gradient_of_the_wrong_shape_is_an_error():
    with pytest.raises(ValueError, match=r"b: the gradient has shape \(\), not \(4,\)"):
        check(LosesAnAxis(4, 4), np.ones((5, 4)))


def test_every_input_of_a_gate_is_checked_and_labels_are_not():
    a, b = np.ones((3, 2)), np.ones((2, 4))
    assert list(check(MatMul(), a, b)) == ["x1", "x2"]
    assert list(check(SoftmaxCrossEntropy(), a, np.array([0, 1, 1]))) == ["x"]


def test_random_layers_and_layers_with_a_memory_are_checked_and_left_as_they_were():
    x = np.random.default_rng(0).standard_normal((5, 4))
    net = Sequential(Affine(4, 3, rng=0), BatchNorm(3), Dropout(0.5, rng=1))
    before = {name: array.copy() for name, array in (net.params | net.state).items()}
    kept = x.copy()
    assert all(error < 1e-6 for error in check(net, x).values())
    for name, array in (net.params | net.state).items():
        np.testing.assert_array_equal(array, before[name])
    np.testing.assert_array_equal(x, kept)
    masks = [
        np.sign(abs(layer.forward(np.ones((9, 9)))[0]))
        for layer in (net.layers[2], Dropout(0.5, rng=1))
    ]
    np.testing.assert_array_equal(*masks)


def test_a_float32_network_is_judged_in_float64():
    net = MLP([6, 5, 3], dtype=np.float32, rng=0)
    x = np.random.default_rng(0).standard_normal((5, 6)).astype(np.float32)
    assert max(check(net, x).values()) < 1e-6


def test_large_tensors_are_sampled():
    calls = []

    class Counts(Add):
        def forward(self, a, b, *, train=True):
            calls.append(1)
            return super().forward(a, b, train=train)

    check(Counts(), np.ones((40, 50)), np.ones((40, 50)), entries=10)
    assert len(calls) == 1 + 2 * 2 * 10
