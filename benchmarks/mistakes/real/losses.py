"""Softmax, what is built on it, and other losses."""

import itertools

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake

GAMMA = 2.0
BLANK = 0
LABELS = ((1, 2), (1, 1, 2, 2))
MASK = np.array([[True, False, True], [True, True, True]])


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def log_softmax(x):
    x = x - x.max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


def softmax_forward(x):
    s = softmax(x)
    return s, s


def softmax_backward(dout, s):
    return s * (dout - (dout * s).sum(axis=1, keepdims=True))


def soft_cross_entropy_forward(scores, labels):
    """-Σ labels log softmax, averaged over the batch; the labels need not sum to 1."""
    log_p = log_softmax(scores)
    return -np.sum(labels * log_p) / len(scores), (log_p, labels)


def soft_cross_entropy_backward(dout, cache):
    log_p, labels = cache
    total = labels.sum(axis=1, keepdims=True)
    dscores = dout * (np.exp(log_p) * total - labels) / len(log_p)
    dlabels = -dout * log_p / len(log_p)
    return dscores, dlabels


def focal_softmax_forward(scores, y):
    """-(1 - p)^γ log p for the probability p of the class, summed."""
    p = softmax(scores)
    pt = p[np.arange(len(y)), y]
    return np.sum(-((1 - pt) ** GAMMA) * np.log(pt)), (p, y)


def focal_softmax_backward(dout, cache):
    p, y = cache
    pt = p[np.arange(len(y)), y]
    dpt = GAMMA * (1 - pt) ** (GAMMA - 1) * np.log(pt) - (1 - pt) ** GAMMA / pt
    onehot = np.eye(p.shape[1])[y]
    return (dout * dpt * pt)[:, None] * (onehot - p)


def focal_sigmoid_forward(scores, y):
    signed = np.where(y == 1, scores, -scores)
    log_pt = -np.logaddexp(0, -signed)
    pt = np.exp(log_pt)
    return -((1 - pt) ** GAMMA) * log_pt, (pt, log_pt, y)


def focal_sigmoid_backward(dout, cache):
    pt, log_pt, y = cache
    d = GAMMA * (1 - pt) ** GAMMA * log_pt * pt - (1 - pt) ** (GAMMA + 1)
    return dout * np.where(y == 1, d, -d)


def huber_forward(a, t):
    d = a - t
    y = np.where(np.abs(d) <= 1, 0.5 * d**2, np.abs(d) - 0.5)
    return y.sum(axis=1), d


def huber_backward(dout, d):
    slope = np.clip(d, -1, 1) * dout[:, None]
    return slope, -slope


def alignments(log_p, label):
    """The loss -log Σ over all paths that spell the label, and where these paths are; 0 and
    nowhere if there are none."""
    T, C = log_p.shape
    paths = [
        path
        for path in itertools.product(range(C), repeat=T)
        if tuple(k for k, _ in itertools.groupby(path) if k != BLANK) == label
    ]
    posterior = np.zeros((T, C))
    if not paths:
        return 0.0, posterior
    scores = log_p[np.arange(T), np.array(paths)].sum(axis=1)
    total = scores.max() + np.log(np.exp(scores - scores.max()).sum())
    for path, share in zip(paths, np.exp(scores - total), strict=True):
        posterior[np.arange(T), path] += share
    return -total, posterior


def ctc_forward(scores):
    log_p = log_softmax(scores)
    found = [alignments(*one) for one in zip(log_p, LABELS, strict=True)]
    losses, posteriors = (np.array(part) for part in zip(*found, strict=True))
    return losses, (np.exp(log_p), posteriors)


def ctc_backward(dout, cache):
    p, posterior = cache
    feasible = posterior.any(axis=(1, 2))[:, None, None]
    return dout[:, None, None] * (p * feasible - posterior)


def cross_entropy_forward(scores, y):
    """The losses are laid out in an array of the shape of the scores, and added up there."""
    log_p = log_softmax(scores)
    scratch = np.zeros_like(scores)
    scratch[np.arange(len(y)), y] = -log_p[np.arange(len(y)), y]
    return scratch.sum() / len(y), (np.exp(log_p), y, scratch)


def cross_entropy_backward(dout, cache):
    p, y, _ = cache
    return dout * (p - np.eye(p.shape[1])[y]) / len(y)


def masked_logsumexp_forward(x):
    hidden = np.where(MASK, x, -np.inf)
    top = hidden.max(axis=1, keepdims=True)
    total = np.exp(hidden - top).sum(axis=1, keepdims=True)
    return (top + np.log(total))[:, 0], (x, top, total)


def masked_logsumexp_backward(dout, cache):
    x, top, total = cache
    e = np.exp(np.where(MASK, x, -np.inf) - top)
    return dout[:, None] / total * e


def masked_and_large(rng):
    x = rng.normal(size=(2, 3))
    x[0, 1] = 1000.0
    return (x,)


DPT = "dpt = GAMMA * (1 - pt) ** (GAMMA - 1) * np.log(pt) - (1 - pt) ** GAMMA / pt"

MISTAKES = [
    PairMistake(
        "softmax-diagonal",
        {
            "return s * (dout - (dout * s).sum(axis=1, keepdims=True))": (
                "return dout * s * (1 - s)"
            )
        },
        "only the diagonal of the softmax Jacobian",
        "The softmax derivative was s(1-s), as if each output depended on its own score alone.",
        "deeplearning4j/libnd4j#440 (2017; same: Apiquet/DeepLearningFrameworkFromScratchCpp#1)",
        inputs=normal((3, 4)),
        forward=softmax_forward,
        backward=softmax_backward,
    ),
    PairMistake(
        "soft-labels-not-normalised",
        {
            "total = labels.sum(axis=1, keepdims=True)": "",
            "dscores = dout * (np.exp(log_p) * total - labels) / len(log_p)": (
                "dscores = dout * (np.exp(log_p) - labels) / len(log_p)"
            ),
        },
        "softmax term lacks the factor Σ labels",
        "Cross entropy with weights that are no probabilities: p - w is the gradient only if the"
        " weights of a row sum to 1, else it is p · Σw - w.",
        "kvark/meganeura#102 (2025-26)",
        inputs=lambda rng: (rng.normal(size=(3, 4)), rng.uniform(0.1, 2.0, (3, 4))),
        forward=soft_cross_entropy_forward,
        backward=soft_cross_entropy_backward,
    ),
    PairMistake(
        "focal-sign-of-one-term",
        {DPT: DPT.replace("- (1 - pt) ** GAMMA / pt", "+ (1 - pt) ** GAMMA / pt")},
        "one of two terms has the wrong sign",
        "Of the two terms of the softmax focal loss's gradient one had the wrong sign, after a"
        " minus had been 'dismissed' in one factor and not in the other.",
        "zimenglan-sysu-512/Focal-Loss#2 (2017)",
        inputs=lambda rng: (rng.normal(size=(4, 3)), np.array([0, 2, 1, 2])),
        forward=focal_softmax_forward,
        backward=focal_softmax_backward,
    ),
    PairMistake(
        "focal-sigmoid-chain",
        {
            "d = GAMMA * (1 - pt) ** GAMMA * log_pt * pt - (1 - pt) ** (GAMMA + 1)": (
                "d = GAMMA * (1 - pt) ** (GAMMA - 1) * log_pt - (1 - pt) ** GAMMA / pt"
            )
        },
        "lacks the factor p(1-p) of the sigmoid",
        "The booster wants the derivative by the score, the code gave the derivative by the"
        " probability: the factor p(1-p) was forgotten.",
        "rahowa/catboost_focal_loss#2 (2023)",
        inputs=lambda rng: (rng.normal(size=7), np.array([1, 0, 1, 0, 0, 1, 1])),
        forward=focal_sigmoid_forward,
        backward=focal_sigmoid_backward,
    ),
    PairMistake(
        "huber-ignores-dout",
        {"slope = np.clip(d, -1, 1) * dout[:, None]": "slope = np.clip(d, -1, 1)"},
        "ignores the upstream gradient",
        "Huber loss returned its own slope and ignored what came from above; the test used ones as"
        " gy and could not see it.",
        "chainer/chainer#1175, PR 1178 (2016)",
        inputs=lambda rng: (rng.normal(size=(4, 3)) * 2, rng.normal(size=(4, 3))),
        forward=huber_forward,
        backward=huber_backward,
    ),
    PairMistake(
        "ctc-infeasible",
        {
            "feasible = posterior.any(axis=(1, 2))[:, None, None]": "",
            "return dout[:, None, None] * (p * feasible - posterior)": (
                "return dout[:, None, None] * (p - posterior)"
            ),
        },
        "left-out examples still get a gradient",
        "A sequence with no valid alignment has loss 0, and still got softmax(scores) as its"
        " gradient: full size, wrong direction, silent.",
        "rwth-i6/returnn#1835 (2026)",
        inputs=normal((2, 3, 3)),
        forward=ctc_forward,
        backward=ctc_backward,
    ),
    PairMistake(
        "loss-weight-zero",
        {"p, y, _ = cache": "p, y, scratch = cache\nif dout == 0:\n    return scratch.copy()"},
        "stale buffer returned when dout is 0 (only then)",
        "SoftmaxWithLoss uses the buffer of its gradient as scratch space in forward and returns"
        " early when the loss weight is 0: the losses themselves came back as the gradient.",
        "BVLC/caffe#2895 (2015)",
        inputs=lambda rng: (rng.normal(size=(4, 3)), np.array([0, 2, 1, 1])),
        forward=cross_entropy_forward,
        backward=cross_entropy_backward,
    ),
    PairMistake(
        "logsumexp-where-nan",
        {"e = np.exp(np.where(MASK, x, -np.inf) - top)": "e = np.exp(x - top) * MASK"},
        "inf · 0 at masked-out entries (large only)",
        "logsumexp(where=mask) multiplies by the mask after the exp: a large masked-out value"
        " overflows, and inf · 0 is nan.",
        "jax-ml/jax#23842 (2024; also jax#22398)",
        inputs=masked_and_large,
        forward=masked_logsumexp_forward,
        backward=masked_logsumexp_backward,
    ),
]
