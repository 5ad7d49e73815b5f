"""Every step alike, and sequences of different lengths."""

import functools

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake


def temporal_affine_forward(x, w, b):
    return x @ w + b, (x, w)


def temporal_affine_backward(dout, cache):
    x, w = cache
    N, T, D = x.shape
    dw = x.reshape(N * T, D).T @ dout.reshape(N * T, -1)
    db = dout.sum(axis=(0, 1))
    return dout @ w.T, dw, db


def temporal_softmax_forward(x, y, mask):
    """Summed over time, averaged over the batch, as in the course."""
    N, T, V = x.shape
    flat, target, m = x.reshape(-1, V), y.reshape(-1), mask.reshape(-1)
    p = np.exp(flat - flat.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.sum(m * np.log(p[np.arange(N * T), target])) / N
    return loss, (p, target, m, x.shape)


def temporal_softmax_backward(dout, cache):
    p, target, m, (N, T, V) = cache
    d = p.copy()
    d[np.arange(N * T), target] -= 1
    d *= m[:, None]
    d /= N
    return dout * d.reshape(N, T, V)


def masked_inputs(rng):
    mask = np.array([[1, 1, 1, 0], [1, 1, 0, 0]])
    return rng.normal(size=(2, 4, 3)), rng.integers(0, 3, (2, 4)), mask


def mean_over_time_forward(x, lengths):
    keep = np.arange(x.shape[1]) < lengths[:, None]
    return (x * keep[:, :, None]).sum(axis=1) / lengths[:, None], (keep, lengths)


def mean_over_time_backward(dout, cache):
    keep, lengths = cache
    d = dout / lengths[:, None]
    return keep[:, :, None] * d[:, None, :]


def last_over_time_forward(x, lengths):
    return x[np.arange(len(x)), lengths - 1], (lengths, x.shape)


def last_over_time_backward(dout, cache):
    lengths, (N, T, D) = cache
    dx = np.zeros((N, T, D))
    dx[np.arange(N), lengths - 1] = dout
    return dx


def with_lengths(rng):
    return rng.normal(size=(3, 4, 2)), np.array([4, 2, 3])


affine = functools.partial(
    PairMistake,
    inputs=normal((2, 3, 4), (4, 3), 3),
    forward=temporal_affine_forward,
    backward=temporal_affine_backward,
)
softmax = functools.partial(
    PairMistake,
    inputs=masked_inputs,
    forward=temporal_softmax_forward,
    backward=temporal_softmax_backward,
)
mean = functools.partial(
    PairMistake,
    inputs=with_lengths,
    forward=mean_over_time_forward,
    backward=mean_over_time_backward,
)

DW = "dw = x.reshape(N * T, D).T @ dout.reshape(N * T, -1)"

MISTAKES = [
    affine(
        "temporal-affine-db-wrong-axes",
        {"db = dout.sum(axis=(0, 1))": "db = dout.sum(axis=(0, 2))"},
        "db summed over the features, not over time",
        "sum((0, 2)); T = M, so that the shape is right.",
    ),
    affine(
        "temporal-affine-dw-batch-mean",
        {DW: f"{DW} / (N * T)"},
        "dw averaged over batch and steps",
        "Divided by N·T.",
    ),
    softmax(
        "tsoftmax-divided-by-steps",
        {"d /= N": "d /= d.shape[0]"},
        "divided by N·T instead of N",
        "d.shape[0] is N·T after the reshape.",
    ),
    softmax(
        "tsoftmax-not-divided",
        {"d /= N": ""},
        "not divided by N",
        "The gradient is that of the sum.",
    ),
    softmax(
        "tsoftmax-minus-one-missing",
        {
            "p, target, m, (N, T, V) = cache": "p, _, m, (N, T, V) = cache",
            "d[np.arange(N * T), target] -= 1": "",
        },
        "the -1 at the target is missing",
        "The gradient is the probabilities.",
    ),
    mean(
        "mean-over-time-padding-counted",
        {
            "keep, lengths = cache": "keep, _ = cache",
            "d = dout / lengths[:, None]": "d = dout / keep.shape[1]",
        },
        "divided by T instead of each length",
        "The padding is counted in backward.",
    ),
    mean(
        "mean-over-time-padding-gets-gradient",
        {
            "return keep[:, :, None] * d[:, None, :]": (
                "return np.repeat(d[:, None, :], keep.shape[1], axis=1)"
            )
        },
        "padding steps get a gradient",
        "The mask is left out in backward.",
    ),
    PairMistake(
        "last-over-time-off-by-one",
        {"dx[np.arange(N), lengths - 1] = dout": "dx[np.arange(N), lengths % T] = dout"},
        "gradient one step too late (lengths without -1)",
        "lengths as an index, modulo T.",
        inputs=with_lengths,
        forward=last_over_time_forward,
        backward=last_over_time_backward,
    ),
]
