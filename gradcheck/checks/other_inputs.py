"""The same subject on other inputs: large and small ones, zeros, ties, a batch of one and of none.

What goes wrong on large inputs, or on a batch of one or none, is a remark: there the function works
on what it was given. On zeros, ties and small numbers gradients are as right or wrong as anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.gradcheck.checks.gradients import compare
from chainrule.gradcheck.checks.outcome import (
    PASSED,
    Outcome,
    Passes,
    close,
    not_applicable,
    remark,
)
from chainrule.gradcheck.subject.subject import Pass, Subject


def changed(
    subject: Subject, passes: Passes, change: Callable[[np.ndarray], np.ndarray]
) -> list[Any]:
    """The inputs with `change` applied to those that are differentiated."""
    pairs = zip(subject.names, subject.inputs, strict=True)
    return [change(x) if name in passes.train.gradients else x for name, x in pairs]


def rows(subject: Subject, passes: Passes) -> int | None:
    """The number of rows, where all inputs have the same number of them, and so has the output; of
    a loss, where it takes the labels too."""
    inputs, done = subject.inputs, passes.train
    lengths = {x.shape[:1] for x in inputs}
    found = lengths.pop() if len(lengths) == 1 else ()
    alike = all(x.shape == inputs[0].shape for x in inputs)
    follows = len(inputs) > 1 if done.is_loss else all(o.shape[:1] == found for o in done.outs)
    return found[0] if found and follows and (done.is_loss or alike) else None


def is_finite(done: Pass) -> bool:
    return all(np.isfinite(o).all() for o in done.outs if o.dtype.kind == "f")


def infinite_gradient(done: Pass) -> tuple[str, str]:
    """The first gradient that is not finite, and "nan" or "inf"."""
    for name, array in done.arrays().items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            return name, "nan" if np.isnan(array).any() else "inf"
    return "", ""


def at_other_inputs(subject: Subject, passes: Passes, inputs: list[Any], where: str) -> Outcome:
    """Compare gradients with slopes on other inputs."""
    other = subject.at(inputs)
    done = other.run(True)
    name, bad = infinite_gradient(done)
    if name or not is_finite(done):
        what = subject.profile.vocabulary.label(name) if name else "the output"
        return not_applicable(f"{where}, {what} is {bad or 'not finite'}")
    if largest(done) > 1e6 * largest(passes.train):
        return not_applicable(f"{where}, the function is close to singular")
    found = compare(other, passes, done, True, brief=True)
    return PASSED if found.is_right else Outcome(comparison=found, where=where)


def largest(done: Pass) -> float:
    """The largest gradient."""
    return max((float(np.abs(g).max(initial=0.0)) for g in done.arrays().values()), default=0.0)


def small(subject: Subject, passes: Passes) -> Outcome:
    if passes.coarse:
        return not_applicable("forward computes with too few digits")
    where = "for inputs 300 times smaller"
    return at_other_inputs(subject, passes, changed(subject, passes, lambda x: x * 3e-3), where)


def zeros(subject: Subject, passes: Passes) -> Outcome:
    if passes.train.is_loss:
        return not_applicable("zeros mean nothing special to a loss")

    def some(x: np.ndarray) -> np.ndarray:
        return np.where(passes.rng.random(x.shape) < 0.7, x, 0.0)

    where = "where inputs are exactly 0"
    return at_other_inputs(subject, passes, changed(subject, passes, some), where)


def ties(subject: Subject, passes: Passes) -> Outcome:
    """Where inputs are equal, moving them together must give the sum of their gradients."""
    floats = [n for n in subject.names if n in passes.train.gradients]
    first = subject.inputs[0] if subject.inputs else np.zeros(())
    if len(floats) == 2 and all(x.shape == first.shape for x in subject.inputs[:2]):
        inputs = [first, first.copy(), *subject.inputs[2:]]
    elif len(floats) == 1 and not passes.train.is_loss:
        inputs = changed(subject, passes, paired)
    else:
        return not_applicable("it has nothing to tie")
    return at_other_inputs(subject, passes, inputs, "where inputs are equal")


def paired(x: np.ndarray) -> np.ndarray:
    """x with equal numbers beside each other in every row, and the last row as the first."""
    x = x.copy()
    if x.ndim and x.shape[-1] > 1:
        right = x[..., 1::2]
        right[...] = x[..., : x.shape[-1] - 1 : 2][..., : right.shape[-1]]
    if x.ndim > 1 and len(x) > 1:
        x[-1] = x[0]
    return x


def large(subject: Subject, passes: Passes) -> Outcome:
    """Whether the output overflows, or the gradient is wrong, on inputs 1000 times as large; a
    function that has no value there is not asked."""
    if passes.coarse:
        return not_applicable("forward computes with too few digits")
    where = "for inputs 1000 times as large"
    other = subject.at(changed(subject, passes, lambda x: x * 1000))
    other.overflows = []
    done = other.run(True)
    if not is_finite(done):
        bad = "nan" if any(np.isnan(o).any() for o in done.outs if o.dtype.kind == "f") else "inf"
        if not other.overflows or (bad == "inf" and not breaks_early(subject, passes)):
            return not_applicable(f"{where}, the output has no finite value")
        word, tensor = ("the loss", "loss") if done.is_loss else ("the output", "out")
        return remark(tensor, "overflow", "stability", "{where}, {word} is {bad}",
                      "Rewrite the formula so that no step of it overflows.",
                      where=where, word=word, bad=bad)  # fmt: skip
    name, bad = infinite_gradient(done)
    if bad == "nan":
        return nan_gradient(name, where)
    if name:
        return not_applicable(f"{where}, a gradient is inf")
    found = compare(other, passes, done, True, brief=True)
    if not found.wrong:
        return PASSED
    first = found.wrong[0]
    error = f"{found.tensors[first].error:.1e}"
    found_so = remark(first, "wrong-when-large", "stability",
                      "{where}, {d} {is} wrong (error {error}), else right",
                      "Look for a small number that keeps a logarithm or a division finite.",
                      where=where, error=error)  # fmt: skip
    size = found.tensors[first].error
    return Outcome([replace(found_so.causes[0], evidence=size)])


def breaks_early(subject: Subject, passes: Passes) -> bool:
    """Whether an output that overflows was still small just before: a function that really grows
    beyond all numbers has been huge for a while."""
    for factor in (300, 100, 30, 10, 3, 2, 1.5, 1.2):
        closer = subject.at([factor * x if x.dtype.kind == "f" else x for x in subject.inputs])
        outs = [o for o in closer.forward(True)[0] if o.dtype.kind == "f"]
        if all(np.isfinite(out).all() for out in outs):
            return all(np.abs(out).max(initial=0.0) < 1e6 for out in outs)
    return passes.train.is_loss


def batch_of_one(subject: Subject, passes: Passes) -> Outcome:
    """Whether one row alone is right. Rows, labels and masks that the subject keeps elsewhere are
    not cut: there the output does not follow."""
    count = rows(subject, passes)
    if count is None or count < 2:
        return not_applicable("it has no batch axis to cut")
    where = "with a batch of 1"
    other = subject.at([x[:1] for x in subject.inputs])
    done = other.run(True)
    if not done.is_loss and any(o.shape[:1] != (1,) for o in done.outs):
        return not_applicable("its output does not follow the batch: rows are kept elsewhere")
    if not is_finite(done):
        return remark("out", "one-row-infinite", "stability", "{where}, the output is nan or inf",
                      "A division by N - 1 or by a variance of 0 has no place here.",
                      where=where)  # fmt: skip
    name, bad = infinite_gradient(done)
    if bad == "nan":
        return nan_gradient(name, where)
    if misshapen := wrong_shape(other, done, where, "Do not squeeze."):
        return misshapen
    found = compare(other, passes, done, True, brief=True)
    return PASSED if found.is_right else Outcome(comparison=found, where=where)


def nan_gradient(name: str, where: str) -> Outcome:
    return remark(name, "gradient-nan", "stability", "{where}, {d} {is} nan",
                  "Something overflows, and is then multiplied by 0 or subtracted.",
                  where=where)  # fmt: skip


def wrong_shape(other: Subject, done: Pass, where: str, hint: str) -> Outcome | None:
    """The first gradient that has not the shape of its tensor."""
    for name, array in other.floats.items():
        g = done.gradients.get(name)
        if g is not None and np.shape(g) != array.shape:
            return remark(name, "shape-elsewhere", "shape",
                          "{where}, {d} {has} shape {got}, {name} has {shape}", hint,
                          where=where, got=str(np.shape(g)), shape=str(array.shape))  # fmt: skip
    return None


def batch_of_none(subject: Subject, passes: Passes) -> Outcome:
    if rows(subject, passes) is None or passes.train.is_loss:
        return not_applicable("it has no batch axis, or takes a mean over it")
    other = subject.at([x[:0] for x in subject.inputs])
    try:
        done = other.run(True)
    except (ValueError, ArithmeticError) as error:
        return not_applicable(f"it refuses: {error}")
    hint = "Use one product or sum over the batch, not a loop over its rows."
    return wrong_shape(other, done, "with an empty batch", hint) or PASSED


def four_dimensional(subject: Subject, passes: Passes) -> Outcome:
    """A layer that takes (N, D) and (N, a, b, c) alike gives dx the shape of x."""
    x = subject.inputs[0] if len(subject.inputs) == 1 else np.zeros(())
    if x.ndim != 2 or not x.size or len(passes.train.outs) != 1 or x.dtype.kind != "f":
        return not_applicable("it takes one input (N, D)")
    if x.shape[1] == 1:
        return not_applicable("one feature fits into any shape")
    first, name = passes.train, subject.names[0]
    wide = x.reshape(len(x), 1, x.shape[1], 1)
    other = subject.at([wide])
    try:
        outs, cache = other.forward(True)
    except Exception:
        return not_applicable("it does not take images")
    had = first.outs[0]
    if outs[0].size != had.size or not close(outs[0].reshape(had.shape), had):
        return not_applicable("it gives images another meaning")
    douts = [first.douts[0].reshape(outs[0].shape)]
    done = Pass(outs, cache, douts, other.backward(douts, cache))
    if misshapen := wrong_shape(other, done, "for images", "Reshape it to the shape of the input."):
        return misshapen
    if not close(np.reshape(done.gradients[name], x.shape), np.asarray(first.gradients[name])):
        return remark(name, "image-order", "axis",
                      "{d} of images {is} not that of the same numbers as rows")  # fmt: skip
    return PASSED
