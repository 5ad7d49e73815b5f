"""The multiclass hinge loss, also called the SVM loss."""

import numpy as np
from numpy.typing import ArrayLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.kernels import differences
from chainrule.layers.layer import Loss


class Hinge(Loss):
    """loss = Σₙ Σ_{j ≠ y} max(0, s_nj - s_ny + 1), divided by N for reduction="mean".

    scores s (N, C); targets: integer labels y (N,).
    ds_nj = dloss where the term of the wrong class j is positive, else 0
    ds_ny = - dloss · (number of positive terms of row n);  both divided by N for "mean"
    At a kink, a term that is exactly 0, its slope is taken as 0.

    Raises ValueError for labels out of range and, for a mean, where N is 0.
    Source: Weston and Watkins, "Support Vector Machines for Multi-Class Pattern Recognition", 1999.
    """

    def forward(
        self,
        scores: Floats,
        targets: ArrayLike,
        row_weights: ArrayLike | None = None,
        *,
        train: bool = True,
    ) -> tuple[np.floating, Cache]:
        scores = self.score_rows(scores)
        y = self.labels(targets, scores)
        weight = self.term_weights(len(scores), scores, row_weights)
        rows = np.arange(len(scores))
        margins = (differences(scores, scores[rows, y, np.newaxis]) + 1).clip(0, np.inf)  # (N, C)
        margins[rows, y] = 0
        return self.weighted_sum(margins, weight), (margins, y, weight)

    def backward(self, dout: ArrayLike, cache: Cache) -> tuple[Floats, Grads]:
        margins, y, weight = cache
        dout = self.upstream(dout, (), margins.dtype)
        dscores = (margins > 0).astype(margins.dtype)
        dscores[np.arange(len(y)), y] = -dscores.sum(axis=1)
        return dscores * (weight * dout), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "labels", cls(), rng.standard_normal((5, 4)), rng.integers(0, 4, 5)
        yield "labels, sum", cls("sum"), 3 * rng.standard_normal((5, 3)), rng.integers(0, 3, 5)
        yield "on kinks", cls(), np.array([[1.0, 0.0, 0.0], [0.5, 1.5, 1.5]]), np.array([0, 1])
