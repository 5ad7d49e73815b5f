"""Gradients through a mean and a variance, part by part."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from gradcheck.diagnosis.scene import Scene, Verdict, off_by

EPS_PLACE = "Look where eps stands: forward and backward must have it in the same place."
CENTRED = re.compile(r"\bx\s*-\s*\w+")


def wrong_normalisation(scene: Scene, name: str) -> Iterator[Verdict]:
    """Gradients through a mean and a variance: yours and right as sums of a direct term, a
    constant and a term along the centred input, column by column or row by row."""
    x = scene.inputs.get(name)
    yours, right, label = scene.yours[name], scene.right[name], scene.label(name)
    if x is None or x.ndim < 2 or x.shape != scene.dout.shape or not np.isfinite(right).all():
        return
    gamma = next((p for p in scene.params.values() if p.ndim == 1), None)
    for axes, said in (((0, *range(2, x.ndim)), "batch"), ((x.ndim - 1,), "row")):
        weight = np.ones(())
        if said == "row" and gamma is not None and len(gamma) == x.shape[-1]:
            weight = gamma
        direct = np.moveaxis(scene.dout * weight, axes, range(len(axes)))
        count = int(np.prod(direct.shape[: len(axes)]))
        if count < 4:
            continue
        columns = [
            np.moveaxis(a, axes, range(len(axes))).reshape(count, -1)
            for a in (scene.dout * weight, x - x.mean(axis=axes, keepdims=True), yours, right)
        ]
        rest, coefficients = 0.0, []
        for g, c, a, n in zip(*(m.T for m in columns), strict=True):
            basis = np.stack([g, np.ones(count), c], axis=1)
            fit = np.linalg.lstsq(basis, np.stack([a, n], axis=1), rcond=None)[0]
            rest = max(rest, np.abs(basis @ fit - np.stack([a, n], axis=1)).max())
            coefficients.append(fit)
        if scene.small(name, np.array(rest), np.abs(right)) is None:
            continue
        fits = np.array(coefficients)  # (columns, 3, 2)
        eps = scene.settings.get("eps", 0.0)
        std = np.sqrt(np.moveaxis(x, axes, range(len(axes))).reshape(count, -1).var(axis=0) + eps)
        parts = (
            "direct path",
            f"path through the {said} mean",
            f"path through the {said} variance",
        )
        size = np.abs(fits[:, :, 1]).max(axis=0)
        scales = np.array([np.abs(m).max() for m in (columns[0], np.ones(1), columns[1])])
        wrong = [
            np.abs(fits[:, k, 0] - fits[:, k, 1]).max() * scales[k] > 1e-6 * (size * scales).max()
            for k in range(3)
        ]
        if sum(wrong) == 0:
            continue
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


def part_of_normalisation(scene, label, parts, fits, wrong, std):
    size = np.abs(fits).max(axis=(0, 2))
    if all(wrong[1:]) and np.all(np.abs(fits[:, 1:, 0]).max(axis=0) < 1e-6 * size[1:]):
        both = f"the {parts[1]} and the {parts[2]}"
        yield "missing-term", f"{label} lacks {both}", "Neither is a constant.", 1e-6
    for k in (0, 2, 1):
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
