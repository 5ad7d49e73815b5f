"""Gradients through a mean and a variance, or a mean square, part by part.

In each group of entries that is normalised together, a column, a row or a group of channels, the
gradient is a sum of a direct term and one along the input, as behind a mean square, or of a direct
term, a constant and one along the centred input, as behind a mean and a variance.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from chainrule.gradcheck.explain.causes import cause
from chainrule.gradcheck.explain.factors import off_by
from chainrule.gradcheck.explain.scene import Array, Scene, agree
from chainrule.gradcheck.report.findings import Cause

POWERS = ((1, "1/std"), (2, "1/std²"), (-1, "std"), (-2, "std²"))
LEAST = 4  # entries of a group: fewer always fit


def moves_along_what_changes_nothing(scene: Scene, name: str) -> Iterator[Cause]:
    """Where the right gradient has no part along x itself, or along a constant, in each group of
    entries along an axis, forward does not depend on the length or the level of x there."""
    x, yours, right = scene.inputs.get(name), scene.yours[name], scene.right[name]
    if x is None or x.shape != right.shape or not scene.measured(name):
        return
    pairs = ("length", f"products with {name}", x), ("level", "entries", np.ones(x.shape))
    for axis in range(-1, x.ndim - 1):
        for word, what, along in pairs:
            sums = [(np.abs(g * along).sum(axis), (g * along).sum(axis)) for g in (right, yours)]
            still, moves = (np.abs(part) > 1e-6 * size.max() for size, part in sums)
            if x.shape[axis] > 2 and not still.any() and moves.all():
                yield cause("moves-along", None, word=word, what=what, axis=axis % x.ndim)


class Way(NamedTuple):
    """One way to normalise: its parts, their numbers (groups, entries, parts), the deviation of
    each group with eps, and the axis that comes first before arrays are cut into groups."""

    parts: tuple[str, ...]
    terms: Array
    std: Array
    first: int

    def fit(self, gradient: Array) -> tuple[Array, Array]:
        """The coefficients (groups, parts) of a gradient, and what they leave of it."""
        wanted = np.moveaxis(gradient, self.first, 0).reshape(*self.terms.shape[:2], 1)
        found = np.linalg.pinv(self.terms) @ wanted
        return found[..., 0], np.full(gradient.shape, np.abs(self.terms @ found - wanted).max())


def ways(scene: Scene, x: Array) -> Iterator[Way]:
    """By columns or channels over the batch, by rows, and by groups of channels of each example."""
    axis = 1 if x.ndim == 4 else -1  # that of channels or features
    counts = [n for n in range(1, x.shape[1] + 1) if x.shape[1] % n == 0] if x.ndim > 2 else []
    cuts = [("batch", axis, x.shape[axis]), ("row", 0, x.size // max(x.shape[-1], 1))]
    cuts += [("group", 0, len(x) * n) for n in counts]
    vectors = [p for p in (scene.params | scene.inputs).values() if p.shape == (x.shape[axis],)]
    weights = [np.ones(()), *(p.reshape(-1, 1, 1) if x.ndim == 4 else p for p in vectors)]
    cuts.sort(key=lambda cut: cut[2] if x.ndim > 2 else 0)  # what holds in a group holds in parts
    for (said, first, groups), weight in itertools.product(cuts, weights):
        arrays = (scene.dout * weight, x)
        direct, entries = (np.moveaxis(a, first, 0).reshape(groups, -1) for a in arrays)
        if entries.shape[1] < LEAST:
            continue
        centred = entries - entries.mean(axis=1, keepdims=True)
        way, through = "direct path", f"path through the {said}"
        three = (way, f"{through} mean", f"{through} variance")
        for parts, basis in (
            ((way, f"{through} mean square"), (direct, entries)),
            (three, (direct, np.ones(direct.shape), centred)),
        ):
            square = np.square(basis[-1]).mean(axis=1)
            std = np.sqrt(square + scene.settings.get("eps", 0.0))
            yield Way(parts, np.stack(basis, axis=-1), std, first)


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
    if len(gone) == 3 and wrong[1] and wrong[2] and not wrong[0]:
        one, two = ([*part_off(scene, way, mine[:, k], wanted[:, k])] for k in (1, 2))
        for key, values in one if one == two else ():
            if key == "part-factor":
                parts = " and ".join(part.removeprefix("path through ") for part in way.parts[1:])
                yield cause("parts-factor", residual, parts=parts, **values)
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
    factors = a[n != 0] / n[n != 0]
    if factors.size and np.abs(factors - 1).max() < 0.1:
        yield "part-nearly", {"low": f"{factors.min():.6g}", "high": f"{factors.max():.6g}"}
