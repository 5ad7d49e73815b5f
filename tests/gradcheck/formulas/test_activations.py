"""GELU and its kin, logarithms of sums, and the losses of regression, with what goes wrong."""

import math

import numpy as np
import pytest

X = np.random.default_rng(0).normal(size=(4, 5)) * 4
PHI = np.array([[0.5 * math.erfc(-x / 2**0.5) for x in row] for row in X])
SIGMA = 1 / (1 + np.exp(-X))
CUBE = X + 0.044715 * X**3
PLUS = np.log(1 + np.exp(X))
SUM = np.exp(X).sum(axis=1)
ROOT = (2 / np.pi) ** 0.5
NEGATIVE = 1.6732632423543772 * (np.exp(X) - 1)
RIGHT = [
    ("gelu", X * PHI, {}),
    ("gelu", X / 2 * (1 + np.tanh(ROOT * CUBE)), {}),
    ("swish", X * SIGMA, {}),
    ("swish", X / (1 + np.exp(-1.5 * X)), {"beta": 1.5}),
    ("swish", X / (1 + np.exp(-1.5 * X)), {"beta_": np.array(1.5)}),
    ("selu", 1.0507009873554805 * np.where(X > 0, X, NEGATIVE), {}),
    ("selu", 1.0507 * np.where(X > 0, X, 1.6733 * (np.exp(X) - 1)), {}),
    ("mish", X * np.tanh(PLUS), {}),
    ("hardswish", X * (X + 3).clip(0, 6) / 6, {}),
    ("softsign", X / (1 + abs(X)), {}),
    ("logsumexp", np.log(SUM), {}),
    ("logsumexp", np.log(SUM)[:, np.newaxis], {"axis": 1}),
    ("logsumexp", np.log(np.exp(X).sum(axis=0)), {"axis": 0}),
    ("logsumexp", np.log(SUM.sum()), {}),
    ("logsoftmax", X - np.log(SUM)[:, np.newaxis], {}),
    ("logsoftmax", X - np.log(np.exp(X).sum(axis=0)), {"axis": 0}),
]


@pytest.mark.parametrize(("name", "out", "given"), RIGHT)
def test_a_right_activation_is_right(judged, name, out, given):
    assert judged(name, out, x=X, **given) == ([], [])


WRONG = [
    ("gelu", "the cube's factor 0.044715 is missing", X / 2 * (1 + np.tanh(ROOT * (X + X**3)))),
    ("gelu", "the cube is missing", X / 2 * (1 + np.tanh(ROOT * X))),
    ("gelu", "√(2 / π) is missing", X / 2 * (1 + np.tanh(CUBE))),
    ("gelu", "the factor 1/2 is missing", X * (1 + np.tanh(ROOT * CUBE))),
    ("gelu", "without the factor x", PHI),
    ("gelu", "which is near GELU", X / (1 + np.exp(-1.702 * X))),
    ("swish", "the factor x is missing", SIGMA),
    ("swish", "x σ(-x)", X * (1 - SIGMA)),
    ("selu", "the factor 1.0507 is missing", np.where(X > 0, X, NEGATIVE)),
    ("mish", "tanh is missing", X * PLUS),
    ("hardswish", "not cut off at 6", X * (X + 3).clip(0) / 6),
    ("softsign", "the absolute value is missing", X / (1 + X)),
    ("logsumexp", "is not added again", np.log(SUM) - X.max(axis=1)),
    ("logsumexp", "the mean of the exponentials", np.log(SUM / 5)),
    ("logsoftmax", "out is the softmax", np.exp(X) / SUM[:, np.newaxis]),
    ("logsoftmax", "but not in the logarithm", X - X.max(1, keepdims=True) - np.log(SUM)[:, None]),
    ("logsoftmax", "over the wrong axis, 0", X - np.log(np.exp(X).sum(axis=0))),
]


@pytest.mark.parametrize(("name", "words", "out"), WRONG)
def test_a_wrong_activation_is_told_its_mistake(judged, name, words, out):
    (message,), _ = judged(name, out, x=X)
    assert words in message


T = np.random.default_rng(1).normal(size=(4, 5)) * 2
E = abs(X - T)


def huber(d):
    return np.where(d >= E, E**2 / 2, d * (E - d / 2))


@pytest.mark.parametrize(
    ("name", "out", "given"),
    [
        ("mae", E.mean(), {}),
        ("mae", E.sum() / 4, {}),
        ("mae", E.sum(), {"reduction": "sum"}),
        ("huber", huber(1).mean(), {}),
        ("huber", huber(0.7).mean(), {"delta": 0.7}),
        ("huber", huber(2).sum() / 4, {}),
        ("smoothl1", huber(1).mean(), {}),
        ("smoothl1", huber(0.5).mean() / 0.5, {"beta": 0.5}),
    ],
)
def test_a_right_loss_of_regression_is_right(judged, name, out, given):
    assert judged(name, out, y=X, t=T, **given) == ([], [])


@pytest.mark.parametrize(
    ("name", "words", "out"),
    [
        ("mae", "the absolute value is missing", (X - T).mean()),
        ("mae", "the errors are squared", (E**2).mean()),
        ("mae", "20 = N·C times the reference: average it", E.sum()),
        ("huber", "the offset delta / 2 is missing", np.where(E <= 0.7, E**2 / 2, 0.7 * E).mean()),
        ("huber", "the slope delta is missing", np.where(E <= 0.7, E**2 / 2, E - 0.35).mean()),
        ("huber", "the factor 1/2 of the square", np.where(E <= 0.7, E**2, huber(0.7)).mean()),
        ("huber", "delta is 1, not 0.7", huber(1).mean()),
        ("smoothl1", "it is not divided by beta = 0.7", huber(0.7).mean()),
    ],
)
def test_a_wrong_loss_of_regression_is_told_its_mistake(judged, name, words, out):
    (message,), _ = judged(name, out, y=X, t=T, delta=0.7)
    assert words in message
