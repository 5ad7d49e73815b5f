"""Formulas of gates, which join two arrays, or all entries of one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule.gradcheck.formulas.reference import Call, Reference, Said

Gate = Callable[[np.ndarray, np.ndarray], np.ndarray]

FUNCTIONS: dict[str, Gate] = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "b - a": lambda a, b: b - a,
    "a b, element by element": lambda a, b: a * b,
    "a / b": lambda a, b: a / b,
    "max(a, b)": np.maximum,
    "min(a, b)": np.minimum,
    "a alone": lambda a, b: a + 0 * b,
    "b alone": lambda a, b: b + 0 * a,
    "a + 2 b": lambda a, b: a + 2 * b,
    "2 a + b": lambda a, b: 2 * a + b,
    "-a - b": lambda a, b: -a - b,
    "(a + b) / 2": lambda a, b: (a + b) / 2,
    "|a - b|": lambda a, b: abs(a - b),
    "max(|a|, |b|)": lambda a, b: np.maximum(abs(a), abs(b)),
    "the larger of a and b in absolute value": lambda a, b: np.where(abs(a) >= abs(b), a, b),
    "max(a, b, 0)": lambda a, b: np.maximum(np.maximum(a, b), 0),
    "a²": lambda a, b: a * a + 0 * b,
    "b²": lambda a, b: b * b + 0 * a,
    "the mask a > b": lambda a, b: (a > b) * 1.0,
    "a @ b": lambda a, b: a @ b,
    "b @ a": lambda a, b: b @ a,
    "a @ bᵀ": lambda a, b: a @ b.swapaxes(-1, -2),
    "aᵀ @ b": lambda a, b: a.swapaxes(-1, -2) @ b,
    "(a @ b)ᵀ": lambda a, b: (a @ b).swapaxes(-1, -2),
    "a @ b divided by the length of the sum": lambda a, b: a @ b / a.shape[-1],
}


def gate(name: str, formula: str, f: Gate) -> Reference:
    """f(a, b), and in its place any other of FUNCTIONS."""

    def mistakes(call: Call) -> Said:
        for text, other in FUNCTIONS.items():
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


GATES = (
    gate("add", "a + b", np.add),
    gate("subtract", "a - b", np.subtract),
    gate("multiply", "a b", np.multiply),
    gate("max", "max(a, b)", np.maximum),
    gate("matmul", "a @ b", np.matmul),
    Reference("sum", "Σ x", lambda call: call.x.sum(), sum_mistakes),
)
