"""The mean absolute error."""

import numpy as np
from numpy.typing import ArrayLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Loss


class L1(Loss):
    """loss = Σ |outputs - targets|, divided by the number of elements for reduction="mean".

    outputs and targets of one shape, (N, D) or any other; targets (N,) for outputs (N, 1), or
    integer labels (N,) for outputs (N, C), which are to be 1 for the label's class and else 0.
    doutputs = sign(outputs - targets) dloss, divided by the number of elements for
    reduction="mean"; 0 at the kink, where output and target are equal.

    Where an output and its target are the same infinite number, the loss is nan.
    Raises ValueError where the shapes differ and, for a mean, where there are no elements.
    """

    threshold = 0.5

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
        return self.weighted_sum(abs(error), weight), (error, weight)

    def backward(self, dout: ArrayLike, cache: Cache) -> tuple[Floats, Grads]:
        error, weight = cache
        dout = self.upstream(dout, (), error.dtype)
        return np.sign(error) * (weight * dout), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(), rng.standard_normal((5, 3)), rng.standard_normal((5, 3))
        yield "one output, sum", cls("sum"), rng.standard_normal(5), rng.standard_normal(5)
        yield "on kinks", cls(), np.array([[1.0, -2.0]]), np.array([[1.0, 0.0]])
