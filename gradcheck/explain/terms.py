"""A gradient that is a sum of terms, one of which lacks, is too much, or has the wrong size."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.scene import (
    STRENGTHS,
    Scene,
    Verdict,
    factor_name,
    off_by,
    ratio,
)


def sums_of_terms(scene: Scene, name: str) -> Iterator[Verdict]:
    """`right` is a sum of two terms such as dout * out and out * Σ dout * out, and `yours` has the
    same two with another sign or size, or one of them summed over another axis."""
    yours, right = scene.yours[name], scene.right[name]
    if right.size < 8 or not np.isfinite(right).all():
        return
    said, vectors = dictionary(scene, right.shape)
    if len(said) < 2:
        return
    T = np.array([v.reshape(-1) for v in vectors])
    T /= np.sqrt(np.square(T).sum(axis=1, keepdims=True))
    gram = T @ T.T
    for i, j, c_right in pairs(T, gram, right.reshape(-1)):
        fit = solve(T[[i, j]], yours.reshape(-1))
        if fit is not None:
            yield from compare(scene, name, (said[i], said[j]), c_right, fit)
        for keep, other in ((i, j), (j, i)):
            for k in related(said, other):
                fit = solve(T[[keep, k]], yours.reshape(-1))
                if fit is not None and abs(fit[1]) > 1e-6 * abs(fit[0]):
                    yield (
                        "axis",
                        f"{scene.label(name)} has the term {said[k]} where {said[other]} belongs",
                        "Sum over the other axis.",
                        1e-8,
                    )


def dictionary(scene: Scene, shape: tuple[int, ...]) -> tuple[list[str], list[np.ndarray]]:
    """Terms that gradients are made of: products of dout with arrays at hand, and such products
    summed over an axis and multiplied by an array."""
    try:
        dout = np.broadcast_to(scene.dout, shape)
    except ValueError:
        return [], []
    base = {"": np.ones(shape)}
    for word, array in scene.arrays().items():
        if array.shape == shape and len(base) < 7:
            base[word] = array
    found: dict[str, np.ndarray] = {}
    for (v, b), (w, c) in itertools.combinations_with_replacement(base.items(), 2):
        found[" * ".join(("dout", *filter(None, (v, w))))] = dout * b * c
    axes: list[tuple[int, ...]] = [(axis,) for axis in range(len(shape))]
    axes += [tuple(range(1, len(shape)))] if len(shape) > 2 else []
    for axis in axes:
        for (v, b), (w, c) in itertools.product(base.items(), repeat=2):
            total = (dout * c).sum(axis=axis, keepdims=True)
            inner = " * ".join(filter(None, ("dout", w)))
            said = f"sum({inner}, axis={axis[0] if len(axis) == 1 else axis})"
            found[f"{v} * {said}" if v else said] = b * total
    kept = {said: v for said, v in found.items() if np.square(v).sum() > 0}
    return list(kept), list(kept.values())


def pairs(T: np.ndarray, gram: np.ndarray, n: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """Pairs of terms, the simplest first, whose combination is n to nine digits."""
    b, size = T @ n, n @ n
    with np.errstate(all="ignore"):
        determinant = 1 - gram**2
        ci = (b[:, np.newaxis] - gram * b) / determinant
        rest = size - (ci * b[:, np.newaxis] + ci.T * b)
        good = (determinant > 1e-6) & (np.abs(rest) < 1e-9 * size)
    for i, j in itertools.islice(zip(*np.nonzero(np.triu(good, 1)), strict=True), 40):
        fit = solve(T[[i, j]], n)
        if fit is not None and np.abs(fit).min() > 1e-6 * np.abs(fit).max():
            yield int(i), int(j), fit


def solve(two: np.ndarray, n: np.ndarray) -> np.ndarray | None:
    fit = np.linalg.lstsq(two.T, n, rcond=None)[0]
    rest = np.abs(fit @ two - n).max()
    return fit if rest <= 1e-8 * np.abs(n).max() else None


def compare(
    scene: Scene, name: str, said: tuple[str, str], right: np.ndarray, yours: np.ndarray
) -> Iterator[Verdict]:
    label = scene.label(name)
    for k, other in ((0, 1), (1, 0)):
        if abs(yours[other] - right[other]) > 1e-6 * abs(right[other]):
            continue
        share = yours[k] / right[k]
        if abs(share - 1) < 1e-6:
            continue
        if abs(share) < 1e-6:
            yield "missing-term", f"{label} lacks the term {said[k]}", "Add it.", 1e-8
        elif abs(share + 1) < 1e-6:
            yield "sign", f"the term {said[k]} in {label} has the wrong sign", "Turn it.", 1e-8
        else:
            yield "scale", f"the term {said[k]} in {label} is {off_by(scene, share)}", "", 1e-8


def related(said: list[str], at: int) -> Iterator[int]:
    """Terms that differ from the one at `at` in the axis of their sum alone."""
    if "axis=" not in said[at]:
        return
    head = said[at].rpartition("axis=")[0]
    for k, word in enumerate(said):
        if k != at and word.startswith(head) and "axis=" in word:
            yield k


def wrong_term(scene: Scene, name: str) -> Iterator[Verdict]:
    """yours - right is a multiple of one array at hand: a term lacks, is too much, or is scaled."""
    yours, right, label = scene.yours[name], scene.right[name], scene.label(name)
    difference = yours - right
    if not np.isfinite(right).all() or yours.size < 3:
        return
    strengths = {k: v for k, v in scene.settings.items() if k in STRENGTHS}
    if name in scene.params:
        W = scene.params[name]
        kappa = ratio(difference, W)
        if kappa:
            residual = scene.small(name, difference - kappa * W, np.abs(difference))
            if residual is not None:
                key, l2 = next(iter(strengths.items()), ("", 0.0))
                term = f"{key} * {name}" if key else f"{kappa:.4g} * {name}"
                share = kappa / l2 if l2 else 0.0
                if l2 and abs(share + 1) < 1e-5:
                    yield "missing-term", f"{label} lacks the regularisation {term}", "", residual
                elif l2 and abs(share + 2) < 1e-5:
                    yield "sign", f"the regularisation in {label} has the wrong sign", "", residual
                elif l2 and abs(share - 1) < 1e-5 and W.ndim < 2:
                    yield (
                        "missing-term",
                        f"{label} has an extra term {term}",
                        "The loss does not regularise this parameter.",
                        residual,
                    )
                elif l2:
                    yield (
                        "scale",
                        f"the regularisation in {label} is {off_by(scene, share + 1)}",
                        f"The loss has 0.5 * {key} * ΣW², whose gradient is {term}.",
                        residual,
                    )
                else:
                    yield "missing-term", f"{label} is off by {term}", "", residual
        for key, l2 in strengths.items():
            data_yours, data_right = yours - l2 * W, right - l2 * W
            c = ratio(data_yours, data_right)
            if c and abs(c - 1) > 1e-4:
                residual = scene.small(
                    name, data_yours - c * data_right, np.maximum(np.abs(yours), np.abs(right))
                )
                if residual is not None and factor_name(scene, max(abs(c), 1 / abs(c))):
                    yield (
                        "scale",
                        f"the data part of {label} is {off_by(scene, c)}; the regularisation "
                        f"{key} * {name} is right",
                        "Divide by the batch size." if abs(c) > 1 else "",
                        residual,
                    )
    terms = {"dout": scene.dout} | {f"dout * {w}": scene.dout * a for w, a in scene.arrays().items()
                                    if a.shape == scene.dout.shape}  # fmt: skip
    for word, array in terms.items():
        if array.shape != yours.shape:
            continue
        kappa = ratio(difference, array)
        if kappa and abs(abs(kappa) - 1) < 1e-5:
            residual = scene.small(name, difference - kappa * array, np.abs(difference))
            if residual is not None:
                verb = "has an extra term" if kappa > 0 else "lacks the term"
                kind = "overwrite" if kappa < 0 and name in scene.inputs else "missing-term"
                yield (
                    kind,
                    f"{label} {verb} {word}",
                    "Where a value forks its gradients add up." if kappa < 0 else "",
                    residual,
                )
