"""Columns are examples: arrays are (features, m)."""

import numpy as np

from benchmarks.idioms.idiom import Idiom, normal


def linear_forward(A, W, b):
    return W @ A + b, (A, W)  # b: (units, 1)


def linear_backward(dZ, cache):
    A, W = cache
    return W.T @ dZ, dZ @ A.T, dZ.sum(axis=1, keepdims=True)


def logistic_cost(w, b, X, Y):
    """The mean over the m columns, with 1/m inside dw and db."""
    m = X.shape[1]
    A = 1 / (1 + np.exp(-(w.T @ X + b)))
    cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
    return cost, (X @ (A - Y).T / m, np.sum(A - Y, axis=1, keepdims=True) / m)


def column_softmax_forward(Z):
    E = np.exp(Z - Z.max(axis=0))
    A = E / E.sum(axis=0)
    return A, A


def column_softmax_backward(dA, cache):
    A = cache
    return A * (dA - (dA * A).sum(axis=0))


def two_layers_forward(X, W1, b1, W2, b2):
    A1 = np.tanh(W1 @ X + b1)
    return W2 @ A1 + b2, {"X": X, "A1": A1, "W1": W1, "W2": W2}


def two_layers_backward(dZ2, cache):
    dA1 = cache["W2"].T @ dZ2
    dZ1 = dA1 * (1 - cache["A1"] ** 2)
    return (
        cache["W1"].T @ dZ1,
        dZ1 @ cache["X"].T,
        np.sum(dZ1, axis=1, keepdims=True),
        dZ2 @ cache["A1"].T,
        np.sum(dZ2, axis=1, keepdims=True),
    )


class Unit:
    """Keeps the numbers of its layers in `params`, as W1, b1."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.params = {"W1": rng.normal(size=(3, 4)), "b1": np.zeros((3, 1))}

    def forward(self, X, train=True):
        Z = self.params["W1"] @ X + self.params["b1"]
        return 1 / (1 + np.exp(-Z)), (X, 1 / (1 + np.exp(-Z)))

    def backward(self, dA, cache):
        X, A = cache
        dZ = dA * A * (1 - A)
        grads = {"W1": dZ @ X.T, "b1": dZ.sum(axis=1, keepdims=True)}
        return self.params["W1"].T @ dZ, grads


def labelled(rng):
    w, b, X = normal((4, 1), (1, 1), (4, 6))(rng)
    return w, b, X, rng.integers(0, 2, (1, 6))


IDIOMS = [
    Idiom("W A + b, columns", normal((4, 6), (3, 4), (3, 1)), linear_forward, linear_backward),
    Idiom("a cost with 1/m in its gradients", labelled, logistic_cost),
    Idiom("softmax of columns", normal((4, 6)), column_softmax_forward, column_softmax_backward),
    Idiom(
        "two layers on columns",
        normal((3, 5), (4, 3), (4, 1), (2, 4), (2, 1)),
        two_layers_forward,
        two_layers_backward,
    ),
    Idiom("a layer of columns", normal((4, 6)), layer=Unit),
]
