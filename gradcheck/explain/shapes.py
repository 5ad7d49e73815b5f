"""A gradient of the wrong shape: that of another tensor, a transpose, a sum too many or too few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from chainrule.gradcheck.explain.scene import Scene
from chainrule.gradcheck.report.findings import Cause, because


def explain_shapes(scene: Scene, causes: Sequence[Cause]) -> list[Cause]:
    """The causes, those of wrong shapes explained; of two that are swapped one is told."""
    found: list[Cause] = []
    for cause in causes:
        if cause.key == "shape":
            cause = explain_shape(scene, cause)
        if cause.key == "swapped-shapes" and any(one.key == cause.key for one in found):
            continue
        found.append(cause)
    return found


def explain_shape(scene: Scene, cause: Cause) -> Cause:
    """What a gradient of the wrong shape is."""
    name = cause.tensors[0]
    a, right = scene.yours[name], scene.right[name]
    for other in scene.right:
        if other != name and belongs(scene, name, other) and belongs(scene, other, name):
            return replace(
                because("swapped-shapes", "swapped", "{d} and {d_other} are swapped",
                        "Return each gradient under its own name.", d_other=other),
                tensors=(name,),
            )  # fmt: skip
    measured = bool(np.isfinite(right).all())
    atol = 1e-7 * float(np.abs(right).max(initial=0.0)) if measured else 0.0
    sums = "Sum over the axes that were broadcast alone."
    if a.size == 1 and right.size > 1:
        whole = measured and bool(np.isclose(float(a.sum()), right.sum(), rtol=1e-6))
        of = "the sum of all entries" if whole else "one for all entries"
        return replace(because("one-number", "axis", "{d} {is} a single number, {of}", sums, of=of),
                       tensors=(name,))  # fmt: skip
    turned = measured and a.ndim == right.ndim == 2 and a.T.shape == right.shape
    if turned and np.allclose(a.T, right, rtol=1e-5, atol=atol):
        said = f"{cause.message}: it is the transpose"
        return replace(cause, key="transposed-shape", kind="transpose", message=said,
                       hint="Transpose it: aᵀ b is bᵀ a.")  # fmt: skip
    if a.size == right.size:
        fits = measured and np.allclose(a.reshape(right.shape), right, rtol=1e-5, atol=atol)
        return replace(cause, hint="Reshape {d}." if fits else "Reshape what it is made of.")
    if a.size < right.size:
        return replace(cause, kind="axis", hint=sums)
    return replace(cause, hint="Sum over the axes along which it was broadcast.")


def belongs(scene: Scene, name: str, other: str) -> bool:
    """Whether what is returned for `name` is what `other` should get."""
    yours, right = scene.yours[name], scene.right[other]
    measured = np.isfinite(right)
    return (
        yours.shape == right.shape
        and bool(measured.any())
        and np.allclose(yours, np.where(measured, right, yours), rtol=1e-5, atol=1e-7)
    )
