"""Scans, gates and two directions."""

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake

BLOCK = 3


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def scan_forward(gates, tokens):
    """h[t] = gates[t] h[t - 1] + tokens[t]."""
    h, state = np.zeros(len(tokens)), 0.0
    for t in range(len(tokens)):
        state = h[t] = gates[t] * state + tokens[t]
    return h, (gates, h)


def scan_backward(dout, cache):
    """From the last block to the first: each one by itself, then what comes from behind it."""
    gates, h = cache
    after = np.append(gates[1:], 0.0)
    d, carry = np.zeros(len(h)), 0.0
    for start in range(len(h) - BLOCK, -1, -BLOCK):
        local, factor = 0.0, 1.0
        for t in range(start + BLOCK - 1, start - 1, -1):
            local = dout[t] + (after[t] * local if t < start + BLOCK - 1 else 0.0)
            factor = factor * after[t]
            d[t] = local + factor * carry
        carry = d[start]
    return d * np.append(0.0, h[:-1]), d


def cell_forward(z, c, Wf, Wi, Wg):
    """The state of an LSTM's cell, with a forget, an input and a candidate gate."""
    f, i, g = sigmoid(z @ Wf), sigmoid(z @ Wi), np.tanh(z @ Wg)
    return f * c + i * g, (z, c, Wf, Wi, Wg, f, i, g)


def cell_backward(dout, cache):
    z, c, Wf, Wi, Wg, f, i, g = cache
    df = dout * c * f * (1 - f)
    di = dout * g * i * (1 - i)
    dg = dout * i * (1 - g**2)
    dz = df @ Wf.T + di @ Wi.T + dg @ Wg.T
    return dz, dout * f, z.T @ df, z.T @ di, z.T @ dg


def bidirectional_forward(x, W1, W2):
    """One step in each direction, tanh(x W), added up."""
    return np.tanh(x @ W1) + np.tanh(x[::-1] @ W2)[::-1], (x, W1, W2)


def bidirectional_backward(dout, cache):
    x, W1, W2 = cache
    dy = dout.copy()
    dx = np.zeros_like(x)
    dz1 = dy * (1 - np.tanh(x @ W1) ** 2)
    dx[:] = dz1 @ W1.T
    dz2 = dy[::-1] * (1 - np.tanh(x[::-1] @ W2) ** 2)
    dx += (dz2 @ W2.T)[::-1]
    return dx, x.T @ dz1, x[::-1].T @ dz2


MISTAKES = [
    PairMistake(
        "scan-block-carry",
        {
            "d, carry = np.zeros(len(h)), 0.0": "d, carried, carry = np.zeros(len(h)), 1.0, 0.0",
            "d[t] = local + factor * carry": "d[t] = local * carried + carry",
            "carry = d[start]": "carried, carry = factor, d[start] * gates[start]",
        },
        "wrong carry between blocks",
        "Between blocks of the reverse scan the local result was multiplied by the carried factor,"
        " instead of the carried state: hidden in tests whose gradients die out within a block.",
        "proger/accelerated-scan#15 (2026)",
        inputs=lambda rng: (rng.uniform(0.6, 1.1, 9), rng.normal(size=9)),
        forward=scan_forward,
        backward=scan_backward,
    ),
    PairMistake(
        "lstm-cell-forget-gate-sigmoid",
        {"df = dout * c * f * (1 - f)": "df = dout * c * sigmoid(f)"},
        "sigmoid in place of its derivative, one gate",
        "For the forget gate the notebook calls sigmoid(f) where it needs the derivative: a keyword"
        " argument was left out at one of four gates.",
        "CaptainE/RNN-LSTM-in-numpy#1, PR 2 (2023-24)",
        inputs=normal((3, 4), (3, 5), (4, 5), (4, 5), (4, 5)),
        forward=cell_forward,
        backward=cell_backward,
    ),
    PairMistake(
        "bidirectional-buffer-overwritten",
        {"dx = np.zeros_like(x)": "dx = dy"},
        "second direction reads an overwritten gradient",
        "In a bidirectional net the gradient of the one direction was written into the buffer of dy"
        " before the other direction had read it.",
        "apache/mxnet#17898, PR 18203 (2020)",
        inputs=normal((4, 3), (3, 3), (3, 3)),
        forward=bidirectional_forward,
        backward=bidirectional_backward,
    ),
]
