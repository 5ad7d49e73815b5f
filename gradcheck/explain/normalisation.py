"""Gradients through a mean and a variance, or a mean square, part by part.

In each group of entries that is normalised together, a column, a row or a group of channels, the
gradient is a sum of a direct term and one along the input, as behind a mean square, or of a direct
term, a constant and one along the centred input, as behind a mean and a variance.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from chainrule.gradcheck.explain.causes import cause
from chainrule.gradcheck.explain.numbers import off_by
from chainrule.gradcheck.explain.scene import Array, Scene, agree
from chainrule.gradcheck.report.findings import Cause

POWERS = ((1, "1/std"), (2, "1/std²"), (-1, "std"), (-2, "std²"))
LEAST = 4  # entries of a group: fewer always fit


class Way(NamedTuple):
    """One way to normalise: its parts, their numbers (groups, entries, parts), the deviation of
    each group with eps, and an array as (groups, entries)."""

    parts: tuple[str, ...]
    terms: Array
    std: Array
    split: Callable[[Array], Array]

    def fit(self, gradient: Array) -> tuple[Array, Array]:
        """The coefficients (groups, parts) of a gradient, and what they leave of it."""
        wanted = self.split(gradient)[..., np.newaxis]
        found = np.linalg.pinv(self.terms) @ wanted
        return found[..., 0], np.full(gradient.shape, np.abs(self.terms @ found - wanted).max())


def splits(shape: tuple[int, ...]) -> Iterator[tuple[str, Callable[[Array], Array]]]:
    """How entries are normalised together: what a group is called, and an array by groups."""
    axis = 1 if len(shape) == 4 else -1  # that of channels or features
    yield "batch", lambda a: np.moveaxis(a, axis, 0).reshape(shape[axis], -1)
    yield "row", lambda a: a.reshape(-1, shape[-1])
    for groups in range(1, shape[1] + 1) if len(shape) > 2 else ():
        if shape[1] % groups == 0:
            yield "group", lambda a, count=groups: a.reshape(shape[0] * count, -1)


def ways(scene: Scene, x: Array) -> Iterator[Way]:
    axis = 1 if x.ndim == 4 else -1
    vectors = [p for p in (scene.params | scene.inputs).values() if p.shape == (x.shape[axis],)]
    weights = [np.ones(()), *(p.reshape(-1, 1, 1) if x.ndim == 4 else p for p in vectors)]
    for (said, split), weight in itertools.product(splits(x.shape), weights):
        direct, entries = split(scene.dout * weight), split(x)
        if entries.shape[1] < LEAST:
            continue
        centred = entries - entries.mean(axis=1, keepdims=True)
        through = f"path through the {said}"
        for parts, basis in (
            (("direct path", f"{through} mean square"), (direct, entries)),
            (
                ("direct path", f"{through} mean", f"{through} variance"),
                (direct, np.ones(direct.shape), centred),
            ),
        ):
            square = np.square(basis[-1]).mean(axis=1)
            std = np.sqrt(square + scene.settings.get("eps", 0.0))
            yield Way(parts, np.stack(basis, axis=-1), std, split)


def wrong_normalisation(scene: Scene, name: str) -> Iterator[Cause]:
    x, yours, right = scene.inputs.get(name), scene.yours[name], scene.right[name]
    if x is None or x.ndim < 2 or x.shape != scene.dout.shape or not scene.measured(name):
        return
    for way in ways(scene, x):
        wanted, rest = way.fit(right)
        if scene.small(name, rest, right, len(way.parts)) is None:
            continue
        mine, rest = way.fit(yours)
        residual = scene.small(name, rest, right, len(way.parts))
        if residual is not None:
            yield from compared(scene, way, mine, wanted, residual)


def compared(
    scene: Scene, way: Way, mine: Array, wanted: Array, residual: float
) -> Iterator[Cause]:
    """What is wrong with the parts of a gradient that has the right ones."""
    eps = scene.settings.get("eps", 0.0)
    largest = np.abs(way.terms).max(axis=(0, 1))
    sizes, off = np.abs(wanted).max(axis=0) * largest, np.abs(mine - wanted).max(axis=0) * largest
    wrong = off > 1e-6 * sizes.max()
    without = way.std / np.sqrt(np.maximum(way.std**2 - eps, 1e-300))
    if eps and wrong[0] and agree(mine[:, 0] / wanted[:, 0] / without, 1, 1):
        yield cause("without-eps", residual)
    gone = [
        bool(w) and agree(a, 0, np.abs(n).max())
        for w, a, n in zip(wrong, mine.T, wanted.T, strict=True)
    ]
    if len(gone) == 3 and all(gone[1:]):
        yield cause("lacks-statistics", residual, part=way.parts[1], other=way.parts[2])
    for k in (0, *range(len(gone) - 1, 0, -1)):
        if gone[k] and not k:
            yield cause("lacks-direct", residual, others=" and ".join(way.parts[1:]))
        elif gone[k]:
            yield cause("lacks-part", residual, part=way.parts[k])
        elif wrong[k]:
            for key, values in part_off(scene, way, mine[:, k], wanted[:, k]):
                yield cause(key, residual, part=way.parts[k], **values)


def part_off(scene: Scene, way: Way, a: Array, n: Array) -> Iterator[tuple[str, dict[str, str]]]:
    """How one part is off, the same way in all groups: keys of causes, and their values."""
    scale = max(np.abs(a).max(), np.abs(n).max())
    c = float((a * n).sum() / (n * n).sum()) if n.any() else 0.0
    if agree(a, -n, scale, 1e-5):
        yield "part-sign", {}
    elif c and agree(a, c * n, scale, 1e-5) and abs(c - 1) > 1e-2:
        yield "part-factor", {"size": off_by(scene, c)}
    for power, said in POWERS:
        if agree(a, n * way.std**power, scale, 1e-5):
            yield "part-lacks-factor", {"factor": said}
