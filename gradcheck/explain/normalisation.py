"""Gradients through a mean and a variance, or a mean square, part by part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from chainrule.gradcheck.explain.scene import Scene, Verdict, off_by

EPS_PLACE = "Look where eps stands: forward and backward must have it in the same place."
CENTRED = re.compile(r"\bx\s*-\s*\w+")


def wrong_normalisation(scene: Scene, name: str) -> Iterator[Verdict]:
    """Gradients through the statistics of columns or rows: yours and right as sums of a direct term
    and one along the input, as behind a mean square, or of a direct term, a constant and one along
    the centred input, as behind a mean and a variance."""
    x = scene.inputs.get(name)
    yours, right, label = scene.yours[name], scene.right[name], scene.label(name)
    if x is None or x.ndim < 2 or x.shape != scene.dout.shape or not np.isfinite(right).all():
        return
    gamma = next((p for p in scene.params.values() if p.ndim == 1), None)
    eps = scene.settings.get("eps", 0.0)
    for axes, said in (((0, *range(2, x.ndim)), "batch"), ((x.ndim - 1,), "row")):
        weight = np.ones(())
        if said == "row" and gamma is not None and len(gamma) == x.shape[-1]:
            weight = gamma
        count = int(np.prod([x.shape[axis] for axis in axes]))
        if count < 4:
            continue
        direct, entries, mine, wanted = (
            np.moveaxis(a, axes, range(len(axes))).reshape(count, -1)
            for a in (scene.dout * weight, x, yours, right)
        )
        centred = entries - entries.mean(axis=0)
        through = f"path through the {said}"
        for basis, parts, squares in (
            ([direct, entries], ("direct path", f"{through} mean square"), entries),
            (
                [direct, np.ones_like(direct), centred],
                ("direct path", f"{through} mean", f"{through} variance"),
                centred,
            ),
        ):
            fits, rest = fitted(basis, mine, wanted)
            if scene.small(name, np.array(rest), np.abs(right)) is None:
                continue
            size = np.abs(fits[:, :, 1]).max(axis=0)
            sizes = size * [np.abs(term).max() for term in basis]
            off = np.abs(fits[:, :, 0] - fits[:, :, 1]).max(axis=0)
            wrong = off * [np.abs(term).max() for term in basis] > 1e-6 * sizes.max()
            if not wrong.any():
                continue
            std = np.sqrt(np.square(squares).mean(axis=0) + eps)
            with np.errstate(all="ignore"):
                without = np.sqrt(std**2 / np.maximum(std**2 - eps, 1e-300))
                nearly = np.abs(fits[:, 0, 0] / fits[:, 0, 1] / without - 1).max() < 1e-6
            if eps and nearly and wrong[0]:
                yield (
                    "missing-term",
                    f"{label} is off by √(1 + eps / var): backward leaves out eps",
                    "Use the same √(var + eps) as the forward pass.",
                    1e-6,
                )
            yield from part_of_normalisation(scene, label, parts, fits, wrong, std)


def fitted(basis: list[np.ndarray], *wanted: np.ndarray) -> tuple[np.ndarray, float]:
    """The coefficients (columns, terms, wanted) of the least-squares fit of each column of `wanted`
    by those of the `basis`, and the largest residual."""
    fits, rest = [], 0.0
    for column in range(wanted[0].shape[1]):
        terms = np.stack([term[:, column] for term in basis], axis=1)
        goals = np.stack([one[:, column] for one in wanted], axis=1)
        fits.append(np.linalg.lstsq(terms, goals, rcond=None)[0])
        rest = max(rest, np.abs(terms @ fits[-1] - goals).max())
    return np.array(fits), rest


def part_of_normalisation(
    scene: Scene,
    label: str,
    parts: Sequence[str],
    fits: np.ndarray,
    wrong: np.ndarray,
    std: np.ndarray,
) -> Iterator[Verdict]:
    size = np.abs(fits).max(axis=(0, 2))
    if (
        len(parts) == 3
        and all(wrong[1:])
        and np.all(np.abs(fits[:, 1:, 0]).max(axis=0) < 1e-6 * size[1:])
    ):
        both = f"the {parts[1]} and the {parts[2]}"
        yield "missing-term", f"{label} lacks {both}", "Neither is a constant.", 1e-6
    for k in (0, *range(len(parts) - 1, 0, -1)):
        if not wrong[k]:
            continue
        a, n = fits[:, k, 0], fits[:, k, 1]
        scale = np.abs(n).max()
        part = parts[k]
        if np.abs(a).max() < 1e-6 * scale:
            if k == 0:
                yield (
                    "overwrite",
                    f"{label} lacks the {part}: it holds only what comes through mean and variance",
                    "At the fork add the contributions up: use +=, not =.",
                    1e-6,
                )
            yield "missing-term", f"{label} lacks the {part}", "", 1e-6
        c = float((a * n).sum() / (n * n).sum())
        if np.abs(a - c * n).max() < 1e-5 * scale:
            if abs(c + 1) < 1e-5:
                yield "sign", f"the {part} in {label} has the wrong sign", "", 1e-6
            if abs(c - 1) < 1e-2:
                yield (
                    "missing-term",
                    f"{label} is nearly right: the {part} is off by a factor {c:.6g}",
                    EPS_PLACE,
                    1e-6,
                )
            yield "scale", f"the {part} in {label} is {off_by(scene, c)}", "", 1e-6
        if np.abs(a - n * std).max() < 1e-5 * np.abs(a).max() and CENTRED.search(
            scene.lines.get(next(iter(scene.inputs)), "")
        ):
            yield (
                "swapped",
                f"the {part} in {label} uses x - mean where the normalised x̂ belongs",
                "",
                1e-6,
            )
        for power, said in ((1, "1/std"), (2, "1/std²"), (-1, "std"), (-2, "std²")):
            if np.abs(a - n * std**power).max() < 1e-5 * np.abs(a).max():
                yield "missing-term", f"the {part} in {label} lacks a factor {said}", "", 1e-6
        factors = a[n != 0] / n[n != 0]
        if factors.size and np.abs(factors - 1).max() < 0.1:
            yield (
                "missing-term",
                f"{label} is nearly right: the {part} is off by factors from {factors.min():.6g} "
                f"to {factors.max():.6g}",
                EPS_PLACE,
                1e-6,
            )
