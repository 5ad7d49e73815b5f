"""The comparison of one forward pass with its formula."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.dropout import compare_dropout
from chainrule.gradcheck.formulas.names import find
from chainrule.gradcheck.formulas.norms import compare_statistics
from chainrule.gradcheck.formulas.reference import (
    BUG,
    CONVENTION,
    EXACT,
    Call,
    Comparison,
    Inapplicable,
    Reference,
    Said,
    State,
    agree,
    left_over,
)
from chainrule.gradcheck.report import Cause
from chainrule.gradcheck.report.findings import because, entry


def compare(
    layer: Any,
    inputs: tuple,
    *,
    train: bool,
    out: Any,
    state_before: State,
    state_after: State,
    reference: Reference | None = None,
    strict: bool = False,
) -> Comparison:
    """Compare one forward pass that was made, `out = layer.forward(*inputs, train=train)[0]`, and
    the state before and after it, with `reference`; by default, with that of the class's name.

    `strict` tells that the user named the formula: what differs from it is then wrong, whatever
    the cause. A class's name is only a hint: what differs is then wrong where a known mistake
    explains all of it, and a note otherwise. A note also tells where a formula does not apply;
    where there is none, nothing is said.

    Changes nothing and calls nothing but, for dropout, `forward` of a deep copy; a copy that draws
    from the global np.random moves it, which the caller puts back.
    """
    found = Comparison(strict)
    if (reference := reference or find(type(layer))) is None:
        return found
    call = Call(layer, inputs, train, arrays(state_before))
    with np.errstate(all="ignore"):
        try:
            reference.claim(layer)
            if reference.name == "dropout":
                compare_dropout(found, call, np.asarray(out))
            else:
                compare_out(found, reference, call, np.asarray(out))
            if reference.name == "batchnorm":
                compare_statistics(found, call, arrays(state_after))
        except Inapplicable as reason:
            found.notes.append(f"not compared with the formula {reference.formula}: {reason}")
    return found


def arrays(state: dict[str, Any]) -> State:
    """The arrays of a state, without the generators that some keep there."""
    return {
        key: np.array(value, np.float64)
        for key, value in state.items()
        if isinstance(value, np.ndarray)
    }


def compare_out(found: Comparison, reference: Reference, call: Call, out: np.ndarray) -> None:
    """Adds to `found` how the output differs from the formula, if it does."""
    try:
        expected = np.asarray(reference.forward(call))
    except (ValueError, IndexError) as error:  # shapes that do not fit
        raise Inapplicable(f"{type(error).__name__}: {error}") from error
    out = out.astype(np.float64)
    if agree(out, expected, EXACT * np.abs(out).max(initial=0.0)):
        return  # and what rounding explains need not be known
    atol = tolerance(reference, call, expected)
    if any(agree(out, right, atol) for right in chain([expected], reference.equals(call))):
        return
    cause, explained = difference(reference, call, out, expected, atol)
    tensor = "loss" if reference.loss else "out"
    values = {"tensor": tensor, "formula": reference.formula, **cause.values}
    if out.shape == expected.shape:
        example = entry(tensor, out, expected, f"the formula {reference.formula} gives")
        cause = replace(cause, example=example)
    found.add(replace(cause, values=values, tensors=(tensor,)), explained=explained)


def difference(
    reference: Reference, call: Call, out: np.ndarray, expected: np.ndarray, atol: float
) -> tuple[Cause, bool]:
    """How the output differs from the formula, and whether a known mistake explains all of it."""
    if out.shape != expected.shape:
        message = f"{{tensor}} has shape {out.shape}, the formula {{formula}} gives "
        return because("formula-shape", "shape", f"{message}{expected.shape}"), False
    if not np.isfinite(out[np.isfinite(expected)]).all():
        message = "{tensor} is nan or inf where the formula {formula} is finite"
        hint = "An exponential, a logarithm or a division overflows: rewrite it so that it cannot."
        return because("formula-overflow", "stability", message, hint), True
    exact = atol if call.narrow else EXACT * np.abs(out[np.isfinite(out)]).max(initial=1e-300)
    known = chain(fitting(reference.mistakes(call)), general(out, expected))
    for text, other, *marks in known:
        if agree(out, other, exact) and not agree(np.asarray(other), expected, atol):
            convention = CONVENTION in marks
            kind = marks[0] if marks and not convention else BUG
            values = {"mistake": text, "convention": convention}
            hint, left = "The formula is {formula}.", left_over(out, other)
            return because("other-formula", kind, "{mistake}", hint, left, **values), True
    wrong = np.abs(out - expected) > atol
    where = f" in {wrong.sum()} of {wrong.size} entries" if wrong.ndim else ""
    message = f"{{tensor}} differs from the formula {{formula}}{where}"
    entries = np.nonzero(wrong) if wrong.ndim else None
    return replace(because("formula", BUG, message), where=entries), False


def tolerance(reference: Reference, call: Call, expected: np.ndarray) -> float:
    """What rounding explains: 1e-7 of the scale, and the effect of the last digit of the inputs."""
    digit = float(np.finfo(np.float32 if call.narrow else np.float64).eps)
    rng = np.random.default_rng(0)
    spread = 0.0
    for _ in range(4):
        moved = copy.copy(call)
        moved.inputs = [
            x * (1 + digit * rng.choice([-1.0, 1.0], x.shape)) if x.dtype.kind == "f" else x
            for x in call.inputs
        ]
        try:
            change = np.abs(np.asarray(reference.forward(moved)) - expected)
        except Inapplicable:  # targets that are no labels any more
            continue
        spread = max(spread, np.nan_to_num(change, posinf=0.0).max(initial=0.0))
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
    return max(1e-7, 100 * digit) * scale + 50 * spread + 1e-300


def fitting(mistakes: Said) -> Said:
    """The mistakes up to the first whose shapes do not fit this call."""
    try:
        yield from mistakes
    except (ValueError, IndexError, Inapplicable):
        return


def general(out: np.ndarray, expected: np.ndarray) -> Said:
    """Mistakes that any layer can have: a sign, a factor, an offset."""
    yield "the sign of the output is flipped", -expected
    if out.size < 4 or not np.isfinite(expected).all():
        return
    square = float((expected * expected).sum())
    if square:
        c = float((out * expected).sum()) / square
        sizes = {"N": len(out), "D": out.shape[-1]}
        names = {f"{value:g} = {size}": float(value) for size, value in sizes.items()} | {"2": 2.0}
        names |= {f"1/{text}": 1 / value for text, value in names.items()}
        near = (text for text, value in names.items() if abs(c - value) < EXACT * abs(value))
        text = f"the output is {next(near, f'{c:.6g}')} times what it should be"
        yield text, c * expected, CONVENTION
    offset = float((out - expected).mean())
    yield f"the output is off by {offset:.6g} in every entry", expected + offset
