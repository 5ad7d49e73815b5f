"""Huber's loss."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Loss


class Huber(Loss):
    """loss = Σ h(outputs - targets), divided by the number of elements for reduction="mean", with
    h(e) = e² / 2 where |e| ≤ delta, else delta (|e| - delta / 2).

    outputs and targets of one shape, (N, D) or any other; targets (N,) for outputs (N, 1), or
    integer labels (N,) for outputs (N, C), which are to be 1 for the label's class and else 0.
    doutputs = min(max(e, -delta), delta) dloss, divided by the number of elements for
    reduction="mean": an error beyond delta pulls no harder than one of delta.

    Where an output and its target are the same infinite number, the loss is nan.
    Raises ValueError where the shapes differ and, for a mean, where there are no elements.
    Source: Huber, "Robust Estimation of a Location Parameter", 1964.
    """

    threshold = 0.5

    def __init__(self, delta: float = 1.0, reduction: Literal["mean", "sum"] = "mean") -> None:
        super().__init__(reduction)
        self.delta = self.number("delta", delta, 0, np.inf)
        if delta == 0:
            raise ValueError("Huber: delta must be above 0, got 0: the loss would be 0 everywhere")

    def forward(
        self,
        outputs: Floats,
        targets: ArrayLike,
        row_weights: ArrayLike | None = None,
        *,
        train: bool = True,
    ) -> tuple[np.floating, Cache]:
        outputs = self.floats(outputs, "outputs")
        weight = self.term_weights(outputs.size, outputs, row_weights)
        error = outputs - self.like(targets, outputs)
        size, slope = abs(error), error.clip(-self.delta, self.delta)
        terms = abs(slope) * (size - abs(slope) / 2)
        return self.weighted_sum(terms, weight), (slope, weight)

    def backward(self, dout: ArrayLike, cache: Cache) -> tuple[Floats, Grads]:
        slope, weight = cache
        dout = self.upstream(dout, (), slope.dtype)
        return slope * (weight * dout), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(0.7), rng.standard_normal((5, 3)), rng.standard_normal((5, 3))
        yield (
            "one output, sum",
            cls(2, "sum"),
            2 * rng.standard_normal(5),
            2 * rng.standard_normal(5),
        )
        yield "at the bends", cls(), np.array([[1.0, -2.0, 0.5]]), np.array([[0.0, -1.0, 0.5]])
