"""What is asked of models: their penalty, large inputs, and scores without labels."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from chainrule.gradcheck.checks.outcome import (
    PASSED,
    Outcome,
    Passes,
    not_applicable,
    remark,
    wrong,
)
from chainrule.gradcheck.subject.functions import STRENGTHS
from chainrule.gradcheck.subject.subject import Subject


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


def share_of(change: np.ndarray, W: np.ndarray) -> float:
    """The number c with change ≈ c · W, by least squares."""
    total = float(np.square(W).sum())
    return float((change * W).sum()) / total if total else 0.0


def shares_of_penalty(subject: Subject, passes: Passes, key: str, value: float) -> dict[str, float]:
    """For each parameter, how many times strength · W its gradient holds of the penalty."""
    grads, (_, bare) = passes.train.gradients, without(subject, key)
    return {
        name: share_of(np.asarray(grads[name]) - bare[name], value * W)
        for name, W in subject.params.items()
        if name in grads and name in bare and np.shape(grads[name]) == W.shape
    }


def unpenalised_loss(subject: Subject, passes: Passes) -> Outcome:
    """Whether the gradients hold a penalty that the loss does not: the loss is then to blame."""
    key, value = strength_of(subject)
    if not value:
        return not_applicable(f"{key} is 0" if key else "the model has no reg and no l2")
    loss, (bare, _) = float(passes.train.outs[0]), without(subject, key)
    shares = shares_of_penalty(subject, passes, key, value)
    if abs(loss - bare) > 1e-12 * abs(bare) or all(abs(c) <= 1e-6 for c in shares.values()):
        return PASSED
    found = wrong(
        "loss", "penalty-not-in-loss", "forward-bug",
        "the loss does not change with {key} = {value}, its gradients do",
        "Add the penalty, 0.5 * {key} * ΣW² over the weights, to the loss.",
        key=key, value=f"{value:.4g}",
    )  # fmt: skip
    return Outcome(found.causes, replaces=True)


def penalty(subject: Subject, passes: Passes) -> Outcome:
    """Loss and gradients hold one penalty, over all weight matrices."""
    key, value = strength_of(subject)
    if not value:
        return not_applicable(
            f"{key} is 0: give the model one" if key else "the model has no reg and no l2"
        )
    shares = shares_of_penalty(subject, passes, key, value)
    weights = {name: c for name, c in shares.items() if subject.params[name].ndim > 1}
    lacking = [name for name, c in weights.items() if abs(c) < 1e-6]
    others = [name for name, c in shares.items() if abs(c) > 1e-6 and name not in weights]
    notes = [f"the penalty counts {', '.join(others)} too"] if others else []
    if weights and len(lacking) == len(weights):
        return Outcome(notes=[f"{key} = {value:.4g} has no effect", *notes])
    if lacking:
        return remark(
            lacking[0], "penalty-leaves-out", "missing-term",
            "the penalty leaves out {which}, in loss and gradient alike",
            "It is {penalty} over all weight matrices.", which=" and ".join(lacking),
        )  # fmt: skip
    if weights and np.ptp(list(weights.values())) > 1e-6:
        each = ", ".join(f"{c:.3g} {key} for {name}" for name, c in weights.items())
        return remark(next(iter(weights)), "penalty-uneven", "scale",
                      "the penalty is uneven: its slope is {each}", each=each)  # fmt: skip
    return Outcome(notes=notes)


def large_scores(subject: Subject, _: Passes) -> Outcome:
    """The loss stays finite where the scores are large."""
    inputs = [x * 1000 if not at and x.dtype.kind == "f" else x
              for at, x in enumerate(subject.inputs)]  # fmt: skip
    (loss, *_), grads = subject.forward(True, inputs)
    if np.isfinite(loss) and all(np.isfinite(g).all() for g in grads.values()):
        return PASSED
    what = f"the loss is {loss:.3g}" if not np.isfinite(loss) else "a gradient is not finite"
    return remark("loss", "overflow", "stability", "for inputs 1000 times as large, {what}",
                  "Subtract the largest score of each row before the exponential.",
                  what=what)  # fmt: skip


def scores(subject: Subject, _: Passes) -> Outcome:
    """loss(x) alone gives scores: nothing is random there, and rows do not mix."""
    layer, x = subject.layer, subject.inputs[0]
    optional = list(inspect.signature(layer.model.loss).parameters.values())[1:2]
    if not optional or optional[0].default is not None:
        return not_applicable("loss(x) gives no scores")
    model = layer.work
    first, again = np.asarray(model.loss(x.copy())), np.asarray(model.loss(x.copy()))
    if not np.array_equal(first, again):
        return remark("out", "inference-random", "mode",
                      "loss(x) without labels gives random scores",
                      "In mode 'test' dropout is the identity.")  # fmt: skip
    if first.ndim == 2 and len(first) == len(x) > 1:
        moved = x.copy()
        moved[0] += 1
        rest = np.asarray(layer.work.loss(moved))[1:]
        if not np.allclose(rest, first[1:], rtol=1e-9, atol=1e-12):
            return remark("out", "no-inference", "mode", "loss(x) without labels mixes the rows",
                          "In mode 'test' batch norm takes the running statistics.")  # fmt: skip
    return PASSED
