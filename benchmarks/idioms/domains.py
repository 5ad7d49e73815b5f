"""Functions that are defined on a part of the numbers alone."""

import numpy as np

from benchmarks.idioms.idiom import Idiom, uniform

LABELS = [1, 0, 2, 2, 1]
TARGETS = np.array([[1, 0, 0, 1], [0, 0, 1, 1], [1, 1, 1, 0], [0, 1, 0, 0], [1, 0, 1, 1]])


def elementwise(f, slope):
    """A pair of functions: f(x), and dout times slope(x, f(x))."""

    def forward(x):
        out = f(x)
        return out, (x, out)

    def backward(dout, cache):
        return dout * slope(*cache)

    return forward, backward


def arcsin_forward(x):
    return np.arcsin(x), x


def arcsin_backward(dout, cache):
    return dout / np.sqrt(1 - cache**2)


def bernoulli_forward(p):
    return -np.mean(TARGETS * np.log(p) + (1 - TARGETS) * np.log(1 - p)), p


def bernoulli_backward(dout, cache):
    p = cache
    return dout * ((1 - TARGETS) / (1 - p) - TARGETS / p) / p.size


def nll_forward(p):
    picked = p[np.arange(len(p)), LABELS]
    return -np.mean(np.log(picked)), (p.shape, picked)


def nll_backward(dout, cache):
    shape, picked = cache
    dp = np.zeros(shape)
    dp[np.arange(len(picked)), LABELS] = -dout / picked / len(picked)
    return dp


def beta_forward(x, a, b):
    """The logarithm of the density x^(a - 1) (1 - x)^(b - 1), without its constant."""
    return (a - 1) * np.log(x) + (b - 1) * np.log(1 - x), (x, a, b)


def beta_backward(dout, cache):
    x, a, b = cache
    dx = dout * ((a - 1) / x - (b - 1) / (1 - x))
    return dx, np.sum(dout * np.log(x), axis=0), np.sum(dout * np.log(1 - x), axis=0)


def erf(x):
    """2 / √π times the sum of (-1)^k x^(2k + 1) / (k! (2k + 1))."""
    term = total = x
    for k in range(1, 40):
        term = -term * x * x / k
        total = total + term / (2 * k + 1)
    return 2 / np.sqrt(np.pi) * total


def erfinv_forward(x):
    out = x.copy()
    for _ in range(8):  # Newton's steps
        out = out - (erf(out) - x) * np.sqrt(np.pi) / 2 * np.exp(out**2)
    return out, out


def erfinv_backward(dout, cache):
    return dout * np.sqrt(np.pi) / 2 * np.exp(cache**2)


def positive_log_forward(x):
    if np.any(x <= 0):
        raise ValueError(f"expected positive numbers, got {x.min()}")
    return np.log(x), x


def positive_log_backward(dout, cache):
    return dout / cache


def probability_forward(p):
    if not np.all((p > 0) & (p < 1)):
        raise ValueError("expected probabilities between 0 and 1")
    return -p * np.log(p) - (1 - p) * np.log(1 - p), p


def probability_backward(dout, cache):
    return dout * (np.log(1 - cache) - np.log(cache))


def divergence_forward(p, q):
    """Σ p log(p / q), of rows that are distributions."""
    return np.sum(p * np.log(p / q), axis=1), (p, q)


def divergence_backward(dout, cache):
    p, q = cache
    return dout[:, None] * (np.log(p / q) + 1), -dout[:, None] * p / q


def beta_inputs(rng):
    return rng.uniform(0.1, 0.9, (5, 3)), rng.uniform(1.5, 4, 3), rng.uniform(1.5, 4, 3)


def distributions(rng):
    return tuple(rng.dirichlet(5 * np.ones(4), size=5) for _ in range(2))


IDIOMS = [
    Idiom("arcsin", uniform(-0.9, 0.9, (5, 4)), arcsin_forward, arcsin_backward),
    Idiom(
        "arctanh",
        uniform(-0.9, 0.9, (5, 4)),
        *elementwise(np.arctanh, lambda x, _: 1 / (1 - x * x)),
    ),
    Idiom(
        "logit",
        uniform(0.1, 0.9, (5, 4)),
        *elementwise(lambda x: np.log(x / (1 - x)), lambda x, _: 1 / (x * (1 - x))),
    ),
    Idiom("sqrt", uniform(0.1, 9, (5, 4)), *elementwise(np.sqrt, lambda _, out: 0.5 / out)),
    Idiom("log", uniform(0.1, 9, (5, 4)), *elementwise(np.log, lambda x, _: 1 / x)),
    Idiom(
        "arccosh",
        uniform(1.2, 5, (5, 4)),
        *elementwise(np.arccosh, lambda x, _: 1 / np.sqrt(x * x - 1)),
    ),
    Idiom(
        "a power that is no whole number",
        uniform(0.2, 3, (5, 4)),
        *elementwise(lambda x: x**1.7, lambda x, out: 1.7 * out / x),
    ),
    Idiom(
        "entropy on probabilities", uniform(0.1, 0.9, (5, 4)), bernoulli_forward, bernoulli_backward
    ),
    Idiom("-log p[y]", uniform(0.1, 0.9, (5, 3)), nll_forward, nll_backward),
    Idiom("density of the beta distribution", beta_inputs, beta_forward, beta_backward),
    Idiom("erfinv, by a series", uniform(-0.8, 0.8, (5, 4)), erfinv_forward, erfinv_backward),
    Idiom(
        "ValueError unless positive",
        uniform(0.1, 3, (5, 4)),
        positive_log_forward,
        positive_log_backward,
    ),
    Idiom(
        "ValueError unless between 0 and 1",
        uniform(0.1, 0.9, (5, 4)),
        probability_forward,
        probability_backward,
    ),
    Idiom("divergence of distributions", distributions, divergence_forward, divergence_backward),
]
