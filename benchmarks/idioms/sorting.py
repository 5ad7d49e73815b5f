"""Order: sorts, the largest few, medians; and sums and products along an axis."""

import numpy as np

from benchmarks.idioms.idiom import Idiom, normal


def sort_forward(x):
    order = np.argsort(x, axis=1, kind="stable")
    return np.take_along_axis(x, order, axis=1), order


def sort_backward(dout, cache):
    dx = np.empty_like(dout)
    np.put_along_axis(dx, cache, dout, axis=1)
    return dx


def top_forward(x, k):
    order = np.argsort(-x, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(x, order, axis=1), order, (x.shape, order)


def top_backward(dout, dorder, cache):
    shape, order = cache
    dx = np.zeros(shape)
    np.put_along_axis(dx, order, dout, axis=1)
    return dx


def best_forward(x):
    """The sum of the two largest entries of each row."""
    order = np.argsort(-x, axis=1, kind="stable")[:, :2]
    return np.take_along_axis(x, order, axis=1).sum(axis=1), (x.shape, order)


def best_backward(dout, cache):
    shape, order = cache
    dx = np.zeros(shape)
    np.put_along_axis(dx, order, dout[:, None], axis=1)
    return dx


def median_forward(x):
    order = np.argsort(x, axis=1)
    middle = order[:, [(x.shape[1] - 1) // 2, x.shape[1] // 2]]
    return np.median(x, axis=1), (x.shape, middle)


def median_backward(dout, cache):
    shape, middle = cache
    dx = np.zeros(shape)
    np.add.at(dx, (np.arange(shape[0])[:, None], middle), dout[:, None] / 2)
    return dx


def cumsum_forward(x):
    return np.cumsum(x, axis=1), None


def cumsum_backward(dout, cache):
    return np.cumsum(dout[:, ::-1], axis=1)[:, ::-1]


def cumprod_forward(x):
    out = np.cumprod(x, axis=1)
    return out, (x, out)


def cumprod_backward(dout, cache):
    x, out = cache  # of entries that are not 0
    return np.cumsum((dout * out)[:, ::-1], axis=1)[:, ::-1] / x


def running_max_forward(x):
    out = np.maximum.accumulate(x, axis=1)
    steps = np.arange(x.shape[1])
    return out, np.maximum.accumulate(np.where(x == out, steps, 0), axis=1)


def running_max_backward(dout, cache):
    dx = np.zeros(dout.shape)
    np.add.at(dx, (np.arange(len(dx))[:, None], cache), dout)
    return dx


def diff_forward(x):
    return np.diff(x, axis=1), x.shape


def diff_backward(dout, cache):
    dx = np.zeros(cache)
    dx[:, 1:] += dout
    dx[:, :-1] -= dout
    return dx


def three_alike(rng):
    return (np.array([[1.0, 0.5, 1.0, 1.0, 2.0], [0, 0, 3, -1, 0]]),)


def top_two(rng):
    return rng.normal(size=(4, 5)), 2


IDIOMS = [
    Idiom("a sort", normal((3, 5)), sort_forward, sort_backward),
    Idiom(
        "a stable sort of equal entries", three_alike, sort_forward, sort_backward, on_kinks=True
    ),
    Idiom("the largest k, and where", top_two, top_forward, top_backward),
    Idiom("the best two of equal ones", three_alike, best_forward, best_backward, on_kinks=True),
    Idiom("a median of an odd number", normal((4, 5)), median_forward, median_backward),
    Idiom("a median of an even number", normal((4, 6)), median_forward, median_backward),
    Idiom("cumulative sums", normal((3, 5)), cumsum_forward, cumsum_backward),
    Idiom("cumulative products", normal((3, 4)), cumprod_forward, cumprod_backward),
    Idiom("a running maximum", normal((3, 5)), running_max_forward, running_max_backward),
    Idiom("differences of neighbours", normal((3, 5)), diff_forward, diff_backward),
]
