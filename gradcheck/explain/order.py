"""The right numbers in the wrong place: swapped, transposed, summed over another axis."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.scene import Scene, Verdict


def swapped_with_another(scene: Scene, name: str) -> Iterator[Verdict]:
    for other, right in scene.right.items():
        if other == name or right.shape != scene.yours[name].shape:
            continue
        residual = scene.close(name, right)
        if residual is None:
            continue
        a, b = scene.label(name), scene.label(other)
        if scene.close(other, scene.right[name]) is not None:
            first, second = (n for n in scene.right if n in (name, other))
            pair = f"{scene.label(first)} and {scene.label(second)}"
            hint = "Return each in the place, or under the name, of its own tensor."
            yield "swapped", f"{pair} are swapped", hint, residual
        else:
            yield "swapped", f"{a} holds what belongs into {b}", "", residual
    for other, yours in scene.yours.items():
        if other == name or yours.ndim != scene.yours[name].ndim + 1:
            continue
        for axis in range(yours.ndim):
            residual = scene.close(name, yours.sum(axis=axis))
            if residual is not None:
                yield (
                    "swapped",
                    f"{scene.label(name)} is {scene.label(other)} summed over axis {axis}",
                    "Sum dout itself over the batch instead.",
                    residual,
                )


def rearranged(scene: Scene, name: str) -> Iterator[Verdict]:
    yours, right, label = scene.yours[name], scene.right[name], scene.label(name)
    if yours.ndim < 2 or not np.isfinite(right).all():
        return
    for order in itertools.permutations(range(yours.ndim)):
        if order == tuple(range(yours.ndim)):
            continue
        turned = right.transpose(order)
        if turned.shape == yours.shape:
            residual = scene.close(name, turned)
            if residual is not None:
                if yours.ndim == 2:
                    yield (
                        "transpose",
                        f"{label} is the transpose of what it should be",
                        "",
                        residual,
                    )
                else:
                    at = [i for i, j in enumerate(order) if i != j]
                    yield (
                        "axis",
                        f"{label} has the right numbers with axes {' and '.join(map(str, at))} "
                        f"exchanged",
                        "Undo the transpose of the forward pass in the opposite order.",
                        residual,
                    )
    size = np.maximum(np.abs(yours), np.abs(right))
    residual = scene.small(name, np.sort(yours, axis=None) - np.sort(right, axis=None), size)
    if residual is not None:
        yield (
            "axis",
            f"{label} has the right numbers in the wrong order",
            "A reshape does not move axes: transpose before you reshape.",
            residual,
        )


def summed_as_well(scene: Scene, name: str) -> Iterator[Verdict]:
    """The right numbers, summed or averaged once more."""
    yours, right, label = scene.yours[name], scene.right[name], scene.label(name)
    measured = np.isfinite(right).all()
    if measured and yours.size > 1 and np.ptp(yours) <= 1e-12 * np.abs(yours).max():
        for word, value in (("sum", right.sum()), ("mean", right.mean())):
            residual = scene.close(name, np.full_like(yours, value))
            if residual is not None:
                yield (
                    "axis",
                    f"all entries of {label} are equal, to the {word} of what they should be",
                    "Sum over the batch axis alone, axis=0.",
                    residual,
                )
    for axis in range(yours.ndim) if measured else ():
        for word, value in (
            ("summed", right.sum(axis=axis, keepdims=True)),
            ("averaged", right.mean(axis=axis, keepdims=True)),
        ):
            residual = scene.close(name, np.broadcast_to(value, yours.shape))
            if residual is not None and right.shape[axis] > 1 and yours.ndim == 3:
                yield (
                    "mask",
                    f"{label} is the same for all pieces along axis {axis}: which won is ignored",
                    "Use the routed gradient, dout for the winner and 0 for the others.",
                    residual,
                )
            if residual is not None and right.shape[axis] > 1:
                yield (
                    "axis",
                    f"{label} is {word} over its own axis {axis} as well",
                    "Sum over the batch, and keep the other axes apart.",
                    residual,
                )


def summed_wrongly(scene: Scene, name: str) -> Iterator[Verdict]:
    """Sums of dout, or of its products with arrays of its shape, over another axis."""
    yours, right, label, dout = scene.yours[name], scene.right[name], scene.label(name), scene.dout
    if dout.ndim < 2:
        return
    if dout.ndim == yours.ndim and dout.shape[1:] == yours.shape[1:]:
        residual = scene.close(name, dout[: len(yours)])
        if residual is not None and len(yours) < len(dout):
            yield (
                "axis",
                f"{label} holds the first {len(yours)} rows of a sum over the wrong axis",
                "Sum over the batch, axis=0, and keep the other axes.",
                residual,
            )
    factors = factors_of_dout(scene)
    sums: dict[tuple[int, ...], list[tuple[str, np.ndarray]]] = {}
    for count in range(1, dout.ndim + 1):
        for axes in itertools.combinations(range(dout.ndim), count):
            totals = [(word, (dout * factor).sum(axis=axes)) for word, factor in factors.items()]
            sums[axes] = [(w, t.reshape(yours.shape)) for w, t in totals if t.size == yours.size]
    for axes, totals in sums.items():
        over = axes[0] if len(axes) == 1 else axes
        proper = [w for w, t in totals if scene.small(name, t - right, right) is not None]
        for word, total in totals:
            residual = scene.close(name, total)
            if residual is None:
                continue
            if proper and word == "dout":
                lacking = proper[0].removeprefix("dout * ")
                message = f"{label} lacks the factor {lacking}: it is the sum of dout alone"
                yield "missing-term", message, f"Sum {proper[0]} over axis {over}.", residual
            elif proper:
                yield "swapped", f"{label} sums {word} where {proper[0]} belongs", "", residual
            else:
                yield (
                    "axis",
                    f"{label} is the sum of {word} over axis {over}, the wrong one",
                    "Sum over the batch, axis 0."
                    if yours.ndim == 1 and dout.ndim == 2
                    else "Sum over the axes along which the tensor was broadcast.",
                    residual,
                )


def channels_mixed(scene: Scene, name: str) -> Iterator[Verdict]:
    """Sums over images (N, C, H, W) reshaped to columns that are no channels."""
    yours, dout = scene.yours[name], scene.dout
    if dout.ndim < 3 or yours.shape != dout.shape[1:2]:
        return
    for word, factor in factors_of_dout(scene).items():
        residual = scene.close(name, (dout * factor).reshape(-1, len(yours)).sum(axis=0))
        if residual is not None:
            yield (
                "axis",
                f"{scene.label(name)} mixes the channels: it sums {word} reshaped to "
                f"(-1, {len(yours)})",
                "Move the channels last before you reshape: transpose(0, 2, 3, 1).",
                residual,
            )


def factors_of_dout(scene: Scene) -> dict[str, np.ndarray]:
    """What dout may have been multiplied by before it was summed: 1, and arrays of its shape."""
    return {"dout": np.ones(())} | {
        f"dout * {word}": array
        for word, array in scene.arrays().items()
        if array.shape == scene.dout.shape
    }
