"""The right numbers in the wrong place: swapped, transposed, reordered, summed once more."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.scene import Array, Scene
from chainrule.gradcheck.report.findings import Cause, because


def swapped_with_another(scene: Scene, name: str) -> Iterator[Cause]:
    for other in scene.right:
        residual = holds(scene, name, other)
        if residual is None:
            continue
        first, second = (n for n in scene.right if n in (name, other))
        if holds(scene, other, name) is not None:
            message = "{d_first} and {d_second} are swapped"
            hint = "Return each in the place, or under the name, of its own tensor."
            yield because(
                "swapped", "swapped", message, hint, residual, d_first=first, d_second=second
            )
        message = "{d} {holds} what belongs into {d_other}"
        yield because("of-another", "swapped", message, "", residual, d_other=other)
    for other, yours in scene.yours.items():
        if other != name and yours.ndim == scene.yours[name].ndim + 1:
            for axis in range(yours.ndim):
                residual = scene.close(name, yours.sum(axis=axis))
                if residual is not None:
                    message = "{d} {is} {d_other} summed over axis {axis}"
                    hint = "Sum dout itself over the batch instead."
                    yield because(
                        "sum-of-another", "swapped", message, hint, residual,
                        d_other=other, axis=axis,
                    )  # fmt: skip


def holds(scene: Scene, name: str, other: str) -> float | None:
    """What is left where `name` holds all that was measured for `other`, None where it does not."""
    yours, right = scene.yours[name], scene.right[other]
    seen = np.isfinite(right)
    if other == name or yours.shape != right.shape or not seen.sum() >= min(seen.size, 3):
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
            message = "{d} {is} the transpose of what it should be"
            yield because("transposed", "transpose", message, "", residual)
        elif residual is not None:
            at = " and ".join(str(i) for i, j in enumerate(order) if i != j)
            message = "{d} {has} the right numbers with axes {axes} exchanged"
            hint = "Undo the transpose of the forward pass in the opposite order."
            yield because("axes-exchanged", "axis", message, hint, residual, axes=at)
        elif turned.shape != yours.shape:
            residual = scene.close(name, turned.reshape(yours.shape))
            if residual is not None:
                message = "{d} {has} the right numbers, reshaped from shape {shape}"
                hint = "A reshape does not move axes: transpose before you reshape."
                yield because("reshaped", "axis", message, hint, residual, shape=turned.shape)
    yield from moved_along(scene, name)
    rest = np.sort(yours, axis=None) - np.sort(right, axis=None)
    residual = scene.small(name, rest.reshape(yours.shape), right)
    if residual is not None and len(np.unique(right)) > 2:
        message = "{d} {has} the right numbers in the wrong order"
        yield because("reordered", "axis", message, "", residual)


def moved_along(scene: Scene, name: str) -> Iterator[Cause]:
    """The right numbers turned round, or moved by a step, along one axis."""
    yours, right = scene.yours[name], scene.right[name]
    for axis in range(yours.ndim):
        residual = scene.close(name, np.flip(right, axis))
        if residual is not None:
            message = "{d} {has} the right numbers in the opposite order along axis {axis}"
            yield because("reversed", "axis", message, "", residual, axis=axis)
        for step in (-1, 1):
            inside = np.delete(np.moveaxis(np.roll(right, step, axis), axis, 0), -(step < 0), 0)
            kept = np.delete(np.moveaxis(yours, axis, 0), -(step < 0), 0)
            if kept.size < max(yours.size / 2, 3) or not np.any(kept):
                continue
            gap = np.zeros(yours.shape)
            gap.reshape(-1)[: kept.size] = (kept - inside).reshape(-1)
            residual = scene.small(name, gap, right)
            if residual is not None and np.abs(inside).max() > 1e-3 * np.abs(right).max():
                message = "{d} {is} moved by one along axis {axis}: entry i {holds} that of {index}"
                index = "i - 1" if step > 0 else "i + 1"
                yield because("moved", "axis", message, "", residual, axis=axis, index=index)


def sign_of_some(scene: Scene, name: str) -> Iterator[Cause]:
    """The right sizes, and the wrong sign in some entries."""
    yours, right = scene.yours[name], scene.right[name]
    residual = scene.small(name, np.abs(yours) - np.abs(right), right)
    wrong = scene.wrong(name)
    if residual is not None and wrong.sum() >= 2:
        message = "{d} {has} the wrong sign in {count} of {total} entries and {is} right otherwise"
        count, total = int(wrong.sum()), int(np.isfinite(right).sum())
        yield because("sign-of-some", "sign", message, "", residual, count=count, total=total)


def summed_as_well(scene: Scene, name: str) -> Iterator[Cause]:
    """The right numbers, summed or averaged once more."""
    yours, right = scene.yours[name], scene.right[name]
    if not scene.measured(name) or yours.size < 3:
        return
    for word, value in (("sum", right.sum()), ("mean", right.mean())):
        residual = scene.close(name, np.full_like(yours, value))
        if residual is not None:
            message = "all entries of {d} are equal, to the {word} of what they should be"
            yield because("all-equal", "axis", message, "", residual, word=word)
    for axis in range(yours.ndim):
        for word, value in (("summed", right.sum(axis=axis)), ("averaged", right.mean(axis=axis))):
            guess = np.broadcast_to(np.expand_dims(value, axis), yours.shape)
            residual = scene.close(name, guess) if right.shape[axis] > 1 else None
            if residual is None:
                continue
            if routed(right, axis):
                message = "{d} {is} the same along axis {axis}: which won is ignored"
                hint = "Use the routed gradient, dout for the winner and 0 for the others."
                yield because("winner-ignored", "mask", message, hint, residual, axis=axis)
            message = "{d} {is} {word} over its own axis {axis} as well"
            yield because("summed-too", "axis", message, "", residual, axis=axis, word=word)


def routed(right: Array, axis: int) -> bool:
    """Whether zeros along the axis show that one of several pieces is chosen."""
    return right.ndim > 2 and bool(((right == 0).sum(axis=axis) > 0).any())


def channels_mixed(scene: Scene, name: str) -> Iterator[Cause]:
    """Sums over images (N, C, H, W) reshaped to columns that are no channels."""
    yours, dout = scene.yours[name], scene.dout
    if dout.ndim < 3 or yours.shape != dout.shape[1:2]:
        return
    words = {f"dout * {w}": a * dout for w, a in scene.arrays().items() if a.shape == dout.shape}
    for word, total in ({"dout": dout} | words).items():
        residual = scene.close(name, total.reshape(-1, len(yours)).sum(axis=0))
        if residual is not None:
            message = "{d} {mixes} the channels: it is the sum of {word} reshaped to {shape}"
            hint = "Move the channels last before you reshape: transpose(0, 2, 3, 1)."
            yield because(
                "channels-mixed", "axis", message, hint, residual,
                word=word, shape=(-1, len(yours)),
            )  # fmt: skip
