"""Softmax and cross-entropy in one, on scores."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.kernels import differences
from chainrule.layers.layer import Loss
from chainrule.layers.softmax import Softmax
from chainrule.layers.validation import is_finite


class SoftmaxCrossEntropy(Loss):
    """loss = - Σₙ Σⱼ t_nj log(p_nj) with p = softmax(scores), divided by N for reduction="mean".

    scores (N, C); targets: integer labels (N,), for which t is one-hot, or a distribution
    t (N, C) per row.
    dscores = (p - t) dloss, divided by N for reduction="mean"

    With `smoothing` s and `class_weights` w (C,), q_nj = w_j ((1 - s) t_nj + s / C) stands in the
    place of t_nj, and with Q_n = Σⱼ q_nj

        dscores = (Q_n p - q) dloss

    The mean for labels y is then divided by Σₙ w_yₙ, and for distributions by N, as in PyTorch.
    Row weights multiply q_nj, too, and leave what it is divided by.

    With z = scores - max, log p_j = z_j - log Σₖ exp(z_k), so no probability is rounded to 0
    before its logarithm is taken, and nothing overflows. The largest score adds exactly 1 to the
    sum. Kept apart from the rest it gives log(1 + rest), and p - t without 1 - 1 at the label, so
    that the loss of a confident right answer keeps its digits. A score may be -inf where t is 0;
    scores that are equal count as equal, also infinite ones.
    Raises ValueError for labels out of range and, for a mean, where N or the sum of the weights
    is 0.
    Source of smoothing: Szegedy et al., "Rethinking the Inception Architecture for Computer
    Vision", 2016, section 7.
    """

    probabilities_are = "the softmax of the network's outputs"

    def __init__(
        self,
        reduction: Literal["mean", "sum"] = "mean",
        *,
        smoothing: float = 0.0,
        class_weights: Sequence[float] | NDArray[np.floating] | None = None,
    ) -> None:
        super().__init__(reduction)
        self.smoothing = self.number("smoothing", smoothing, 0, 1)
        self.class_weights = None if class_weights is None else weights(class_weights)

    def forward(
        self,
        scores: Floats,
        targets: ArrayLike,
        row_weights: ArrayLike | None = None,
        *,
        train: bool = True,
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
        if self.smoothing or self.class_weights is not None or row_weights is not None:
            q, weight = self.weighted(targets, scores)
            if row_weights is not None:
                q *= self.checked_weights(row_weights, scores)[:, np.newaxis]
            cost = log_sum[:, np.newaxis] - z
            cost[q == 0] = 0  # also where it is infinite
            loss = np.vdot(q, cost)
            q_top = q[rows, top]
            error *= q.sum(axis=1, keepdims=True)
            error -= q
            q[rows, top] = 0
            error[rows, top] = (q.sum(axis=1) - q_top * rest) / (1 + rest)  # Q p - q there
        elif np.ndim(targets) == 1:
            y = self.labels(targets, scores)
            loss = (log_sum - z[rows, y]).sum()
            error[rows, y] -= 1
            t_top = (y == top).astype(scores.dtype)
            error[rows, top] = ((1 - t_top) - t_top * rest) / (1 + rest)  # p - t there
        else:
            t = self.distribution(targets, scores)
            used = t > 0
            loss = (t[used] * (log_sum[:, np.newaxis] - z)[used]).sum()
            error -= t
            t_top = t[rows, top]
            error[rows, top] = ((1 - t_top) - t_top * rest) / (1 + rest)
        return loss * weight, (error, weight)

    def weighted(self, targets: ArrayLike, scores: Floats) -> tuple[Floats, float]:
        """q (N, C), an array of its own, and what the sum over it is multiplied by."""
        N, C = scores.shape
        w = np.ones(C, scores.dtype)
        if self.class_weights is not None:
            if len(self.class_weights) != C:
                raise ValueError(
                    f"{self!r}: scores has {C} columns (shape {scores.shape}), expected "
                    f"{len(self.class_weights)}, one for each of class_weights"
                )
            w[:] = self.class_weights
        smoothing = self.smoothing
        if np.ndim(targets) == 2:
            t = self.distribution(targets, scores)
            return w * ((1 - smoothing) * t + smoothing / C), self.term_weight(N)
        y = self.labels(targets, scores)
        q = np.tile(w * (smoothing / C), (N, 1))
        q[np.arange(N), y] += (1 - smoothing) * w[y]
        if self.reduction == "sum":
            return q, 1.0
        total = float(w[y].sum())
        if total == 0:
            raise ValueError(
                f"{self!r}: all targets are of classes with weight 0, and their mean has no "
                f"meaning; pass at least one of another class"
            )
        return q, 1 / total

    def backward(self, dout: ArrayLike, cache: Cache) -> tuple[Floats, Grads]:
        error, weight = cache
        dout = self.upstream(dout, (), error.dtype)
        return error * (weight * dout), {}

    def probabilities(self, scores: Floats) -> Floats:
        return Softmax().forward(scores, train=False)[0]

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "labels", cls(), rng.standard_normal((5, 4)), rng.integers(0, 4, 5)
        t = rng.dirichlet(np.ones(3), 5)
        yield "distributions, sum", cls("sum"), rng.standard_normal((5, 3)), t
        smooth = cls(smoothing=0.1, class_weights=[1, 0.5, 2, 0])
        yield "smoothed, weighted", smooth, rng.standard_normal((5, 4)), rng.integers(0, 3, 5)


def weights(given: Sequence[float] | NDArray[np.floating]) -> tuple[float, ...]:
    """`given` as numbers that JSON can hold. Raises ValueError unless they are weights."""
    is_row = isinstance(given, Sequence) or (isinstance(given, np.ndarray) and given.ndim == 1)
    if not is_row or not all(is_finite(w) and w >= 0 for w in given) or not any(given):
        raise ValueError(
            f"SoftmaxCrossEntropy: class_weights must be a finite number of at least 0 for each "
            f"class, and one of them above 0, got {given!r}"
        )
    return tuple(float(w) for w in given)
