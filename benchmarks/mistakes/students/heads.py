"""Multi-head self-attention."""

import functools

import numpy as np

from benchmarks.mistakes.pair import PairMistake

HEADS = 2


def softmax(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def split(x):
    """(N, T, D) into (N, HEADS, T, D / HEADS)."""
    N, T, D = x.shape
    return x.reshape(N, T, HEADS, D // HEADS).swapaxes(1, 2)


def merge(x):
    N, H, T, D = x.shape
    return x.swapaxes(1, 2).reshape(N, T, H * D)


def rows(x):
    return x.reshape(-1, x.shape[-1])


def multihead_forward(x, Wq, Wk, Wv, Wo, bo):
    q, k, v = split(x @ Wq), split(x @ Wk), split(x @ Wv)
    p = softmax(q @ k.swapaxes(2, 3) / np.sqrt(q.shape[-1]))
    y = merge(p @ v)
    return y @ Wo + bo, (x, Wq, Wk, Wv, Wo, q, k, v, p, y)


def multihead_backward(dout, cache):
    x, Wq, Wk, Wv, Wo, q, k, v, p, y = cache
    dWo, dbo = rows(y).T @ rows(dout), rows(dout).sum(axis=0)
    dy = split(dout @ Wo.T)
    dp = dy @ v.swapaxes(2, 3)
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / np.sqrt(q.shape[-1])
    dq, dk, dv = merge(ds @ k), merge(ds.swapaxes(2, 3) @ q), merge(p.swapaxes(2, 3) @ dy)
    dWq, dWk, dWv = rows(x).T @ rows(dq), rows(x).T @ rows(dk), rows(x).T @ rows(dv)
    dx = dq @ Wq.T + dk @ Wk.T + dv @ Wv.T
    return dx, dWq, dWk, dWv, dWo, dbo


def multihead_inputs(rng):
    weights = [rng.normal(size=(4, 4)) * 0.6 for _ in range(4)]
    return rng.normal(size=(2, 4, 4)), *weights, rng.normal(size=4)


multihead = functools.partial(
    PairMistake, inputs=multihead_inputs, forward=multihead_forward, backward=multihead_backward
)

SPLIT = "q, k, v = split(x @ Wq), split(x @ Wk), split(x @ Wv)"
DS = "ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / np.sqrt(q.shape[-1])"
MERGED = "dq, dk, dv = merge(ds @ k), merge(ds.swapaxes(2, 3) @ q), merge(p.swapaxes(2, 3) @ dy)"
DW = "dWq, dWk, dWv = rows(x).T @ rows(dq), rows(x).T @ rows(dk), rows(x).T @ rows(dv)"
DX = "dx = dq @ Wq.T + dk @ Wk.T + dv @ Wv.T"

MISTAKES = [
    multihead(
        "mha-dx-without-values",
        {DX: "dx = dq @ Wq.T + dk @ Wk.T"},
        "path through V missing from dx",
        "dv's term is forgotten.",
    ),
    multihead(
        "mha-dWo-from-x",
        {
            "dWo, dbo = rows(y).T @ rows(dout), rows(dout).sum(axis=0)": (
                "dWo, dbo = rows(x).T @ rows(dout), rows(dout).sum(axis=0)"
            )
        },
        "dWo uses x instead of the heads' output",
        "The wrong array of the cache.",
    ),
    multihead(
        "mha-dWk-from-dq",
        {DW: DW.replace("rows(dk)", "rows(dq)")},
        "dWk uses dq instead of dk",
        "A copied line.",
    ),
    multihead(
        "mha-scale-of-the-model",
        {DS: DS.replace("q.shape[-1]", "x.shape[-1]")},
        "scale of the model's width instead of the head's",
        "sqrt(D) in backward, sqrt(D / heads) in forward.",
    ),
    multihead(
        "mha-wrong-projection-transposed",
        {DX: "dx = dq @ Wq.T + dk @ Wq.T + dv @ Wv.T"},
        "dx uses Wq where Wk belongs",
        "A copied factor.",
    ),
    multihead(
        "mha-dWq-not-over-batch",
        {
            "return dx, dWq, dWk, dWv, dWo, dbo": (
                "N = len(x)\nreturn dx, dWq / N, dWk / N, dWv / N, dWo, dbo"
            )
        },
        "dWq, dWk and dWv divided by the batch size",
        "The projections' gradients are averaged over the batch.",
    ),
    multihead(
        "mha-forward-split-without-transpose",
        {
            "dy = split(dout @ Wo.T)": "dy = (dout @ Wo.T).reshape(q.shape)",
            MERGED: (
                "dq, dk, dv = ds @ k, ds.swapaxes(2, 3) @ q, p.swapaxes(2, 3) @ dy\n"
                "dq, dk, dv = dq.reshape(x.shape), dk.reshape(x.shape), dv.reshape(x.shape)"
            ),
        },
        "forward splits heads by reshape without transpose",
        "reshape(N, H, T, d) mixes positions and features; merged the same way, backward fits.",
        "reczoo/FuxiCTR#30 (2022; same: jsbaan/transformer-from-scratch#6)",
        forward_patch={
            SPLIT: (
                "N, T, D = x.shape\n"
                "q, k, v = ((x @ W).reshape(N, HEADS, T, D // HEADS) for W in (Wq, Wk, Wv))"
            ),
            "y = merge(p @ v)": "y = (p @ v).reshape(N, T, D)",
        },
    ),
    multihead(
        "mha-forward-merged-without-transpose",
        {"dy = split(dout @ Wo.T)": "dy = (dout @ Wo.T).reshape(q.shape)"},
        "forward merges heads by reshape without transpose",
        "The transpose before the last reshape is missing; backward fits.",
        "jsbaan/transformer-from-scratch#6 (2026)",
        forward_patch={"y = merge(p @ v)": "y = (p @ v).reshape(x.shape)"},
    ),
]
