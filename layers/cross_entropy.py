"""The cross-entropy of probabilities."""

import numpy as np
from numpy.typing import ArrayLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Loss


class CrossEntropy(Loss):
    """loss = - Σₙ Σⱼ t_nj log(p_nj), divided by N for reduction="mean".

    p (N, C), probabilities; targets: integer labels (N,), for which t is one-hot, or a
    distribution t (N, C) per row.
    dp = -t / p · dloss, divided by N for reduction="mean"

    A probability below the smallest normal number is taken as that number, so that a certain
    mistake costs much (708 in float64, 87 in float32) and not infinitely much. On the scores of
    a network `SoftmaxCrossEntropy` is the better choice.
    Raises ValueError for p below 0 or above 1 (by more than 1e-4, which rounding is allowed), for
    labels out of range and, for a mean, where N is 0.
    """

    probabilities_are = "the network's outputs"

    def forward(
        self,
        p: Floats,
        targets: ArrayLike,
        row_weights: ArrayLike | None = None,
        *,
        train: bool = True,
    ) -> tuple[np.floating, Cache]:
        p = self.score_rows(p, "p")
        outside = (p < 0) | (p > 1 + 1e-4)
        self.reject(outside, p, "p", "a probability; scores go to SoftmaxCrossEntropy")
        t = self.distribution(targets, p)
        weight = self.term_weights(len(p), p, row_weights)
        p = np.maximum(p, np.finfo(p.dtype).tiny)
        return self.weighted_sum(t * -np.log(p), weight), (p, t, weight)

    def backward(self, dout: ArrayLike, cache: Cache) -> tuple[Floats, Grads]:
        p, t, weight = cache
        dout = self.upstream(dout, (), p.dtype)
        return -(weight * dout) * (t / p), {}

    def probabilities(self, scores: Floats) -> Floats:
        return scores

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "labels", cls(), rng.dirichlet(np.ones(4), 5), rng.integers(0, 4, 5)
        t = rng.dirichlet(np.ones(3), 5)
        yield "distributions, sum", cls("sum"), rng.dirichlet(np.ones(3), 5), t
