"""What is asked of models: their penalty, large inputs, and scores without labels."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from chainrule.gradcheck.checks.arrays import rows_mix
from chainrule.gradcheck.checks.outcome import PASSED, Outcome, Passes, remark, wrong
from chainrule.gradcheck.subject.functions import STRENGTHS
from chainrule.gradcheck.subject.subject import Subject

NO_PENALTY = "the model has no reg and no l2"


def strength_of(subject: Subject) -> tuple[str, float]:
    """The name and value of the factor of the penalty, ("", 0.0) where there is none."""
    for key in STRENGTHS:
        value = getattr(subject.layer, key, None)
        if isinstance(value, (int, float, np.number)):
            return key, float(value)
    return "", 0.0


def without(subject: Subject, key: str) -> tuple[float, Any]:
    """The loss, and the gradients, with the factor of the penalty at 0."""
    settings = getattr(subject.layer, "settings", {})
    settings[key] = 0.0
    try:
        outs, cache = subject.forward()
        return float(outs[0]), cache
    finally:
        del settings[key]


def has_half(subject: Subject, passes: Passes) -> bool:
    """Whether the penalty of a loss is 0.5 * reg * ΣW², not reg * ΣW²."""
    key, value = strength_of(subject)
    total = sum(float(np.square(W).sum()) for W in subject.params.values() if W.ndim > 1)
    if not value or not total or not passes.train.is_loss or not hasattr(subject.layer, "settings"):
        return True
    part = float(subject.forward()[0][0]) - without(subject, key)[0]
    return abs(part / (value * total) - 1) >= 1e-6


def shares_of_penalty(subject: Subject, passes: Passes, key: str, value: float) -> dict[str, float]:
    """For each parameter, how many times strength · W its gradient holds of the penalty, by least
    squares."""
    grads, (_, bare) = passes.train.gradients, without(subject, key)
    shares = {}
    for name, W in subject.params.items():
        if name in grads and name in bare and np.shape(grads[name]) == W.shape:
            change, total = np.asarray(grads[name]) - bare[name], float(np.square(value * W).sum())
            shares[name] = float((change * value * W).sum()) / total if total else 0.0
    return shares


def unpenalised_loss(subject: Subject, passes: Passes) -> Outcome:
    """Whether the gradients hold a penalty that the loss does not: the loss is then to blame."""
    key, value = strength_of(subject)
    if not value:
        return Outcome(why=f"{key} is 0: give the model one" if key else NO_PENALTY)
    loss, (bare, _) = float(passes.train.outs[0]), without(subject, key)
    shares = shares_of_penalty(subject, passes, key, value)
    if abs(loss - bare) > 1e-12 * abs(bare) or all(abs(c) <= 1e-6 for c in shares.values()):
        return PASSED
    found = wrong("loss", "penalty-not-in-loss", key=key, value=f"{value:.4g}")
    return Outcome(found.causes, replaces=True)


def penalty(subject: Subject, passes: Passes) -> Outcome:
    """Loss and gradients hold one penalty, over all weight matrices."""
    key, value = strength_of(subject)
    if not value:
        return Outcome(why=f"{key} is 0: give the model one" if key else NO_PENALTY)
    shares = shares_of_penalty(subject, passes, key, value)
    weights = {name: c for name, c in shares.items() if subject.params[name].ndim > 1}
    lacking = [name for name, c in weights.items() if abs(c) < 1e-6]
    others = [name for name, c in shares.items() if abs(c) > 1e-6 and name not in weights]
    notes = [f"the penalty counts {', '.join(others)} too"] if others else []
    if weights and len(lacking) == len(weights):
        return Outcome(notes=[f"{key} = {value:.4g} has no effect", *notes])
    if lacking:
        return remark(lacking[0], "penalty-leaves-out", which=" and ".join(lacking))
    if weights and np.ptp(list(weights.values())) > 1e-6:
        each = ", ".join(f"{c:.3g} {key} for {name}" for name, c in weights.items())
        return remark(next(iter(weights)), "penalty-uneven", each=each)
    return Outcome(notes=notes)


def scores(subject: Subject, _: Passes) -> Outcome:
    """loss(x) alone gives scores: nothing is random there, and rows do not mix."""
    layer, x = subject.layer, subject.inputs[0]
    optional = list(inspect.signature(layer.model.loss).parameters.values())[1:2]
    if not optional or optional[0].default is not None:
        return Outcome(why="loss(x) gives no scores")
    model = layer.work
    first, again = np.asarray(model.loss(x.copy())), np.asarray(model.loss(x.copy()))
    if not np.array_equal(first, again):
        return remark("out", "random-scores")
    mixed = first.ndim == 2 and rows_mix(lambda x: np.asarray(layer.work.loss(x)), x)
    return remark("out", "mixing-scores") if mixed else PASSED
