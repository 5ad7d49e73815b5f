"""Results are written into arrays that were made beforehand, of whatever dtype they come in."""

import numpy as np

from benchmarks.idioms.idiom import Idiom, normal


def rowwise_forward(x, w, b):
    out = np.zeros((x.shape[0], w.shape[1]))  # float64, whatever comes in
    for n in range(x.shape[0]):
        out[n] = x[n] @ w + b
    return out, (x, w)


def rowwise_backward(dout, cache):
    x, w = cache
    dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(w.shape[1])
    for n in range(x.shape[0]):
        dx[n] = w @ dout[n]
        dw += np.outer(x[n], dout[n])
        db += dout[n]
    return dx, dw, db


def cube_forward(x):
    out = np.empty_like(x)
    np.multiply(x, x, out=out)
    out *= x
    return out, x


def cube_backward(dout, cache):
    dx = np.empty_like(cache)
    np.multiply(3 * cache**2, dout, out=dx)
    return dx


def gated_forward(x):
    out = np.zeros(x.shape)
    positive = x > 0
    out[positive] = x[positive] ** 2
    return out, (x, positive)


def gated_backward(dout, cache):
    x, positive = cache
    dx = np.zeros(x.shape)
    dx[positive] = 2 * x[positive] * dout[positive]
    return dx


class Dense:
    """Its gradients are arrays of its own, filled anew by every backward pass."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.params = {"W": rng.normal(size=(4, 3)), "b": rng.normal(size=3)}
        self.grads = {name: np.zeros_like(array) for name, array in self.params.items()}

    def forward(self, x, train=True):
        return x @ self.params["W"] + self.params["b"], x

    def backward(self, dout, cache):
        self.grads["W"][...] = cache.T @ dout
        self.grads["b"][...] = dout.sum(axis=0)
        return dout @ self.params["W"].T, self.grads


class Window:
    """Products of neighbours, collected in zeros."""

    def forward(self, x, train=True):
        out = np.zeros((len(x), x.shape[1] - 1))
        for j in range(x.shape[1] - 1):
            out[:, j] = x[:, j] * x[:, j + 1]
        return out, x

    def backward(self, dout, cache):
        dx = np.zeros(cache.shape)
        for j in range(dout.shape[1]):
            dx[:, j] += dout[:, j] * cache[:, j + 1]
            dx[:, j + 1] += dout[:, j] * cache[:, j]
        return dx, {}


class Positions:
    """Adds a table of float64 numbers that it made once."""

    def __init__(self, length=6, width=4):
        steps = np.arange(length)[:, None] / 100.0 ** (np.arange(width) / width)
        self.table = np.sin(steps)

    def forward(self, x, train=True):
        return x + self.table[: x.shape[1]], None

    def backward(self, dout, cache):
        return dout, {}


def pairwise_forward(x):
    N = len(x)
    out = np.zeros((N, N))
    for i in range(N):
        for j in range(N):
            out[i, j] = np.sum((x[i] - x[j]) ** 2)
    return out, x


def pairwise_backward(dout, cache):
    dx = np.zeros_like(cache)
    for i in range(len(cache)):
        for j in range(len(cache)):
            step = 2 * dout[i, j] * (cache[i] - cache[j])
            dx[i] += step
            dx[j] -= step
    return dx


def scaled_forward(x):
    scale = np.sqrt(np.float64(x.shape[1]))  # lifts float32 to float64
    return x / scale, scale


def scaled_backward(dout, cache):
    return dout / cache


IDIOMS = [
    Idiom("rows into np.zeros", normal((5, 4), (4, 3), 3), rowwise_forward, rowwise_backward),
    Idiom("out= an empty_like", normal((5, 4)), cube_forward, cube_backward),
    Idiom("entries of a mask into zeros", normal((5, 4)), gated_forward, gated_backward),
    Idiom("gradients in arrays of the layer", normal((5, 4)), layer=Dense),
    Idiom("zeros in a layer", normal((5, 4)), layer=Window),
    Idiom("a table of float64 on the layer", normal((3, 5, 4)), layer=Positions),
    Idiom("all pairs, in two loops", normal((4, 3)), pairwise_forward, pairwise_backward),
    Idiom("a scale that is np.float64", normal((5, 4)), scaled_forward, scaled_backward),
]
