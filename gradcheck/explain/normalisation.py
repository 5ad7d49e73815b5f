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
    """One way to normalise: what a group is called, how an array is split into groups (entries,
    groups), what dout is weighted with, the parts and their numbers, the deviation."""

    said: str
    split: Callable[[Array], Array]
    weight: str
    parts: tuple[str, ...]
    basis: list[Array]
    std: Array


def ways(scene: Scene, x: Array) -> Iterator[Way]:
    eps = scene.settings.get("eps", 0.0)
    splits: list[tuple[str, Callable[[Array], Array]]] = [
        ("batch", lambda a: np.moveaxis(a, 1, -1).reshape(-1, x.shape[1]) if x.ndim > 3
         else a.reshape(-1, x.shape[-1])),
        ("row", lambda a: a.reshape(-1, x.shape[-1]).T),
    ]  # fmt: skip
    if x.ndim > 2:
        channels = x.shape[1]
        for groups in (n for n in range(1, channels + 1) if channels % n == 0):
            said = "example" if groups == 1 else "channel" if groups == channels else "group"
            splits.append((said, lambda a, n=groups: a.reshape(len(x) * n, -1).T))
    weights = {"": np.ones(())} | {
        word: p.reshape(-1, *[1] * (x.ndim - 2)) if x.ndim > 3 else p
        for word, p in scene.params.items()
        if p.shape == (x.shape[1] if x.ndim > 3 else x.shape[-1],)
    }
    for said, split in splits:
        for word, weight in weights.items():
            direct, entries = split(scene.dout * weight), split(x)
            if len(entries) < LEAST:
                continue
            through, centred = f"path through the {said}", entries - entries.mean(axis=0)
            square = np.sqrt(np.square(entries).mean(axis=0) + eps)
            parts = ("direct path", f"{through} mean square")
            yield Way(said, split, word, parts, [direct, entries], square)
            parts = ("direct path", f"{through} mean", f"{through} variance")
            std = np.sqrt(np.square(centred).mean(axis=0) + eps)
            yield Way(said, split, word, parts, [direct, np.ones_like(direct), centred], std)


class Fit(NamedTuple):
    """A gradient in one way: its coefficients (groups, parts), and what they leave of it."""

    way: Way
    found: Array
    residual: float


def fits(scene: Scene, name: str, gradient: Array) -> Iterator[Fit]:
    """The ways in which a gradient is a sum of parts."""
    for way in ways(scene, scene.inputs[name]):
        wanted = way.split(gradient)
        found = np.empty((wanted.shape[1], len(way.basis)))
        rest = 0.0
        for column in range(len(found)):
            terms = np.stack([term[:, column] for term in way.basis], axis=1)
            found[column] = np.linalg.lstsq(terms, wanted[:, column], rcond=None)[0]
            rest = max(rest, float(np.abs(terms @ found[column] - wanted[:, column]).max()))
        full = np.full(gradient.shape, rest)
        residual = scene.small(name, full, gradient, len(way.basis))
        if residual is not None:
            yield Fit(way, found, residual)


def wrong_normalisation(scene: Scene, name: str) -> Iterator[Cause]:
    x = scene.inputs.get(name)
    if x is None or x.ndim < 2 or x.shape != scene.dout.shape or not scene.measured(name):
        return
    wanted = list(fits(scene, name, scene.right[name]))
    mine = list(fits(scene, name, scene.yours[name])) if wanted else []
    both = [
        (fit, right)
        for fit, right in itertools.product(mine, wanted)
        if (fit.way.said, fit.way.parts) == (right.way.said, right.way.parts)
    ]
    for fit, right in both:
        if fit.way.weight == right.way.weight:
            yield from compared(scene, fit, right)
    for fit, right in both:
        if not fit.way.weight and all(other.way.weight for one, other in both if one is fit):
            yield cause("weight-outside", fit.residual, factor=right.way.weight)


def compared(scene: Scene, fit: Fit, right: Fit) -> Iterator[Cause]:
    """What is wrong with the parts of a gradient that has the right ones."""
    way, mine, wanted, eps = fit.way, fit.found, right.found, scene.settings.get("eps", 0.0)
    without = way.std / np.sqrt(np.maximum(way.std**2 - eps, 1e-300))
    largest = np.array([np.abs(term).max() for term in way.basis])
    sizes, off = np.abs(wanted).max(axis=0) * largest, np.abs(mine - wanted).max(axis=0) * largest
    wrong = off > 1e-6 * sizes.max()
    if eps and wrong[0] and agree(mine[:, 0] / wanted[:, 0] / without, 1, 1):
        yield cause("without-eps", fit.residual)
    size = np.maximum(np.abs(mine), np.abs(wanted)).max(axis=0)
    gone = [bool(wrong[k]) and agree(mine[:, k], 0, size[k]) for k in range(len(wrong))]
    if len(gone) == 3 and all(gone[1:]):
        yield cause("lacks-statistics", fit.residual, part=way.parts[1], other=way.parts[2])
    for k in (0, *range(len(gone) - 1, 0, -1)):
        if gone[k] and not k:
            yield cause("lacks-direct", fit.residual, others=" and ".join(
                part.removeprefix("path through ") for part in way.parts[1:]))  # fmt: skip
        elif gone[k]:
            yield cause("lacks-part", fit.residual, part=way.parts[k])
        elif wrong[k]:
            yield from part_off(scene, way, mine[:, k], wanted[:, k], way.parts[k], fit.residual)


def part_off(
    scene: Scene, way: Way, a: Array, n: Array, part: str, residual: float
) -> Iterator[Cause]:
    """How one part is off, the same way in all groups."""
    scale = max(np.abs(a).max(), np.abs(n).max())
    c = float((a * n).sum() / (n * n).sum()) if n.any() else 0.0
    if agree(a, -n, scale, 1e-5):
        yield cause("part-sign", residual, part=part)
    elif c and agree(a, c * n, scale, 1e-5) and abs(c - 1) > 1e-2:
        yield cause("part-factor", residual, part=part, size=off_by(scene, c))
    for power, said in POWERS:
        if agree(a, n * way.std**power, scale, 1e-5):
            yield cause("part-lacks-factor", residual, part=part, factor=said)
    factors = a[n != 0] / n[n != 0]
    if factors.size and np.abs(factors - 1).max() < 0.1:
        low, high = f"{factors.min():.6g}", f"{factors.max():.6g}"
        yield cause("part-nearly", residual, part=part, low=low, high=high)
