"""Labels, targets, masks and weights that are no array among the arguments."""

import numpy as np

from benchmarks.idioms.idiom import Idiom, normal

LABELS = [2, 0, 1, 1, 2, 0]
WEIGHTS = np.array([1.0, 0.5, 2.0, 1.0, 0.25, 3.0])  # of six examples
CLASS_WEIGHTS = np.array([0.2, 1.0, 3.0])
MASK = np.array([[1, 1, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1], [0, 1, 1, 0], [1, 0, 1, 0]])


def log_softmax(x):
    shifted = x - x.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def squared_error_to(targets):
    def forward(x):
        return np.mean((x - targets) ** 2), x - targets

    def backward(dout, cache):
        return dout * 2 * cache / cache.size

    return forward, backward


def likelihood_of(labels):
    """A loss with its gradient, for these labels."""

    def forward(x):
        log_p = log_softmax(x)
        dx = np.exp(log_p)
        dx[range(len(x)), labels] -= 1
        return -np.mean(log_p[range(len(x)), labels]), dx / len(x)

    return forward


def listed_forward(x, labels):
    log_p = log_softmax(x)
    picked = [log_p[n, label] for n, label in enumerate(labels)]
    return -sum(picked), (log_p, labels)


def listed_backward(dout, cache):
    log_p, labels = cache
    dx = np.exp(log_p)
    for n, label in enumerate(labels):
        dx[n, label] -= 1
    return dout * dx


def batch_forward(x, batch):
    log_p = log_softmax(x)
    y = np.asarray(batch["y"])
    return -log_p[np.arange(len(y)), y].mean(), (log_p, y)


def batch_backward(dout, cache):
    log_p, y = cache
    return dout * (np.exp(log_p) - np.eye(log_p.shape[1])[y]) / len(y)


def one_hot_forward(x, labels):
    t = np.eye(x.shape[1])[labels]
    return 0.5 * np.sum((x - t) ** 2), x - t


def one_hot_backward(dout, cache):
    return dout * cache


def weighted_forward(x):
    return np.sum(WEIGHTS * np.sum(x**2, axis=1)), x


def weighted_backward(dout, cache):
    return 2 * dout * WEIGHTS[:, None] * cache


def balanced_forward(x, y):
    log_p, weights = log_softmax(x), CLASS_WEIGHTS[y]
    loss = -np.sum(weights * log_p[np.arange(len(y)), y]) / weights.sum()
    return loss, (log_p, weights, y)


def balanced_backward(dout, cache):
    log_p, weights, y = cache
    dx = np.exp(log_p)
    dx[np.arange(len(y)), y] -= 1
    return dout * dx * weights[:, None] / weights.sum()


def ignoring_forward(x, y):
    rows = np.flatnonzero(y != -1)
    log_p = log_softmax(x)
    return -np.mean(log_p[rows, y[rows]]), (log_p, rows, y)


def ignoring_backward(dout, cache):
    log_p, rows, y = cache
    dx = np.zeros_like(log_p)
    dx[rows] = np.exp(log_p[rows])
    dx[rows, y[rows]] -= 1
    return dout * dx / len(rows)


class MaskedMean:
    """The mean of the entries that the mask, set once, lets through."""

    def __init__(self):
        self.mask = MASK

    def forward(self, x, train=True):
        return (x * self.mask).sum(axis=1) / self.mask.sum(axis=1), None

    def backward(self, dout, cache):
        return (dout / self.mask.sum(axis=1))[:, None] * self.mask, {}


class LossOf:
    """A loss that is given its targets before the forward pass."""

    def __init__(self):
        self.targets = np.random.default_rng(1).normal(size=(5, 4))

    def forward(self, x, train=True):
        difference = x - self.targets
        return np.sum(np.log(np.cosh(difference))), np.tanh(difference)

    def backward(self, dout, cache):
        return dout * cache, {}


SHIFT = np.random.default_rng(2).normal(size=(5, 4))


def shifted_forward(x):
    return np.sin(x + SHIFT), x + SHIFT


def shifted_backward(dout, cache):
    return dout * np.cos(cache)


def with_labels(labels):
    return lambda rng: (rng.normal(size=(6, 3)), labels)


def some_ignored(rng):
    return rng.normal(size=(6, 3)), np.array([2, -1, 0, 1, -1, 2])


IDIOMS = [
    Idiom(
        "targets in a closure",
        normal((5, 4)),
        *squared_error_to(np.random.default_rng(0).normal(size=(5, 4))),
    ),
    Idiom("labels in a closure, loss with gradient", normal((6, 3)), likelihood_of(LABELS)),
    Idiom("labels in a list", with_labels(LABELS), listed_forward, listed_backward),
    Idiom("labels in a dict", with_labels({"y": LABELS}), batch_forward, batch_backward),
    Idiom("one-hot rows of a list", with_labels(LABELS), one_hot_forward, one_hot_backward),
    Idiom("weights of examples, global", normal((6, 3)), weighted_forward, weighted_backward),
    Idiom(
        "weights of classes, global",
        with_labels(np.array(LABELS)),
        balanced_forward,
        balanced_backward,
    ),
    Idiom("a label -1 is ignored", some_ignored, ignoring_forward, ignoring_backward),
    Idiom("a mask on the layer", normal((5, 4)), layer=MaskedMean),
    Idiom("targets on the layer", normal((5, 4)), layer=LossOf),
    Idiom("plus a fixed array, global", normal((5, 4)), shifted_forward, shifted_backward),
]
