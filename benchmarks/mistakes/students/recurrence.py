"""A recurrent network: one step of it, and the loop through time."""

import functools

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def rnn_step_backward(dout, cache):
    x, prev_h, Wx, Wh, next_h = cache
    dz = dout * (1 - next_h**2)
    dx, dprev_h = dz @ Wx.T, dz @ Wh.T
    dWx, dWh = x.T @ dz, prev_h.T @ dz
    return dx, dprev_h, dWx, dWh, dz.sum(axis=0)


def rnn_forward(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    h = np.zeros((N, T, h0.shape[1]))
    prev = h0
    for t in range(T):
        prev = np.tanh(x[:, t] @ Wx + prev @ Wh + b)
        h[:, t] = prev
    return h, (x, h0, Wx, Wh, h)


def rnn_backward(dout, cache):
    x, h0, Wx, Wh, h = cache
    dx, dprev = np.zeros_like(x), np.zeros_like(h0)
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(h.shape[2])
    for t in reversed(range(x.shape[1])):
        prev = h[:, t - 1] if t > 0 else h0
        dh = dout[:, t] + dprev
        dz = dh * (1 - h[:, t] ** 2)
        dx[:, t] = dz @ Wx.T
        dWx += x[:, t].T @ dz
        dWh += prev.T @ dz
        db += dz.sum(axis=0)
        dprev = dz @ Wh.T
    return dx, dprev, dWx, dWh, db


def rnn_inputs(rng):
    x, h0, Wx, Wh, b = normal((2, 4, 3), (2, 4), (3, 4), (4, 4), 4)(rng)
    return x, h0, Wx * 0.7, Wh * 0.7, b


step = functools.partial(
    PairMistake,
    inputs=normal((3, 3), (3, 3), (3, 3), (3, 3), 3),
    forward=rnn_step_forward,
    backward=rnn_step_backward,
)
rnn = functools.partial(PairMistake, inputs=rnn_inputs, forward=rnn_forward, backward=rnn_backward)

STEP_DX = "dx, dprev_h = dz @ Wx.T, dz @ Wh.T"
PREV = "prev = h[:, t - 1] if t > 0 else h0"
DH = "dh = dout[:, t] + dprev"
DPREV = "dprev = dz @ Wh.T"

MISTAKES = [
    step(
        "rnn-step-without-square",
        {"dz = dout * (1 - next_h**2)": "dz = dout * (1 - next_h)"},
        "1 - h instead of 1 - h²",
        "The square is forgotten.",
    ),
    step(
        "rnn-step-dprev-h-weight-not-transposed",
        {STEP_DX: "dx, dprev_h = dz @ Wx.T, dz @ Wh"},
        "dprev_h multiplies by Wh, not its transpose",
        "dz @ Wh.",
    ),
    step(
        "rnn-step-dprev-h-without-tanh",
        {STEP_DX: "dx, dprev_h = dz @ Wx.T, dout @ Wh.T"},
        "dprev_h lacks the factor tanh'",
        "dout @ Wh.T in place of dz @ Wh.T.",
    ),
    rnn(
        "rnn-time-cut",
        {DH: "dh = dout[:, t]"},
        "gradient through time missing: h's next step ignored",
        "dprev is not added to the gradient from above.",
    ),
    rnn(
        "rnn-weights-overwritten",
        {
            "dWx += x[:, t].T @ dz": "dWx = x[:, t].T @ dz",
            "dWh += prev.T @ dz": "dWh = prev.T @ dz",
        },
        "dWx and dWh are those of one step, not summed",
        "= in place of += for the weights, which every step shares.",
    ),
    rnn(
        "rnn-h-shifted",
        {PREV: "prev = h[:, t]"},
        "dWh uses h of the same step, not the previous",
        "h[:, t] for prev: the list starts at the first step, not at h0.",
        "lzwjava.github.io, LSTM bugs and fixes (2025)",
    ),
    rnn(
        "rnn-index-minus-one",
        {PREV: "prev = h[:, t - 1]"},
        "last h in place of h0 at the first step",
        "h[:, t - 1] at t = 0 is h[:, -1].",
        "lzwjava.github.io, LSTM bugs and fixes (2025)",
    ),
    rnn(
        "rnn-dh0-zero",
        {"return dx, dprev, dWx, dWh, db": "return dx, np.zeros_like(h0), dWx, dWh, db"},
        "dh0 is zero: never assigned",
        "dh0 is initialised and returned; the loop's last dprev is forgotten.",
    ),
    rnn(
        "rnn-carry-accumulates",
        {DPREV: "dprev += dz @ Wh.T"},
        "gradient through time added up over all later steps",
        "dprev += in place of =: later steps are counted again and again.",
    ),
    rnn(
        "rnn-forward-h0-every-step",
        {PREV: "prev = h0", DH: "dh = dout[:, t]", DPREV: "dprev += dz @ Wh.T"},
        "forward uses h0 at every step: no recurrence",
        "prev is never updated; the backward pass is right for that.",
        forward_patch={
            "prev = np.tanh(x[:, t] @ Wx + prev @ Wh + b)": (
                "h[:, t] = np.tanh(x[:, t] @ Wx + prev @ Wh + b)"
            ),
            "h[:, t] = prev": "",
        },
    ),
]
