"""Probes at other points: large and small inputs, zeros, ties, a batch of one and of none."""

from __future__ import annotations

import numpy as np

from chainrule.gradcheck.checks.asking import (
    PASSED,
    changed,
    is_loss,
    label,
    names,
    other,
    rows,
    run,
)
from chainrule.gradcheck.checks.gradients import Judge
from chainrule.gradcheck.derivatives.slopes import Point, direction, measure
from chainrule.gradcheck.explain import diagnose
from chainrule.gradcheck.report import Probe
from chainrule.gradcheck.subject.layer import as_outputs


def values_elsewhere(
    judge: Judge, inputs: list[np.ndarray], where: str, kind: str | None, train: bool = True
) -> Probe:
    """Compare values at another point; a mistake there is of `kind`, or as diagnosed if None."""
    subject = other(judge, inputs)
    subject.settle_randomness(train)
    done = run(subject, train)
    if not all(np.isfinite(o).all() for o in done.outs):
        bad = "nan" if any(np.isnan(o).any() for o in done.outs) else "inf"
        if kind is not None and (bad == "nan" or breaks_early(judge)):
            word = "the loss" if is_loss(judge) else "the output"
            judge.say("stability", "loss" if is_loss(judge) else "out", f"{where}, {word} is {bad}",
                      "Rewrite the formula so that no step of it overflows.")  # fmt: skip
            return PASSED
        return Probe("not applicable", f"{where}, the output is {bad}")
    for name, array in zip((*names(judge), *done.grads), (*done.dxs, *done.grads.values()),
                           strict=False):  # fmt: skip
        if not np.isfinite(array).all():
            bad = "nan" if np.isnan(array).any() else "inf"
            if bad == "nan" and (kind is not None or len(judge.subject.inputs[0]) > len(inputs[0])):
                hint = "Something overflows, and is then multiplied by 0 or subtracted."
                judge.say("stability", name, f"{where}, {label(judge, name)} is nan", hint)
                return PASSED
            return Probe("not applicable", f"{where}, {label(judge, name)} is {bad}")
    found = judge.compare(subject, done, train, directions=1)
    if found is None or not found[2]:
        return PASSED
    tensors, scene, (name, *_) = found
    if kind is None:
        wrong = diagnose(scene, name)
        judge.say(wrong.kind, name, f"{where}, {wrong.message}", wrong.hint, wrong.example)
    else:
        error = f"error {tensors[name].error:.1e}"
        judge.say(kind, name, f"{where}, {label(judge, name)} is wrong ({error}), else right")
    return PASSED


def breaks_early(judge: Judge) -> bool:
    """Whether an output that overflows was still small just before: a function that really grows
    beyond all numbers has been huge for a while."""
    for factor in (300, 100, 30, 10, 3, 2, 1.5, 1.2):
        closer = [factor * x if x.dtype.kind == "f" else x for x in judge.subject.inputs]
        outs = as_outputs(other(judge, closer).forward(True)[0])
        if all(np.isfinite(out).all() for out in outs):
            return all(np.abs(out).max(initial=0.0) < 1e6 for out in outs)
    return is_loss(judge)


def large(judge: Judge) -> Probe:
    return values_elsewhere(
        judge, changed(judge, lambda x: x * 1000), "for inputs 1000 times as large", "stability"
    )


def small(judge: Judge) -> Probe:
    return values_elsewhere(
        judge, changed(judge, lambda x: x * 3e-3), "for inputs 300 times smaller", None
    )


def zeros(judge: Judge) -> Probe:
    if is_loss(judge):
        return Probe("not applicable", "zeros mean nothing special to a loss")
    inputs = changed(judge, lambda x: np.where(judge.rng.random(x.shape) < 0.7, x, 0.0))
    return values_elsewhere(judge, inputs, "where inputs are exactly 0", None)


def batch_of_one(judge: Judge) -> Probe:
    count = rows(judge)
    if count is None or count < 2:
        return Probe("not applicable", "it has no batch axis to cut")
    inputs = [x[:1] for x in judge.subject.inputs]
    subject = other(judge, inputs)
    done = run(subject, True)
    if not all(np.isfinite(o).all() for o in done.outs):
        judge.say("stability", "out", "with a batch of 1, the output is nan or inf",
                  "A division by N - 1 or by a variance of 0 has no place here.")  # fmt: skip
        return PASSED
    for name, dx, x in zip(names(judge), done.dxs, subject.inputs, strict=False):
        if dx.shape != x.shape:
            judge.say("shape", name, f"with a batch of 1, d{name} has shape {dx.shape}, "
                      f"{name} has {x.shape}", "Do not squeeze.")  # fmt: skip
            return PASSED
    return values_elsewhere(judge, inputs, "with a batch of 1", None)


def batch_of_none(judge: Judge) -> Probe:
    if rows(judge) is None or is_loss(judge):
        return Probe("not applicable", "it has no batch axis, or takes a mean over it")
    subject = other(judge, [x[:0] for x in judge.subject.inputs])
    try:
        done = run(subject, True)
    except (ValueError, ArithmeticError) as error:
        return Probe("not applicable", f"it refuses: {error}")
    shapes = {name: x.shape for name, x in zip(names(judge), subject.inputs, strict=False)}
    shapes |= {name: array.shape for name, array in subject.params.items()}
    for name, array in zip((*names(judge), *done.grads), (*done.dxs, *done.grads.values()),
                           strict=False):  # fmt: skip
        if name in shapes and array.shape != shapes[name]:
            message = f"with an empty batch, {label(judge, name)} has shape {array.shape}"
            hint = "Use one product or sum over the batch, not a loop over its rows."
            judge.say("shape", name, f"{message}, expected {shapes[name]}", hint)
            break
    return PASSED


def ties(judge: Judge) -> Probe:
    """Where inputs are equal, moving them together must give the sum of their gradients."""
    subject = judge.subject
    floats = names(judge)
    count = len(floats)
    if count == 2 and subject.inputs[0].shape == subject.inputs[1].shape:
        a = subject.inputs[0]
        tied = other(judge, [a, a.copy(), *subject.inputs[2:]])
    elif count == 1 and not is_loss(judge):
        tied = other(judge, changed(judge, np.round))
    else:
        return Probe("not applicable", "it has nothing to tie")
    tied.settle_randomness(True)
    done = run(tied, True)
    point = Point(tied, True, done.outs, done.douts)
    noise = point.noise(tied.inputs[0], judge.rng)
    v = judge.rng.standard_normal(tied.inputs[0].shape)
    if count == 1:
        v = np.broadcast_to(v.mean(axis=-1, keepdims=True), v.shape) if v.ndim else v
    moves = [direction(x, v) for x in tied.inputs[:count]]

    def together(t: float) -> np.ndarray:
        steps = [move(t) for move in moves]
        return steps[0]

    slope = measure(point, together, noise)
    if slope.kink[0] or not np.isfinite(slope.value[0]):
        return Probe("not applicable", "the function has a kink along the tie itself")
    total = sum(float((np.asarray(dx, float) * v).sum()) for dx in done.dxs)
    scale = sum(float(np.sqrt(np.square(dx * v).sum())) for dx in done.dxs) + abs(slope.value[0])
    if abs(total - slope.value[0]) <= 1e-6 * scale + 4 * slope.error[0]:
        return PASSED
    if count == 1:
        return values_elsewhere(judge, tied.inputs, "where inputs are equal", None)
    a_name, b_name = floats
    share = total / slope.value[0] if slope.value[0] else 0.0
    what = "is counted twice" if abs(share - 2) < 1e-5 else (
        "reaches no input" if abs(share) < 1e-5 else "does not add up")  # fmt: skip
    judge.say(
        "mask",
        a_name,
        f"at ties ({a_name} == {b_name}) the gradient {what}: d{a_name} + d{b_name} must be dout",
        "Let one of the two masks include equality, and one only.",
    )
    return PASSED
