"""RMSProp."""

from __future__ import annotations

import numpy as np

from chainrule.layers.validation import number
from chainrule.solvers.rule import UpdateRule


class RMSProp(UpdateRule):
    """s ← decay s + (1 − decay) dw²;  w ← w − lr dw / (√s + eps), starting from s = 0.

    AdaGrad with a sum that forgets: s averages the last 1 / (1 − decay) gradients or so. It
    starts at zero and is not corrected for that, so the first step is lr / √(1 − decay), ten
    times lr by default. Tieleman & Hinton 2012, lecture 6.5 of "Neural Networks for Machine
    Learning"; the defaults, and eps outside the root, are CS231n's.
    """

    memory = ("square",)

    def __init__(self, lr: float = 1e-2, decay: float = 0.99, eps: float = 1e-8) -> None:
        super().__init__(lr)
        self.decay = number(self, "decay", decay, 0, 1, but=1)
        self.eps = number(self, "eps", eps, 0, but=0)

    def step(self, w: np.ndarray, dw: np.ndarray, *memory: np.ndarray) -> None:
        (s,) = memory
        s *= self.decay
        s += (1 - self.decay) * dw * dw
        w -= self.lr * dw / (np.sqrt(s) + self.eps)
