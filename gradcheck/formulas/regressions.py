"""Formulas of losses of regression that grow more slowly than the square of an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.losses import errors, loss, per_example, reduced
from chainrule.gradcheck.formulas.reference import Call, Said

DELTA = ("delta", "beta", "threshold")


USUAL = (1.0, 0.5, 0.1, 1.345, 1.5, 2.0)  # what delta may be where the layer does not tell


def bend(call: Call) -> float:
    return call.setting(*DELTA, default=1.0)


def huber(e: np.ndarray, d: float, half: float = 0.5) -> Any:
    """Squares up to d, and lines beyond it, summed."""
    return np.where(abs(e) <= d, half * e * e, d * (abs(e) - d / 2)).sum()


def huber_mistakes(call: Call) -> Said:
    e, d = errors(call), bend(call)
    lines = {
        "beyond delta the offset delta / 2 is missing": d * abs(e),
        "beyond delta the slope delta is missing": abs(e) - d / 2,
        "beyond delta delta²/ 2 is added, not subtracted": d * (abs(e) + d / 2),
        "beyond delta the offset is delta, not delta / 2": d * (abs(e) - d),
    }
    for text, line in lines.items():
        yield text, np.where(abs(e) <= d, 0.5 * e * e, line).sum()
    yield "the factor 1/2 of the square is missing", huber(e, d, 1.0)
    yield "the sides are exchanged", np.where(abs(e) > d, 0.5 * e * e, d * (abs(e) - d / 2)).sum()
    yield "the absolute value is missing", np.where(e <= d, 0.5 * e * e, d * (e - d / 2)).sum()
    yield f"delta is 1, not {d:g}", huber(e, 1.0)


def smooth_l1_mistakes(call: Call) -> Said:
    e, d = errors(call), bend(call)
    yield f"it is not divided by beta = {d:g}", huber(e, d)
    for text, other, *_ in huber_mistakes(call):
        yield text, other / d


def absolute_mistakes(call: Call) -> Said:
    e = errors(call)
    yield "the absolute value is missing: errors of both signs cancel", e.sum()
    yield "the errors are squared", (e * e).sum()
    y, t = call.pair
    if t.ndim == 1 and y.shape == (len(t), 1):
        text = "outputs (N, 1) minus targets (N,) broadcast to (N, N): reshape the targets"
        yield text, abs(y - t).mean() * e.size, "shape"


def absolute(call: Call) -> Any:
    return abs(errors(call)).sum()


def huber_total(call: Call) -> Any:
    return huber(errors(call), bend(call))


def smooth_l1(call: Call) -> Any:
    return huber_total(call) / bend(call)


def bends(call: Call, smooth: bool) -> Iterator[Any]:
    """With every delta that is usual, where none is told; over the elements or the examples."""
    told = call.setting(*DELTA, default=0.0)
    for d in [told] if told else USUAL:
        total = huber(errors(call), d) / (d if smooth else 1.0)
        yield reduced(call, total, call.pair[0].size)
        yield reduced(call, total, len(call.pair[0]))


REGRESSIONS = (
    loss("mae", "Σ |y - t| / (N·C)", absolute, absolute_mistakes, True, per_example(absolute)),
    loss(
        "huber",
        "Σ (e² / 2 up to delta, then delta (|e| - delta / 2)) / (N·C)",
        huber_total,
        huber_mistakes,
        True,
        lambda call: bends(call, False),
        DELTA,
    ),
    loss(
        "smoothl1",
        "Σ (e² / (2 beta) up to beta, then |e| - beta / 2) / (N·C)",
        smooth_l1,
        smooth_l1_mistakes,
        True,
        lambda call: bends(call, True),
        DELTA,
    ),
)
