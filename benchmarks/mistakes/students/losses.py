"""Cross entropy with smoothing, weights and ignored labels; Huber loss; divergence."""

import functools

import numpy as np

from benchmarks.mistakes.pair import PairMistake

EPS = 0.2
WEIGHTS = np.array([0.5, 2.0, 1.3])
IGNORE = -1
DELTA = 0.7


def log_softmax(x):
    x = x - x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def smoothed_forward(x, y):
    """Cross entropy whose targets give EPS to all classes alike."""
    N, V = x.shape
    target = np.full((N, V), EPS / V)
    target[np.arange(N), y] += 1 - EPS
    logp = log_softmax(x)
    return -(target * logp).sum() / N, (np.exp(logp), target)


def smoothed_backward(dout, cache):
    p, target = cache
    return dout * (p - target) / len(p)


def weighted_forward(x, y):
    """Weighted by the class, divided by the sum of the weights."""
    logp = log_softmax(x)
    w = WEIGHTS[y]
    return -(w * logp[np.arange(len(y)), y]).sum() / w.sum(), (np.exp(logp), y)


def weighted_backward(dout, cache):
    p, y = cache
    w = WEIGHTS[y]
    d = p.copy()
    d[np.arange(len(y)), y] -= 1
    return dout * d * w[:, None] / w.sum()


def ignoring_forward(x, y):
    """Labels that are IGNORE count for nothing."""
    keep = y != IGNORE
    picked = log_softmax(x)[np.arange(len(y)), y]
    return -(picked * keep).sum() / keep.sum(), (np.exp(log_softmax(x)), y, keep)


def ignoring_backward(dout, cache):
    p, y, keep = cache
    d = p.copy()
    d[np.arange(len(y)), y] -= 1
    return dout * d * keep[:, None] / keep.sum()


def huber_forward(x, t):
    r = x - t
    small = np.abs(r) <= DELTA
    loss = np.where(small, 0.5 * r**2, DELTA * (np.abs(r) - 0.5 * DELTA))
    return loss.mean(), (r, small)


def huber_backward(dout, cache):
    r, small = cache
    d = np.where(small, r, DELTA * np.sign(r)) * dout / r.size
    return d, -d


def divergence_forward(x, counts):
    """KL(target || softmax(x)), averaged over the batch; the target is counts / Σ counts."""
    target = counts / counts.sum(axis=1, keepdims=True)
    logp = log_softmax(x)
    return (target * (np.log(target) - logp)).sum() / len(x), (logp, target)


def divergence_backward(dout, cache):
    logp, target = cache
    return dout * (np.exp(logp) - target) / len(logp)


def counted(rng):
    counts = np.round(rng.uniform(0.1, 1, (4, 3)) * 100).astype(int)
    return rng.normal(size=(4, 3)), counts


ignoring = functools.partial(
    PairMistake,
    inputs=lambda rng: (rng.normal(size=(5, 3)), np.array([0, -1, 2, 1, -1])),
    forward=ignoring_forward,
    backward=ignoring_backward,
)
huber = functools.partial(
    PairMistake,
    inputs=lambda rng: (rng.normal(size=(4, 3)) * 1.5, rng.normal(size=(4, 3))),
    forward=huber_forward,
    backward=huber_backward,
)
divergence = functools.partial(
    PairMistake, inputs=counted, forward=divergence_forward, backward=divergence_backward
)

KEPT = "return dout * d * keep[:, None] / keep.sum()"
DIVERGENCE = "return dout * (np.exp(logp) - target) / len(logp)"

MISTAKES = [
    PairMistake(
        "smoothing-forward-not-a-distribution",
        {
            "return dout * (p - target) / len(p)": (
                "return dout * (p * target.sum(axis=1, keepdims=True) - target) / len(p)"
            )
        },
        "forward's smoothed targets do not sum to 1",
        "1 - eps at the class and nothing elsewhere, in both passes.",
        forward_patch={"target = np.full((N, V), EPS / V)": "target = np.zeros((N, V))"},
        inputs=lambda rng: (rng.normal(size=(4, 5)), np.array([0, 3, 2, 3])),
        forward=smoothed_forward,
        backward=smoothed_backward,
    ),
    PairMistake(
        "weighted-ce-weight-on-target-only",
        {
            "d[np.arange(len(y)), y] -= 1": "d[np.arange(len(y)), y] -= w",
            "return dout * d * w[:, None] / w.sum()": "return dout * d / w.sum()",
        },
        "weight multiplies the -1 only, not the probabilities",
        "d[y] -= w.",
        inputs=lambda rng: (rng.normal(size=(5, 3)), np.array([0, 2, 1, 2, 0])),
        forward=weighted_forward,
        backward=weighted_backward,
    ),
    ignoring(
        "ignore-counted-in-mean",
        {KEPT: KEPT.replace("keep.sum()", "len(y)")},
        "divided by N: ignored labels counted in the mean",
        "The number of all labels in backward.",
    ),
    ignoring(
        "ignore-forward-counted-in-mean",
        {KEPT: KEPT.replace("keep.sum()", "len(y)")},
        "forward divides by N: ignored labels counted",
        "The mean runs over all labels, in both passes.",
        forward_patch={
            "return -(picked * keep).sum() / keep.sum(), (np.exp(log_softmax(x)), y, keep)": (
                "return -(picked * keep).sum() / len(y), (np.exp(log_softmax(x)), y, keep)"
            )
        },
    ),
    huber(
        "huber-twice-inside",
        {
            "d = np.where(small, r, DELTA * np.sign(r)) * dout / r.size": (
                "d = np.where(small, 2 * r, DELTA * np.sign(r)) * dout / r.size"
            )
        },
        "factor 2 too much inside: 0.5·r² has slope r",
        "The 1/2 of the formula is overlooked.",
    ),
    huber(
        "huber-target-sign",
        {"return d, -d": "return d, d.copy()"},
        "gradient of the target has the wrong sign",
        "d is returned for both.",
    ),
    divergence(
        "kl-reversed",
        {
            DIVERGENCE: (
                "p, log_ratio = np.exp(logp), logp - np.log(target)\n"
                "kl = (p * log_ratio).sum(axis=1, keepdims=True)\n"
                "return dout * p * (log_ratio - kl) / len(logp)"
            )
        },
        "gradient of the reversed divergence KL(p || target)",
        "p (log p - log t - KL) belongs to the other direction.",
    ),
    divergence(
        "kl-divided-by-entries",
        {DIVERGENCE: DIVERGENCE.replace("len(logp)", "logp.size")},
        "divided by all entries instead of the batch",
        "'mean' in place of 'batchmean'.",
    ),
    divergence(
        "kl-sign",
        {DIVERGENCE: "return dout * (target - np.exp(logp)) / len(logp)"},
        "sign: target minus p",
        "The sign is turned.",
    ),
]
