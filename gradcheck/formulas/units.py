"""Formulas of layers without weights: of one array, entry by entry or row by row, and of gates,
which join two arrays, or all entries of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.reference import CONVENTION, Call, Reference, Said

Function = Callable[[np.ndarray], np.ndarray]
Gate = Callable[[np.ndarray, np.ndarray], np.ndarray]
SLOPE = ("alpha", "negative_slope", "slope", "leak", "a", "weight")
AXIS = ("axis", "dim")
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


FUNCTIONS: dict[str, Function] = {
    "max(x, 0)": lambda x: np.maximum(x, 0),
    "max(-x, 0), the other side": lambda x: np.maximum(-x, 0),
    "max(x, -1): small negative x get through": lambda x: np.maximum(x, -1),
    "the mask x > 0 in place of x where x > 0": lambda x: (x > 0) * 1.0,
    "|x|": abs,
    "x itself": lambda x: x,
    "the sigmoid of x": sigmoid,
    "the sigmoid of -x: the minus in exp(-x) is missing": lambda x: sigmoid(-x),
    "1 / (1 - exp(-x))": lambda x: 1 / (1 - np.exp(-x)),
    "the slope of the sigmoid": lambda x: sigmoid(x) * sigmoid(-x),
    "tanh(x)": np.tanh,
    "tanh(x / 2), so 2 x is missing in the exponent": lambda x: np.tanh(x / 2),
    "1 - tanh(x)², the slope": lambda x: 1 - np.tanh(x) ** 2,
    "exp(x)": np.exp,
    "exp(-x)": lambda x: np.exp(-x),
    "exp(x) - 1": np.expm1,
    "2**x": np.exp2,
    "log(x)": np.log,
    "log2(x)": np.log2,
    "log10(x)": np.log10,
    "log(1 + x)": np.log1p,
    "log(1 + exp(x))": lambda x: np.logaddexp(0, x),
    "1 / x": lambda x: 1 / x,
    "-1 / x², the slope": lambda x: -1 / x**2,
    "x²": lambda x: x**2,
    "2 x, the slope": lambda x: 2 * x,
}


def function(name: str, formula: str, f: Function) -> Reference:
    """f(x), and in its place any other of FUNCTIONS."""

    def mistakes(call: Call) -> Said:
        for text, other in FUNCTIONS.items():
            yield f"out is {text}", other(call.x)
        for eps in FLOORS if name == "log" else ():
            yield f"out is log(x + {eps:g})", np.log(call.x + eps), CONVENTION

    return Reference(name, formula, lambda call: f(call.x), mistakes)


def with_number(
    name: str, formula: str, names: tuple[str, ...], f: Callable[[np.ndarray, float], np.ndarray]
) -> Reference:
    """x and a fixed number a, such as a x."""

    def mistakes(call: Call) -> Said:
        x, a = call.x, call.setting(*names)
        others = {"x + a": x + a, "x - a": x - a, "a x": a * x, "x / a": x / a, "x": x}
        others |= {"a - x": a - x, "x**a": x**a}
        for text, other in others.items():
            yield f"out is {text}, with a = {a:g}", other

    def forward(call: Call) -> np.ndarray:
        return f(call.x, call.setting(*names))

    return Reference(name, formula, forward, mistakes, settings=names)


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
    yield "out is alpha x on both sides", a * x
    slopes = {"alpha²": a * a, "-alpha": -a, "1 / alpha": 1 / a}
    slopes |= {str(c): np.array(c) for c in (0.01, 0.1, 0.2, 0.25, 0.3)}
    if a.size > 1:
        slopes["the first alpha"] = a.ravel()[0]
    for text, other in slopes.items():
        yield f"the slope for negative x is {text}, not alpha", np.where(x > 0, x, other * x)
    yield "out is alpha where x ≤ 0: the factor x is missing", np.where(x > 0, x, a)


def elu(call: Call) -> np.ndarray:
    alpha = call.setting("alpha", "a", default=1.0)
    return np.where(call.x > 0, call.x, alpha * np.expm1(np.minimum(call.x, 0)))


def elu_mistakes(call: Call) -> Said:
    x, a = call.x, call.setting("alpha", "a", default=1.0)
    below = np.minimum(x, 0)
    e = np.exp(below)
    sides = {
        "alpha is ignored": e - 1,
        "alpha is squared": a * a * (e - 1),
        "the - 1 is missing: alpha exp(x) for negative x": a * e,
        "the - 1 stands outside: alpha exp(x) - 1 for negative x": a * e - 1,
        "the sign for negative x is flipped: alpha (1 - exp(x))": a * (1 - e),
        "negative x give 0, as in ReLU": 0 * x,
        "negative x give alpha x, as in leaky ReLU": a * x,
    }
    for text, negative in sides.items():
        yield text, np.where(x > 0, x, negative)
    yield "positive x are multiplied by alpha", np.where(x > 0, a * x, a * (e - 1))


def softplus(call: Call) -> np.ndarray:
    beta = call.setting("beta", default=1.0)
    return np.logaddexp(0, beta * call.x) / beta


def softplus_mistakes(call: Call) -> Said:
    x, b = call.x, call.setting("beta", default=1.0)
    log1p_exp = np.logaddexp(0, b * x)
    yield f"the division by beta = {b:g} is missing", log1p_exp
    yield "beta is ignored", np.logaddexp(0, x)
    yield "beta is missing in the exponent", np.logaddexp(0, x) / b
    yield "it acts on -x", np.logaddexp(0, -b * x) / b
    yield "out is the sigmoid", sigmoid(b * x)
    yield "out is max(x, 0)", np.maximum(x, 0)


def softmax_axis(call: Call) -> int:
    return int(call.setting(*AXIS, default=-1)) % max(call.x.ndim, 1)


def softmax_mistakes(call: Call) -> Said:
    x, axis = call.x, softmax_axis(call)
    largest = x.max(axis, keepdims=True)
    yield "the exponentials are not divided by their sum", np.exp(x)
    yield "the exponentials are not divided by their sum", np.exp(x - largest)
    for other in range(x.ndim):
        text = f"{other} where it should be {'the last' if axis == x.ndim - 1 else axis}"
        yield f"it normalises over the wrong axis: {text}", softmax(x, other)
    yield "it normalises over everything, not each row", softmax(x, None)
    yield "it acts on -x", softmax(-x, axis)
    yield "out is the logarithm of the softmax", log_softmax(x, axis)
    yield "the exponential is missing: x over its sum", x / x.sum(axis, keepdims=True)
    yield "out is the sigmoid of each entry", sigmoid(x)
    yield "it is divided by the mean, not the sum", softmax(x, axis) * x.shape[axis]


JOINED: dict[str, Gate] = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "b - a": lambda a, b: b - a,
    "a b, element by element": lambda a, b: a * b,
    "a / b": lambda a, b: a / b,
    "max(a, b)": np.maximum,
    "min(a, b)": np.minimum,
    "a alone": lambda a, b: a + 0 * b,
    "b alone": lambda a, b: b + 0 * a,
    "(a + b) / 2": lambda a, b: (a + b) / 2,
    "|a - b|": lambda a, b: abs(a - b),
    "the larger of a and b in absolute value": lambda a, b: np.where(abs(a) >= abs(b), a, b),
    "the mask a > b": lambda a, b: (a > b) * 1.0,
    "a @ b": lambda a, b: a @ b,
    "b @ a": lambda a, b: b @ a,
    "a @ bᵀ": lambda a, b: a @ b.swapaxes(-1, -2),
    "aᵀ @ b": lambda a, b: a.swapaxes(-1, -2) @ b,
    "(a @ b)ᵀ": lambda a, b: (a @ b).swapaxes(-1, -2),
}


def gate(name: str, formula: str, f: Gate) -> Reference:
    """f(a, b), and in its place any other of JOINED."""

    def mistakes(call: Call) -> Said:
        for text, other in JOINED.items():
            try:
                yield f"out is {text}", other(*call.pair)
            except ValueError:  # shapes that do not fit this mistake
                continue

    return Reference(name, formula, lambda call: f(*call.pair), mistakes)


def sum_mistakes(call: Call) -> Said:
    x = call.x
    yield "out is the mean of x", x.mean()
    yield "out is Σ x²", np.square(x).sum()
    yield "out is Σ |x|", np.abs(x).sum()
    yield "out is max x", x.max(initial=-np.inf)
    yield "out is the product of the entries of x", x.prod()


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
    LEAKY_RELU, replace(LEAKY_RELU, name="prelu"), ELU, SOFTPLUS, SOFTMAX,
    function("relu", "max(x, 0)", lambda x: np.maximum(x, 0)),
    function("sigmoid", "1 / (1 + exp(-x))", sigmoid),
    function("tanh", "tanh(x)", np.tanh),
    function("exp", "exp(x)", np.exp),
    function("log", "log(x)", np.log),
    function("reciprocal", "1 / x", lambda x: 1 / x),
    function("square", "x²", np.square),
    function("negate", "-x", np.negative),
    with_number("scale", "a x", ("a", "factor", "scale", "c"), lambda x, a: a * x),
    with_number("shift", "x + c", ("c", "offset", "shift", "a"), lambda x, c: x + c),
)  # fmt: skip
GATES = (
    gate("add", "a + b", np.add),
    gate("subtract", "a - b", np.subtract),
    gate("multiply", "a b", np.multiply),
    gate("max", "max(a, b)", np.maximum),
    gate("matmul", "a @ b", np.matmul),
    Reference("sum", "Σ x", lambda call: call.x.sum(), sum_mistakes),
)
