"""Softmax and cross-entropy at each step of a sequence."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Loss, unmasked
from chainrule.layers.softmax import Softmax
from chainrule.layers.softmax_cross_entropy import SoftmaxCrossEntropy


class SequenceCrossEntropy(Loss):
    """loss = - Σ m_nt log(p_nt[y_nt]) with p = softmax(scores), over the steps that count, divided
    by how many these are for reduction="mean", or by N for reduction="sequences", the mean of the
    sums over time.

    scores (N, T, V); targets: integer labels (N, T); perhaps a mask m (N, T), of booleans, True
    where a step counts, or row_weights (N,). Steps whose label is `ignore` do not count either.
    dscores = m (p - t) dloss, divided likewise; t is one-hot, and 0 stands where a step does not
    count

    Raises ValueError for labels out of range where a step counts, and for a mean where none does.
    """

    probabilities_are = "the softmax of the network's outputs at each step"

    def __init__(
        self,
        reduction: Literal["mean", "sum", "sequences"] = "mean",
        *,
        ignore: int | None = None,
    ) -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "sequences"):
            raise ValueError(
                f"SequenceCrossEntropy: reduction must be 'mean', 'sum' or 'sequences', got "
                f"{reduction!r}"
            )
        self.reduction = reduction  # type: ignore[assignment]
        self.ignore = ignore

    def forward(
        self,
        scores: Floats,
        targets: ArrayLike,
        row_weights: ArrayLike | None = None,
        *,
        train: bool = True,
    ) -> tuple[np.floating, Cache]:
        scores = self.floats(scores, "scores")
        y = unmasked(self, "targets", targets)
        if scores.ndim != 3 or y.shape != scores.shape[:2] or y.dtype.kind not in "iu":
            raise ValueError(
                f"{self!r}: scores has shape {scores.shape}, targets {y.shape} and dtype "
                f"{y.dtype}; expected (N, T, V) and integer labels (N, T)"
            )
        counts, weights = self.counted(y, row_weights, scores)
        total = int(counts.sum())
        divisor = {"mean": total, "sum": 1, "sequences": len(scores)}[self.reduction]
        if divisor == 0:
            raise ValueError(
                f"{self!r}: the mean over an empty batch, in which no step counts, has no meaning"
            )
        step = SoftmaxCrossEntropy("sum")
        loss, cache = step.forward(scores[counts], y[counts], weights)
        return loss / divisor, (step, cache, counts, divisor, scores.shape, scores.dtype)

    def backward(self, dout: ArrayLike, cache: Cache) -> tuple[Floats, Grads]:
        step, within, counts, divisor, shape, dtype = cache
        dout = self.upstream(dout, (), dtype)
        dscores = np.zeros(shape, dtype)
        dscores[counts], _ = step.backward(dout / divisor, within)
        return dscores, {}

    def counted(
        self, y: NDArray[np.integer], given: ArrayLike | None, scores: Floats
    ) -> tuple[NDArray[np.bool], Floats | None]:
        """Which steps count (N, T), and the weight of each of these, if there are row weights."""
        counts = np.ones(y.shape, bool) if self.ignore is None else y != self.ignore
        if given is None:
            return counts, None
        mask = unmasked(self, "the mask", given)
        if mask.dtype == bool and mask.shape == y.shape:
            return counts & mask, None
        weights = self.checked_weights(mask, scores)
        return counts, np.broadcast_to(weights[:, np.newaxis], y.shape)[counts]

    def probabilities(self, scores: Floats) -> Floats:
        return Softmax().forward(scores, train=False)[0]

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        scores, y = rng.standard_normal((2, 4, 3)), rng.integers(0, 3, (2, 4))
        yield "labels", cls(), scores, y
        yield "of sequences, some steps ignored", cls("sequences", ignore=0), scores, y
        yield "with a mask", cls("sum"), scores, y, rng.random((2, 4)) < 0.7
