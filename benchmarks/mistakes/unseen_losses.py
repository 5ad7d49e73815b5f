"""Other losses of classes, and mistakes in them."""

import numpy as np

from benchmarks.mistakes.mistake import Mistake
from chainrule.layers import Layer


class CrossEntropyOfProbabilities(Layer):
    """-log p at the label, averaged over the batch; the scores are probabilities."""

    def forward(self, scores, targets, *, train=True):
        rows = np.arange(len(scores))
        picked = scores[rows, targets]
        loss = -np.mean(np.log(picked))
        return loss, (scores.shape, rows, targets, picked)

    def backward(self, dout, cache):
        shape, rows, targets, picked = cache
        dscores = np.zeros(shape, picked.dtype)
        dscores[rows, targets] = -dout / picked / len(picked)
        return dscores, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.dirichlet(np.full(4, 5), 6), rng.integers(0, 4, 6)


class KLDivergence(Layer):
    """Σ t (log t - log softmax(scores)), averaged over the batch, for distributions t."""

    def forward(self, scores, targets, *, train=True):
        z = scores - scores.max(axis=1, keepdims=True)
        logq = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        loss = np.sum(targets * (np.log(targets) - logq)) / len(scores)
        return loss, (np.exp(logq), targets)

    def backward(self, dout, cache):
        q, targets = cache
        gap = q - targets
        dscores = dout * gap / len(q)
        return dscores, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(6, 4)), rng.dirichlet(np.ones(4), 6)


class Focal(Layer):
    """(1 - p)^2 · -log p with p = sigmoid of the score, or of minus it where the target is 0."""

    def forward(self, scores, targets, *, train=True):
        sign = np.where(targets > 0, 1, -1).astype(scores.dtype)
        logp = -np.logaddexp(-sign * scores, 0)
        p = np.exp(logp)
        miss = 1 - p
        loss = -np.mean(miss**2 * logp)
        return loss, (sign, logp, p, miss)

    def backward(self, dout, cache):
        sign, logp, p, miss = cache
        slope = 2 * miss**2 * p * logp
        slope -= miss**3
        dscores = dout * sign * slope / slope.size
        return dscores, {}

    @classmethod
    def examples(cls, rng):
        targets = rng.integers(0, 2, (6, 3)).astype(float)
        yield "plain", cls(), rng.normal(size=(6, 3)), targets


S = ("scores",)
LOSS = ("loss", "scores")
CEP = "dscores[rows, targets] = -dout / picked / len(picked)"
LOGQ = "logq = z - np.log(np.exp(z).sum(axis=1, keepdims=True))"
KL = "dscores = dout * gap / len(q)"
KLFORWARD = "loss = np.sum(targets * (np.log(targets) - logq)) / len(scores)"
FOCAL = "dscores = dout * sign * slope / slope.size"

MISTAKES = [
    Mistake(
        "cep-sign",
        CrossEntropyOfProbabilities,
        "sign",
        S,
        {CEP: CEP.replace("= -", "= ")},
        "The minus of the loss is missing.",
    ),
    Mistake(
        "cep-no-mean",
        CrossEntropyOfProbabilities,
        "scale",
        S,
        {CEP: "dscores[rows, targets] = -dout / picked"},
        "The gradient is not averaged over the batch.",
    ),
    Mistake(
        "cep-mean-of-all",
        CrossEntropyOfProbabilities,
        "scale",
        S,
        {CEP: "dscores[rows, targets] = -dout / picked / dscores.size"},
        "The gradient is averaged over examples and classes.",
    ),
    Mistake(
        "cep-no-division",
        CrossEntropyOfProbabilities,
        "missing-term",
        S,
        {CEP: "dscores[rows, targets] = -dout / len(picked)"},
        "The derivative 1/p of the logarithm is missing.",
    ),
    Mistake(
        "cep-labels-from-one",
        CrossEntropyOfProbabilities,
        "off-by-one-label",
        S,
        {CEP: CEP.replace("targets]", "targets - 1]")},
        "backward counts the labels from 1.",
    ),
    Mistake(
        "cep-forward-labels-from-one",
        CrossEntropyOfProbabilities,
        "off-by-one-label",
        LOSS,
        {"picked = scores[rows, targets]": "picked = scores[rows, targets - 1]"},
        "forward counts the labels from 1, backward from 0.",
        also=("forward-bug",),
    ),
    Mistake(
        "cep-softmax-gradient",
        CrossEntropyOfProbabilities,
        "missing-term",
        S,
        {CEP: "dscores[rows, targets] = dout * (picked - 1) / len(picked)"},
        "The gradient is that of scores which still go through a softmax.",
        also=("swapped",),
    ),
    Mistake(
        "cep-guard",
        CrossEntropyOfProbabilities,
        "stability",
        LOSS,
        {"loss = -np.mean(np.log(picked))": "loss = -np.mean(np.log(picked + 1e-3))"},
        "A guard inside the logarithm, unknown to backward, flattens the loss.",
        shows="small",
        also=("forward-bug",),
    ),
    Mistake(
        "cep-ignores-dout",
        CrossEntropyOfProbabilities,
        "missing-term",
        S,
        {CEP: CEP.replace("-dout", "-1.0")},
        "dout is taken to be 1.",
        shows="other dout",
    ),
    Mistake(
        "cep-column",
        CrossEntropyOfProbabilities,
        "axis",
        S,
        {CEP: "dscores[:, targets] = -dout / picked / len(picked)"},
        "Whole columns are written where one entry per row is meant.",
        also=("mask", "overwrite"),
    ),
    Mistake(
        "cep-shared-buffer",
        CrossEntropyOfProbabilities,
        "stale-cache",
        S,
        {
            "picked = scores[rows, targets]": "self.picked = picked = scores[rows, targets]",
            "shape, rows, targets, picked = cache": (
                "shape, rows, targets, _ = cache\npicked = self.picked"
            ),
        },
        "backward reads what the latest forward pass picked.",
        shows="interleaved",
    ),
    Mistake(
        "kl-sign",
        KLDivergence,
        "sign",
        S,
        {"gap = q - targets": "gap = targets - q"},
        "The gradient points uphill.",
    ),
    Mistake(
        "kl-only-targets",
        KLDivergence,
        "missing-term",
        S,
        {"gap = q - targets": "gap = -targets"},
        "What comes through the normaliser is missing.",
    ),
    Mistake(
        "kl-all-entries",
        KLDivergence,
        "scale",
        S,
        {KL: "dscores = dout * gap / gap.size"},
        "The gradient is averaged over the classes, too.",
    ),
    Mistake(
        "kl-mean-everything",
        KLDivergence,
        "forward-bug",
        LOSS,
        {
            KLFORWARD: "loss = np.mean(targets * (np.log(targets) - logq))",
            KL: "dscores = dout * gap / gap.size",
        },
        "The terms are averaged over the classes, forward and backward alike.",
        shows="forward",
        also=("scale",),
    ),
    Mistake(
        "kl-normalises-batch",
        KLDivergence,
        "forward-bug",
        LOSS,
        {LOGQ: "logq = z - np.log(np.exp(z).sum(axis=0))"},
        "forward normalises over the batch.",
        also=("axis",),
    ),
    Mistake(
        "kl-extra-q",
        KLDivergence,
        "missing-term",
        S,
        {"gap = q - targets": "gap = q * (q - targets)"},
        "A factor q is multiplied in once too often.",
        also=("scale",),
    ),
    Mistake(
        "kl-naive",
        KLDivergence,
        "stability",
        LOSS,
        {LOGQ: "q = np.exp(z)\nq = q / q.sum(axis=1, keepdims=True)\nlogq = np.log(q)"},
        "The logarithm is taken of a probability that rounds to 0.",
        shows="large",
    ),
    Mistake(
        "kl-q-in-place",
        KLDivergence,
        "mutation",
        ("cache",),
        {"gap = q - targets": "q -= targets\ngap = q"},
        "backward subtracts from the cached probabilities.",
        shows="second backward",
    ),
    Mistake(
        "focal-first-term",
        Focal,
        "overwrite",
        S,
        {"slope -= miss**3": "slope = -(miss**3)"},
        "The second part of the product rule replaces the first.",
        also=("missing-term",),
    ),
    Mistake(
        "focal-weight-constant",
        Focal,
        "missing-term",
        S,
        {"slope = 2 * miss**2 * p * logp": "slope = 0 * p"},
        "The weight (1 - p)² is taken to be a constant.",
        also=("overwrite",),
    ),
    Mistake(
        "focal-no-two",
        Focal,
        "scale",
        S,
        {"slope = 2 * miss**2 * p * logp": "slope = miss**2 * p * logp"},
        "The 2 of the square's derivative is missing.",
    ),
    Mistake(
        "focal-no-sign",
        Focal,
        "sign",
        S,
        {FOCAL: "dscores = dout * slope / slope.size"},
        "The sign of the examples with target 0 is lost.",
    ),
    Mistake(
        "focal-power",
        Focal,
        "missing-term",
        S,
        {"slope -= miss**3": "slope -= miss**2"},
        "One of the three factors 1 - p is missing.",
    ),
    Mistake(
        "focal-cubed-forward",
        Focal,
        "forward-bug",
        LOSS,
        {"loss = -np.mean(miss**2 * logp)": "loss = -np.mean(miss**3 * logp)"},
        "forward has the power 3, backward 2.",
        also=("missing-term",),
    ),
]
