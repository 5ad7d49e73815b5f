"""Formulas of layers that take sequences as a whole: what they choose, turn, cut and cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.reference import CONVENTION, Call, Inapplicable, Reference, Said
from chainrule.gradcheck.formulas.sequences import masked, scored
from chainrule.gradcheck.formulas.units import log_softmax


def sequence(call: Call) -> np.ndarray:
    """x (N, T, D)."""
    x = call.inputs[0]
    if x.ndim != 3 or not x.size or len(call.inputs) > 2:
        raise Inapplicable(f"x has shape {x.shape}, which is no batch of sequences")
    return x


def lengths(call: Call) -> np.ndarray:
    x = sequence(call)
    return call.inputs[1] if len(call.inputs) == 2 else np.full(len(x), x.shape[1])


def last(call: Call) -> np.ndarray:
    return sequence(call)[np.arange(len(call.inputs[0])), lengths(call) - 1]


def last_mistakes(call: Call) -> Said:
    x, n, rows = sequence(call), lengths(call), np.arange(len(call.inputs[0]))
    yield "the first step is taken, not the last", x[:, 0]
    yield "the last step is taken, whatever the length", x[:, -1]
    yield "the length counts from 0: it is one step too late", x[rows, n % x.shape[1]]


def counted(call: Call) -> np.ndarray:
    """Which steps count (N, T, 1)."""
    x = sequence(call)
    mask = call.inputs[1] if len(call.inputs) == 2 else np.ones(x.shape[:2])
    return np.asarray(mask, np.float64)[:, :, np.newaxis]


def mean(call: Call) -> np.ndarray:
    m = counted(call)
    return (m * call.inputs[0]).sum(axis=1) / m.sum(axis=1)


def mean_mistakes(call: Call) -> Said:
    x, m = sequence(call), counted(call)
    yield "it is divided by all steps, not by those that count", (m * x).mean(axis=1)
    yield "it is not divided: the sum, not the mean", (m * x).sum(axis=1)
    yield "the mask is ignored", x.mean(axis=1)
    yield "the mask is inverted", ((1 - m) * x).sum(axis=1) / (1 - m).sum(axis=1)


def turned(call: Call, sign: float = 1.0, start: int = 0, base: float = 1e4) -> np.ndarray:
    x = sequence(call)
    (_, T, D), heads = x.shape, int(call.setting("heads", "num_heads", default=1.0))
    if D % (2 * heads):
        raise Inapplicable(f"x has shape {x.shape}, which has no pairs for each of {heads} heads")
    d = D // heads
    angles = np.outer(np.arange(start, T + start), base ** (-np.arange(0, d, 2) / d))
    pairs = x.reshape(*x.shape[:2], -1, 2) @ np.array([1, 1j])
    out = pairs * np.exp(sign * 1j * np.tile(angles, heads))
    return np.stack([out.real, out.imag], axis=-1).reshape(x.shape)


def turned_mistakes(call: Call) -> Said:
    x = sequence(call)
    yield "pairs are turned the other way", turned(call, -1.0), CONVENTION
    yield "positions begin with 1, not with 0", turned(call, start=1), CONVENTION
    yield "the base is 1000, not 10000", turned(call, base=1e3)
    yield "nothing is turned", x


def patches(call: Call, order: str = "chw") -> np.ndarray:
    """(N, patches, C p p), row by row."""
    x, p = call.x, int(call.setting("patch", "patch_size", "p"))
    if x.ndim != 4 or x.shape[2] % p or x.shape[3] % p:
        raise Inapplicable(f"x has shape {x.shape}, which patches of {p} do not fill")
    N, C, H, W = x.shape
    cut = x.reshape(N, C, H // p, p, W // p, p)
    axes = {"chw": (0, 2, 4, 1, 3, 5), "hwc": (0, 2, 4, 3, 5, 1), "columns": (0, 4, 2, 1, 3, 5)}
    return cut.transpose(axes[order]).reshape(N, -1, C * p * p)


def embedded(call: Call, order: str = "chw") -> np.ndarray:
    return patches(call, order) @ call.param("W") + call.param("b")


def embedded_mistakes(call: Call) -> Said:
    yield "the bias is missing", patches(call) @ call.param("W")
    yield "channels stand last in a patch", embedded(call, "hwc"), CONVENTION
    yield "patches go down the columns, not along the rows", embedded(call, "columns")


def sequence_losses(call: Call) -> Iterator[Any]:
    """Per step that counts, or as the reduction says."""
    x, t, mask = scored(call)
    total, reduction = masked(log_softmax(x), t, mask), getattr(call.layer, "reduction", "mean")
    yield {"mean": total / mask.sum(), "sum": total, "sequences": total / len(x)}[reduction]


STEPS = (
    Reference("last", "x_T", last, last_mistakes),
    Reference("meanovertime", "Σ m x / Σ m", mean, mean_mistakes),
    Reference(
        "rotaryencoding",
        "pairs turned by t / 10000^(2 i / d)",
        turned,
        turned_mistakes,
        settings=("heads",),
    ),
    Reference("patchembedding", "patches W + b", embedded, embedded_mistakes, params=("W", "b")),
    Reference(
        "sequencecrossentropy",
        "-Σ m log softmax(x)[y] / Σ m",
        lambda call: next(sequence_losses(call)),
        settings=("ignore",),
        loss=True,
        by_roles=True,
    ),
)
