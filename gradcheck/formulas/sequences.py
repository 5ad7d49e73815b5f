"""Formulas of sequences: embeddings of words, a product at every step, losses with a mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.losses import reduced
from chainrule.gradcheck.formulas.reference import (
    BUG,
    CONVENTION,
    Call,
    Inapplicable,
    Reference,
    Said,
    by_name,
)
from chainrule.gradcheck.formulas.units import log_softmax, softmax

WORDS = {
    "x": "x|ids?|idx|index|indices|words?|tokens?|captions?|inputs?",
    "W": "w.*|table|embed.*|params0",
}


def embedding_parts(call: Call) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of words, of any shape, and the table (V, D)."""
    parts = call.roles(WORDS, "x W")
    x, W = parts["x"], parts["W"]
    if x.dtype.kind == "f" and (x == np.round(x)).all():
        x = x.astype(np.int64)
    if x.dtype.kind not in "iu" or W.ndim != 2 or not x.size or x.min() < 0 or x.max() >= len(W):
        raise Inapplicable(f"x {x.shape} holds no numbers of rows of a table {W.shape}")
    return x, W


def embedding(call: Call) -> np.ndarray:
    x, W = embedding_parts(call)
    return W[x]


def embedding_mistakes(call: Call) -> Said:
    x, W = embedding_parts(call)
    yield "words are off by one: word 1 takes the first row of W", W[x - 1]
    yield "words are off by one: word 0 takes the second row of W", W[(x + 1) % len(W)]
    yield "rows of the batch and steps are exchanged", W[x.T]
    if W.shape[0] == W.shape[1]:
        yield "it takes columns of W, not rows", W.T[x]
    text = "the words' vectors are multiplied by √D, as the transformer's paper has it"
    yield text, W[x] * np.sqrt(W.shape[1]), CONVENTION


PRODUCT = {"x": "x|inputs?|h", "w": "w|weights?|wy|wvocab", "b": "b|bias|by|bvocab"}


def product_parts(call: Call) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x (N, T, D), w (D, M) and b."""
    parts = call.roles(PRODUCT, "x w")
    x, w = parts["x"], parts["w"]
    b = parts.get("b", np.zeros(w.shape[-1]))
    if x.ndim < 2 or w.ndim != 2 or x.shape[-1] != len(w) or b.shape != w.shape[1:]:
        raise Inapplicable(f"x {x.shape}, w {w.shape} and b {b.shape} do not fit")
    return x, w, b


def temporal_affine(call: Call) -> np.ndarray:
    x, w, b = product_parts(call)
    return x @ w + b


def temporal_affine_mistakes(call: Call) -> Said:
    x, w, b = product_parts(call)
    out = x @ w
    yield "the bias is missing", out
    yield "the bias is subtracted", out - b
    yield "the bias is added twice", out + 2 * b
    if len(w) == w.shape[1]:
        yield "w is transposed: out is x wᵀ + b", x @ w.T + b, CONVENTION
    if x.ndim > 2:
        mixed = x.swapaxes(0, 1).reshape(x.shape)
        yield "a reshape mixes examples and steps", mixed @ w + b
        yield "every step reads the last one", np.repeat(x[:, -1:], x.shape[1], axis=1) @ w + b


SCORES = {
    "x": "x|scores?|logits?|s|out",
    "y": "y|ys|t|ts|targets?|labels?|ytrue|captionsout|captions?",
    "mask": ".*mask|rowweights",
}


def scored(call: Call) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores (N, T, V), labels as a distribution over the words (N, T, V), and the mask (N, T)."""
    parts = call.roles(SCORES, "x y")
    x, y = parts["x"], parts["y"]
    if x.ndim != 3 or not x.size or y.shape != x.shape[:2]:
        raise Inapplicable(f"scores {x.shape} and labels {y.shape} do not fit")
    ignored = call.setting("ignore_label", "ignore_index", "ignore", default=-1.0)
    counts = y != ignored
    mask = np.asarray(parts.get("mask", np.ones(y.shape)), np.float64)
    labels = np.where(counts, y, 0).astype(np.int64)
    if mask.shape != y.shape or labels.min() < 0 or labels.max() >= x.shape[2]:
        raise Inapplicable(f"labels {y.shape} are no numbers of words below {x.shape[2]}")
    return x, np.eye(x.shape[2])[labels], mask * counts


def masked(log_p: np.ndarray, t: np.ndarray, mask: np.ndarray) -> Any:
    """-Σ mask log p of the right words."""
    return -(mask * (t * log_p).sum(axis=-1)).sum()


def sequence_loss(call: Call) -> Any:
    x, t, mask = scored(call)
    return reduced(call, masked(log_softmax(x), t, mask), len(x))


def sequence_loss_conventions(call: Call) -> Said:
    x, t, mask = scored(call)
    total = masked(log_softmax(x), t, mask)
    text = "the loss is the mean over the words that count, not summed over time"
    yield text, total / mask.sum()


def sequence_loss_mistakes(call: Call) -> Said:
    x, t, mask = scored(call)
    N, T, V = x.shape
    log_p = log_softmax(x)
    totals = {
        "": masked(log_p, t, mask),
        "the mask is ignored": masked(log_p, t, np.ones_like(mask)),
        "the mask is inverted: it counts the words where it is 0": masked(log_p, t, 1 - mask),
        "the softmax is over the steps, not over the words": masked(log_softmax(x, 1), t, mask),
        "the softmax is over the batch, not over the words": masked(log_softmax(x, 0), t, mask),
        "the softmax is over everything, not over the words": masked(log_softmax(x, None), t, mask),
        "the softmax is applied twice": masked(log_softmax(softmax(x)), t, mask),
        "the logarithm is missing": masked(softmax(x), t, mask),
        "labels are off by one step: the next one is used": masked(log_p, np.roll(t, -1, 1), mask),
        "labels are off by one step: the last one is used": masked(log_p, np.roll(t, 1, 1), mask),
    }
    sizes = {"N²": N * N, "N·T": N * T, "T": T, "1": 1, "N·V": N * V, "N·T·V": N * T * V}
    counts = {"": float(N), "the number of words that count": mask.sum(), **by_name(sizes)}
    for text, total in totals.items():
        for name, count in counts.items():
            divided = f"it is divided by {count:g} = {name}, and not by {N} = N alone"
            said = ", and ".join(filter(None, (text, divided * bool(name))))
            yield said, total / count, CONVENTION if not text else BUG


SEQUENCES = (
    Reference("embedding", "W[x]", embedding, embedding_mistakes, by_roles=True),
    Reference(
        "temporalaffine", "x w + b", temporal_affine, temporal_affine_mistakes, by_roles=True
    ),
    Reference(
        "temporalsoftmax",
        "-Σ mask log softmax(x)[y] / N",
        sequence_loss,
        sequence_loss_mistakes,
        loss=True,
        settings=("ignore_label", "ignore_index"),
        conventions=sequence_loss_conventions,
        by_roles=True,
    ),
)
