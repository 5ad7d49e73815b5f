"""Attention whose backward pass computes the weights again."""

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake


def causal_weights(q, k, shift):
    """A query sees the keys up to its own place, and `shift` more."""
    s = q @ k.T / np.sqrt(q.shape[1])
    rows, columns = np.indices(s.shape)
    s = np.where(rows + shift >= columns, s, -np.inf)
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def causal_attention_forward(q, k, v):
    p = causal_weights(q, k, len(k) - len(q))
    return p @ v, (q, k, v)


def causal_attention_backward(dout, cache):
    q, k, v = cache
    p = causal_weights(q, k, len(k) - len(q))
    dp = dout @ v.T
    ds = p * (dp - (dp * p).sum(axis=1, keepdims=True)) / np.sqrt(q.shape[1])
    return ds @ k, ds.T @ q, p.T @ dout


def flash_attention_forward(q, k, v):
    """Keeps the logarithm of each row's sum in place of the weights."""
    s = q @ k.T / np.sqrt(q.shape[1])
    top = s.max(axis=1, keepdims=True)
    lse = top + np.log(np.exp(s - top).sum(axis=1, keepdims=True))
    out = np.exp(s - lse) @ v
    return out, (q, k, v, out, lse)


def flash_attention_backward(dout, cache):
    q, k, v, out, lse = cache
    p = np.exp(q @ k.T / np.sqrt(q.shape[1]) - lse)
    delta = (dout * out).sum(axis=1, keepdims=True)
    ds = p * (dout @ v.T - delta) / np.sqrt(q.shape[1])
    return ds @ k, ds.T @ q, p.T @ dout


MISTAKES = [
    PairMistake(
        "attention-causal-corner",
        {"p = causal_weights(q, k, len(k) - len(q))": "p = causal_weights(q, k, 0)"},
        "causal mask aligned differently in backward",
        "With more keys than queries forward aligns the causal mask at the bottom right, backward"
        " at the top left.",
        "xlite-dev/ffpa-attn#300 (2026)",
        inputs=normal((3, 4), (5, 4), (5, 4)),
        forward=causal_attention_forward,
        backward=causal_attention_backward,
    ),
    PairMistake(
        "attention-backward-always-causal",
        {
            "p = np.exp(q @ k.T / np.sqrt(q.shape[1]) - lse)": (
                "p = np.tril(np.exp(q @ k.T / np.sqrt(q.shape[1]) - lse))"
            )
        },
        "backward masks what forward does not",
        "The backward kernel of the fused-attention tutorial ignores the causal flag and masks"
        " always; forks of it trained encoders.",
        "triton-lang/triton#4541, #5660 (2024-25)",
        inputs=normal((4, 3), (4, 3), (4, 3)),
        forward=flash_attention_forward,
        backward=flash_attention_backward,
    ),
]
