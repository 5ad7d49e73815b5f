"""Formulas of losses that compare a row of scores with one class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.losses import FLOORS, labels, loss, reduced
from chainrule.gradcheck.formulas.reference import Call, Inapplicable, Said
from chainrule.gradcheck.formulas.units import log_softmax, softmax

MARGIN = ("margin", "delta")


def class_scores(call: Call) -> np.ndarray:
    if call.pair[0].ndim != 2 or call.pair[0].shape[1] < 2:
        raise Inapplicable("scores are not (N, C)")
    return call.pair[0]


def log_likelihood(log_p: np.ndarray, t: np.ndarray) -> Any:
    return -np.where(t == 0, 0.0, t * log_p).sum()


def entropy_mistakes(t: np.ndarray, p: np.ndarray, log_p: np.ndarray) -> Said:
    """Mistakes with the probabilities p and the targets, a distribution t per row."""
    saturates = "the loss saturates for confident mistakes"
    for eps in FLOORS:
        text = f"a small number, {eps:g}, is added inside the logarithm: {saturates}"
        yield text, log_likelihood(np.log(p + eps), t)
        text = f"probabilities are cut off at {eps:g}: {saturates}"
        yield text, log_likelihood(np.log(np.maximum(p, eps)), t)
        yield text, log_likelihood(np.log(p.clip(eps, 1 - eps)), t)
    yield "the logarithm is missing: the loss is minus the probability", -(t * p).sum()
    yield "the logarithm is missing: the loss is 1 - p", (t * (1 - p)).sum()
    yield "the logarithm is of 1 - p", log_likelihood(np.log1p(-p), t)
    both = log_likelihood(log_p, t) + log_likelihood(np.log1p(-p), 1 - t)
    yield "the wrong classes have a term too: - (1 - t) log(1 - p)", both
    for shift, text in {-1: "1 means the first", 1: "0 means the second"}.items():
        text = f"labels are off by one: label {text} column"
        yield text, log_likelihood(log_p, np.roll(t, shift, axis=1))
    yield "the log probabilities of all classes are summed, not the label's", -log_p.sum()


def probabilities(call: Call) -> np.ndarray:
    p = call.pair[0]
    if p.ndim != 2 or (p < 0).any():
        raise Inapplicable("the input holds no rows of probabilities")
    return p


def cross_entropy(call: Call) -> Any:
    p = np.maximum(probabilities(call), np.finfo(float).tiny)
    return log_likelihood(np.log(p), labels(call))


def cross_entropies(call: Call) -> Iterator[Any]:
    """What others call CrossEntropyLoss takes scores; and many keep p off 0."""
    p, t, n = probabilities(call), labels(call), len(call.pair[0])
    yield reduced(call, log_likelihood(log_softmax(p), t), n)
    for eps in (1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15):
        yield reduced(call, log_likelihood(np.log(p + eps), t), n)
        yield reduced(call, log_likelihood(np.log(p.clip(eps, 1 - eps)), t), n)


def cross_entropy_mistakes(call: Call) -> Said:
    p = probabilities(call)
    return entropy_mistakes(labels(call), p, np.log(p))


def softmax_cross_entropy(call: Call) -> Any:
    return log_likelihood(log_softmax(class_scores(call)), labels(call))


def softmax_cross_entropy_mistakes(call: Call) -> Said:
    s, t = class_scores(call), labels(call)
    yield from entropy_mistakes(t, softmax(s), log_softmax(s))
    yield "the softmax is over the wrong axis, 0", log_likelihood(log_softmax(s, 0), t)
    yield "the softmax is over the whole batch", log_likelihood(log_softmax(s, None), t)
    yield "the scores' sign is flipped", log_likelihood(log_softmax(-s), t)
    yield "the log of the sum is missing: the loss is minus the score", -(t * s).sum()
    yield "softmax is applied twice", log_likelihood(log_softmax(softmax(s)), t)
    yield "the loss is the log of the sum alone", np.log(np.exp(s).sum(axis=1)).sum()


def margins(
    call: Call, margin: float | None = None, *, sign: int = 1, shift: int = 0
) -> np.ndarray:
    """s_j - s_y + margin, and -∞ for the right class y; (N, C)."""
    s, t = class_scores(call), np.roll(labels(call), shift, axis=1)
    margin = call.setting(*MARGIN, default=1.0) if margin is None else margin
    right = (s * t).sum(axis=1, keepdims=True)
    return np.where(t == 1, -np.inf, sign * (s - right) + margin)


def positive(m: np.ndarray) -> Any:
    return np.maximum(m, 0).sum()


def hinge_mistakes(call: Call) -> Said:
    s, m, a = class_scores(call), margins(call), call.setting(*MARGIN, default=1.0)
    wrong = np.where(np.isinf(m), 0, m)
    should = f"it should be max(0, s_j - s_y + {a:g})"
    yield f"the margin is subtracted: {should}", positive(margins(call, -a))
    yield f"the margin is missing: {should}", positive(margins(call, 0.0))
    for margin in (0.1, 0.5, 1.0, 2.0, 10.0):
        yield f"the margin is {margin:g}, not {a:g}", positive(margins(call, margin))
    text = f"the right class is counted too, which adds the margin {a:g} for each example"
    yield text, positive(m) + a * len(s)
    yield f"{a:g} is subtracted for each example", positive(m) - a * len(s)
    text = "the roles are exchanged: it should be s_j - s_y, not s_y - s_j"
    yield text, positive(margins(call, sign=-1))
    yield "the margins are squared", (np.maximum(m, 0) ** 2).sum()
    yield "max(0, …) is missing: negative margins count", wrong.sum()
    yield "the absolute margins are summed", abs(wrong).sum()
    yield "only the worst wrong class counts, not all", positive(m.max(axis=1))
    yield "the number of positive margins is counted", (m > 0).sum() * 1.0
    yield "margins above 0 are cut off at 1", np.clip(m, 0, 1).sum()
    for shift in (-1, 1):
        yield "labels are off by one", positive(margins(call, shift=shift))
    text = "labels are ignored: every class is compared with the highest score"
    yield text, positive(s - s.max(axis=1, keepdims=True) + a)


CLASS_LOSSES = (
    loss(
        "crossentropy",
        "-Σ t log p / N",
        cross_entropy,
        cross_entropy_mistakes,
        equals=cross_entropies,
        settings=("eps", "epsilon"),
    ),
    loss(
        "softmaxcrossentropy",
        "-Σ t log softmax(s) / N",
        softmax_cross_entropy,
        softmax_cross_entropy_mistakes,
        settings=("eps", "epsilon"),
    ),
    loss(
        "hinge",
        "Σ max(0, s_j - s_y + 1) / N",
        lambda call: positive(margins(call)),
        hinge_mistakes,
        settings=MARGIN,
    ),
)
