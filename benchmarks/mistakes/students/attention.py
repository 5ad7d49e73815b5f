"""Scaled dot-product attention: plain, causal, and over a memory."""

import functools

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake


def softmax(s, axis=-1):
    e = np.exp(s - s.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def attention_forward(q, k, v):
    s = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
    p = softmax(s)
    return p @ v, (q, k, v, p)


def attention_backward(dout, cache):
    q, k, v, p = cache
    dv = p.transpose(0, 2, 1) @ dout
    dp = dout @ v.transpose(0, 2, 1)
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True))
    ds = ds / np.sqrt(q.shape[-1])
    dq = ds @ k
    dk = ds.transpose(0, 2, 1) @ q
    return dq, dk, dv


def causal_attention_forward(q, k, v):
    """No step sees a later one."""
    T = q.shape[1]
    hidden = np.triu(np.ones((T, T), bool), 1)
    s = np.where(hidden, -1e9, q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1]))
    p = softmax(s)
    return p @ v, (q, k, v, p)


def causal_attention_backward(dout, cache):
    q, k, v, p = cache
    T = q.shape[1]
    hidden = np.triu(np.ones((T, T), bool), 1)
    dv = p.transpose(0, 2, 1) @ dout
    dp = dout @ v.transpose(0, 2, 1)
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / np.sqrt(q.shape[-1])
    ds = np.where(hidden, 0, ds)
    return ds @ k, ds.transpose(0, 2, 1) @ q, dv


def memory_attention_forward(q, memory):
    """The memory gives the keys and the values."""
    p = softmax(q @ memory.transpose(0, 2, 1) / np.sqrt(q.shape[-1]))
    return p @ memory, (q, memory, p)


def memory_attention_backward(dout, cache):
    q, memory, p = cache
    dvalues = p.transpose(0, 2, 1) @ dout
    dp = dout @ memory.transpose(0, 2, 1)
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / np.sqrt(q.shape[-1])
    dkeys = ds.transpose(0, 2, 1) @ q
    return ds @ memory, dkeys + dvalues


attention = functools.partial(
    PairMistake,
    inputs=normal((2, 4, 4), (2, 4, 4), (2, 4, 4)),
    forward=attention_forward,
    backward=attention_backward,
)
causal = functools.partial(
    PairMistake,
    inputs=normal((2, 4, 3), (2, 4, 3), (2, 4, 3)),
    forward=causal_attention_forward,
    backward=causal_attention_backward,
)

DV = "dv = p.transpose(0, 2, 1) @ dout"
DS = "ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True))"
SCALE = "ds = ds / np.sqrt(q.shape[-1])"
DQ = "dq = ds @ k"
DK = "dk = ds.transpose(0, 2, 1) @ q"
HIDDEN = "hidden = np.triu(np.ones((T, T), bool), 1)"

MISTAKES = [
    attention(
        "attention-scale-in-dq-only",
        {SCALE: "", DQ: "dq = ds @ k / np.sqrt(q.shape[-1])"},
        "dk lacks the scale 1/sqrt(D)",
        "The scale is applied where dq is computed.",
    ),
    attention(
        "attention-scale-without-root",
        {SCALE: "ds = ds / q.shape[-1]"},
        "divided by D instead of sqrt(D)",
        "The root is forgotten in backward.",
    ),
    attention(
        "attention-scale-on-dv",
        {DV: f"{DV} / np.sqrt(q.shape[-1])"},
        "dv is scaled too",
        "The scale belongs to the scores, dv does not pass through them.",
    ),
    attention(
        "attention-softmax-sum-missing",
        {DS: "ds = p * dp"},
        "softmax Jacobian's sum term missing",
        "ds = p * dp.",
    ),
    attention(
        "attention-softmax-diagonal",
        {DS: "ds = dp * p * (1 - p)"},
        "only the diagonal of the softmax Jacobian",
        "p (1 - p) as for a sigmoid.",
    ),
    attention(
        "attention-softmax-sum-without-p",
        {DS: "ds = p * (dp - dp.sum(axis=-1, keepdims=True))"},
        "softmax Jacobian's sum lacks the factor p",
        "dp.sum() in place of (dp * p).sum().",
    ),
    attention(
        "attention-softmax-mean",
        {DS: "ds = p * (dp - (dp * p).mean(axis=-1, keepdims=True))"},
        "softmax Jacobian's sum is a mean",
        "mean over the keys.",
    ),
    attention(
        "attention-dk-not-transposed",
        {DK: "dk = ds @ q"},
        "dk uses ds, not its transpose",
        "ds @ q.",
    ),
    attention(
        "attention-dk-uses-k",
        {DK: "dk = ds.transpose(0, 2, 1) @ k"},
        "dk multiplies by k instead of q",
        "The line for dq was copied.",
    ),
    attention(
        "attention-forward-softmax-over-queries",
        {DS: "ds = p * (dp - (dp * p).sum(axis=1, keepdims=True))"},
        "forward's softmax runs over queries instead of keys",
        "axis=1 in place of the last one, in both passes.",
        "nerdai/llms-from-scratch-rs#30 (2025)",
        forward_patch={"p = softmax(s)": "p = softmax(s, axis=1)"},
    ),
    attention(
        "attention-forward-scale-without-root",
        {SCALE: "ds = ds / q.shape[-1]"},
        "forward divides scores by D instead of sqrt(D)",
        "The root is forgotten, in both passes.",
        forward_patch={
            "s = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])": (
                "s = q @ k.transpose(0, 2, 1) / q.shape[-1]"
            )
        },
    ),
    causal(
        "causal-weights-unmasked",
        {
            "q, k, v, p = cache": (
                "q, k, v, _ = cache\np = softmax(q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1]))"
            )
        },
        "weights recomputed without the mask in backward",
        "The weights are computed again from q and k, and the mask is forgotten.",
    ),
    causal(
        "causal-forward-peeks-one-ahead",
        {HIDDEN: HIDDEN.replace("1)", "2)")},
        "forward's mask is off by one: sees the next",
        "triu(…, 2): each step sees the next one, in both passes.",
        forward_patch={HIDDEN: HIDDEN.replace("1)", "2)")},
    ),
    PairMistake(
        "cross-attention-keys-only",
        {
            DV.replace("dv", "dvalues"): "",
            "return ds @ memory, dkeys + dvalues": "return ds @ memory, dkeys",
        },
        "path through the values missing from dmemory",
        "The gradient of the keys is assigned over that of the values.",
        inputs=normal((2, 3, 4), (2, 5, 4)),
        forward=memory_attention_forward,
        backward=memory_attention_backward,
    ),
]
