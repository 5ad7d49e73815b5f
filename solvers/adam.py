"""Adam, and AdamW with its decoupled weight decay."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from chainrule.layers.validation import number
from chainrule.solvers.rule import UpdateRule


class Adam(UpdateRule):
    """Momentum and RMSProp in one, both corrected for starting at zero:

        t ← t + 1
        m ← beta1 m + (1 − beta1) dw          m̂ = m / (1 − beta1ᵗ)
        v ← beta2 v + (1 − beta2) dw²         v̂ = v / (1 − beta2ᵗ)
        w ← w − lr m̂ / (√v̂ + eps)

    starting from t = 0, m = 0, v = 0. The very first step moves every entry by lr. Kingma & Ba
    2015, "Adam: A Method for Stochastic Optimization", algorithm 1, with the paper's defaults.

    `state` holds M = m / (1 − beta1) and V = v / (1 − beta2) in place of m and v: the sums need
    no factor on dw, and all constants gather in two numbers a step. The updates are the same
    but for rounding, and take four fifths of the time.
    """

    memory = ("M", "V")

    def __init__(
        self, lr: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
    ) -> None:
        super().__init__(lr)
        self.beta1 = number(self, "beta1", beta1, 0, 1, but=1)
        self.beta2 = number(self, "beta2", beta2, 0, 1, but=1)
        self.eps = number(self, "eps", eps, 0, but=0)
        self.state["t"] = np.zeros((), np.int64)

    def begin_step(self, params: Mapping[str, np.ndarray]) -> None:
        self.state["t"] += 1
        t = int(self.state["t"])
        scale = ((1 - self.beta2**t) / (1 - self.beta2)) ** 0.5  # √V = scale · √v̂
        self._rate = self.lr * (1 - self.beta1) / (1 - self.beta1**t) * scale
        self._eps = self.eps * scale

    def step(self, w: np.ndarray, dw: np.ndarray, *memory: np.ndarray) -> None:
        M, V = memory
        M *= self.beta1
        M += dw
        V *= self.beta2
        fall = np.square(dw, dtype=V.dtype)
        V += fall
        np.sqrt(V, out=fall)
        fall += self._eps
        np.divide(M, fall, out=fall)
        fall *= self._rate
        w -= fall  # lr m̂ / (√v̂ + eps)


class AdamW(Adam):
    """Adam, and weights that decay by themselves: w ← w − lr weight_decay w, then Adam's step.

    The decay does not pass through Adam's division by √v̂ as the gradient of an L2 penalty
    would. Weights alone decay: the parameters named in `weights`, which a `Solver` sets to what
    its model declares; where it is None, those with two or more dimensions.
    Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2; as in
    PyTorch, whose default weight_decay this is, the factor is lr times weight_decay, where the
    paper multiplies by the schedule's factor alone.
    """

    def __init__(
        self,
        lr: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(lr, beta1, beta2, eps)
        self.weight_decay = number(self, "weight_decay", weight_decay, 0, but=0)

    def begin_step(self, params: Mapping[str, np.ndarray]) -> None:
        decaying = self.decaying(params)
        super().begin_step(params)
        for name in decaying:
            w = params[name]
            w *= 1 - self.lr * self.weight_decay
