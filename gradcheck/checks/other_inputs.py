"""The same subject on other inputs: large and small ones, zeros, ties, a batch of one and of none.

What goes wrong on large inputs, or on a batch of one or none, is a remark: there the function works
on what it was given. On zeros, ties and small numbers gradients are as right or wrong as anywhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.gradcheck.checks.arrays import close, size
from chainrule.gradcheck.checks.gradients import changed, compare
from chainrule.gradcheck.checks.outcome import PASSED, Outcome, Passes, remark
from chainrule.gradcheck.subject.subject import Pass, Subject


def rows(subject: Subject, passes: Passes) -> int | None:
    """The number of rows, where all inputs have the same number of them, and so has the output; of
    a loss, where it takes the labels too."""
    inputs, done = subject.inputs, passes.train
    lengths = {x.shape[:1] for x in inputs}
    found = lengths.pop() if len(lengths) == 1 else ()
    alike = all(x.shape == inputs[0].shape for x in inputs)
    follows = len(inputs) > 1 if done.is_loss else all(o.shape[:1] == found for o in done.outs)
    return found[0] if found and follows and (done.is_loss or alike) else None


def infinite(done: Pass) -> tuple[str, str]:
    """The first output or gradient that is not finite, "out" for an output, and "nan" or "inf"."""
    for name, array in [*(("out", o) for o in done.outs), *done.arrays().items()]:
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            return name, "nan" if np.isnan(array).any() else "inf"
    return "", ""


def at_other_inputs(subject: Subject, passes: Passes, inputs: list[Any], where: str) -> Outcome:
    """Compare gradients with slopes on other inputs."""
    other = subject.at(inputs)
    done = other.run(True)
    name, bad = infinite(done)
    if name:
        what = "the output" if name == "out" else subject.profile.vocabulary.label(name)
        return Outcome(why=f"{where}, {what} is {bad}")
    sizes = [max(map(size, one.arrays().values()), default=0.0) for one in (done, passes.train)]
    if sizes[0] > 1e6 * sizes[1]:
        return Outcome(why=f"{where}, the function is close to singular")
    found = compare(other, passes, done, True, brief=True)
    return PASSED if found.is_right else Outcome(comparison=found, where=where)


def small(subject: Subject, passes: Passes) -> Outcome:
    if passes.coarse:
        return Outcome(why="forward computes with too few digits")
    smaller = changed(subject, passes.train, lambda x: x * 3e-3)
    return at_other_inputs(subject, passes, smaller, "for inputs 300 times smaller")


def zeros(subject: Subject, passes: Passes) -> Outcome:
    if passes.train.is_loss:
        return Outcome(why="zeros mean nothing special to a loss")

    def some(x: np.ndarray) -> np.ndarray:
        return np.where(passes.rng.random(x.shape) < 0.7, x, 0.0)

    inputs = changed(subject, passes.train, some)
    return at_other_inputs(subject, passes, inputs, "where inputs are exactly 0")


def ties(subject: Subject, passes: Passes) -> Outcome:
    """Where inputs are equal, moving them together must give the sum of their gradients."""
    floats = [n for n in subject.names if n in passes.train.gradients]
    first = subject.inputs[0] if subject.inputs else np.zeros(())
    if len(floats) == 2 and all(x.shape == first.shape for x in subject.inputs[:2]):
        inputs = [first, first.copy(), *subject.inputs[2:]]
    elif len(floats) == 1 and not passes.train.is_loss:
        inputs = changed(subject, passes.train, paired)
    else:
        return Outcome(why="it has nothing to tie")
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
        return Outcome(why="forward computes with too few digits")
    where = "for inputs 1000 times as large"
    other = subject.at(changed(subject, passes.train, lambda x: x * 1000))
    other.overflows = []
    done = other.run(True)
    name, bad = infinite(done)
    if name == "out":
        if not other.overflows or (bad == "inf" and not breaks_early(subject, passes)):
            return Outcome(why=f"{where}, the output has no finite value")
        tensor, word = ("loss", "the loss") if done.is_loss else ("out", "the output")
        return remark(tensor, "overflow", where=where, word=word, bad=bad)
    if bad == "nan":
        return remark(name, "gradient-nan", where=where)
    if name:
        return Outcome(why=f"{where}, a gradient is inf")
    found = compare(other, passes, done, True, brief=True)
    if not found.wrong:
        return PASSED
    first = found.wrong[0]
    error = found.tensors[first].error
    outcome = remark(first, "wrong-when-large", where=where, error=f"{error:.1e}")
    return Outcome([replace(outcome.causes[0], evidence=error)])


def breaks_early(subject: Subject, passes: Passes) -> bool:
    """Whether an output that overflows was still small just before: a function that really grows
    beyond all numbers has been huge for a while."""
    for factor in (300, 100, 30, 10, 3, 2, 1.5, 1.2):
        closer = [factor * x if x.dtype.kind == "f" else x for x in subject.inputs]
        outs = [o for o in subject.forward(True, closer)[0] if o.dtype.kind == "f"]
        if all(np.isfinite(out).all() for out in outs):
            return all(size(out) < 1e6 for out in outs)
    return passes.train.is_loss


def batch_of_one(subject: Subject, passes: Passes) -> Outcome:
    """Whether one row alone is right. Rows, labels and masks that the subject keeps elsewhere are
    not cut: there the output does not follow."""
    count = rows(subject, passes)
    if count is None or count < 2:
        return Outcome(why="it has no batch axis to cut")
    where = "with a batch of 1"
    other = subject.at([x[:1] for x in subject.inputs])
    done = other.run(True)
    given = [g.shape for name, g in done.arrays().items() if name in other.names]
    follows = done.is_loss or all(o.shape[:1] == (1,) for o in done.outs)
    if not follows or any(shape[:1] == (count,) for shape in given):
        return Outcome(why="not all follow the batch: rows are kept elsewhere")
    name, bad = infinite(done)
    if name == "out":
        return remark("out", "one-row-infinite", where=where)
    if bad == "nan":
        return remark(name, "gradient-nan", where=where)
    if misshapen := wrong_shape(other, done, where, "Do not squeeze."):
        return misshapen
    found = compare(other, passes, done, True, brief=True)
    return PASSED if found.is_right else Outcome(comparison=found, where=where)


def wrong_shape(other: Subject, done: Pass, where: str, advice: str) -> Outcome | None:
    """The first gradient that has not the shape of its tensor."""
    for name, array in other.floats.items():
        g = done.gradients.get(name)
        if g is not None and np.shape(g) != array.shape:
            values = {"got": str(np.shape(g)), "shape": str(array.shape), "advice": advice}
            return remark(name, "shape-elsewhere", where=where, **values)
    return None


def batch_of_none(subject: Subject, passes: Passes) -> Outcome:
    if rows(subject, passes) is None or passes.train.is_loss:
        return Outcome(why="it has no batch axis, or takes a mean over it")
    other = subject.at([x[:0] for x in subject.inputs])
    try:
        done = other.run(True)
    except (ValueError, ArithmeticError) as error:
        return Outcome(why=f"it refuses: {error}")
    advice = "Use one product or sum over the batch, not a loop over its rows."
    return wrong_shape(other, done, "with an empty batch", advice) or PASSED


def four_dimensional(subject: Subject, passes: Passes) -> Outcome:
    """A layer that takes (N, D) and (N, a, b, c) alike gives dx the shape of x."""
    x = subject.inputs[0] if len(subject.inputs) == 1 else np.zeros(())
    if x.ndim != 2 or not x.size or len(passes.train.outs) != 1 or x.dtype.kind != "f":
        return Outcome(why="it takes one input (N, D)")
    if x.shape[1] == 1:
        return Outcome(why="one feature fits into any shape")
    first, name = passes.train, subject.names[0]
    wide = x.reshape(len(x), 1, x.shape[1], 1)
    other = subject.at([wide])
    try:
        outs, cache = other.forward(True)
    except Exception:
        return Outcome(why="it does not take images")
    had = first.outs[0]
    if outs[0].size != had.size or not close(outs[0].reshape(had.shape), had):
        return Outcome(why="it gives images another meaning")
    douts = [first.douts[0].reshape(outs[0].shape)]
    done = Pass(outs, cache, douts, other.backward(douts, cache))
    if misshapen := wrong_shape(other, done, "for images", "Reshape it to the shape of the input."):
        return misshapen
    same = close(np.reshape(done.gradients[name], x.shape), np.asarray(first.gradients[name]))
    return PASSED if same else remark(name, "image-order")
