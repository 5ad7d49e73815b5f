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

from chainrule.gradcheck.explain.causes import cause, explains
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


class Cut(NamedTuple):
    """Groups of entries: what they are called, the axis that comes first before arrays are cut into
    them, and how many there are."""

    said: str
    first: int
    groups: int
    words: str

    def of(self, a: Array) -> Array:
        """An array in these groups (groups, entries)."""
        return np.moveaxis(a, self.first, 0).reshape(self.groups, -1)

    def mean(self, a: Array) -> Array:
        """The means over the groups, in the places of their entries."""
        return self.spread(self.of(a).mean(axis=1, keepdims=True), a)

    def spread(self, each: Array, a: Array) -> Array:
        """A number of each group (groups, 1) in the places of its entries in an array."""
        entries = np.broadcast_to(each, self.of(a).shape)
        return np.moveaxis(entries.reshape(np.moveaxis(a, self.first, 0).shape), 0, self.first)


class Way(NamedTuple):
    """One way to normalise: its parts, their numbers (groups, entries, parts), the deviation of
    each group with eps, how arrays are cut into groups, and the name of what multiplies dout."""

    parts: tuple[str, ...]
    terms: Array
    std: Array
    cut: Cut
    weight: str

    def fit(self, gradient: Array) -> tuple[Array, Array]:
        """The coefficients (groups, parts) of a gradient, and what they leave of it."""
        wanted = self.cut.of(gradient)[..., np.newaxis]
        found = np.linalg.pinv(self.terms) @ wanted
        return found[..., 0], np.full(gradient.shape, np.abs(self.terms @ found - wanted).max())


def cuts_of(x: Array) -> list[Cut]:
    """By columns or channels over the batch, by rows, and by groups of channels of each example."""
    axis, C = (1 if x.ndim > 2 else -1), x.shape[1]  # that of channels or features
    found = [Cut("batch", axis, x.shape[axis], "the batch"),
             Cut("row", 0, x.size // max(x.shape[-1], 1), "each row")]  # fmt: skip
    for n in (n for n in range(1, C + 1) if x.ndim > 2 and C % n == 0):
        size = "all channels" if n == 1 else f"{C // n} channels" if n < C else "each channel"
        found.append(Cut("group", 0, len(x) * n, f"{size} of an example"))
    return sorted(found, key=lambda cut: cut.groups if x.ndim > 2 else 0)  # the largest first


def weights_of(scene: Scene, x: Array) -> Iterator[tuple[str, Array]]:
    """What may multiply dout: nothing, or a number for each channel."""
    axis = 1 if x.ndim > 2 else -1
    yield "", np.ones(())
    for name, p in (scene.params | scene.inputs).items():
        if p.size == x.shape[axis] and max(p.shape, default=0) == p.size:
            yield name, p.reshape(-1, *[1] * (x.ndim - 2))


def ways(scene: Scene, x: Array) -> Iterator[Way]:
    for cut, (word, weight) in itertools.product(cuts_of(x), list(weights_of(scene, x))):
        direct, entries = cut.of(scene.dout * weight), cut.of(x)
        if entries.shape[1] < LEAST:
            continue
        centred = entries - entries.mean(axis=1, keepdims=True)
        way, through = "direct path", f"path through the {cut.said}"
        three = (way, f"{through} mean", f"{through} variance")
        for parts, basis in (
            ((way, f"{through} mean square"), (direct, entries)),
            (three, (direct, np.ones(direct.shape), centred)),
        ):
            square = np.square(basis[-1]).mean(axis=1)
            std = np.sqrt(square + scene.settings.get("eps", 0.0))
            yield Way(parts, np.stack(basis, axis=-1), std, cut, word)


def wrong_normalisation(scene: Scene, name: str) -> Iterator[Cause]:
    x, yours, right = scene.inputs.get(name), scene.yours[name], scene.right[name]
    if x is None or x.ndim < 2 or x.shape != scene.dout.shape or not scene.measured(name):
        return
    first = True
    for way in ways(scene, x):
        wanted, rest = way.fit(right)
        if scene.small(name, rest, right, len(way.parts)) is None:
            continue
        mine, rest = way.fit(yours)
        residual = scene.small(name, rest, right, len(way.parts))
        if residual is not None:
            yield from compared(scene, way, mine, wanted, residual)
        elif first and len(way.parts) == 3:
            first = False
            yield from other_means(scene, name, way, wanted)


def other_means(scene: Scene, name: str, way: Way, wanted: Array) -> Iterator[Cause]:
    """Gradients with the right terms whose means go over other entries, or that are multiplied by
    gamma too late."""
    x, cut = scene.inputs[name], way.cut
    weight = dict(weights_of(scene, x))[way.weight]
    near = cut.spread(wanted[:, :1], x)  # 1 / std
    xhat = (x - cut.mean(x)) * near

    def gradient(g: Array, first: Cut, second: Cut) -> Array:
        return (g - first.mean(g) - xhat * second.mean(g * xhat)) * near

    if way.weight:
        guess = weight * gradient(scene.dout, cut, cut)
        yield from explains(scene, name, "weight-outside", guess, weight=way.weight)
    g = scene.dout * weight
    both = ("means of the gradient and of its product with x̂", "go")
    for other in (one for one in cuts_of(x) if one.groups != cut.groups):
        for (which, go), pair in {
            both: (other, other),
            ("mean of the gradient", "goes"): (other, cut),
            ("mean of the gradient times x̂", "goes"): (cut, other),
        }.items():
            values = {"which": which, "go": go, "mine": other.words, "right": cut.words}
            yield from explains(scene, name, "means-over", gradient(g, *pair), **values)


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
