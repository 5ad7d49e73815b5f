"""GELU, SiLU and a gated linear unit."""

import functools
import math

import numpy as np

from benchmarks.mistakes.pair import PairMistake

A = np.sqrt(2 / np.pi)


def phi(x):
    """The normal distribution function."""
    return 0.5 * (1 + np.vectorize(math.erf, otypes=[float])(x / np.sqrt(2)))


def gelu_forward(x):
    return x * phi(x), x


def gelu_backward(dout, x):
    density = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    return dout * (phi(x) + x * density)


def gelu_tanh_forward(x):
    t = np.tanh(A * (x + 0.044715 * x**3))
    return 0.5 * x * (1 + t), (x, t)


def gelu_tanh_backward(dout, cache):
    x, t = cache
    inner = A * (1 + 3 * 0.044715 * x**2)
    return dout * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * inner)


def silu_forward(x):
    s = 1 / (1 + np.exp(-x))
    return x * s, (x, s)


def silu_backward(dout, cache):
    x, s = cache
    return dout * (s + x * s * (1 - s))


def glu_forward(x):
    """The first half times the sigmoid of the second."""
    a, g = np.split(x, 2, axis=1)
    s = 1 / (1 + np.exp(-g))
    return a * s, (a, s)


def glu_backward(dout, cache):
    a, s = cache
    da, dg = dout * s, dout * a * s * (1 - s)
    return np.hstack([da, dg])


silu = functools.partial(
    PairMistake,
    inputs=lambda rng: (rng.normal(size=(4, 5)) * 2,),
    forward=silu_forward,
    backward=silu_backward,
)

SILU = "return dout * (s + x * s * (1 - s))"

MISTAKES = [
    PairMistake(
        "gelu-density-constant",
        {
            "density = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)": (
                "density = np.exp(-x * x / 2) / np.sqrt(np.pi)"
            )
        },
        "density divided by sqrt(π) instead of sqrt(2π)",
        "The 2 of the normal density is lost.",
        inputs=lambda rng: (rng.normal(size=(4, 5)) * 1.5,),
        forward=gelu_forward,
        backward=gelu_backward,
    ),
    PairMistake(
        "gelu-tanh-cube-without-3",
        {"inner = A * (1 + 3 * 0.044715 * x**2)": "inner = A * (1 + 0.044715 * x**2)"},
        "derivative of x³ lacks the factor 3",
        "x² in place of 3 x².",
        inputs=lambda rng: (rng.normal(size=(4, 5)) * 1.5,),
        forward=gelu_tanh_forward,
        backward=gelu_tanh_backward,
    ),
    silu(
        "silu-sigmoid-derivative-only",
        {SILU: "return dout * x * s * (1 - s)"},
        "x times sigmoid' only: the sigmoid itself missing",
        "The product rule's first term is left out.",
    ),
    silu(
        "silu-second-term-missing",
        {"x, s = cache": "_, s = cache", SILU: "return dout * s"},
        "product rule's second term missing",
        "dx = dout * sigmoid(x).",
    ),
    silu(
        "silu-without-one-minus",
        {SILU: "return dout * (s + x * s)"},
        "second term has s instead of s(1-s)",
        "s + x s.",
    ),
    PairMistake(
        "glu-halves-swapped",
        {"return np.hstack([da, dg])": "return np.hstack([dg, da])"},
        "value and gate swapped in dx",
        "Stacked in the wrong order.",
        inputs=lambda rng: (rng.normal(size=(3, 6)),),
        forward=glu_forward,
        backward=glu_backward,
    ),
]
