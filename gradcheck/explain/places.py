"""The right numbers in the wrong place: swapped, transposed, reordered, summed once more, or in the
wrong shape: that of another tensor, a transpose, a sum too many or too few."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from chainrule.gradcheck.explain.causes import BROADCAST, cause, explains, leaves_nothing
from chainrule.gradcheck.explain.scene import Array, Scene
from chainrule.gradcheck.report.findings import Cause
from chainrule.gradcheck.subject.vocabulary import listed


def swapped_with_another(scene: Scene, name: str) -> Iterator[Cause]:
    for other in scene.yours:
        residual = holds(scene, name, other)
        if residual is not None and holds(scene, other, name) is not None:
            first, second = (n for n in scene.right if n in (name, other))
            yield cause("swapped", residual, d_first=first, d_second=second)
        elif residual is not None:
            yield cause("of-another", residual, d_other=other)
    for other, yours in scene.yours.items():
        for axis in range(yours.ndim if yours.ndim == scene.yours[name].ndim + 1 else 0):
            guess = yours.sum(axis=axis)
            yield from explains(scene, name, "sum-of-another", guess, d_other=other, axis=axis)


def holds(scene: Scene, name: str, other: str) -> float | None:
    """What is left where `name` holds all that was measured for `other`, None where it does not."""
    yours, right = scene.yours[name], scene.right[other]
    if other == name or yours.shape != right.shape:
        return None
    seen = np.isfinite(right)
    both = seen & np.isfinite(scene.right[name])
    if both.sum() < min(seen.size, 3) or not (both & scene.wrong(name)).any():
        return None
    return scene.small(name, np.where(seen, yours - right, 0), np.abs(yours))


def rearranged(scene: Scene, name: str) -> Iterator[Cause]:
    yours, right = scene.yours[name], scene.right[name]
    if yours.size < 3 or not scene.measured(name):
        return
    for order in itertools.permutations(range(yours.ndim)):
        turned = right.transpose(order)
        if order == tuple(range(yours.ndim)) or turned.size == max(turned.shape):
            continue
        if turned.shape == yours.shape:
            key = "transposed" if yours.ndim == 2 else "axes-exchanged"
            at = listed([str(i) for i, j in enumerate(order) if i != j])
            yield from explains(scene, name, key, turned, axes=at)
        else:
            guess, shape = turned.reshape(yours.shape), turned.shape
            yield from explains(scene, name, "reshaped", guess, shape=shape)


def permuted(scene: Scene, name: str) -> Iterator[Cause]:
    """The right slices along one axis in another order."""
    yours, right = scene.yours[name], scene.right[name]
    for axis in range(yours.ndim if scene.measured(name) else 0):
        a, b = (np.moveaxis(g, axis, 0).reshape(g.shape[axis], -1) for g in (yours, right))
        if 1 < len(a) <= 32:
            order = np.abs(a[:, np.newaxis] - b).max(axis=2).argmin(axis=1)
            if len(np.unique(order)) == len(a):
                guess = np.take(right, order, axis)
                values = {"axis": axis, "order": str([int(at) for at in order])}
                yield from explains(scene, name, "permuted", guess, **values)


def reordered(scene: Scene, name: str) -> Iterator[Cause]:
    yours, right = scene.yours[name], scene.right[name]
    rest = (np.sort(yours, axis=None) - np.sort(right, axis=None)).reshape(yours.shape)
    if scene.measured(name) and len(np.unique(right)) > 2:
        yield from leaves_nothing(scene, name, "reordered", rest, right)


def summed_as_well(scene: Scene, name: str) -> Iterator[Cause]:
    """The right numbers, summed or averaged once more."""
    right = scene.right[name]
    if not scene.measured(name) or right.size < 3:
        return
    for word, value in (("sum", right.sum()), ("mean", right.mean())):
        yield from explains(scene, name, "all-equal", float(value), word=word)
    for axis in (axis for axis in range(right.ndim) if right.shape[axis] > 1):
        zeros = np.moveaxis(right == 0, axis, -1).reshape(-1, right.shape[axis])
        zeros = zeros[zeros.any(axis=1) & ~zeros.all(axis=1)]
        chosen = right.ndim > 2 and (zeros != zeros[:1]).any()  # else no window covers them
        key = "winner-ignored" if chosen else "summed-too"
        for word, value in (("summed", right.sum(axis=axis)), ("averaged", right.mean(axis=axis))):
            guess = np.broadcast_to(np.expand_dims(value, axis), right.shape)
            yield from explains(scene, name, key, guess, axis=axis, word=word)


def explain_shapes(scene: Scene, causes: Sequence[Cause]) -> list[Cause]:
    """The causes, those of wrong shapes explained; of two that are swapped one is told."""
    found = [explain_shape(scene, one) if one.key == "shape" else one for one in causes]
    second = [one for one in found if one.key == "swapped-shapes"][1:]
    return [one for one in found if one not in second]


def explain_shape(scene: Scene, found: Cause) -> Cause:
    """What a gradient of the wrong shape is."""
    (name,) = found.tensors
    yours, right = scene.yours[name], scene.right[name]
    for other in scene.right:
        if other != name and belongs(scene, name, other) and belongs(scene, other, name):
            return replace(cause("swapped-shapes", None, d_other=other), tensors=(name,))
    measured = bool(np.isfinite(right).all())

    def fits(a: Array) -> bool:
        atol = 1e-7 * float(np.abs(right).max(initial=0.0))
        return measured and np.allclose(a, right, rtol=1e-5, atol=atol)

    if yours.size == 1 < right.size and fits(np.broadcast_to(yours.ravel(), right.shape)):
        return replace(found, kind="axis", hint="The numbers are right: broadcast them.")
    if yours.size == 1 < right.size:
        whole = measured and np.isclose(float(yours.sum()), right.sum(), rtol=1e-6)
        of = "the sum of all entries" if whole else "one for all entries"
        return replace(cause("one-number", None, of=of), tensors=(name,))
    if yours.ndim == 2 and yours.T.shape == right.shape and fits(yours.T):
        said, hint = f"{found.message}: it is the transpose", "Transpose it: aᵀ b is bᵀ a."
        return replace(found, key="transposed-shape", kind="transpose", message=said, hint=hint)
    if yours.size == right.size:
        whole = fits(yours.reshape(right.shape))
        return replace(found, hint="Reshape {d}." if whole else "Reshape what it is made of.")
    if yours.size < right.size:
        return replace(found, kind="axis", hint=BROADCAST)
    broadcast = yours.ndim > right.ndim or 1 in right.shape
    return replace(found, hint="Sum over the axes along which it was broadcast." * broadcast)


def belongs(scene: Scene, name: str, other: str) -> bool:
    """Whether what is returned for `name` is what `other` should get."""
    yours, right = scene.yours[name], scene.right[other]
    if yours.shape != right.shape or not (seen := np.isfinite(right)).any():
        return False
    return bool(np.allclose(yours[seen], right[seen], rtol=1e-5, atol=1e-7))
