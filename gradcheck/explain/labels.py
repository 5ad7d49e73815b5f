"""Losses: what is wrong at the true class, or beside it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.numbers import off_by
from chainrule.gradcheck.explain.scene import Array, Scene, ratio
from chainrule.gradcheck.report.findings import Cause, because

AT_THE_CLASS = (  # an error of so many units at the true class: key, kind, message, hint
    (1, "lacks-minus-one", "missing-term", "{d} {lacks} the -1 at the true class",
     "It should be the probabilities minus the one-hot labels."),
    (2, "plus-one", "sign", "the 1 at the true class of {d} has the wrong sign",
     "It should be the probabilities minus the one-hot labels."),
    (-1, "counts-itself", "overwrite", "{d} {counts} the true class itself and {is} too low there",
     "Leave the true class out."),
)  # fmt: skip


def labelled(scene: Scene, name: str) -> Array | None:
    """A mask of the true classes of scores (..., C), None where the targets are no classes."""
    yours = scene.yours[name]
    for other, t in scene.inputs.items():
        if other != name and t.dtype.kind in "iu" and t.shape == yours.shape[:-1] and t.ndim:
            return np.asarray(t[..., np.newaxis] == np.arange(yours.shape[-1]))
    return None


def wrong_at_the_labels(scene: Scene, name: str) -> Iterator[Cause]:
    """Of targets that are classes: what is wrong at the true class, or beside it."""
    yours, right = scene.yours[name], scene.right[name]
    onehot = labelled(scene, name) if scene.is_loss and yours.ndim > 1 else None
    if onehot is None or not scene.measured(name) or yours.shape[-1] < 2 or not onehot.any():
        return
    rows = onehot.sum()
    units = [float(scene.dout) / n for n in {int(rows), len(yours), 1}]  # of a mean, of a sum
    yield from at_the_class(scene, name, onehot, units)
    residual = scene.close(name, np.where(onehot, right, 0))
    if residual is not None:
        message = "{d} {is} 0 for all classes but the true one"
        hint = "Every score has a share in the loss: the off-diagonal entries of the Jacobian."
        yield because("true-class-only", "missing-term", message, hint, residual)
    for shift in (-1, 1):
        beside = np.roll(onehot, shift, axis=-1)
        step = beside.astype(float) - onehot
        guesses = [right - u * step for u in units]
        guesses += [right[onehot].max() * beside] if not right[~onehot].any() else []
        guesses += [np.roll(right, shift, axis=-1)]
        for guess in guesses:
            residual = scene.close(name, guess)
            if residual is not None:
                message = "{d} {takes} the column beside that of the true class"
                hint = "Labels start at 0."
                yield because("off-by-one-label", "off-by-one-label", message, hint, residual)
    on = ~onehot & (np.abs(right) > 1e-6 * np.abs(right).max())
    if on.any() and np.ptp(right[on]) < 1e-6 * np.abs(right).max() and np.ptp(yours[on]) > 1e-6:
        residual = scene.small(name, np.where(onehot | on, 0, yours), right)
        if residual is not None:
            message = "{d} {grows} with the margins; every violated margin should count the same"
            hint = "Use the indicator margins > 0, not their values."
            yield because("margin-values", "mask", message, hint, None)


def at_the_class(scene: Scene, name: str, onehot: Array, units: list[float]) -> Iterator[Cause]:
    """Of gradients that are right but for the true class."""
    yours, right = scene.yours[name], scene.right[name]
    if (scene.wrong(name) & ~onehot).any():
        return
    residual = scene.close(name, np.where(onehot, 0, right))
    if residual is not None:
        message = "{d} {is} 0 at the true class"
        hint = "The score of the true class gets a gradient too."
        yield because("zero-at-true-class", "missing-term", message, hint, residual)
    for factor, key, kind, message, hint in AT_THE_CLASS:
        for unit in units:
            residual = scene.close(name, right + factor * unit * onehot)
            if residual is not None:
                yield because(key, kind, message, hint, residual)
    c = ratio(yours, right, onehot)
    residual = scene.close(name, np.where(onehot, c * right, right), 1) if c else None
    if residual is not None and c and abs(c + 1) < 1e-6:
        message = "{d} {has} the wrong sign at the true class"
        yield because("sign-at-true-class", "sign", message, "", residual)
    elif residual is not None and c:
        message = "{d} at the true class {is} {size}"
        hint = "If it is updated in a loop over the classes, take it out of that loop."
        size = off_by(scene, c)
        yield because("factor-at-true-class", "scale", message, hint, residual, size=size)


def wrong_beside_targets(scene: Scene, name: str) -> Iterator[Cause]:
    """Of targets of the shape of the scores: another coding of the classes, another loss."""
    yours, right = scene.yours[name], scene.right[name]
    targets = [t for w, t in scene.inputs.items() if w != name and t.shape == yours.shape]
    if not scene.is_loss or yours.size < 3 or not targets or not scene.measured(name):
        return
    t, wrong = targets[0], scene.wrong(name)
    for value in (0, 1):
        side = t == value
        if wrong.any() and not (wrong & ~side).any():
            step = (yours - right)[side].mean()
            residual = scene.close(name, right + step * side, 1)
            if residual is not None:
                message = "{d} {is} off by the constant {step} where the target is {value}"
                hint = "Forward takes labels as 0 and 1; backward seems to take -1 and +1."
                yield because(
                    "label-coding", "off-by-one-label", message, hint, residual,
                    step=f"{step:.3g}", value=value,
                )  # fmt: skip
    size = np.abs(yours).mean()
    residual = scene.close(name, size * np.sign(yours), 1)
    if residual is not None and np.ptp(np.abs(right)) > 1e-6 * np.abs(right).max() and size:
        message = (
            "all entries of {d} have the same size: that is the gradient of the absolute error"
        )
        hint = "Use the difference itself, not its sign."
        yield because("sign-for-value", "swapped", message, hint, residual)
