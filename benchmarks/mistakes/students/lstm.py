"""An LSTM: one step of it, and the loop through time."""

import functools

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    ai, af, ao, ag = np.split(x @ Wx + prev_h @ Wh + b, 4, axis=1)
    i, f, o, g = sigmoid(ai), sigmoid(af), sigmoid(ao), np.tanh(ag)
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    return (next_h, next_c), (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)


def lstm_step_backward(douts, cache):
    dnext_h, dnext_c = douts
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    do = dnext_h * np.tanh(next_c)
    dc = dnext_c + dnext_h * o * (1 - np.tanh(next_c) ** 2)
    di, df, dg = dc * g, dc * prev_c, dc * i
    dai = di * i * (1 - i)
    daf = df * f * (1 - f)
    dao = do * o * (1 - o)
    dag = dg * (1 - g**2)
    da = np.hstack([dai, daf, dao, dag])
    dprev_c = dc * f
    return da @ Wx.T, da @ Wh.T, dprev_c, x.T @ da, prev_h.T @ da, da.sum(axis=0)


def lstm_forward(x, h0, Wx, Wh, b):
    h, c, outs, steps = h0, np.zeros_like(h0), [], []
    for t in range(x.shape[1]):
        ai, af, ao, ag = np.split(x[:, t] @ Wx + h @ Wh + b, 4, axis=1)
        i, f, o, g = sigmoid(ai), sigmoid(af), sigmoid(ao), np.tanh(ag)
        next_c = f * c + i * g
        steps.append((h, c, i, f, o, g, next_c))
        h, c = o * np.tanh(next_c), next_c
        outs.append(h)
    return np.stack(outs, axis=1), (x, Wx, Wh, steps)


def lstm_backward(dout, cache):
    x, Wx, Wh, steps = cache
    dx, dWx, dWh = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh)
    db = np.zeros(Wx.shape[1])
    dprev_h = dprev_c = np.zeros_like(dout[:, 0])
    for t in reversed(range(x.shape[1])):
        h, c, i, f, o, g, next_c = steps[t]
        dh = dout[:, t] + dprev_h
        dc = dprev_c + dh * o * (1 - np.tanh(next_c) ** 2)
        dai, daf = dc * g * i * (1 - i), dc * c * f * (1 - f)
        dao, dag = dh * np.tanh(next_c) * o * (1 - o), dc * i * (1 - g**2)
        da = np.hstack([dai, daf, dao, dag])
        dx[:, t] = da @ Wx.T
        dWx += x[:, t].T @ da
        dWh += h.T @ da
        db += da.sum(axis=0)
        dprev_h, dprev_c = da @ Wh.T, dc * f
    return dx, dprev_h, dWx, dWh, db


step = functools.partial(
    PairMistake,
    inputs=normal((2, 3), (2, 3), (2, 3), (3, 12), (3, 12), 12),
    forward=lstm_step_forward,
    backward=lstm_step_backward,
)
lstm = functools.partial(
    PairMistake,
    inputs=normal((2, 3, 2), (2, 3), (2, 12), (3, 12), 12),
    forward=lstm_forward,
    backward=lstm_backward,
)

DO = "do = dnext_h * np.tanh(next_c)"
DC = "dc = dnext_c + dnext_h * o * (1 - np.tanh(next_c) ** 2)"
DAF = "daf = df * f * (1 - f)"
DAG = "dag = dg * (1 - g**2)"
CARRY = "dprev_h, dprev_c = da @ Wh.T, dc * f"

MISTAKES = [
    step(
        "lstm-dc-from-above-dropped",
        {DC: "dc = dnext_h * o * (1 - np.tanh(next_c) ** 2)"},
        "path of next_c's own gradient missing from dc",
        "dc = in place of dc +=: what comes from the later step through c is lost.",
        "cthorey/CS231#1 (2016, a question; same: apache/mxnet#4057)",
    ),
    step(
        "lstm-tanh-of-c-missing",
        {DC: "dc = dnext_c + dnext_h * o * (1 - next_c**2)"},
        "1 - c² instead of 1 - tanh(c)²",
        "The derivative of tanh is written in terms of c, not of tanh(c).",
    ),
    step(
        "lstm-h-path-dropped",
        {DC: "dc = dnext_c"},
        "path of h through tanh(c) missing from dc",
        "dc is dnext_c alone.",
    ),
    step(
        "lstm-forget-gate-with-input-gate",
        {DAF: "daf = df * i * (1 - i)"},
        "forget gate's derivative taken from the input gate",
        "i (1 - i) in the line of f.",
    ),
    step(
        "lstm-forget-gate-next-c",
        {"di, df, dg = dc * g, dc * prev_c, dc * i": ("di, df, dg = dc * g, dc * next_c, dc * i")},
        "forget gate uses next_c instead of prev_c",
        "The wrong c of the cache.",
    ),
    step(
        "lstm-output-gate-without-tanh",
        {DO: "do = dnext_h * next_c"},
        "output gate uses c instead of tanh(c)",
        "do = dnext_h * next_c.",
    ),
    step(
        "lstm-dprev-c-from-dnext-c",
        {"dprev_c = dc * f": "dprev_c = dnext_c * f"},
        "dprev_c lacks the path through h",
        "dprev_c = dnext_c * f in place of dc * f.",
    ),
    step(
        "lstm-input-gate-without-sigmoid",
        {"dai = di * i * (1 - i)": "dai = di"},
        "input gate lacks its sigmoid's derivative",
        "dai = di.",
    ),
    step(
        "lstm-forget-gate-sigmoid-itself",
        {DAF: "daf = df * f"},
        "forget gate multiplied by sigmoid instead of its derivative",
        "f in place of f (1 - f).",
        "CaptainE/RNN-LSTM-in-numpy#1, PR 2 (2023-24)",
    ),
    step(
        "lstm-candidate-tanh-twice",
        {DAG: "dag = dg * (1 - np.tanh(g) ** 2)"},
        "candidate's derivative takes tanh of g again",
        "1 - tanh(g)² where g is the tanh already.",
        "jinzishuai/learn2deeplearn#44 (2018, the deeplearning.ai notebook)",
    ),
    step(
        "lstm-forward-tanh-forgotten",
        {DO: "do = dnext_h * next_c", DC: "dc = dnext_c + dnext_h * o"},
        "forward gives h = o·c: tanh forgotten",
        "next_h = o * next_c, with the right gradient of that.",
        forward_patch={"next_h = o * np.tanh(next_c)": "next_h = o * next_c"},
    ),
    step(
        "lstm-forward-candidate-sigmoid",
        {DAG: "dag = dg * g * (1 - g)"},
        "forward's candidate is a sigmoid, not tanh",
        "All four gates go through the sigmoid, and backward fits.",
        forward_patch={
            "i, f, o, g = sigmoid(ai), sigmoid(af), sigmoid(ao), np.tanh(ag)": (
                "i, f, o, g = sigmoid(ai), sigmoid(af), sigmoid(ao), sigmoid(ag)"
            )
        },
    ),
    lstm(
        "lstm-seq-dc-without-forget",
        {CARRY: "dprev_h, dprev_c = da @ Wh.T, dc"},
        "carried cell gradient lacks the forget gate's factor",
        "dprev_c = dc.",
    ),
    lstm(
        "lstm-seq-next-step-forget-gate",
        {CARRY: "dprev_h, dprev_c = da @ Wh.T, dc * steps[min(t + 1, len(steps) - 1)][3]"},
        "carried cell gradient uses the next step's forget gate",
        "The textbook's f of step t+1, shifted once too often.",
    ),
]
