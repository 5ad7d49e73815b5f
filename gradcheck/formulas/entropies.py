"""Formulas of softmax with cross-entropy: plain, with smoothed labels, with weights of classes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.losses import (
    class_scores,
    entropy_mistakes,
    labels,
    log_likelihood,
    loss,
    reduced,
)
from chainrule.gradcheck.formulas.reference import Call, Inapplicable, Said
from chainrule.gradcheck.formulas.units import log_softmax, softmax

SMOOTHING = ("smoothing", "label_smoothing", "smooth")
WEIGHTS = ("class_weights", "weights", "weight", "class_weight", "w")


def apart(call: Call) -> tuple[Call, np.ndarray | None]:
    """The call with scores and targets alone, and the weights of the classes, an input or an
    attribute of the layer."""
    weights = next(
        (v for name in WEIGHTS if (v := getattr(call.layer, name, None)) is not None), None
    )
    if len(call.inputs) == 3 and call.names[2].lower() in WEIGHTS:
        weights, call = call.inputs[2], copy.copy(call)
        call.inputs, call.raw = call.inputs[:2], call.raw[:2]
    if weights is None:
        return call, None
    weights = np.asarray(weights, np.float64)
    if weights.shape != class_scores(call).shape[1:]:
        raise Inapplicable(f"weights of shape {weights.shape} are not one for each class")
    return call, weights


@dataclass
class Entropy:
    """-Σ w[c] t log softmax(s) with smoothed labels t and weights w of the classes."""

    scores: np.ndarray
    hard: np.ndarray
    weights: np.ndarray
    smoothing: float

    @property
    def soft(self) -> np.ndarray:
        return (1 - self.smoothing) * self.hard + self.smoothing / self.hard.shape[1]

    def total(self, soft: Any = None, weights: Any = None) -> Any:
        t = self.soft if soft is None else soft
        w = self.weights if weights is None else weights
        return log_likelihood(log_softmax(self.scores), t * w)

    def spread(self, call: Call) -> float:
        """What a mean over the weights of the labels is, beside one over the examples."""
        mean = getattr(call.layer, "reduction", "mean") == "mean"
        return len(self.hard) / float((self.hard * self.weights).sum()) if mean else 1.0

    def ways(self) -> Said:
        """What smoothing and weights are used for by mistake."""
        t, w, e, C = self.hard, self.weights, self.smoothing, self.hard.shape[1]
        if e:
            yield "the labels are not smoothed", self.total(t)
            yield (
                f"the true class has 1 - {e:g}, and lacks its share {e:g} / {C}",
                self.total(np.where(t == 1, 1 - e, e / C)),
            )
            text = f"the other classes have {e:g} / ({C} - 1), and the true one {e:g} / {C} more"
            yield text, self.total(np.where(t == 1, 1 - e + e / C, e / (C - 1)))
            yield f"every class has {e:g}, not {e:g} / {C}", self.total((1 - e) * t + e)
            yield "1 - smoothing and smoothing are exchanged", self.total(e * t + (1 - e) / C)
            yield (
                "the label keeps all its weight, and the others get theirs on top",
                self.total(t + e / C),
            )
        if np.ptp(w):
            yield "the classes are not weighted", self.total(weights=1.0)
            yield "it divides by the weights", self.total(weights=1 / w)
            yield "the weights are squared", self.total(weights=w * w)
            yield "the weights are in the opposite order of classes", self.total(weights=w[::-1])


def entropy(call: Call) -> Entropy:
    call, weights = apart(call)
    s, t = class_scores(call), labels(call)
    ones = np.ones(s.shape[1])
    smoothing = call.setting(*SMOOTHING, default=0.0)
    return Entropy(s, t, ones if weights is None else weights, smoothing)


def softmax_cross_entropy(call: Call) -> Any:
    """The mean is weighted, too: it divides by the sum of the weights of the labels."""
    one = entropy(call)
    return one.total() * one.spread(call)


def softmax_cross_entropies(call: Call) -> Iterator[Any]:
    """Others divide by the number of examples, or smooth among the C - 1 other classes."""
    one = entropy(call)
    e, C = one.smoothing, one.scores.shape[1]
    others = np.where(one.hard == 1, 1 - e, e / (C - 1))
    for total in (one.total(), one.total(others)) if e else (one.total(),):
        yield reduced(call, total, len(one.scores))
        yield reduced(call, total * one.spread(call), len(one.scores))


def softmax_cross_entropy_mistakes(call: Call) -> Said:
    one = entropy(call)
    s, t = one.scores, one.soft * one.weights * one.spread(call)
    for text, total, *_ in one.ways():
        yield text, total
        yield text, total * one.spread(call)
    yield from entropy_mistakes(t, softmax(s), log_softmax(s))
    yield "the softmax is over the wrong axis, 0", log_likelihood(log_softmax(s, 0), t)
    yield "softmax is applied twice", log_likelihood(log_softmax(softmax(s)), t)


ENTROPIES = (
    loss(
        "softmaxcrossentropy",
        "-Σ t log softmax(s) / N",
        softmax_cross_entropy,
        softmax_cross_entropy_mistakes,
        equals=softmax_cross_entropies,
        settings=("eps", "epsilon", *SMOOTHING),
    ),
)
