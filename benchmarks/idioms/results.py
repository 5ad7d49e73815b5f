"""Results in other forms: numbers, lists, views, one call for loss and gradient."""

import numpy as np

from benchmarks.idioms.idiom import Idiom, normal


def number_forward(x):
    return float(np.sum(x**2)), x


def number_backward(dout, cache):
    return 2 * dout * cache


def nought_d_forward(x):
    return np.array(np.mean(np.exp(x))), x  # 0-d


def nought_d_backward(dout, cache):
    return dout * np.exp(cache) / cache.size


def list_forward(x):
    return [float(np.sin(row).sum()) for row in x], x


def list_backward(dout, cache):
    return [list(dout[n] * np.cos(row)) for n, row in enumerate(cache)]


def looped_forward(x):
    out = []
    for row in x:
        total = 0.0
        for value in row:
            total += value * value
        out.append([total])
    return np.array(out), x


def looped_backward(dout, cache):
    return np.array(
        [[2 * value * d[0] for value in row] for row, d in zip(cache, dout, strict=True)]
    )


def listed_gradients_forward(a, b):
    return a * b, [a, b]


def listed_gradients_backward(dout, cache):
    a, b = cache
    return [dout * b, dout * a]


def squared_loss(x, y):
    """Returns the gradient of x alone; y are targets."""
    return 0.5 * np.sum((x - y) ** 2) / len(x), (x - y) / len(x)


def ridge_loss(w, b, x, y, reg):
    error = x @ w + b - y
    loss = np.mean(error**2) + reg * np.sum(w * w)
    return loss, (2 * x.T @ error / len(y) + 2 * reg * w, np.array(2 * error.mean()))


def row_bias_forward(x, w, b):
    return x @ w + b, (x, w)  # b: (1, M)


def row_bias_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0, keepdims=True)


def params_forward(x, params):
    """The parameters come in a dict, and their gradients go there."""
    hidden = np.tanh(x @ params["W"])
    return hidden * params["scale"], (x, hidden, params)


def params_backward(dout, cache):
    x, hidden, params = cache
    da = dout * params["scale"] * (1 - hidden**2)
    params["dW"] = x.T @ da
    params["dscale"] = np.sum(dout * hidden)
    return da @ params["W"].T


def trailing_forward(x, w):
    return np.sum(x * w[:, None], axis=1), (x, w)  # (N, D, 1) to (N, 1)


def trailing_backward(dout, cache):
    x, w = cache
    return dout[:, None] * w[:, None], np.sum(x * dout[:, None], axis=(0, 2))


def view_forward(x):
    return x.reshape(len(x), -1), x.shape  # a view of x


def view_backward(dout, cache):
    return dout.reshape(cache)


def swapped_axes_forward(x):
    return x.transpose(0, 2, 1), None


def swapped_axes_backward(dout, cache):
    return dout.transpose(0, 2, 1)


def itself_forward(x):
    return x, None


def itself_backward(dout, cache):
    return dout


def both_forward(a, b):
    return a + b, None


def both_backward(dout, cache):
    return dout, dout  # the same array twice


def two_parts_forward(x):
    return (x[:, :2] ** 2, np.exp(x[:, 2:])), x


def two_parts_backward(douts, cache):
    left, right = douts
    return np.hstack([2 * cache[:, :2] * left, np.exp(cache[:, 2:]) * right])


def scalar_forward(x, s):
    return x * s, (x, s)


def scalar_backward(dout, cache):
    x, s = cache
    return dout * s, np.sum(dout * x)  # s and ds are 0-d


def with_targets(rng):
    return rng.normal(size=(5, 3)), rng.normal(size=(5, 3))


def regression(rng):
    return rng.normal(size=3), np.array(0.3), rng.normal(size=(6, 3)), rng.normal(size=6), 0.1


def with_params(rng):
    return rng.normal(size=(5, 4)), {"W": rng.normal(size=(4, 3)), "scale": 1.5}


IDIOMS = [
    Idiom("a loss that is a float", normal((5, 4)), number_forward, number_backward),
    Idiom("a loss that is a 0-d array", normal((5, 4)), nought_d_forward, nought_d_backward),
    Idiom("lists out", normal((5, 4)), list_forward, list_backward),
    Idiom("lists made into arrays", normal((5, 4)), looped_forward, looped_backward),
    Idiom(
        "gradients in a list",
        normal((5, 4), (5, 4)),
        listed_gradients_forward,
        listed_gradients_backward,
    ),
    Idiom("loss, dx with targets of floats", with_targets, squared_loss),
    Idiom("loss, (dw, db) with data", regression, ridge_loss),
    Idiom("a bias (1, M)", normal((5, 4), (4, 3), (1, 3)), row_bias_forward, row_bias_backward),
    Idiom("parameters and gradients in a dict", with_params, params_forward, params_backward),
    Idiom("a trailing axis of 1", normal((5, 4, 1), 4), trailing_forward, trailing_backward),
    Idiom("a view of x", normal((5, 2, 3)), view_forward, view_backward),
    Idiom("axes swapped", normal((4, 2, 3)), swapped_axes_forward, swapped_axes_backward),
    Idiom("x itself, dout itself", normal((5, 4)), itself_forward, itself_backward),
    Idiom("one dout for two inputs", normal((5, 4), (5, 4)), both_forward, both_backward),
    Idiom("two outputs in a tuple", normal((5, 4)), two_parts_forward, two_parts_backward),
    Idiom("a parameter that is 0-d", normal((5, 4), ()), scalar_forward, scalar_backward),
]
