"""The formula of a layer that multiplies its input by weights."""

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


AFFINE = Reference(
    "affine", "x W + b", affine, affine_mistakes, transposed_affine, (*WEIGHTS, *BIAS)
)
