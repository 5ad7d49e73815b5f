"""Formulas of layers that multiply their input by weights."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.formulas.reference import CONVENTION, Call, Inapplicable, Reference, Said

WEIGHTS, BIAS = ("W", "w", "weight", "weights"), ("b", "bias")


def affine_parts(call: Call) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x (N, D), W (D, M) and b."""
    W, b = call.param(*WEIGHTS), call.param(*BIAS, default=0.0)
    if W.ndim != 2 or call.x.ndim < 2 or math.prod(call.x.shape[1:]) != len(W):
        raise Inapplicable(f"x of shape {call.x.shape} and W of shape {W.shape} do not fit")
    return call.x.reshape(len(call.x), len(W)), W, b


def affine(call: Call) -> np.ndarray:
    x, W, b = affine_parts(call)
    return x @ W + b


def transposed_affine(call: Call) -> Iterator[np.ndarray]:
    """x Wᵀ + b, which is what PyTorch means by a square `weight`."""
    x, W, b = affine_parts(call)
    if "weight" in call.params and W.shape[0] == W.shape[1]:
        yield x @ W.T + b


def affine_mistakes(call: Call) -> Said:
    x, W, b = affine_parts(call)
    yield "the bias is missing", x @ W
    yield "the bias is added twice", x @ W + 2 * b
    yield "the bias is subtracted", x @ W - b
    yield "out is max(x W + b, 0): an activation is inside", np.maximum(x @ W + b, 0)
    if W.shape[0] == W.shape[1]:
        yield "W is transposed: out is x Wᵀ + b", x @ W.T + b, CONVENTION
    if np.shape(b) == (len(x),):
        yield "the bias is added along the rows", x @ W + b[:, np.newaxis]
    if np.size(b) > 1:
        yield "one bias is used for all: its first entry", x @ W + b.ravel()[0]


def pieces(call: Call) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """x W_k (N, K, M) and b (K, M) for each layout of W that fits: (D, K, M) or (K, D, M)."""
    W, b = call.param(*WEIGHTS), call.param(*BIAS, default=0.0)
    x = call.x.reshape(len(call.x), -1)
    for layout in ("nd,dkm->nkm", "nd,kdm->nkm"):
        D, K = (W.shape[0], W.shape[1]) if layout[3] == "d" else (W.shape[1], W.shape[0])
        if W.ndim == 3 and x.shape[1] == D and np.shape(b) in ((), (K, W.shape[2])):
            yield np.einsum(layout, x, W), b


def largest_pieces(call: Call) -> Iterator[np.ndarray]:
    return ((xW + b).max(axis=1) for xW, b in pieces(call))


def maxout(call: Call) -> np.ndarray:
    for out in largest_pieces(call):
        return out
    raise Inapplicable("W is neither (D, K, M) nor (K, D, M)")


def maxout_mistakes(call: Call) -> Said:
    def chosen(z: np.ndarray, by: np.ndarray) -> np.ndarray:
        return np.take_along_axis(z, by.argmax(axis=1)[:, np.newaxis], axis=1)[:, 0]

    for xW, b in pieces(call):
        z = xW + b
        yield "out is the smallest piece, not the largest", z.min(axis=1)
        yield "out is the mean of the pieces", z.mean(axis=1)
        yield "out is the sum of the pieces", z.sum(axis=1)
        yield "the biases are missing", xW.max(axis=1)
        yield "out is the piece that is largest in absolute value", chosen(z, abs(z))
        yield "the largest is chosen before the bias is added", chosen(z, xW)
        for k in range(z.shape[1]):
            yield f"out is piece {k}, whichever is largest", z[:, k]


PARAMS = (*WEIGHTS, *BIAS)
AFFINE = Reference("affine", "x W + b", affine, affine_mistakes, transposed_affine, PARAMS)
MAXOUT = Reference(
    "maxout", "max over k of x W_k + b_k", maxout, maxout_mistakes, largest_pieces, PARAMS
)
PRODUCTS = (AFFINE, MAXOUT)
