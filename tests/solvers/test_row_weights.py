"""Rows of unequal weight, in a run and in the scores."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from chainrule.data import load_digits
from chainrule.layers import Huber, SoftmaxCrossEntropy, Tanh
from chainrule.nets import MLP, Classifier, Regressor
from chainrule.solvers import SGD, Adam, Solver, restore_checkpoint, save_checkpoint

RNG = np.random.default_rng(3)
X, Y = RNG.standard_normal((12, 4)), RNG.integers(0, 3, 12)
TIMES = np.array([3, 0, 1, 1, 2, 5, 1, 0, 1, 2, 1, 1])


def rows(x, y, **weights):
    return SimpleNamespace(x_train=x, y_train=y, x_val=None, y_val=None, **weights)


def parameters_after(data, epochs=5):
    model = Classifier(MLP([4, 6, 3], activation=Tanh(), rng=0), l2=0.1)
    rule, size = SGD(lr=0.3, momentum=0.9), len(data.x_train)
    Solver(model, rule, data, epochs=epochs, batch_size=size, progress=False).train()
    return model.params


@pytest.mark.parametrize("scale", [1, 0.01, 1e300])
def test_training_on_weights_is_training_on_rows_repeated(scale):
    weighted = parameters_after(rows(X, Y, w_train=TIMES * scale))
    repeated = parameters_after(rows(X.repeat(TIMES, axis=0), Y.repeat(TIMES)))
    for name, array in repeated.items():
        np.testing.assert_allclose(weighted[name], array, rtol=1e-10, atol=1e-13)


class Listener:
    """A model that remembers what the rows of its batches weigh."""

    def __init__(self):
        self.params, self.heard, self.scored = {"W": np.zeros((4, 1))}, {}, []

    def loss(self, x, y, row_weights):
        self.heard.update(zip(y.tolist(), row_weights.tolist(), strict=True))
        return 0.0, {"W": np.zeros((4, 1))}

    def score(self, x, y, row_weights=None):
        self.scored.append(row_weights)
        return 1.0


def test_each_row_goes_with_its_weight_divided_by_the_mean():
    model = Listener()
    data = rows(X, np.arange(12), w_train=np.arange(12.0) * 8)
    Solver(model, SGD(lr=1), data, epochs=2, batch_size=5, progress=False).train()
    assert model.heard == pytest.approx({row: row / 5.5 for row in range(12)})


@pytest.mark.parametrize("w_val", [None, np.array([1.0, 3.0])])
def test_validation_is_scored_by_weights_of_its_own(w_val):
    model = Listener()
    data = rows(X, np.arange(12), w_train=np.ones(12))
    data.x_val, data.y_val, data.w_val = X[:2], np.arange(2), w_val
    Solver(model, SGD(lr=1), data, epochs=1, batch_size=6, progress=False).train()
    np.testing.assert_array_equal(model.scored[0], np.ones(12))
    assert model.scored[1] is w_val


@pytest.mark.parametrize(
    "wrong", [np.ones(11), np.zeros(12), -np.ones(12), np.full(12, np.nan), np.full(12, np.inf)]
)
def test_weights_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match=r"w_train has shape .*expected 12 finite numbers"):
        Solver(Listener(), SGD(lr=1), rows(X, Y, w_train=wrong), batch_size=4)


def test_a_weighted_accuracy_and_a_weighted_r2_are_the_hand_worked_ones():
    net = MLP([1, 1], rng=0)
    net.params["affine1.W"][...], net.params["affine1.b"][...] = 1, 0
    x, w = np.array([[-1.0], [2.0], [3.0]]), np.array([1, 2, 5])
    assert Classifier(net).score(x, np.array([1, 1, 0]), w) == 2 / 8
    # The targets' mean is 10/3 under weights 1, 2 and 0, and the errors are 1, 3 and 2.
    r2 = Regressor(net).score(x, np.array([0.0, 5.0, 1.0]), np.array([1, 2, 0]))
    assert r2 == pytest.approx(1 - (1 * 1 + 2 * 9) / (1 * (10 / 3) ** 2 + 2 * (5 / 3) ** 2))


@pytest.mark.parametrize("model", [Classifier, Regressor])
def test_shares_of_a_batch_add_up_to_its_weighted_loss(model):
    net = MLP([4, 6, 3], activation=Tanh(), rng=0)
    y, l2 = (Y, 0.2) if model is Classifier else (RNG.standard_normal((12, 3)), 0.2)
    both = model(net, SoftmaxCrossEntropy() if model is Classifier else Huber(), l2)
    whole, grads = both.loss(X, y, 1.0, TIMES)
    first = both.loss(X[:5], y[:5], 5 / 12, TIMES[:5])
    second = both.loss(X[5:], y[5:], 7 / 12, TIMES[5:])
    assert first[0] + second[0] == pytest.approx(whole)
    for name, dw in grads.items():
        np.testing.assert_allclose(first[1][name] + second[1][name], dw, atol=1e-14)


def weighted_digits():
    digits = load_digits().standardised()
    return replace(digits, w_train=np.random.default_rng(1).random(len(digits.y_train)))


def test_a_weighted_run_goes_on_to_the_bit(tmp_path):
    data = weighted_digits()

    def run(epochs):
        model = Classifier(MLP([64, 20, 10], keep=0.8, rng=5))
        return Solver(model, Adam(), data, epochs=epochs, seed=2, progress=False)

    whole, half, rest = run(4), run(2), run(2)
    whole.train()
    half.train()
    save_checkpoint(tmp_path / "run.safetensors", half)
    restore_checkpoint(tmp_path / "run.safetensors", rest)
    rest.train()
    assert rest.history.step_loss == whole.history.step_loss
    for name, array in whole.model.params.items():
        np.testing.assert_array_equal(rest.model.params[name], array)
