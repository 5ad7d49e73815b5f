"""Inputs that sit exactly on kinks, and functions whose gradient is rightly 0."""

import numpy as np

from benchmarks.idioms.idiom import Idiom, normal


def relu_forward(x):
    return np.maximum(0, x), x


def relu_backward(dout, cache):
    return dout * (cache > 0)


def relu_one_backward(dout, cache):
    return dout * (cache >= 0)


def abs_forward(x):
    return np.abs(x), x


def abs_backward(dout, cache):
    return dout * np.sign(cache)


def huber_loss(x):
    """Its slope is bent where |x| = 1; it has no kink there."""
    size = np.abs(x)
    loss = np.where(size <= 1, 0.5 * x**2, size - 0.5).mean()
    return loss, np.clip(x, -1, 1) / x.size


def quantile_loss(x):
    tau = 0.3
    return np.maximum(tau * x, (tau - 1) * x).sum(), np.where(x >= 0, tau, tau - 1)


def hinge_loss(x, y):
    rows = np.arange(len(y))
    margins = np.maximum(0, x - x[rows, y][:, None] + 1)
    margins[rows, y] = 0
    dx = (margins > 0).astype(float)
    dx[rows, y] -= dx.sum(axis=1)
    return margins.sum() / len(y), dx / len(y)


def row_max_forward(x):
    return x.max(axis=1), x


def row_max_first_backward(dout, cache):
    dx = np.zeros_like(cache)
    dx[np.arange(len(cache)), cache.argmax(axis=1)] = dout
    return dx


def row_max_shared_backward(dout, cache):
    largest = cache == cache.max(axis=1, keepdims=True)
    return dout[:, None] * largest / largest.sum(axis=1, keepdims=True)


def maximum_forward(a, b):
    return np.maximum(a, b), a >= b


def maximum_backward(dout, cache):
    return dout * cache, dout * ~cache


def clip_forward(x):
    return np.clip(x, -1, 1), x


def clip_open_backward(dout, cache):
    return dout * ((cache > -1) & (cache < 1))


def clip_closed_backward(dout, cache):
    return dout * ((cache >= -1) & (cache <= 1))


def zero_backward(dout, cache):
    return np.zeros(cache)


def round_forward(x):
    return np.round(x), x.shape


def floor_forward(x):
    return np.floor(x), x.shape


def sign_forward(x):
    return np.sign(x), x.shape


def constant_forward(x):
    return np.full(len(x), 3.0), x.shape


def distance_forward(a, b):
    return np.abs(a - b).sum(axis=1), np.sign(a - b)


def distance_backward(dout, cache):
    return dout[:, None] * cache, -dout[:, None] * cache


def whole(*shapes):
    """Small whole numbers: zeros, ties and borders among them."""
    return lambda rng: tuple(rng.integers(-2, 3, shape).astype(float) for shape in shapes)


def on_margins(rng):
    return rng.integers(-1, 2, (4, 3)).astype(float), np.array([0, 2, 1, 0])


IDIOMS = [
    Idiom("relu of zeros, slope 0", whole((5, 4)), relu_forward, relu_backward, on_kinks=True),
    Idiom("relu of zeros, slope 1", whole((5, 4)), relu_forward, relu_one_backward, on_kinks=True),
    Idiom("abs of zeros", whole((5, 4)), abs_forward, abs_backward, on_kinks=True),
    Idiom("a Huber loss at its bends", whole((5, 4)), huber_loss, on_kinks=True),
    Idiom("a quantile loss at zeros", whole((5, 4)), quantile_loss, on_kinks=True),
    Idiom("a hinge loss on its margins", on_margins, hinge_loss, on_kinks=True),
    Idiom(
        "row maxima, to the first",
        whole((5, 4)),
        row_max_forward,
        row_max_first_backward,
        on_kinks=True,
    ),
    Idiom(
        "row maxima, shared", whole((5, 4)), row_max_forward, row_max_shared_backward, on_kinks=True
    ),
    Idiom(
        "the larger of equal ones",
        whole((5, 4), (5, 4)),
        maximum_forward,
        maximum_backward,
        on_kinks=True,
    ),
    Idiom(
        "clip at its borders, slope 0",
        whole((5, 4)),
        clip_forward,
        clip_open_backward,
        on_kinks=True,
    ),
    Idiom(
        "clip at its borders, slope 1",
        whole((5, 4)),
        clip_forward,
        clip_closed_backward,
        on_kinks=True,
    ),
    Idiom(
        "sums of |a - b| where a = b",
        whole((5, 4), (5, 4)),
        distance_forward,
        distance_backward,
        on_kinks=True,
    ),
    Idiom("round", normal((5, 4)), round_forward, zero_backward),
    Idiom("floor", normal((5, 4)), floor_forward, zero_backward),
    Idiom("sign", normal((5, 4)), sign_forward, zero_backward),
    Idiom("a constant", normal((5, 4)), constant_forward, zero_backward),
]
