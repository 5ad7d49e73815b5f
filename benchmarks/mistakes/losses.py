"""Losses, and mistakes in them."""

import numpy as np

from benchmarks.mistakes.mistake import Mistake
from chainrule.layers import Layer


class SoftmaxCrossEntropy(Layer):
    """-log softmax(scores) at the label, averaged over the batch."""

    def forward(self, scores, targets, *, train=True):
        rows = np.arange(len(scores))
        z = scores - np.max(scores, axis=1, keepdims=True)
        logp = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
        loss = -np.mean(logp[rows, targets])
        p = np.exp(logp)
        return loss, (p, rows, targets)

    def backward(self, dout, cache):
        p, rows, targets = cache
        dz = p.copy()
        dz[rows, targets] -= 1
        dscores = dout / len(p) * dz
        return dscores, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(6, 4)), rng.integers(0, 4, 6)


class SigmoidCrossEntropy(Layer):
    """Cross-entropy of independent yes/no answers: a sum per example, averaged over the batch."""

    def forward(self, scores, targets, *, train=True):
        terms = np.logaddexp(scores, 0) - targets * scores
        loss = np.sum(terms) / len(scores)
        return loss, (scores, targets)

    def backward(self, dout, cache):
        scores, targets = cache
        p = 0.5 + 0.5 * np.tanh(0.5 * scores)
        gap = p - targets
        dscores = dout / len(scores) * gap
        return dscores, {}

    @classmethod
    def examples(cls, rng):
        targets = rng.integers(0, 2, (6, 3)).astype(float)
        yield "plain", cls(), rng.normal(size=(6, 3)), targets


class MSE(Layer):
    """The mean of all squared differences."""

    def forward(self, scores, targets, *, train=True):
        gap = scores - np.reshape(targets, scores.shape)
        loss = np.mean(gap**2)
        return loss, gap

    def backward(self, dout, cache):
        gap = cache
        dscores = 2 * dout * gap / gap.size
        return dscores, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
        yield "column", cls(), rng.normal(size=(6, 1)), rng.normal(size=6)


class Hinge(Layer):
    """How far each wrong score comes within 1 of the right one, averaged over the batch."""

    def forward(self, scores, targets, *, train=True):
        rows = np.arange(len(scores))
        right = scores[rows, targets][:, None]
        short = np.maximum(scores - right + 1, 0)
        short[rows, targets] = 0
        loss = np.sum(short) / len(scores)
        return loss, (short, rows, targets)

    def backward(self, dout, cache):
        short, rows, targets = cache
        hits = (short > 0).astype(short.dtype)
        hits[rows, targets] -= hits.sum(axis=1)
        dscores = dout / len(short) * hits
        return dscores, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(6, 4)), rng.integers(0, 4, 6)
        yield "square", cls(), rng.normal(size=(5, 5)), rng.integers(0, 5, 5)


MISTAKES = [
    Mistake(
        "sce-no-n",
        SoftmaxCrossEntropy,
        "scale",
        ("scores",),
        {"dscores = dout / len(p) * dz": "dscores = dout * dz"},
        "The gradient is that of the sum over the batch, the loss is the mean.",
    ),
    Mistake(
        "sce-n-by-classes",
        SoftmaxCrossEntropy,
        "scale",
        ("scores",),
        {"dscores = dout / len(p) * dz": "dscores = dout / p.shape[1] * dz"},
        "The gradient is divided by the number of classes instead of examples.",
    ),
    Mistake(
        "sce-no-minus-one",
        SoftmaxCrossEntropy,
        "missing-term",
        ("scores",),
        {"dz[rows, targets] -= 1": ""},
        "The 1 at the label is not subtracted from the probabilities.",
    ),
    Mistake(
        "sce-plus-one",
        SoftmaxCrossEntropy,
        "sign",
        ("scores",),
        {"dz[rows, targets] -= 1": "dz[rows, targets] += 1"},
        "The 1 at the label is added where it is to be subtracted.",
    ),
    Mistake(
        "sce-probs-inplace",
        SoftmaxCrossEntropy,
        "mutation",
        ("cache",),
        {"dz = p.copy()": "dz = p"},
        "backward subtracts from the cached probabilities themselves.",
        shows="second backward",
    ),
    Mistake(
        "sce-x-inplace",
        SoftmaxCrossEntropy,
        "mutation",
        ("scores",),
        {
            "z = scores - np.max(scores, axis=1, keepdims=True)": (
                "scores -= np.max(scores, axis=1, keepdims=True)\nz = scores"
            )
        },
        "forward shifts the caller's scores.",
        shows="mutation",
    ),
    Mistake(
        "sce-diagonal-only",
        SoftmaxCrossEntropy,
        "missing-term",
        ("scores",),
        {
            "dscores = dout / len(p) * dz": (
                "at = np.arange(p.shape[1]) == targets[:, None]\n"
                "dscores = dout / len(p) * np.where(at, dz, 0.0)"
            )
        },
        "Only the score of the label gets a gradient; the others enter through the normaliser.",
        also=("mask",),
    ),
    Mistake(
        "sce-extra-softmax-derivative",
        SoftmaxCrossEntropy,
        "missing-term",
        ("scores",),
        {"dscores = dout / len(p) * dz": "dscores = dout / len(p) * dz * p * (1 - p)"},
        "p (1 - p) is multiplied in although p - 1 at the label has the softmax in it already.",
        also=("scale",),
    ),
    Mistake(
        "sce-log-epsilon",
        SoftmaxCrossEntropy,
        "stability",
        ("loss", "scores"),
        {
            "loss = -np.mean(logp[rows, targets])": (
                "loss = -np.mean(np.log(np.exp(logp[rows, targets]) + 1e-8))"
            )
        },
        "A small number inside the logarithm makes the loss flat where it is worst.",
        shows="large",
        also=("forward-bug",),
    ),
    Mistake(
        "bce-logs",
        SigmoidCrossEntropy,
        "stability",
        ("loss",),
        {
            "terms = np.logaddexp(scores, 0) - targets * scores": (
                "p = 1 / (1 + np.exp(-scores))\n"
                "terms = -np.log(p) * targets - np.log(1 - p) * (1 - targets)"
            )
        },
        "The logarithm of a probability that rounds to 0 is not finite.",
        shows="large",
    ),
    Mistake(
        "bce-label-convention",
        SigmoidCrossEntropy,
        "off-by-one-label",
        ("scores",),
        {"gap = p - targets": "gap = p - np.where(targets > 0, 1.0, -1.0)"},
        "backward takes the labels to be -1 and 1, forward 0 and 1.",
        also=("missing-term",),
    ),
    Mistake(
        "mse-sign",
        MSE,
        "sign",
        ("scores",),
        {"dscores = 2 * dout * gap / gap.size": "dscores = -2 * dout * gap / gap.size"},
        "The gradient is that of the targets.",
    ),
    Mistake(
        "mse-l1-derivative",
        MSE,
        "swapped",
        ("scores",),
        {"dscores = 2 * dout * gap / gap.size": "dscores = dout * np.sign(gap) / gap.size"},
        "The gradient is that of the absolute difference.",
        also=("missing-term",),
    ),
    Mistake(
        "mse-broadcast",
        MSE,
        "shape",
        ("scores",),
        {"gap = scores - np.reshape(targets, scores.shape)": "gap = scores - targets"},
        "A column minus a row is a matrix: every score is compared with every target.",
        case="column",
    ),
    Mistake(
        "mse-ignores-dout",
        MSE,
        "missing-term",
        ("scores",),
        {"dscores = 2 * dout * gap / gap.size": "dscores = 2 * gap / gap.size"},
        "dout is taken to be 1.",
        shows="other dout",
    ),
    Mistake(
        "mse-forward-half",
        MSE,
        "forward-bug",
        ("loss", "scores"),
        {"loss = np.mean(gap**2)": "loss = np.mean(gap**2) / 2"},
        "forward halves the loss, backward does not.",
        also=("scale",),
    ),
    Mistake(
        "mse-sum-both",
        MSE,
        "forward-bug",
        ("loss",),
        {
            "loss = np.mean(gap**2)": "loss = np.sum(gap**2)",
            "dscores = 2 * dout * gap / gap.size": "dscores = 2 * dout * gap",
        },
        "The squares are summed, forward and backward alike, where the mean was wanted.",
        shows="forward",
        also=("scale",),
    ),
    Mistake(
        "hinge-no-correct-class",
        Hinge,
        "missing-term",
        ("scores",),
        {"hits[rows, targets] -= hits.sum(axis=1)": ""},
        "The score of the label gets no gradient though every margin contains it.",
    ),
    Mistake(
        "hinge-margin-values",
        Hinge,
        "mask",
        ("scores",),
        {"hits = (short > 0).astype(short.dtype)": "hits = np.array(short)"},
        "The margins stand where 1 belongs: that is the squared hinge.",
        also=("scale", "missing-term", "swapped"),
    ),
    Mistake(
        "hinge-assign-uncleared",
        Hinge,
        "overwrite",
        ("scores",),
        {
            "short[rows, targets] = 0": "",
            "hits[rows, targets] -= hits.sum(axis=1)": "hits[rows, targets] = -hits.sum(axis=1)",
        },
        "The margin of the label itself is counted in what its score gets.",
        also=("missing-term", "forward-bug"),
    ),
    Mistake(
        "hinge-sign",
        Hinge,
        "sign",
        ("scores",),
        {"dscores = dout / len(short) * hits": "dscores = -dout / len(short) * hits"},
        "The whole gradient has the wrong sign.",
    ),
    Mistake(
        "hinge-cache-inplace",
        Hinge,
        "mutation",
        ("cache",),
        {
            "hits = (short > 0).astype(short.dtype)": "hits = short\nhits[hits > 0] = 1",
            "hits[rows, targets] -= hits.sum(axis=1)": (
                "hits[rows, targets] = 0 - hits.sum(axis=1)"
            ),
        },
        "backward turns the cached margins into the gradient.",
        shows="second backward",
    ),
    Mistake(
        "hinge-margin-sign",
        Hinge,
        "forward-bug",
        ("loss",),
        {
            "short = np.maximum(scores - right + 1, 0)": (
                "short = np.maximum(scores - right - 1, 0)"
            )
        },
        "The margin of 1 is subtracted, so that nearly right counts as right.",
        shows="forward",
        also=("sign",),
    ),
    Mistake(
        "hinge-nested-loop",
        Hinge,
        "scale",
        ("scores",),
        {
            "hits[rows, targets] -= hits.sum(axis=1)": (
                "pull = hits.sum(axis=1)\n"
                "for _ in range(hits.shape[1]):\n"
                "    hits[rows, targets] -= pull"
            )
        },
        "What the label's score gets is subtracted once per class.",
    ),
]
