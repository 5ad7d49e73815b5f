"""The comparison of one forward pass with its formula."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
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
    INAPPLICABLE,
    MISFITS,
    Call,
    Comparison,
    Inapplicable,
    Reference,
    Said,
    State,
    agree,
    left_over,
    several,
)
from chainrule.gradcheck.report import Cause
from chainrule.gradcheck.report.findings import because, entry

Outputs = list[np.ndarray]


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
    names: Sequence[str] = (),
) -> Comparison:
    """Compare one forward pass that was made, `out = layer.forward(*inputs, train=train)[0]`, and
    the state before and after it, with `reference`; by default, with that of the class's name.
    Of several outputs, a tuple, those are compared that the formula has. `names` are those of the
    inputs, by which some formulas tell them apart.

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
    outs = several(out)
    shapes = [one.shape for one in outs]
    call = Call(layer, inputs, train, arrays(state_before), names, shapes)
    with np.errstate(all="ignore"):
        try:
            reference.claim(layer)
            if reference.name in ("dropout", "channeldropout"):
                compare_dropout(found, call, outs[0], whole=reference.name == "channeldropout")
            else:
                compare_out(found, reference, call, outs)
            if reference.name == "batchnorm":
                compare_statistics(found, call, arrays(state_after))
        except Inapplicable as reason:
            found.notes.append(f"{INAPPLICABLE} {reference.formula}: {reason}")
    return found


def arrays(state: dict[str, Any]) -> State:
    """The arrays of a state, without the generators that some keep there."""
    return {
        key: np.array(value, np.float64)
        for key, value in state.items()
        if isinstance(value, np.ndarray)
    }


def compare_out(found: Comparison, reference: Reference, call: Call, outs: Outputs) -> None:
    """Adds to `found` how the outputs differ from the formula, if they do."""
    expected = evaluated(reference, call)
    if len(outs) > len(expected):
        first = ", ".join(reference.outputs[: len(expected)])
        found.notes.append(f"the formula {reference.formula} is compared with {first} alone")
    outs, expected = outs[: len(expected)], expected[: len(outs)]
    if alike(outs, expected, [EXACT * np.abs(out).max(initial=0.0) for out in outs]):
        return  # and what rounding explains need not be known
    atols = tolerances(reference, call, expected)
    equals = chain([expected], fitting(reference.equals(call)))
    if any(alike(outs, right, atols) for right in equals):
        return
    for text, right, *_ in fitting(reference.conventions(call)):
        if alike(outs, right, atols):
            found.notes.append(text)
            return
    cause, explained = difference(reference, call, outs, expected, atols)
    found.add(cause, explained=explained)


def evaluated(reference: Reference, call: Call) -> Outputs:
    """What the formula gives."""
    try:
        return several(reference.forward(call))
    except MISFITS as error:  # shapes that do not fit
        raise Inapplicable(f"{type(error).__name__}: {error}") from error


def alike(outs: Outputs, others: Any, atols: Sequence[float]) -> bool:
    """Whether outputs agree, each within its own tolerance; the longer list may go on."""
    return all(map(agree, outs, several(others), atols))


def difference(
    reference: Reference, call: Call, outs: Outputs, expected: Outputs, atols: Sequence[float]
) -> tuple[Cause, bool]:
    """How the outputs differ from the formula, and whether a known mistake explains all of it."""
    at = [agree(*one) for one in zip(outs, expected, atols, strict=True)].index(False)
    out, right, single = outs[at], expected[at], len(outs) == 1
    cause, explained = cause_of(reference, call, outs, expected, atols, at)
    tensor = "loss" if reference.loss else "out"
    name = tensor if single else reference.outputs[at]
    values = {"tensor": name, "formula": reference.formula, **cause.values}
    if out.shape == right.shape:
        example = entry(name, out, right, f"the formula {reference.formula} gives")
        cause = replace(cause, example=example)
    return replace(cause, values=values, tensors=(tensor,)), explained


def cause_of(
    reference: Reference,
    call: Call,
    outs: Outputs,
    expected: Outputs,
    atols: Sequence[float],
    at: int,
) -> tuple[Cause, bool]:
    """Why the outputs differ, the first in number `at`; and whether that explains all of it."""
    out, right, atol = outs[at], expected[at], atols[at]
    fits = out.shape == right.shape
    if fits and not np.isfinite(out[np.isfinite(right)]).all():
        message = "{tensor} is nan or inf where the formula {formula} is finite"
        hint = "An exponential, a logarithm or a division overflows: rewrite it so that it cannot."
        return because("formula-overflow", "stability", message, hint), True
    exact = [EXACT * np.abs(o[np.isfinite(o)]).max(initial=1e-300) for o in outs]
    exact = [*atols] if call.narrow else exact
    of_any = general(out, right) if fits and len(outs) == 1 else iter(())
    for text, other, *marks in chain(fitting(reference.mistakes(call)), of_any):
        if alike(outs, other, exact) and not alike(several(other), expected, atols):
            convention = CONVENTION in marks
            kind = marks[0] if marks and not convention else BUG
            values = {"mistake": text, "convention": convention}
            left = max(map(left_over, outs, several(other)))
            return because(
                "other-formula", kind, "{mistake}", "The formula is {formula}.", left, **values
            ), True
    if not fits:
        message = f"{{tensor}} has shape {out.shape}, the formula {{formula}} gives {right.shape}"
        return because("formula-shape", "shape", message), False
    wrong = np.abs(out - right) > atol
    where = f" in {wrong.sum()} of {wrong.size} entries" if wrong.ndim else ""
    message = f"{{tensor}} differs from the formula {{formula}}{where}"
    entries = np.nonzero(wrong) if wrong.ndim else None
    return replace(because("formula", BUG, message), where=entries), False


def tolerances(reference: Reference, call: Call, expected: Outputs) -> list[float]:
    """What rounding explains: 1e-7 of the scale, and the effect of the last digit of the inputs."""
    digit = float(np.finfo(np.float32 if call.narrow else np.float64).eps)
    rng = np.random.default_rng(0)
    spreads = [0.0] * len(expected)
    for _ in range(4):
        moved = copy.copy(call)
        moved.inputs = [
            x * (1 + digit * rng.choice([-1.0, 1.0], x.shape)) if x.dtype.kind == "f" else x
            for x in call.inputs
        ]
        try:
            others = evaluated(reference, moved)
        except Inapplicable:  # targets that are no labels any more
            continue
        for at, (one, other) in enumerate(zip(expected, others, strict=False)):
            change = np.nan_to_num(np.abs(one - other), posinf=0.0).max(initial=0.0)
            spreads[at] = max(spreads[at], change)
    scales = [np.abs(one[np.isfinite(one)]).max(initial=0.0) for one in expected]
    near = max(1e-7, 100 * digit)
    return [near * scale + 50 * one + 1e-300 for scale, one in zip(scales, spreads, strict=True)]


def fitting(others: Iterator[Any]) -> Iterator[Any]:
    """The outputs up to the first whose shapes do not fit this call."""
    try:
        yield from others
    except (*MISFITS, Inapplicable):
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
