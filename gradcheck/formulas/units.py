"""Formulas of layers that act on one array, entry by entry or row by row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.reference import Call, Reference, Said

Function = Callable[[np.ndarray], np.ndarray]
SLOPE = ("alpha", "negative_slope", "slope", "leak", "a", "weight")
AXIS = ("axis", "dim")


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
    "min(x, 0)": lambda x: np.minimum(x, 0),
    "max(-x, 0), the other side": lambda x: np.maximum(-x, 0),
    "max(x, -1): small negative x get through": lambda x: np.maximum(x, -1),
    "max(x, 1)": lambda x: np.maximum(x, 1),
    "the mask x > 0 in place of x where x > 0": lambda x: (x > 0) * 1.0,
    "x where x > 1: the threshold is 1": lambda x: x * (x > 1),
    "|x|": abs,
    "x itself": lambda x: x,
    "-x": lambda x: -x,
    "the sigmoid of x": sigmoid,
    "the sigmoid of -x: the minus in exp(-x) is missing": lambda x: sigmoid(-x),
    "1 / (1 - exp(-x))": lambda x: 1 / (1 - np.exp(-x)),
    "the slope of the sigmoid": lambda x: sigmoid(x) * sigmoid(-x),
    "the sigmoid of 2 x": lambda x: sigmoid(2 * x),
    "tanh(x)": np.tanh,
    "tanh(-x)": lambda x: np.tanh(-x),
    "tanh(x / 2), so 2 x is missing in the exponent": lambda x: np.tanh(x / 2),
    "tanh(2 x)": lambda x: np.tanh(2 * x),
    "1 - tanh(x)², the slope": lambda x: 1 - np.tanh(x) ** 2,
    "exp(x)": np.exp,
    "exp(-x)": lambda x: np.exp(-x),
    "exp(x) - 1": np.expm1,
    "2**x": np.exp2,
    "10**x": lambda x: 10**x,
    "log(x)": np.log,
    "log2(x)": np.log2,
    "log10(x)": np.log10,
    "log(1 + x)": np.log1p,
    "log(1 + exp(x))": lambda x: np.logaddexp(0, x),
    "log(x + 1e-8): the small number falsifies small x": lambda x: np.log(x + 1e-8),
    "1 / x": lambda x: 1 / x,
    "-1 / x": lambda x: -1 / x,
    "1 / x²": lambda x: 1 / x**2,
    "-1 / x², the slope": lambda x: -1 / x**2,
    "x²": lambda x: x**2,
    "-x²": lambda x: -(x**2),
    "2 x, the slope": lambda x: 2 * x,
    "x³": lambda x: x**3,
    "√|x|": lambda x: np.sqrt(abs(x)),
    "x² / 2": lambda x: x**2 / 2,
}


def function(name: str, formula: str, f: Function) -> Reference:
    """f(x), and in its place any other of FUNCTIONS."""

    def mistakes(call: Call) -> Said:
        for text, other in FUNCTIONS.items():
            yield f"out is {text}", other(call.x)

    return Reference(name, formula, lambda call: f(call.x), mistakes)


def with_number(
    name: str, formula: str, names: tuple[str, ...], f: Callable[[np.ndarray, float], np.ndarray]
) -> Reference:
    """x and a fixed number a, such as a x."""

    def mistakes(call: Call) -> Said:
        x, a = call.x, call.setting(*names)
        others = {"x + a": x + a, "x - a": x - a, "a x": a * x, "x / a": x / a, "-a x": -a * x}
        others |= {"x": x, "a² x": a * a * x, "a - x": a - x, "x**a": x**a, "x + 2 a": x + 2 * a}
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
    yield "out is the smaller of x and alpha x", np.minimum(x, a * x)
    yield "out is alpha x on both sides", a * x
    yield "out is x on both sides", x
    slopes = {"alpha²": a * a, "-alpha": -a, "1 - alpha": 1 - a, "1 / alpha": 1 / a}
    slopes |= {"2 alpha": 2 * a} | {str(c): c for c in (0.01, 0.1, 0.2, 0.25, 0.3)}
    if a.size > 1:
        slopes |= {"the mean of alpha": a.mean(), "the first alpha": a.ravel()[0]}
        if len(x) == a.size:
            slopes["one alpha per row, not per column,"] = a.reshape(-1, *[1] * (x.ndim - 1))
    for text, other in slopes.items():
        yield f"the slope for negative x is {text}, not alpha", np.where(x > 0, x, other * x)
    yield "out is alpha where x ≤ 0: the factor x is missing", np.where(x > 0, x, a)
    yield "out is x - alpha where x ≤ 0", np.where(x > 0, x, x - a)


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
        "alpha is in the exponent": np.exp(a * below) - 1,
        "alpha is in the exponent too": a * (np.exp(a * below) - 1),
        "exp(-x) stands where exp(x) should": a * (np.exp(-below) - 1),
        "negative x give 0, as in ReLU": 0 * x,
        "negative x give alpha x, as in leaky ReLU": a * x,
        "it is divided by alpha": (e - 1) / a,
    }
    for text, negative in sides.items():
        yield text, np.where(x > 0, x, negative)
    yield "positive x are multiplied by alpha", np.where(x > 0, a * x, a * (e - 1))
    yield "the exponential is used on both sides", a * np.expm1(x)


def softplus(call: Call) -> np.ndarray:
    beta = call.setting("beta", default=1.0)
    return np.logaddexp(0, beta * call.x) / beta


def softplus_mistakes(call: Call) -> Said:
    x, b = call.x, call.setting("beta", default=1.0)
    log1p_exp = np.logaddexp(0, b * x)
    yield f"the division by beta = {b:g} is missing", log1p_exp
    yield "it is divided by beta twice", log1p_exp / b**2
    yield "it is multiplied by beta", log1p_exp * b
    yield "beta is ignored", np.logaddexp(0, x)
    yield "beta is missing in the exponent", np.logaddexp(0, x) / b
    yield "it acts on -x", np.logaddexp(0, -b * x) / b
    yield "the 1 in log(1 + exp(x)) is missing", x
    yield "the logarithm is to base 2", log1p_exp / np.log(2) / b
    yield "the logarithm is to base 10", log1p_exp / np.log(10) / b
    yield "out is log(1 - exp(x))", np.log(1 - np.exp(b * x)) / b
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
    yield "the exponential is missing: x is divided by its sum", x / x.sum(axis, keepdims=True)
    yield "out is the sigmoid of each entry", sigmoid(x)
    yield "it is divided by the mean, not the sum", softmax(x, axis) * x.shape[axis]


LEAKY_RELU = Reference(
    "leakyrelu", "x where x > 0, else alpha x", leaky_relu, leaky_relu_mistakes, params=SLOPE
)
UNITS = (
    function("relu", "max(x, 0)", lambda x: np.maximum(x, 0)),
    LEAKY_RELU,
    replace(LEAKY_RELU, name="prelu"),
    Reference(
        "elu",
        "x where x > 0, else alpha (exp(x) - 1)",
        elu,
        elu_mistakes,
        settings=("alpha", "a"),
    ),
    Reference(
        "softplus",
        "log(1 + exp(beta x)) / beta",
        softplus,
        softplus_mistakes,
        settings=("beta",),
    ),
    function("sigmoid", "1 / (1 + exp(-x))", sigmoid),
    function("tanh", "tanh(x)", np.tanh),
    Reference(
        "softmax",
        "exp(x_j) / Σ exp(x_k)",
        lambda call: softmax(call.x, softmax_axis(call)),
        softmax_mistakes,
    ),
    function("exp", "exp(x)", np.exp),
    function("log", "log(x)", np.log),
    function("reciprocal", "1 / x", lambda x: 1 / x),
    function("square", "x²", np.square),
    function("negate", "-x", np.negative),
    with_number("scale", "a x", ("a", "factor", "scale", "c"), lambda x, a: a * x),
    with_number("shift", "x + c", ("c", "offset", "shift", "a"), lambda x, c: x + c),
)
