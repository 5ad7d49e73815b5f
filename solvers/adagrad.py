"""AdaGrad."""

from __future__ import annotations

import numpy as np

from chainrule.layers.validation import number
from chainrule.solvers.rule import UpdateRule


class AdaGrad(UpdateRule):
    """s ← s + dw²;  w ← w − lr dw / (√s + eps), starting from s = 0.

    Every entry of a parameter has its own step size, which shrinks with the gradients it has
    seen; the sum never forgets, so steps only get smaller. The very first step moves every
    entry by lr. Duchi, Hazan & Singer 2011, "Adaptive Subgradient Methods".
    """

    memory = ("squares",)

    def __init__(self, lr: float = 1e-2, eps: float = 1e-8) -> None:
        super().__init__(lr)
        self.eps = number(self, "eps", eps, 0, but=0)

    def step(self, w: np.ndarray, dw: np.ndarray, *memory: np.ndarray) -> None:
        (s,) = memory
        s += dw * dw
        w -= self.lr * dw / (np.sqrt(s) + self.eps)
