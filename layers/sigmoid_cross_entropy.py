"""Sigmoid and binary cross-entropy in one, on scores."""

import numpy as np
from numpy.typing import ArrayLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Loss, exp_limit
from chainrule.layers.sigmoid import Sigmoid


class SigmoidCrossEntropy(Loss):
    """loss = - Σ (t log p + (1 - t) log(1 - p)) with p = σ(scores), divided by the number of
    elements for reduction="mean".

    scores (N, C) for C yes-or-no questions per example, or of any other shape; targets t: 0, 1 or
    a probability, of the shape of scores; or integer labels (N,), which for C = 1 are the two
    classes 0 and 1, and for more ask of each class "this one or not?".
    dscores = (p - t) dloss, divided by the number of elements for reduction="mean"

    Computed, with s = scores, so that nothing cancels:
    loss = Σ (1 - t) max(s, 0) + t max(-s, 0) + log(1 + exp(-|s|)), where no term is negative;
    p - t = ((1 - t) eˢ - t) / (1 + eˢ).
    Raises ValueError for targets outside [0, 1] and, for a mean, where there are no elements.
    """

    probabilities_are = (
        "the sigmoid of each output of the network on its own, so that those of a row need not "
        "sum to 1"
    )

    def forward(
        self,
        scores: Floats,
        targets: ArrayLike,
        row_weights: ArrayLike | None = None,
        *,
        train: bool = True,
    ) -> tuple[np.floating, Cache]:
        scores = self.floats(scores, "scores")
        t = self.like(targets, scores)
        self.reject(~((t >= 0) & (t <= 1)), t, "targets", "a probability from 0 to 1")
        weight = self.term_weights(scores.size, scores, row_weights)
        rest = np.log1p(np.exp(-abs(scores)))
        # Where the target agrees, a term is 0 at infinite scores too, and not 0 · inf.
        loss = np.multiply(1 - t, scores.clip(0, np.inf), out=np.zeros_like(rest), where=t < 1)
        loss -= np.multiply(t, scores.clip(-np.inf, 0), out=np.zeros_like(rest), where=t > 0)
        loss += rest
        return self.weighted_sum(loss, weight), (scores, t, weight)

    def backward(self, dout: ArrayLike, cache: Cache) -> tuple[Floats, Grads]:
        scores, t, weight = cache
        dout = self.upstream(dout, (), scores.dtype)
        e = np.exp(scores.clip(-np.inf, exp_limit(scores.dtype)))
        return ((1 - t) * e - t) / (1 + e) * (weight * dout), {}

    def probabilities(self, scores: Floats) -> Floats:
        return Sigmoid().forward(scores, train=False)[0]

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "binary", cls(), rng.standard_normal((5, 1)), rng.integers(0, 2, 5)
        yield "multi-label, sum", cls("sum"), rng.standard_normal((5, 3)), rng.random((5, 3))
        yield "one against the rest", cls(), rng.standard_normal((5, 4)), rng.integers(0, 4, 5)
