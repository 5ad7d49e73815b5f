"""Stochastic gradient descent, with momentum if wanted."""

from __future__ import annotations

import numpy as np

from chainrule.layers.validation import number
from chainrule.solvers.rule import UpdateRule


class SGD(UpdateRule):
    """w ← w − lr dw

    With momentum (Polyak 1964), μ > 0, starting from v = 0:

        v ← μ v − lr dw
        w ← w + v                      plain momentum
        w ← w + μ v − lr dw            nesterov=True, v being the new velocity

    The second form is Nesterov's in the variables of Sutskever et al. 2013, "On the importance
    of initialization and momentum in deep learning": gradients are taken where momentum is about
    to carry the parameters. μ = 0.9 is a good start.

    The learning rate is inside the velocity, as in CS231n. PyTorch keeps v ← μ v + dw and
    applies w ← w − lr v: the same while lr is constant, but there a new lr also rescales the
    velocity gathered so far, and here it does not.
    """

    def __init__(self, lr: float, momentum: float = 0.0, nesterov: bool = False) -> None:
        super().__init__(lr)
        self.momentum = number(self, "momentum", momentum, 0, 1, but=1)
        self.nesterov = nesterov
        if nesterov and not momentum:
            raise ValueError("SGD(nesterov=True): momentum must be above 0")
        self.memory = ("velocity",) if momentum else ()

    def step(self, w: np.ndarray, dw: np.ndarray, *memory: np.ndarray) -> None:
        if not memory:
            w -= self.lr * dw
            return
        (v,) = memory
        fall = self.lr * dw
        v *= self.momentum
        v -= fall
        if self.nesterov:
            w += self.momentum * v
            w -= fall
        else:
            w += v
