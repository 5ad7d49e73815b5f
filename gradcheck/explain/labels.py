"""Losses: what is wrong at the true class, or beside it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.scene import Scene, Verdict, off_by, ratio


def target_of(scene: Scene, name: str) -> np.ndarray | None:
    """The targets of a loss whose scores `name` are (N, C); None where there are none."""
    targets = [a for w, a in scene.inputs.items() if w != name]
    if scene.yours[name].ndim != 2 or not targets or not np.isfinite(scene.right[name]).all():
        return None
    return targets[0]


def wrong_at_the_labels(scene: Scene, name: str) -> Iterator[Verdict]:
    """Of targets that are classes (N,): what is wrong at the true class, or beside it."""
    yours, right, label = scene.yours[name], scene.right[name], scene.label(name)
    t = target_of(scene, name)
    if t is None or t.shape != yours.shape[:1] or t.dtype.kind not in "iu" or yours.shape[1] < 2:
        return
    N, C = yours.shape
    error, scale = yours - right, np.abs(right).max()
    wrong = np.abs(error) > 1e-6 * scale
    dout = float(scene.dout) if scene.dout.ndim == 0 else 1.0
    units = (dout / N, dout)  # of a mean, of a sum
    onehot = np.zeros((N, C), bool)
    onehot[np.arange(N), t] = True
    if wrong.any() and not (wrong & ~onehot).any():
        c = ratio(yours, right, onehot)
        if np.abs(yours[onehot]).max() < 1e-6 * scale:
            yield (
                "missing-term",
                f"{label} is 0 at the true class",
                "The score of the true class gets a gradient too.",
                1e-7,
            )
        for factor, kind, message in (
            (1, "missing-term", f"{label} lacks the -1 at the true class"),
            (2, "sign", f"the 1 at the true class of {label} has the wrong sign"),
            (-1, "overwrite", f"{label} counts the true class itself and is too low there"),
        ):
            if any(np.abs(error[onehot] - factor * u).max() < 1e-6 * scale for u in units):
                hint = "It should be the probabilities minus the one-hot labels."
                yield kind, message, hint if factor > 0 else "Leave the true class out.", 1e-7
        if c is not None and np.abs(yours[onehot] - c * right[onehot]).max() < 1e-6 * scale:
            if abs(c + 1) < 1e-6:
                yield "sign", f"{label} has the wrong sign at the true class", "", 1e-7
            yield (
                "scale",
                f"{label} at the true class is {off_by(scene, c)}",
                "If it is updated in a loop over the classes, take it out of that loop.",
                1e-7,
            )
    if wrong.any() and not (wrong & onehot).any() and np.abs(yours[~onehot]).max() < 1e-6 * scale:
        yield (
            "missing-term",
            f"{label} is 0 for all classes but the true one",
            "Every score has a share in the loss: the off-diagonal entries of the Jacobian.",
            1e-7,
        )
    for shift in (-1, 1):
        beside = np.roll(onehot, shift, axis=1)
        step = beside.astype(float) - onehot
        guesses = [right - u * step for u in units]
        moved = (np.abs(yours) > 1e-9 * scale) == beside
        if moved.all() or any(np.abs(yours - g).max() < 1e-6 * scale for g in guesses):
            yield (
                "off-by-one-label",
                f"{label} takes the column beside that of the true class",
                "Labels start at 0.",
                1e-7,
            )
    off = ~onehot
    values = np.abs(right[off])
    on = values > 1e-6 * scale
    margins = np.abs(yours[off])
    flat = on.any() and np.ptp(values[on]) < 1e-6 * scale and margins[on].std() > 1e-6
    if flat and (margins[~on] < 1e-6 * scale).all():
        yield (
            "mask",
            f"{label} grows with the margins; every violated margin should count the same",
            "Use the indicator margins > 0, not their values.",
            1e-7,
        )


def wrong_beside_targets(scene: Scene, name: str) -> Iterator[Verdict]:
    """Of targets of the shape of the scores: another coding of the classes, another loss."""
    yours, right, label = scene.yours[name], scene.right[name], scene.label(name)
    t = target_of(scene, name)
    if t is None or t.shape != yours.shape:
        return
    error, scale = yours - right, np.abs(right).max()
    wrong = np.abs(error) > 1e-6 * scale
    for value in (0, 1):
        side = t == value
        if wrong.any() and not (wrong & ~side).any() and side.any():
            steps = error[side]
            if np.ptp(steps) < 1e-6 * scale:
                yield (
                    "off-by-one-label",
                    f"{label} is off by the constant {steps.mean():.3g} where the target is "
                    f"{value}",
                    "Forward takes labels as 0 and 1; backward seems to take -1 and +1.",
                    1e-7,
                )
    if np.ptp(np.abs(yours)) < 1e-9 * np.abs(yours).max() and np.ptp(np.abs(right)) > 1e-6 * scale:
        yield (
            "swapped",
            f"all entries of {label} have the same size: that is the gradient of the absolute "
            f"error",
            "Use the difference itself, not its sign.",
            1e-7,
        )
