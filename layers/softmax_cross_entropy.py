"""Softmax and cross-entropy in one, on scores."""

import numpy as np
from numpy.typing import ArrayLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.kernels import differences
from chainrule.layers.layer import Loss


class SoftmaxCrossEntropy(Loss):
    """loss = - Σₙ Σⱼ t_nj log(p_nj) with p = softmax(scores), divided by N for reduction="mean".

    scores (N, C); targets: integer labels (N,), for which t is one-hot, or a distribution
    t (N, C) per row.
    dscores = (p - t) dloss, divided by N for reduction="mean"

    With z = scores - max, log p_j = z_j - log Σₖ exp(z_k), so no probability is rounded to 0
    before its logarithm is taken, and nothing overflows. The largest score adds exactly 1 to the
    sum. Kept apart from the rest it gives log(1 + rest), and p - t without 1 - 1 at the label, so
    that the loss of a confident right answer keeps its digits. A score may be -inf where t is 0;
    scores that are equal count as equal, also infinite ones.
    Raises ValueError for labels out of range and, for a mean, where N is 0.
    """

    def forward(
        self, scores: Floats, targets: ArrayLike, *, train: bool = True
    ) -> tuple[np.floating, Cache]:
        scores = self.score_rows(scores)
        weight = self.term_weight(len(scores))
        rows, top = np.arange(len(scores)), scores.argmax(axis=1)
        z = differences(scores, scores[rows, top, np.newaxis])
        error = np.exp(z)
        error[rows, top] = 0
        rest = error.sum(axis=1)  # the largest score itself adds 1
        log_sum = np.log1p(rest)
        error /= (1 + rest)[:, np.newaxis]  # p, but for the largest score
        if np.ndim(targets) == 1:
            y = self.labels(targets, scores)
            loss = (log_sum - z[rows, y]).sum()
            error[rows, y] -= 1
            t_top = (y == top).astype(scores.dtype)
        else:
            t = self.distribution(targets, scores)
            used = t > 0
            loss = (t[used] * (log_sum[:, np.newaxis] - z)[used]).sum()
            error -= t
            t_top = t[rows, top]
        error[rows, top] = ((1 - t_top) - t_top * rest) / (1 + rest)  # p - t there
        return loss * weight, (error, weight)

    def backward(self, dout: ArrayLike, cache: Cache) -> tuple[Floats, Grads]:
        error, weight = cache
        dout = self.upstream(dout, (), error.dtype)
        return error * (weight * dout), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "labels", cls(), rng.standard_normal((5, 4)), rng.integers(0, 4, 5)
        t = rng.dirichlet(np.ones(3), 5)
        yield "distributions, sum", cls("sum"), rng.standard_normal((5, 3)), t
