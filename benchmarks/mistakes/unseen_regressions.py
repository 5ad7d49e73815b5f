"""Other losses of numbers, a regression, and mistakes in them."""

import numpy as np

from benchmarks.mistakes.mistake import Mistake
from chainrule.layers import Layer


class SmoothL1(Layer):
    """d²/2 where |d| < 1, |d| - 1/2 elsewhere, averaged over all entries."""

    def forward(self, scores, targets, *, train=True):
        d = scores - targets
        far = np.abs(d) >= 1
        terms = np.where(far, np.abs(d) - 0.5, 0.5 * d**2)
        loss = np.mean(terms)
        return loss, (d, far)

    def backward(self, dout, cache):
        d, far = cache
        slope = np.where(far, np.sign(d), d)
        dscores = dout * slope / d.size
        return dscores, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), 2 * rng.normal(size=(6, 3)), rng.normal(size=(6, 3))


class Poisson(Layer):
    """exp(score) - t · score, averaged over all entries; t are counts."""

    def forward(self, scores, targets, *, train=True):
        rate = np.exp(scores)
        loss = np.mean(rate - targets * scores)
        return loss, (rate, targets)

    def backward(self, dout, cache):
        rate, targets = cache
        dscores = dout * (rate - targets) / rate.size
        return dscores, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(6, 3)), rng.poisson(2, (6, 3)).astype(float)


class LogisticRegression(Layer):
    """Cross-entropy of sigmoid(x w + c) with labels 0 and 1, plus l2/2 |w|²."""

    def __init__(self, D, rng=0, l2=0.2):
        super().__init__()
        rng = np.random.default_rng(rng)
        self.l2 = l2
        self.params["w"] = rng.normal(size=D)
        self.params["c"] = rng.normal(size=1)

    def forward(self, x, y, *, train=True):
        w = self.params["w"]
        z = x @ w + self.params["c"]
        loss = np.mean(np.logaddexp(z, 0) - y * z)
        loss += 0.5 * self.l2 * np.sum(w**2)
        return loss, (x, y, z, w)

    def backward(self, dout, cache):
        x, y, z, w = cache
        p = 0.5 + 0.5 * np.tanh(0.5 * z)
        dz = dout * (p - y) / len(x)
        dw = x.T @ dz
        dw += dout * self.l2 * w
        dc = dz.sum(keepdims=True)
        dx = np.outer(dz, w)
        return dx, {"w": dw, "c": dc}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, rng), rng.normal(size=(6, 4)), rng.integers(0, 2, 6).astype(float)


S = ("scores",)
LOSS = ("loss", "scores")
SL1 = "slope = np.where(far, np.sign(d), d)"
POISSON = "dscores = dout * (rate - targets) / rate.size"
DECAY = "dw += dout * self.l2 * w"
DZ = "dz = dout * (p - y) / len(x)"

MISTAKES = [
    Mistake(
        "sl1-square-only",
        SmoothL1,
        "mask",
        S,
        {SL1: "slope = d"},
        "The slope grows where the loss is linear.",
        also=("missing-term",),
    ),
    Mistake(
        "sl1-sign-only",
        SmoothL1,
        "mask",
        S,
        {SL1: "slope = np.sign(d)"},
        "The slope is ±1 where the loss is quadratic.",
        also=("missing-term",),
    ),
    Mistake(
        "sl1-branches",
        SmoothL1,
        "mask",
        S,
        {SL1: "slope = np.where(far, d, np.sign(d))"},
        "The branches are exchanged.",
        also=("swapped",),
    ),
    Mistake(
        "sl1-one-sided",
        SmoothL1,
        "mask",
        S,
        {
            "return loss, (d, far)": "return loss, (d, d >= 1)",
        },
        "Large negative differences count as small ones in backward.",
    ),
    Mistake(
        "sl1-no-sign",
        SmoothL1,
        "sign",
        S,
        {SL1: "slope = np.where(far, 1, d)"},
        "The slope of the linear part is 1 on both sides.",
    ),
    Mistake(
        "sl1-by-rows",
        SmoothL1,
        "scale",
        S,
        {"dscores = dout * slope / d.size": "dscores = dout * slope / len(d)"},
        "The gradient is averaged over the rows alone.",
    ),
    Mistake(
        "sl1-no-half",
        SmoothL1,
        "forward-bug",
        LOSS,
        {
            "terms = np.where(far, np.abs(d) - 0.5, 0.5 * d**2)": (
                "terms = np.where(far, np.abs(d) - 0.5, d**2)"
            )
        },
        "forward has d² where backward has d²/2.",
        also=("scale",),
    ),
    Mistake(
        "sl1-in-place",
        SmoothL1,
        "mutation",
        S,
        {"d = scores - targets": "np.subtract(scores, targets, out=scores)\nd = scores.copy()"},
        "forward writes the differences into the scores.",
        shows="mutation",
    ),
    Mistake(
        "poisson-no-exp",
        Poisson,
        "missing-term",
        S,
        {POISSON: "dscores = dout * (1 - targets) / rate.size"},
        "The derivative of the exponential is taken to be 1.",
    ),
    Mistake(
        "poisson-plus",
        Poisson,
        "sign",
        S,
        {POISSON: "dscores = dout * (rate + targets) / rate.size"},
        "The targets are added instead of subtracted.",
    ),
    Mistake(
        "poisson-no-mean",
        Poisson,
        "scale",
        S,
        {POISSON: "dscores = dout * (rate - targets)"},
        "The gradient is not averaged.",
    ),
    Mistake(
        "poisson-both-summed",
        Poisson,
        "forward-bug",
        ("loss",),
        {
            "loss = np.mean(rate - targets * scores)": "loss = np.sum(rate - targets * scores)",
            POISSON: "dscores = dout * (rate - targets)",
        },
        "The terms are summed, forward and backward alike, where the mean was wanted.",
        shows="forward",
        also=("scale",),
    ),
    Mistake(
        "poisson-scores",
        Poisson,
        "swapped",
        S,
        {"return loss, (rate, targets)": "return loss, (scores, targets)"},
        "backward takes the scores for rates.",
        also=("missing-term", "stale-cache"),
    ),
    Mistake(
        "poisson-dout-squared",
        Poisson,
        "scale",
        S,
        {POISSON: POISSON.replace("dout *", "dout * dout *")},
        "dout is multiplied in twice.",
        shows="other dout",
        also=("missing-term",),
    ),
    Mistake(
        "logreg-labels-plus-minus",
        LogisticRegression,
        "off-by-one-label",
        ("x", "w", "c"),
        {DZ: DZ.replace("(p - y)", "(p - 2 * y + 1)")},
        "backward takes the labels to be -1 and 1.",
        also=("missing-term",),
    ),
    Mistake(
        "logreg-no-l2",
        LogisticRegression,
        "missing-term",
        ("w",),
        {DECAY: ""},
        "The gradient of the penalty is missing.",
    ),
    Mistake(
        "logreg-l2-twice",
        LogisticRegression,
        "scale",
        ("w",),
        {DECAY: "dw += dout * 2 * self.l2 * w"},
        "The gradient of the penalty is doubled.",
    ),
    Mistake(
        "logreg-l2-only",
        LogisticRegression,
        "overwrite",
        ("w",),
        {DECAY: "dw = dout * self.l2 * w"},
        "The gradient of the penalty replaces that of the data.",
        also=("missing-term",),
    ),
    Mistake(
        "logreg-l2-sign",
        LogisticRegression,
        "sign",
        ("w",),
        {DECAY: "dw -= dout * self.l2 * w"},
        "The gradient of the penalty has the wrong sign.",
    ),
    Mistake(
        "logreg-l2-no-dout",
        LogisticRegression,
        "missing-term",
        ("w",),
        {DECAY: "dw += self.l2 * w"},
        "The penalty's gradient leaves out dout.",
        shows="other dout",
    ),
    Mistake(
        "logreg-scalar-c",
        LogisticRegression,
        "shape",
        ("c",),
        {"dc = dz.sum(keepdims=True)": "dc = dz.sum()"},
        "dc is a number where c is an array of one.",
    ),
    Mistake(
        "logreg-c-mean",
        LogisticRegression,
        "scale",
        ("c",),
        {"dc = dz.sum(keepdims=True)": "dc = dz.mean(keepdims=True)"},
        "dc is averaged over the batch once more.",
    ),
    Mistake(
        "logreg-data-sum",
        LogisticRegression,
        "scale",
        ("x", "w", "c"),
        {DZ: DZ.replace(" / len(x)", "")},
        "The gradient of the data is not averaged.",
    ),
    Mistake(
        "logreg-dw-of-p",
        LogisticRegression,
        "swapped",
        ("w",),
        {"dw = x.T @ dz": "dw = x.T @ p / len(x)"},
        "dw uses the predictions instead of their gradient.",
        also=("missing-term",),
    ),
]
