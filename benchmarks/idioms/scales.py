"""Large numbers: data far from 0, and functions that overflow a little further out."""

import numpy as np

from benchmarks.idioms.idiom import Idiom, normal


def exp_forward(x):
    out = np.exp(x)
    return out, out


def exp_backward(dout, cache):
    return dout * cache


def sinh_forward(x):
    return np.sinh(x), x


def sinh_backward(dout, cache):
    return dout * np.cosh(cache)


def poisson_loss(x):
    """exp(x) - t x, for counts t = 0, 1, 2, … of the rows."""
    t = np.arange(len(x))[:, None]
    return np.mean(np.exp(x) - t * x), (np.exp(x) - t) / x.size


def tower_forward(x):
    return np.exp(np.exp(x)), x


def tower_backward(dout, cache):
    return dout * np.exp(cache + np.exp(cache))


def affine_forward(x, w, b):
    return x @ w + b, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)


def spread_forward(x):
    centred = x - x.mean(axis=0)
    return np.mean(centred**2, axis=0), centred


def spread_backward(dout, cache):
    return 2 * dout * cache / len(cache)


def shrunk_forward(x):
    return x * 1e-12, None


def shrunk_backward(dout, cache):
    return dout * 1e-12


def naive_sigmoid_forward(x):
    out = np.exp(x) / (1 + np.exp(x))  # nan for x > 709
    return out, out


def naive_sigmoid_backward(dout, cache):
    return dout * cache * (1 - cache)


def naive_softplus_forward(x):
    return np.log(1 + np.exp(x)), x


def naive_softplus_backward(dout, cache):
    return dout / (1 + np.exp(-cache))


def far_away(*shapes):
    """The first array lies around a million."""

    def inputs(rng):
        x, *rest = normal(*shapes)(rng)
        return (x + 1e6, *rest)

    return inputs


IDIOMS = [
    Idiom("exp", normal((5, 4)), exp_forward, exp_backward),
    Idiom("sinh", normal((5, 4)), sinh_forward, sinh_backward),
    Idiom("a loss with exp", normal((5, 4)), poisson_loss),
    Idiom("exp of exp", normal((5, 4)), tower_forward, tower_backward),
    Idiom(
        "a sigmoid that overflows", normal((5, 4)), naive_sigmoid_forward, naive_sigmoid_backward
    ),
    Idiom(
        "a softplus that overflows", normal((5, 4)), naive_softplus_forward, naive_softplus_backward
    ),
    Idiom(
        "a product around a million", far_away((5, 4), (4, 3), 3), affine_forward, affine_backward
    ),
    Idiom("a variance around a million", far_away((5, 4)), spread_forward, spread_backward),
    Idiom("a scale of 1e-12", normal((5, 4)), shrunk_forward, shrunk_backward),
]
