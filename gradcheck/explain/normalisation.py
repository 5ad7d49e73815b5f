"""Gradients through a mean and a variance, or a mean square, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from chainrule.gradcheck.explain.numbers import off_by
from chainrule.gradcheck.explain.scene import Array, Scene, agree
from chainrule.gradcheck.report.findings import Cause, because

EPS_PLACE = "Look where eps stands: forward and backward must have it in the same place."
POWERS = ((1, "1/std"), (2, "1/std²"), (-1, "std"), (-2, "std²"))


class Fit(NamedTuple):
    """yours and right as sums of the same parts, group by group.

    parts          what the parts are called
    mine, wanted   their coefficients (groups, parts)
    wrong          which parts are wrong
    std            the standard deviation of each group, with eps
    residual       what the sums leave of yours
    """

    parts: tuple[str, ...]
    mine: Array
    wanted: Array
    wrong: Array
    std: Array
    residual: float


def wrong_normalisation(scene: Scene, name: str) -> Iterator[Cause]:
    """Gradients through the statistics of columns or rows: yours and right as sums of a direct term
    and one along the input, as behind a mean square, or of a direct term, a constant and one along
    the centred input, as behind a mean and a variance."""
    eps = scene.settings.get("eps", 0.0)
    for fit in fits(scene, name, eps):
        with np.errstate(all="ignore"):
            without = np.sqrt(fit.std**2 / np.maximum(fit.std**2 - eps, 1e-300))
            nearly = agree(fit.mine[:, 0] / fit.wanted[:, 0] / without, 1, 1)
        if eps and nearly and fit.wrong[0]:
            message = "{d} {is} off by √(1 + eps / var): {backward} leaves out eps"
            hint = "Use the same √(var + eps) as {forward}."
            yield because("without-eps", "missing-term", message, hint, fit.residual)
        yield from wrong_parts(scene, fit)


def fits(scene: Scene, name: str, eps: float) -> Iterator[Fit]:
    """The sums that hold for both yours and right, of columns and of rows."""
    x, yours, right = scene.inputs.get(name), scene.yours[name], scene.right[name]
    if x is None or x.ndim < 2 or x.shape != scene.dout.shape or not scene.measured(name):
        return
    gammas = [p for p in scene.params.values() if p.shape == x.shape[-1:]]
    for axes, said in (((0, *range(2, x.ndim)), "batch"), ((x.ndim - 1,), "row")):
        weight = gammas[0] if said == "row" and gammas else np.ones(())
        count = int(np.prod([x.shape[axis] for axis in axes]))
        if count < 4:
            continue
        direct, entries, mine, wanted = (
            np.moveaxis(a, axes, range(len(axes))).reshape(count, -1)
            for a in (scene.dout * weight, x, yours, right)
        )
        centred, through = entries - entries.mean(axis=0), f"path through the {said}"
        for basis, parts, squares in (
            ([direct, entries], ("direct path", f"{through} mean square"), entries),
            (
                [direct, np.ones_like(direct), centred],
                ("direct path", f"{through} mean", f"{through} variance"),
                centred,
            ),
        ):
            found = fitted(basis, mine, wanted)
            rest = np.broadcast_to(found[2], right.shape)
            residual = scene.small(name, rest, right, len(basis))
            if residual is None:
                continue
            largest = np.array([np.abs(term).max() for term in basis])
            sizes = np.abs(found[1]).max(axis=0) * largest
            off = np.abs(found[0] - found[1]).max(axis=0) * largest
            std = np.sqrt(np.square(squares).mean(axis=0) + eps)
            yield Fit(parts, found[0], found[1], off > 1e-6 * sizes.max(), std, residual)


def fitted(basis: list[Array], *wanted: Array) -> tuple[Array, Array, Array]:
    """The coefficients (columns, terms) of the least-squares fit of each column of both `wanted` by
    those of the `basis`, and the largest residual."""
    found, rest = [], 0.0
    for column in range(wanted[0].shape[1]):
        terms = np.stack([term[:, column] for term in basis], axis=1)
        goals = np.stack([one[:, column] for one in wanted], axis=1)
        found.append(np.linalg.lstsq(terms, goals, rcond=None)[0])
        rest = max(rest, np.abs(terms @ found[-1] - goals).max())
    both = np.array(found)
    return both[..., 0], both[..., 1], np.array(rest)


def wrong_parts(scene: Scene, fit: Fit) -> Iterator[Cause]:
    size = np.maximum(np.abs(fit.mine), np.abs(fit.wanted)).max(axis=0)
    gone = [agree(fit.mine[:, k], 0, size[k]) and bool(w) for k, w in enumerate(fit.wrong)]
    if len(gone) == 3 and all(gone[1:]):
        message = "{d} {lacks} the {part} and the {other}"
        yield because(
            "lacks-statistics", "missing-term", message, "Neither is a constant.", fit.residual,
            part=fit.parts[1], other=fit.parts[2],
        )  # fmt: skip
    for k in (0, *range(len(gone) - 1, 0, -1)):
        if gone[k] and not k:
            message = "{d} {lacks} the direct path: it {holds} only what comes through the {others}"
            others = " and ".join(part.removeprefix("path through the ") for part in fit.parts[1:])
            hint = "At the fork add the contributions up: use +=, not =."
            yield because("lacks-direct", "overwrite", message, hint, fit.residual, others=others)
        elif gone[k]:
            message, part = "{d} {lacks} the {part}", fit.parts[k]
            yield because("lacks-part", "missing-term", message, "", fit.residual, part=part)
        elif fit.wrong[k]:
            yield from part_off(scene, fit, k)


def part_off(scene: Scene, fit: Fit, k: int) -> Iterator[Cause]:
    """How one part is off, the same way in all groups."""
    a, n, part = fit.mine[:, k], fit.wanted[:, k], fit.parts[k]
    scale = max(np.abs(a).max(), np.abs(n).max())
    c = float((a * n).sum() / (n * n).sum()) if n.any() else 0.0
    if c and agree(a, c * n, scale, 1e-5):
        if abs(c + 1) < 1e-5:
            message = "the {part} in {d} has the wrong sign"
            yield because("part-sign", "sign", message, "", fit.residual, part=part)
        elif abs(c - 1) < 1e-2:
            message = "{d} {is} nearly right: the {part} is off by a factor {factor}"
            yield because(
                "part-nearly", "missing-term", message, EPS_PLACE, fit.residual,
                part=part, factor=f"{c:.6g}",
            )  # fmt: skip
        else:
            message, size = "the {part} in {d} is {size}", off_by(scene, c)
            yield because("part-factor", "scale", message, "", fit.residual, part=part, size=size)
    for power, said in POWERS:
        if agree(a, n * fit.std**power, scale, 1e-5):
            message = "the {part} in {d} lacks a factor {factor}"
            yield because(
                "part-lacks-factor", "missing-term", message, "", fit.residual,
                part=part, factor=said,
            )  # fmt: skip
    factors = a[n != 0] / n[n != 0]
    if factors.size and np.abs(factors - 1).max() < 0.1:
        message = "{d} {is} nearly right: the {part} is off by factors from {low} to {high}"
        yield because(
            "part-nearly", "missing-term", message, EPS_PLACE, fit.residual,
            part=part, low=f"{factors.min():.6g}", high=f"{factors.max():.6g}",
        )  # fmt: skip
