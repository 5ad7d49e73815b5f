"""Formulas of layers of one array, entry by entry or row by row; of gates, which join two arrays,
or an array and a number; and of the layer that multiplies its input by weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.reference import CONVENTION, Call, Inapplicable, Reference, Said

WEIGHTS, BIAS = ("W", "w", "weight", "weights"), ("b", "bias")
SLOPE = ("alpha", "negative_slope", "slope", "leak", "a", "weight")
# What people add to an argument of a logarithm, or cut it off at, to keep it away from 0.
FLOORS = 10.0 ** np.arange(-15, -2)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return (1 + np.tanh(x / 2)) / 2  # = 1 / (1 + e⁻ˣ), and nothing overflows


def softmax(x: np.ndarray, axis: Any = -1) -> np.ndarray:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def log_softmax(x: np.ndarray, axis: Any = -1) -> np.ndarray:
    z = x - x.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "max(x, 0)": lambda x: np.maximum(x, 0),
    "max(x, -1): small negative x get through": lambda x: np.maximum(x, -1),
    "the mask x > 0 in place of x where x > 0": lambda x: (x > 0) * 1.0,
    "1 / (1 + exp(-x))": sigmoid,
    "the sigmoid of -x: the minus in exp(-x) is missing": lambda x: sigmoid(-x),
    "the slope of the sigmoid": lambda x: sigmoid(x) * sigmoid(-x),
    "tanh(x)": np.tanh,
    "tanh(x / 2), so 2 x is missing in the exponent": lambda x: np.tanh(x / 2),
    "1 - tanh(x)², the slope": lambda x: 1 - np.tanh(x) ** 2,
    "exp(x)": np.exp,
    "exp(-x)": lambda x: np.exp(-x),
    "log(x)": np.log,
    "log2(x)": np.log2,
    "log10(x)": np.log10,
    "1 / x": lambda x: 1 / x,
    "-1 / x², the slope": lambda x: -1 / x**2,
    "x²": np.square,
    "2 x, the slope": lambda x: 2 * x,
    "-x": np.negative,
}


def function(name: str, formula: str) -> Reference:
    """One of FUNCTIONS, and in its place any other of them."""

    def mistakes(call: Call) -> Said:
        for text, other in FUNCTIONS.items():
            yield f"out is {text}", other(call.x)
        for eps in FLOORS if name == "log" else ():
            yield f"out is log(x + {eps:g})", np.log(call.x + eps), CONVENTION

    return Reference(name, formula, lambda call: FUNCTIONS[formula](call.x), mistakes)


def slope(call: Call) -> np.ndarray:
    """alpha: the number of a leaky ReLU; of a PReLU one for all or one for each channel."""
    if not call.params:
        return np.array(call.setting(*SLOPE))
    alpha = call.param(*SLOPE)
    if alpha.size > 1 and alpha.size == np.size(call.x, 1):
        return alpha.reshape(-1, *[1] * (call.x.ndim - 2))
    return alpha


def leaky_relu(call: Call) -> np.ndarray:
    return np.where(call.x > 0, call.x, slope(call) * call.x)


def leaky_relu_mistakes(call: Call) -> Said:
    x, a = call.x, slope(call)
    yield "alpha is ignored: negative x give 0, as in ReLU", np.maximum(x, 0)
    yield "out is max(x, alpha) where it should be max(x, alpha x)", np.maximum(x, a)
    yield "the two sides are exchanged: alpha x where x > 0", np.where(x > 0, a * x, x)
    for text, other in {"alpha²": a * a, "-alpha": -a, "0.01": 0.01}.items():
        yield f"the slope for negative x is {text}, not alpha", np.where(x > 0, x, other * x)


def elu(call: Call) -> np.ndarray:
    alpha = call.setting("alpha", "a", default=1.0)
    return np.where(call.x > 0, call.x, alpha * np.expm1(np.minimum(call.x, 0)))


def elu_mistakes(call: Call) -> Said:
    x, a = call.x, call.setting("alpha", "a", default=1.0)
    e = np.exp(np.minimum(x, 0))
    sides = {
        "alpha is ignored": e - 1,
        "the - 1 is missing: alpha exp(x) for negative x": a * e,
        "the - 1 stands outside: alpha exp(x) - 1 for negative x": a * e - 1,
        "the sign for negative x is flipped: alpha (1 - exp(x))": a * (1 - e),
    }
    for text, negative in sides.items():
        yield text, np.where(x > 0, x, negative)


def softplus(call: Call) -> np.ndarray:
    beta = call.setting("beta", default=1.0)
    return np.logaddexp(0, beta * call.x) / beta


def softplus_mistakes(call: Call) -> Said:
    x, b = call.x, call.setting("beta", default=1.0)
    yield f"the division by beta = {b:g} is missing", np.logaddexp(0, b * x)
    yield "beta is ignored", np.logaddexp(0, x)
    yield "beta is missing in the exponent", np.logaddexp(0, x) / b


def softmax_axis(call: Call) -> int:
    return int(call.setting("axis", "dim", default=-1)) % max(call.x.ndim, 1)


def softmax_mistakes(call: Call) -> Said:
    x, axis = call.x, softmax_axis(call)
    yield "the exponentials are not divided by their sum", np.exp(x)
    yield "the exponentials are not divided by their sum", np.exp(x - x.max(axis, keepdims=True))
    for other in range(x.ndim):
        text = f"{other} where it should be {'the last' if axis == x.ndim - 1 else axis}"
        yield f"it normalises over the wrong axis: {text}", softmax(x, other)
    yield "it normalises over everything, not each row", softmax(x, None)
    yield "out is the logarithm of the softmax", log_softmax(x, axis)


# Of a and b, the inputs of a gate; or of x and a, the input and the number of a layer.
JOINED: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "{0} + {1}": np.add,
    "{0} - {1}": np.subtract,
    "{1} - {0}": lambda a, b: b - a,
    "{0} · {1}": np.multiply,
    "{0} / {1}": np.divide,
    "max({0}, {1})": np.maximum,
    "min({0}, {1})": np.minimum,
    "{0} alone": lambda a, b: a + 0 * b,
    "{1} alone": lambda a, b: b + 0 * a,
    "({0} + {1}) / 2": lambda a, b: (a + b) / 2,
    "{0} @ {1}": np.matmul,
    "{1} @ {0}": lambda a, b: b @ a,
    "{0} @ {1}ᵀ": lambda a, b: a @ b.swapaxes(-1, -2),
    "{0}ᵀ @ {1}": lambda a, b: a.swapaxes(-1, -2) @ b,
}


def gate(name: str, formula: str, settings: tuple[str, ...] = ()) -> Reference:
    """One of JOINED, and in its place any other of them. Where `settings` name a number of the
    layer, it takes the place of the second input."""
    names = "xa" if settings else "ab"

    def operands(call: Call) -> tuple[np.ndarray, np.ndarray]:
        return (call.x, np.array(call.setting(*settings))) if settings else call.pair

    def mistakes(call: Call) -> Said:
        for text, other in JOINED.items():
            try:
                yield f"out is {text.format(*names)}", other(*operands(call))
            except ValueError:  # shapes that do not fit this mistake
                continue

    def forward(call: Call) -> np.ndarray:
        return JOINED[formula](*operands(call))

    return Reference(name, formula.format(*names), forward, mistakes, settings=settings)


def sum_mistakes(call: Call) -> Said:
    yield "out is the mean of x", call.x.mean()


def affine_parts(call: Call) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x (N, D) or, where only its last axis has the length D, (…, D); W (D, M) and b."""
    x, W, b = call.x, call.param(*WEIGHTS), call.param(*BIAS, default=0.0)
    if W.ndim == 2 and x.ndim > 1 and math.prod(x.shape[1:]) == len(W):
        return x.reshape(len(x), len(W)), W, b
    if W.ndim != 2 or x.ndim < 2 or x.shape[-1] != len(W):
        raise Inapplicable(f"x of shape {x.shape} and W of shape {W.shape} do not fit")
    return x, W, b


def affine(call: Call) -> np.ndarray:
    x, W, b = affine_parts(call)
    return x @ W + b


def transposed_affine(call: Call) -> Iterator[np.ndarray]:
    """x Wᵀ + b, which is what PyTorch means by a square `weight`."""
    x, W, b = affine_parts(call)
    if "weight" in call.params and W.shape[0] == W.shape[1]:
        yield x @ W.T + b


def affine_mistakes(call: Call) -> Said:
    x, W, b = affine_parts(call)
    yield "the bias is missing", x @ W
    yield "the bias is added twice", x @ W + 2 * b
    yield "the bias is subtracted", x @ W - b
    if W.shape[0] == W.shape[1]:
        yield "W is transposed: out is x Wᵀ + b", x @ W.T + b, CONVENTION


LEAKY_RELU = Reference(
    "leakyrelu", "x where x > 0, else alpha x", leaky_relu, leaky_relu_mistakes, params=SLOPE
)
ELU = Reference(
    "elu", "x where x > 0, else alpha (exp(x) - 1)", elu, elu_mistakes, settings=("alpha", "a")
)
SOFTPLUS = Reference(
    "softplus", "log(1 + exp(beta x)) / beta", softplus, softplus_mistakes, settings=("beta",)
)
SOFTMAX = Reference(
    "softmax",
    "exp(x_j) / Σ exp(x_k)",
    lambda call: softmax(call.x, softmax_axis(call)),
    softmax_mistakes,
)
UNITS = (
    *(LEAKY_RELU, replace(LEAKY_RELU, name="prelu"), ELU, SOFTPLUS, SOFTMAX),
    function("relu", "max(x, 0)"),
    function("sigmoid", "1 / (1 + exp(-x))"),
    function("tanh", "tanh(x)"),
    function("exp", "exp(x)"),
    function("log", "log(x)"),
    function("reciprocal", "1 / x"),
    function("square", "x²"),
    function("negate", "-x"),
    gate("scale", "{0} · {1}", ("a", "factor", "scale", "c")),
    gate("shift", "{0} + {1}", ("c", "offset", "shift", "a")),
    gate("add", "{0} + {1}"),
    gate("subtract", "{0} - {1}"),
    gate("multiply", "{0} · {1}"),
    gate("max", "max({0}, {1})"),
    gate("min", "min({0}, {1})"),
    gate("matmul", "{0} @ {1}"),
    Reference("sum", "Σ x", lambda call: call.x.sum(), sum_mistakes),
    Reference("affine", "x W + b", affine, affine_mistakes, transposed_affine, (*WEIGHTS, *BIAS)),
)
