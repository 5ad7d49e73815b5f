"""Gradients as sums of terms: the wrong term, one that lacks, is too much or has the wrong size."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.causes import cause, explains, leaves_nothing
from chainrule.gradcheck.explain.numbers import off_by
from chainrule.gradcheck.explain.scene import STRENGTHS, Array, Scene, agree, ratio
from chainrule.gradcheck.explain.terms import Term, over, terms
from chainrule.gradcheck.report.findings import Cause


def near(found: list[Term], wanted: Array) -> list[Term]:
    """Those of the terms that are roughly the array."""
    if not found:
        return []
    gaps = np.abs(np.stack([term.value for term in found]) - wanted)
    size = 1e-3 * np.abs(wanted).max()
    return [term for term, gap in zip(found, gaps, strict=True) if gap.max() <= size]


def wrong_term(scene: Scene, name: str) -> Iterator[Cause]:
    """yours and right are each a term, or differ by one."""
    yours, right = scene.yours[name], scene.right[name]
    if not scene.measured(name):
        return
    found, lack = terms(scene, name), right - yours
    proper = [
        t for t in near(found, right) if scene.small(name, right - t.value, right) is not None
    ]
    for term, wanted in itertools.product(near(found, yours), proper):
        residual = scene.close(name, term.value)
        if residual is not None:
            yield from for_another(term, wanted, residual)
    for term in near(found, lack):
        key = "lacks-contribution" if name in scene.inputs else "lacks-term"
        yield from leaves_nothing(scene, name, key, lack - term.value, lack, term=term.said)
    for term in near(found, -lack):
        rest = lack + term.value
        yield from leaves_nothing(scene, name, "extra-term", rest, lack, term=term.said)


def for_another(term: Term, wanted: Term, residual: float) -> Iterator[Cause]:
    """What it is to hold `term` where `wanted` belongs."""
    values = {"term": term.said, "wanted": wanted.said}
    if term.form != wanted.form:
        return
    if term.parts == wanted.parts and term.form == "product":
        yield cause("product-transposed", residual, **values)
    elif term.parts == wanted.parts:
        yield cause("sum-over-wrong-axis", residual, axis=over(wanted.axes), **values)
    elif term.axes == wanted.axes and set(term.parts) < set(wanted.parts):
        more = " * ".join(word for word in wanted.parts if word not in term.parts)
        yield cause("lacks-factor", residual, factor=more)
    elif term.axes == wanted.axes and len(term.parts) == len(wanted.parts):
        yield cause("of-other-arrays", residual, **values)


def one_term_alone(scene: Scene, name: str) -> Iterator[Cause]:
    """yours is a single term, and right is none."""
    for term in near(terms(scene, name), scene.yours[name]):
        yield from explains(scene, name, "one-term", term.value, term=term.said)


def wrong_penalty(scene: Scene, name: str) -> Iterator[Cause]:
    """The gradient of a penalty on the parameter, l2 * W: missing, turned, of the wrong size."""
    W, error = scene.params.get(name), scene.yours[name] - scene.right[name]
    kappa = ratio(error, W) if W is not None and W.shape == error.shape else None
    if W is None or not kappa:
        return
    l2 = next((v for key, v in scene.settings.items() if key in STRENGTHS and v), 0.0)
    most = max(param.ndim for param in scene.params.values())
    key, values = "off-by-decay", {"factor": f"{kappa:.4g}"}
    if l2:
        key, values = "decay-factor", {"size": off_by(scene, kappa / l2 + 1)}
        for share, said in ((-1, "lacks-decay"), (-2, "decay-sign"), (1, "extra-decay")):
            if agree(kappa / l2, share, 1, 1e-5) and (share < 0 or W.ndim < most):
                key, values = said, {}
        yield from explains(scene, name, "decay-alone", l2 * W)
    yield from leaves_nothing(scene, name, key, error - kappa * W, error, 1, **values)


def sums_of_terms(scene: Scene, name: str) -> Iterator[Cause]:
    """`right` is a sum of two terms such as dout * out and out * Σ dout * out, and `yours` has the
    same two, one with another sign or size."""
    yours, right, found = scene.yours[name], scene.right[name], terms(scene, name)
    if right.size < 8 or not scene.measured(name) or len(found) < 2:
        return
    T = np.stack([term.value.reshape(-1) for term in found])
    T /= np.sqrt(np.square(T).sum(axis=1, keepdims=True))
    for i, j, wanted in pairs(T, right.reshape(-1)):
        fit = np.linalg.lstsq(T[[i, j]].T, yours.reshape(-1), rcond=None)[0]
        residual = scene.close(name, (fit @ T[[i, j]]).reshape(yours.shape), 2)
        if residual is not None:
            yield from compare(scene, (found[i].said, found[j].said), wanted, fit, residual)


def pairs(T: Array, n: Array) -> Iterator[tuple[int, int, Array]]:
    """Pairs of terms, the simplest first, whose combination is n to nine digits."""
    gram, b, size = T @ T.T, T @ n, n @ n
    determinant = 1 - gram**2
    ci = (b[:, np.newaxis] - gram * b) / determinant
    rest = size - (ci * b[:, np.newaxis] + ci.T * b)
    good = (determinant > 1e-6) & (np.abs(rest) < 1e-9 * size)
    for i, j in itertools.islice(zip(*np.nonzero(np.triu(good, 1)), strict=True), 40):
        fit = np.linalg.lstsq(T[[i, j]].T, n, rcond=None)[0]
        close = agree(fit @ T[[i, j]], n, np.abs(n).max(), 1e-8)
        if close and np.abs(fit).min() > 1e-6 * np.abs(fit).max():
            yield int(i), int(j), fit


def compare(
    scene: Scene, said: tuple[str, str], wanted: Array, fit: Array, residual: float
) -> Iterator[Cause]:
    """What is wrong with one of two terms where the other is right."""
    for k, other in ((0, 1), (1, 0)):
        share = fit[k] / wanted[k]
        if not agree(fit[other], wanted[other], abs(wanted[other])) or agree(share, 1, 1):
            continue
        if agree(share, 0, 1):
            yield cause("lacks-term", residual, term=said[k])
        elif agree(share, -1, 1):
            yield cause("term-sign", residual, term=said[k])
        else:
            yield cause("term-factor", residual, term=said[k], size=off_by(scene, share))


def repeated_rows(scene: Scene, name: str) -> Iterator[Cause]:
    """Rows of a table that were taken more than once: the last one wins."""
    yours, dout = scene.yours[name], scene.dout
    for word, ids in scene.inputs.items():
        if ids.dtype.kind not in "iu" or dout.shape != ids.shape + yours.shape[1:] or not ids.size:
            continue
        if not yours.ndim or not -len(yours) <= ids.min() <= ids.max() < len(yours):
            continue
        last = np.zeros(yours.shape)
        last[ids] = dout
        yield from explains(scene, name, "repeated-ids", last, ids=word)


def wrong_left_factor(scene: Scene, name: str) -> Iterator[Cause]:
    """dW = xᵀ dz with the wrong array in the place of x, where dz is what dx tells it to be."""
    right, W = scene.right[name], scene.params.get(name)
    if W is None or W.ndim != 2:
        return
    for x_name, x in scene.inputs.items():
        dx = scene.right.get(x_name)
        if dx is None or x.ndim != 2 or x.shape[1] != len(W) or not np.isfinite(dx).all():
            continue
        dz = dx @ np.linalg.pinv(W.T)
        for c in (0.0, *(v for k, v in scene.settings.items() if k in STRENGTHS)):
            if scene.small(name, x.T @ dz + c * W - right, right) is None:
                continue
            for word, array in scene.arrays.items():
                if array.shape == (len(dz), len(W)):
                    words = {"term": f"{word}.T @ dz", "wanted": f"{x_name}.T @ dz"}
                    guess = array.T @ dz + c * W
                    yield from explains(scene, name, "of-other-arrays", guess, **words)
