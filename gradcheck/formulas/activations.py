"""Formulas of the newer activations, entry by entry, and of logarithms of sums."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.reference import (
    BUG,
    CONVENTION,
    Call,
    Inapplicable,
    Reference,
    Said,
    nothing,
)
from chainrule.gradcheck.formulas.units import log_softmax, sigmoid, softmax, softmax_axis

Function = Callable[[np.ndarray], np.ndarray]
ROOT = math.sqrt(2 / math.pi)
SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772  # of SELU, Klambauer et al. 2017


def erf(x: np.ndarray) -> np.ndarray:
    return np.vectorize(math.erf, otypes=[float])(x)


def gelu_tanh(x: np.ndarray, cube: float = 0.044715, root: float = ROOT) -> np.ndarray:
    """GELU by the tanh of Hendrycks and Gimpel 2016."""
    return 0.5 * x * (1 + np.tanh(root * (x + cube * x**3)))


def softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, x)


def selu(x: np.ndarray, scale: float = SCALE, alpha: float = ALPHA) -> np.ndarray:
    return scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


# By their names: the formula in words, the function, others that are right, and mistakes.
UNITS: dict[str, tuple[str, Function, list[Function], Mapping[str, Function]]] = {
    "gelu": (
        "x Φ(x)",
        lambda x: x * (1 + erf(x / math.sqrt(2))) / 2,
        [gelu_tanh],
        {
            "the cube's factor 0.044715 is missing": lambda x: gelu_tanh(x, 1.0),
            "the cube is missing": lambda x: gelu_tanh(x, 0.0),
            "the cube is a square": lambda x: x / 2 * (1 + np.tanh(ROOT * (x + 0.044715 * x**2))),
            "√(2 / π) is missing": lambda x: gelu_tanh(x, root=1.0),
            "the root of 2 / π is missing": lambda x: gelu_tanh(x, root=2 / math.pi),
            "√(π / 2) stands in place of √(2 / π)": lambda x: gelu_tanh(x, root=1 / ROOT),
            "the factor 1/2 is missing": lambda x: 2 * gelu_tanh(x),
            "the factor 1/2 of Φ is missing": lambda x: x * (1 + erf(x / math.sqrt(2))),
            "the 1 + is missing": lambda x: x * erf(x / math.sqrt(2)) / 2,
            "x is not divided by √2 in erf": lambda x: x * (1 + erf(x)) / 2,
            "out is Φ(x), without the factor x": lambda x: (1 + erf(x / math.sqrt(2))) / 2,
            "out is x φ(x), the density in place of Φ": (
                lambda x: x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
            ),
            "out is x σ(x)": lambda x: x * sigmoid(x),
            "out is x σ(1.702 x), which is near GELU": lambda x: x * sigmoid(1.702 * x),
        },
    ),
    "selu": (
        "1.0507 (x where x > 0, else 1.6733 (exp(x) - 1))",
        selu,
        [lambda x: selu(x, round(SCALE, 4), round(ALPHA, 4))],
        {
            "the factor 1.0507 is missing": lambda x: selu(x, 1.0),
            "alpha = 1.6733 is missing": lambda x: selu(x, alpha=1.0),
            "1.0507 and 1.6733 are exchanged": lambda x: selu(x, ALPHA, SCALE),
            "the - 1 is missing": lambda x: SCALE * np.where(x > 0, x, ALPHA * np.exp(x)),
            "1.0507 multiplies positive x alone": lambda x: np.where(
                x > 0, SCALE * x, selu(x, 1.0)
            ),
        },
    ),
    "mish": (
        "x tanh(log(1 + exp(x)))",
        lambda x: x * np.tanh(softplus(x)),
        [],
        {
            "tanh is missing: out is x log(1 + exp(x))": lambda x: x * softplus(x),
            "the factor x is missing": lambda x: np.tanh(softplus(x)),
            "the logarithm is missing: out is x tanh(1 + exp(x))": (
                lambda x: x * np.tanh(1 + np.exp(x))
            ),
            "out is x tanh(σ(x))": lambda x: x * np.tanh(sigmoid(x)),
            "out is x σ(x)": lambda x: x * sigmoid(x),
        },
    ),
    "hardswish": (
        "x min(max(x + 3, 0), 6) / 6",
        lambda x: x * np.clip(x + 3, 0, 6) / 6,
        [],
        {
            "the factor x is missing": lambda x: np.clip(x + 3, 0, 6) / 6,
            "the division by 6 is missing": lambda x: x * np.clip(x + 3, 0, 6),
            "the + 3 is missing": lambda x: x * np.clip(x, 0, 6) / 6,
            "it is not cut off at 6": lambda x: x * np.maximum(x + 3, 0) / 6,
        },
    ),
    "softsign": (
        "x / (1 + |x|)",
        lambda x: x / (1 + abs(x)),
        [],
        {
            "the absolute value is missing": lambda x: x / (1 + x),
            "the 1 + is missing": lambda x: x / abs(x),
            "out is the slope, 1 / (1 + |x|)²": lambda x: 1 / (1 + abs(x)) ** 2,
            "out is x / (1 + x²)": lambda x: x / (1 + x * x),
        },
    ),
}


def unit(name: str) -> Reference:
    """One of UNITS."""
    formula, function, others, wrong = UNITS[name]

    def mistakes(call: Call) -> Said:
        for text, other in wrong.items():
            yield text, other(call.x), CONVENTION if text.endswith("near GELU") else BUG

    def equals(call: Call) -> Iterator[np.ndarray]:
        return (other(call.x) for other in others)

    return Reference(name, formula, lambda call: function(call.x), mistakes, equals)


BETA = ("beta", "b")


def swish_beta(call: Call) -> Any:
    """beta, a number of the layer or a parameter; 1 where there is none."""
    return call.param(*BETA) if call.params else call.setting(*BETA, default=1.0)


def swish_mistakes(call: Call) -> Said:
    x, b = call.x, swish_beta(call)
    yield "beta is ignored", x * sigmoid(x)
    yield "the factor x is missing", sigmoid(b * x)
    yield "the sign in the exponential is flipped: out is x σ(-x)", x * sigmoid(-b * x)
    yield "out is x tanh(x)", x * np.tanh(x)
    yield "beta multiplies the output, too", b * x * sigmoid(b * x)
    yield "out is x + σ(x)", x + sigmoid(x)


def axes(call: Call) -> int:
    if call.x.ndim == 0 or not call.x.size:
        raise Inapplicable("there is nothing to sum over")
    return softmax_axis(call)


def log_sum(x: np.ndarray, axis: int | None) -> np.ndarray:
    """log Σ exp(x), with the axis kept."""
    top = x.max(axis=axis, keepdims=True)
    return top + np.log(np.exp(x - top).sum(axis=axis, keepdims=True))


def log_sums(call: Call) -> Iterator[np.ndarray]:
    """Over the axis, with it or without it; or over everything."""
    out = log_sum(call.x, axes(call))
    yield out.squeeze(axes(call))
    yield out
    if math.isnan(call.setting("axis", "dim", default=np.nan)):
        yield log_sum(call.x, None).squeeze()


def log_sum_mistakes(call: Call) -> Said:
    x, axis = call.x, axes(call)
    wrong = {
        "the maximum that was subtracted is not added again": (
            log_sum(x, axis) - x.max(axis, keepdims=True)
        ),
        "the logarithm is missing": np.exp(x).sum(axis, keepdims=True),
        "it is the mean of the exponentials, not their sum": log_sum(x, axis)
        - np.log(x.shape[axis]),
        "out is log Σ x": np.log(x.sum(axis, keepdims=True)),
        "out is Σ log exp(x) = Σ x": x.sum(axis, keepdims=True),
    }
    for other in range(x.ndim):
        wrong[f"it sums over the wrong axis, {other}"] = log_sum(x, other)
        yield f"it sums over the wrong axis, {other}", log_sum(x, other).squeeze(other)
    for text, out in wrong.items():
        yield text, out
        yield text, out.squeeze(axis)


def log_softmax_mistakes(call: Call) -> Said:
    x, axis = call.x, axes(call)
    yield "the logarithm is missing: out is the softmax", softmax(x, axis)
    for other in range(x.ndim):
        yield f"it normalises over the wrong axis, {other}", log_softmax(x, other)
    yield "it normalises over everything", log_softmax(x, None)
    yield "out is x - log(exp(x)) for each entry", 0 * x
    yield "the sum is not in the logarithm: out is x - Σ x", x - x.sum(axis, keepdims=True)
    top = x.max(axis, keepdims=True)
    text = "the maximum is subtracted from the scores, but not in the logarithm"
    yield text, x - top - np.log(np.exp(x).sum(axis, keepdims=True))
    yield text, x - np.log(np.exp(x - top).sum(axis, keepdims=True))
    yield "the exponential is missing: out is log(x / Σ x)", np.log(x / x.sum(axis, keepdims=True))


ACTIVATIONS = (
    *map(unit, UNITS),
    Reference(
        "swish",
        "x σ(beta x)",
        lambda call: call.x * sigmoid(swish_beta(call) * call.x),
        swish_mistakes,
        nothing,
        params=BETA,
        settings=BETA,
    ),
    Reference(
        "logsumexp", "log Σ exp(x)", lambda call: next(log_sums(call)), log_sum_mistakes, log_sums
    ),
    Reference(
        "logsoftmax",
        "x_j - log Σ exp(x_k)",
        lambda call: log_softmax(call.x, axes(call)),
        log_softmax_mistakes,
    ),
)
