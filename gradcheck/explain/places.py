"""The right numbers in the wrong place: swapped, transposed, reordered, summed once more."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.causes import cause
from chainrule.gradcheck.explain.scene import Scene
from chainrule.gradcheck.report.findings import Cause


def swapped_with_another(scene: Scene, name: str) -> Iterator[Cause]:
    for other, yours in scene.yours.items():
        residual = holds(scene, name, other)
        if residual is not None and holds(scene, other, name) is not None:
            first, second = (n for n in scene.right if n in (name, other))
            yield cause("swapped", residual, d_first=first, d_second=second)
        elif residual is not None:
            yield cause("of-another", residual, d_other=other)
        for axis in range(yours.ndim if yours.ndim == scene.yours[name].ndim + 1 else 0):
            residual = scene.close(name, yours.sum(axis=axis))
            if residual is not None:
                yield cause("sum-of-another", residual, d_other=other, axis=axis)


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
        residual = scene.close(name, turned)
        if residual is not None and yours.ndim == 2:
            yield cause("transposed", residual)
        elif residual is not None:
            at = " and ".join(str(i) for i, j in enumerate(order) if i != j)
            yield cause("axes-exchanged", residual, axes=at)
        residual = scene.close(name, turned.reshape(yours.shape))
        if residual is not None and turned.shape != yours.shape:
            yield cause("reshaped", residual, shape=turned.shape)
    yield from moved(scene, name)
    rest = np.sort(yours, axis=None) - np.sort(right, axis=None)
    residual = scene.small(name, rest.reshape(yours.shape), right)
    if residual is not None and len(np.unique(right)) > 2:
        yield cause("reordered", residual)


def moved(scene: Scene, name: str) -> Iterator[Cause]:
    """The right numbers, moved by a step or by half of the length along one axis."""
    yours, right = scene.yours[name], scene.right[name]
    for axis, length in enumerate(yours.shape):
        half = np.roll(right, length // 2, axis)
        residual = scene.close(name, half) if length > 3 and length % 2 == 0 else None
        if residual is not None:
            yield cause("halves", residual, axis=axis)
        for step, index in ((-1, "i + 1"), (1, "i - 1")):
            inside = np.arange(length) != (0 if step > 0 else length - 1)
            inside = np.broadcast_to(np.expand_dims(inside, [i for i in range(yours.ndim) if i != axis]),
                                     yours.shape)  # fmt: skip
            there = np.where(inside, np.roll(right, step, axis), 0)
            residual = scene.small(name, np.where(inside, yours - there, 0), right)
            if residual is not None and np.count_nonzero(there) > 2:
                yield cause("moved", residual, axis=axis, index=index)


def summed_as_well(scene: Scene, name: str) -> Iterator[Cause]:
    """The right numbers, summed or averaged once more."""
    yours, right = scene.yours[name], scene.right[name]
    if not scene.measured(name) or yours.size < 3:
        return
    for word, value in (("sum", right.sum()), ("mean", right.mean())):
        residual = scene.close(name, np.full_like(yours, value))
        if residual is not None:
            yield cause("all-equal", residual, word=word)
    for axis in range(yours.ndim):
        for word, value in (("summed", right.sum(axis=axis)), ("averaged", right.mean(axis=axis))):
            guess = np.broadcast_to(np.expand_dims(value, axis), yours.shape)
            residual = scene.close(name, guess) if right.shape[axis] > 1 else None
            routed = right.ndim > 2 and bool((right == 0).any(axis=axis).any())
            if residual is not None:  # zeros along the axis: of several pieces one was chosen
                key = "winner-ignored" if routed else "summed-too"
                yield cause(key, residual, axis=axis, word=word)
