"""Softmax and cross-entropy in one, on scores."""

import numpy as np

from layers.layer import Loss


class SoftmaxCrossEntropy(Loss):
    """loss = - Σₙ Σⱼ t_nj log(p_nj) with p = softmax(scores), divided by N for reduction="mean".

    scores (N, C); targets: integer labels (N,), for which t is one-hot, or a distribution
    t (N, C) per row.
    dscores = (p - t) dloss, divided by N for reduction="mean"

    With z = scores - max and s = Σⱼ exp(z_j), log p_j = z_j - log s: no probability is ever
    rounded to 0 before its logarithm is taken, and nothing overflows.
    Raises ValueError for labels out of range and, for a mean, where N is 0.
    """

    def forward(self, scores, targets, *, train=True):
        scores = self.score_rows(scores)
        t = self.distribution(targets, scores)
        weight = self.weight(len(scores))
        z = scores - scores.max(axis=1, keepdims=True)
        p = np.exp(z)
        s = p.sum(axis=1, keepdims=True)
        p /= s
        return (t * (np.log(s) - z)).sum() * weight, (p, t, weight)

    def backward(self, dout, cache):
        p, t, weight = cache
        dout = self.upstream(dout, (), p.dtype)
        return (p - t) * (weight * dout), {}

    @classmethod
    def examples(cls, rng):
        yield "labels", cls(), rng.standard_normal((5, 4)), rng.integers(0, 4, 5)
        t = rng.dirichlet(np.ones(3), 5)
        yield "distributions, sum", cls("sum"), rng.standard_normal((5, 3)), t
