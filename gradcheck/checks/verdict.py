"""The verdict on one gradient: its presence, its shape and dtype, and its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.gradcheck.derivatives.slopes import Slopes
from chainrule.gradcheck.explain.scene import Scene
from chainrule.gradcheck.report import Tensor

if TYPE_CHECKING:
    from chainrule.gradcheck.checks.gradients import Judge

RELATIVE = 1e-7  # the least error, relative to a tensor's largest gradient, that counts as one


def well_formed(
    judge: Judge, name: str, array: np.ndarray, yours: Any, tensor: Tensor, scene: Scene
) -> bool:
    """Say what is wrong with the shape, the dtype or the presence of a gradient."""
    label = scene.label(name)
    right, a = tensor.numeric, tensor.analytic
    if yours is None:
        tensor.ok = False
        if name in scene.inputs:
            judge.say("missing-term", name, f"{label} is not returned")
        else:
            judge.say(
                "missing-term",
                name,
                f"grads has no entry for the parameter '{name}'",
                "Return a gradient for every parameter, under the parameter's name.",
            )
        return False
    got = np.asarray(yours)
    if got.shape != array.shape:
        tensor.ok = False
        for other in scene.right:
            if other != name and alike(scene, name, other) and alike(scene, other, name):
                if not any(f.kind == "swapped" for f in judge.report.findings):
                    judge.say("swapped", name, f"{label} and {scene.label(other)} are swapped",
                              "Return each gradient under its own name.")  # fmt: skip
                return False
        judge.say(*wrong_shape(name, label, a, right))
        return False
    if got.dtype != array.dtype:
        tensor.ok = False
        judge.say(
            "dtype",
            name,
            f"{label} has dtype {got.dtype}, {name} has {array.dtype}",
            "Leave out the cast: a gradient has the dtype of its tensor.",
        )
        return False
    return True


def alike(scene: Scene, name: str, other: str) -> bool:
    """Whether what is returned for `name` is what `other` should get."""
    yours, right = scene.yours[name], scene.right[other]
    return yours.shape == right.shape and np.allclose(
        yours, np.where(np.isfinite(right), right, yours), rtol=1e-5, atol=1e-7
    )


def verdict(tensor: Tensor, slopes: Slopes | None, largest: float, is_net: bool) -> None:
    """Fill in error, rounding and ok."""
    if slopes is None:  # agrees along random directions
        size = np.abs(tensor.analytic).max(initial=0.0)
        if size < 1e-6 * largest:
            tensor.error = float(size / largest)
        return
    a, n = tensor.analytic, tensor.numeric
    measured = np.isfinite(n) | slopes.kink
    scale = np.nanmax(np.abs(np.where(measured, n, 0.0)), initial=0.0)
    bar = RELATIVE * scale + 2 * slopes.error + 1e-10 * largest
    low, high = np.minimum(slopes.left, slopes.right), np.maximum(slopes.left, slopes.right)
    with np.errstate(all="ignore"):
        right = np.abs(a - n) <= bar
        between = (a >= low - bar) & (a <= high + bar)
    right = np.where(slopes.kink, between | is_net, right) | ~measured
    gap = np.where(measured & ~slopes.kink, np.abs(a - n), 0.0)
    floor = max(scale, 1e-3 * largest, 1e-300)
    tensor.error = float(np.max(gap, initial=0.0)) / floor
    rest = np.where(measured & ~slopes.kink & np.isfinite(slopes.error), slopes.error, 0.0)
    tensor.rounding = float(np.max(rest, initial=0.0)) / floor
    tensor.ok = bool(right.all())
    # At a kink any slope between the two is right; what hypotheses compare with is yours there.
    tensor.numeric = np.where(slopes.kink & (between | is_net), a, n)


def wrong_shape(
    name: str, label: str, a: np.ndarray, right: np.ndarray
) -> tuple[str, str, str, str]:
    """What a gradient of the wrong shape is: (kind, tensor, message, hint)."""
    said = f"{label} has shape {a.shape}, {name} has {right.shape}"
    measured = np.isfinite(right).all()
    fewer_axes = "Sum over the axes that were broadcast alone."
    if a.size == 1 and right.size > 1:
        whole = measured and np.isclose(float(a.sum()), right.sum(), rtol=1e-6)
        of = "the sum of all entries" if whole else "one for all entries"
        return "axis", name, f"{label} is a single number, {of}", fewer_axes
    turned = measured and a.ndim == right.ndim == 2 and a.T.shape == right.shape
    if turned and np.allclose(a.T, right, rtol=1e-5, atol=1e-7 * np.abs(right).max()):
        return "transpose", name, f"{said}: it is the transpose", "Transpose it: aᵀ b is bᵀ a."
    if a.size == right.size:
        fits = measured and np.allclose(
            a.reshape(right.shape), right, rtol=1e-5, atol=1e-7 * np.abs(right).max()
        )
        return "shape", name, said, f"Reshape {label if fits else 'what it is made of'}."
    hint = "Sum over the axes along which it was broadcast." if a.size > right.size else ""
    if a.size < right.size:
        return "axis", name, said, fewer_axes
    return "shape", name, said, hint
