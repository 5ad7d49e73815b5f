"""The formula of all update rules, with its settings and with switches for what can go wrong.

For each parameter w, gradient g and step t = 1, 2, …, with m and v starting at 0:

    g ← g + weight_decay w                        L2; AdamW takes lr weight_decay w off w instead
    m ← keep1 m + add1 g                          SGD 0, 1; momentum μ, 1; Adam beta1, 1 - beta1
    v ← keep2 v + add2 g²                         AdaGrad 1, 1; RMSProp decay, 1 - decay; Adam beta2
    m̂ = m / (1 - beta1ᵗ),  v̂ = v / (1 - beta2ᵗ)   Adam alone
    w ← w - lr m̂ / (√v̂ + eps)                     no division where there is no v
    Nesterov: keep1 m + g in place of m

A rule that keeps lr inside its velocity does the same, because lr stays what it is here.

Sources: Polyak 1964; Sutskever et al. 2013 (Nesterov); Duchi et al. 2011 (AdaGrad); Tieleman and
Hinton 2012 (RMSProp); Kingma and Ba 2015 (Adam); Loshchilov and Hutter 2019 (AdamW).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Formula:
    """The formula above. The fields below `weight_decay` are switches: as they stand, the formula
    is the textbook's, and a mistake turns one of them."""

    lr: float
    keep1: float = 0.0
    add1: float = 1.0
    keep2: float | None = None  # None: no second moment, no division
    add2: float = 1.0
    beta1: float | None = None  # None: no bias correction
    beta2: float | None = None
    eps: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    lr_decay: float = 0.0  # lr / (1 + lr_decay (t - 1))
    decay_by: str = "gradient"  # or "weights", as AdamW does
    decays: str = "all"  # or "weights"
    correct1: str = "divide"
    correct2: str = "divide"
    t_counts: str = "updates"  # or "parameters", or "both"
    square: str = "g²"
    root: str = "√v + eps"
    direction: str = "new"  # or "old": m from before its update, or "twice": (1 + keep1) m
    average: str = "new"  # or "old": v from before its update
    start: float = 0.0  # of v

    def run(self, params: Arrays, gradients: list[Arrays]) -> list[Arrays]:
        """The parameters after each step."""
        params = {name: w.astype(np.float64) for name, w in params.items()}
        m = {name: np.zeros_like(w) for name, w in params.items()}
        v = {name: np.full_like(w, self.start) for name, w in params.items()}
        path = []
        for step, grads in enumerate(gradients, start=1):
            for place, (name, w) in enumerate(params.items()):
                t = {
                    "updates": step,
                    "parameters": (step - 1) * len(params) + place + 1,
                    "both": (step - 1) * (len(params) + 1) + place + 2,
                }[self.t_counts]
                params[name] = self.step(w, grads[name], name, m, v, t)
            path.append(dict(params))
        return path

    def step(
        self, w: np.ndarray, g: np.ndarray, name: str, m: Arrays, v: Arrays, t: int
    ) -> np.ndarray:
        """w after one step; writes the new moments into m and v."""
        decay = self.weight_decay if self.decays == "all" or w.ndim > 1 else 0.0
        if self.decay_by == "gradient":
            g = g + decay * w
        lr = self.lr / (1 + self.lr_decay * (t - 1))
        old_m, old_v = m[name], v[name]
        m[name] = self.keep1 * old_m + self.add1 * g
        first = m[name] if self.direction == "new" else old_m
        if self.nesterov:
            k = self.keep1
            first = (1 + k) * m[name] if self.direction == "twice" else k * first + g
        first = first / correction(self.beta1, self.correct1, t)
        if self.keep2 is not None:
            square = {"g²": g * g, "|g|": abs(g)}[self.square]
            v[name] = self.keep2 * old_v + self.add2 * square
            second = v[name] if self.average == "new" else old_v
            first = self.divided(first, second, correction(self.beta2, self.correct2, t))
        return w - lr * first - (lr * decay * w if self.decay_by == "weights" else 0)

    def divided(self, m: np.ndarray, v: np.ndarray, c: float) -> np.ndarray:
        """m / (√(v / c) + eps), or what is written in its place."""
        vhat = v / c
        by = {
            "√v + eps": np.sqrt(vhat) + self.eps,
            "√(v + eps)": np.sqrt(vhat + self.eps),
            "√v": np.sqrt(vhat),
            "v + eps": vhat + self.eps,
            "√v + eps, then corrected": (np.sqrt(v) + self.eps) / np.sqrt(c),
            "1": 1.0,
        }
        return m / by[self.root]


def correction(beta: float | None, how: str, t: int) -> float:
    """What a moment is divided by, because it started at 0."""
    if beta is None:
        return 1.0
    factors = {
        "divide": 1 - beta**t,
        "multiply": 1 / (1 - beta**t),
        "none": 1.0,
        "constant": 1 - beta,
    }
    return factors[how]
