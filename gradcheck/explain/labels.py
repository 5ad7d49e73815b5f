"""Losses: what is wrong at the true class, or beside it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.causes import explains
from chainrule.gradcheck.explain.factors import off_by
from chainrule.gradcheck.explain.scene import Array, Scene, ratio
from chainrule.gradcheck.report.findings import Cause

UNITS_OFF = ((1, "lacks-minus-one"), (2, "plus-one"), (-1, "counts-itself"))


def true_classes(scene: Scene, name: str) -> Array | None:
    """A mask of the true classes of scores (..., C) where the gradient is not 0, None where the
    targets are no classes."""
    yours, right = scene.yours[name], scene.right[name]
    for other, t in scene.inputs.items():
        if other != name and t.dtype.kind in "iu" and t.shape == yours.shape[:-1] and t.ndim:
            counts = right.any(axis=-1, keepdims=True)
            return np.asarray((t[..., np.newaxis] == np.arange(yours.shape[-1])) & counts)
    return None


def wrong_at_the_labels(scene: Scene, name: str) -> Iterator[Cause]:
    """Of targets that are classes: what is wrong at the true class, or beside it."""
    yours, right = scene.yours[name], scene.right[name]
    true = true_classes(scene, name) if scene.is_loss and yours.ndim > 1 else None
    if true is None or not scene.measured(name) or yours.shape[-1] < 2 or not true.any():
        return
    units = [float(scene.dout) / n for n in {int(true.sum()), len(yours), 1}]  # of means, of a sum
    yield from at_the_class(scene, name, true, units)
    yield from explains(scene, name, "true-class-only", np.where(true, right, 0))
    yield from off_by_class(scene, name, true)
    for shift in (-1, 1):
        beside = np.roll(true, shift, axis=-1)
        guesses = [right - unit * (beside.astype(float) - true) for unit in units]
        if not right[~true].any():
            guesses.append(np.where(beside, yours, 0))
        for guess in (*guesses, np.roll(right, shift, axis=-1)):
            yield from explains(scene, name, "off-by-one-label", guess)
    on = ~true & (np.abs(right) > 1e-6 * np.abs(right).max())
    if on.sum() > 3 and np.ptp(right[on]) < 1e-6 * np.abs(right).max():
        x = scene.inputs[name]
        margins = np.stack([x - (x * true).sum(axis=-1, keepdims=True), np.ones(x.shape)], axis=-1)
        guess = np.where(on, margins @ np.linalg.lstsq(margins[on], yours[on], rcond=None)[0], 0)
        guess -= true * guess.sum(axis=-1, keepdims=True)
        yield from explains(scene, name, "margin-values", guess, 2)


def at_the_class(scene: Scene, name: str, true: Array, units: list[float]) -> Iterator[Cause]:
    """Of gradients that are right but for the true class."""
    yours, right = scene.yours[name], scene.right[name]
    if (scene.wrong(name) & ~true).any():
        return
    yield from explains(scene, name, "zero-at-true-class", np.where(true, 0, right))
    for (off, key), unit in ((one, unit) for one in UNITS_OFF for unit in units):
        yield from explains(scene, name, key, right + off * unit * true)
    c = ratio(yours, right, true)
    if c:
        guess, size = np.where(true, c * right, right), off_by(scene, c)
        yield from explains(scene, name, "factor-at-true-class", guess, 1, size=size)


def off_by_class(scene: Scene, name: str, true: Array) -> Iterator[Cause]:
    """Rows that are off by factors, the same for all examples of a class."""
    yours, right = scene.yours[name], scene.right[name]
    square = np.square(right).sum(axis=-1)
    if yours.ndim != 2 or not square.all():
        return
    factors, classes = (yours * right).sum(axis=-1) / square, true.argmax(axis=-1)
    each = {int(c): factors[classes == c] for c in np.unique(classes)}
    alike = all(np.ptp(group) < 1e-6 * np.abs(group).max() for group in each.values())
    if alike and len(each) < len(factors) and np.ptp(factors) > 1e-4:
        told = ", ".join(f"{group[0]:.4g} for {c}" for c, group in each.items())
        guess = factors[:, np.newaxis] * right
        yield from explains(scene, name, "class-factor", guess, len(each), factors=told)
