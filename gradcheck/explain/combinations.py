"""Gradients as sums of terms: the wrong term, one that lacks, is too much or has the wrong size."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.numbers import factor_name, off_by
from chainrule.gradcheck.explain.scene import STRENGTHS, Array, Scene, agree, ratio
from chainrule.gradcheck.explain.terms import Term, over, terms
from chainrule.gradcheck.report.findings import Cause, because


def wrong_term(scene: Scene, name: str) -> Iterator[Cause]:
    """yours and right are each a term, or differ by one."""
    yours, right = scene.yours[name], scene.right[name]
    if not scene.measured(name):
        return
    found = terms(scene, name)
    mine = [(t, r) for t in found if (r := scene.close(name, t.value)) is not None]
    proper = [t for t in found if scene.small(name, right - t.value, right) is not None]
    for (term, residual), wanted in itertools.product(mine, proper):
        yield from for_another(term, wanted, residual)
    for term in found:
        residual = scene.small(name, right - yours - term.value, right - yours)
        if residual is not None:
            kind = "overwrite" if name in scene.inputs else "missing-term"
            message, hint = "{d} {lacks} the term {term}", "Where a value is used twice its " \
                "gradients add up: use +=."  # fmt: skip
            yield because("lacks-term", kind, message, hint, residual, term=term.said)
        residual = scene.small(name, yours - right - term.value, right - yours)
        if residual is not None:
            message = "{d} {has} the term {term} too much"
            yield because("extra-term", "missing-term", message, "", residual, term=term.said)


def for_another(term: Term, wanted: Term, residual: float) -> Iterator[Cause]:
    """What it is to hold `term` where `wanted` belongs."""
    values = {"term": term.said, "wanted": wanted.said}
    if term.form == wanted.form == "product" and term.parts == wanted.parts:
        message = "{d} {matches} {term}; it should be {wanted}"
        hint = "Check the shapes: the inner ones must be those summed over."
        yield because("product-transposed", "transpose", message, hint, residual, **values)
    elif term.form == wanted.form and term.parts == wanted.parts:
        message = "{d} {is} {term}, the wrong one"
        hint = f"Sum over axis {over(wanted.axes)}."
        yield because("sum-over-wrong-axis", "axis", message, hint, residual, **values)
    elif term.form == wanted.form and term.axes == wanted.axes:
        more = [word for word in wanted.parts if word not in term.parts]
        if set(term.parts) < set(wanted.parts):
            message = "{d} {lacks} the factor {factor}: it should be {wanted}"
            yield because(
                "lacks-factor", "missing-term", message, "", residual,
                factor=" * ".join(more), **values,
            )  # fmt: skip
        elif len(term.parts) == len(wanted.parts):
            message = "{d} {matches} {term}; it should be {wanted}"
            yield because("of-other-arrays", "swapped", message, "", residual, **values)


def wrong_penalty(scene: Scene, name: str) -> Iterator[Cause]:
    """The gradient of a penalty on the parameter, l2 * W: missing, turned, of the wrong size."""
    yours, right, W = scene.yours[name], scene.right[name], scene.params.get(name)
    if W is None or W.shape != yours.shape or yours.size < 3:
        return
    difference = yours - right
    kappa = ratio(difference, W)
    strengths = [v for key, v in scene.settings.items() if key in STRENGTHS and v]
    residual = scene.small(name, difference - kappa * W, difference, 1) if kappa else None
    if residual is not None and kappa:
        l2 = next(iter(strengths), 0.0)
        share = kappa / l2 if l2 else 0.0
        if not l2:
            message, told = "{d} {has} the term {factor} * {name} too much", f"{kappa:.4g}"
            yield because("off-by-decay", "missing-term", message, "", residual, factor=told)
        elif agree(share, -1, 1, 1e-5):
            message = "{d} {lacks} the regularisation {decay}"
            yield because("lacks-decay", "missing-term", message, "", residual)
        elif agree(share, -2, 1, 1e-5):
            message = "the regularisation in {d} has the wrong sign"
            yield because("decay-sign", "sign", message, "", residual)
        elif agree(share, 1, 1, 1e-5) and W.ndim < 2:
            message = "{d} {has} the term {decay} too much"
            hint = "The loss does not regularise this parameter."
            yield because("extra-decay", "missing-term", message, hint, residual)
        else:
            message = "the regularisation in {d} is {size}"
            hint = "The loss has {penalty}, whose gradient is {decay}."
            size = off_by(scene, share + 1)
            yield because("decay-factor", "scale", message, hint, residual, size=size)
    for l2 in strengths:
        data, wanted = yours - l2 * W, right - l2 * W
        c = ratio(data, wanted)
        if residual is None and c and abs(c - 1) > 1e-4:
            rest = scene.small(name, data - c * wanted, right, 1)
            if rest is not None and factor_name(scene, max(abs(c), 1 / abs(c)))[0]:
                message = "the data part of {d} is {size}; the regularisation {decay} is right"
                hint = "Divide by the batch size." if abs(c) > 1 else ""
                yield because("data-factor", "scale", message, hint, rest, size=off_by(scene, c))


def sums_of_terms(scene: Scene, name: str) -> Iterator[Cause]:
    """`right` is a sum of two terms such as dout * out and out * Σ dout * out, and `yours` has the
    same two with another sign or size, or one of them summed over another axis."""
    right = scene.right[name]
    if right.size < 8 or not scene.measured(name):
        return
    found = terms(scene, name)
    T = np.array([t.value.reshape(-1) for t in found])
    if len(T) < 2:
        return
    T /= np.sqrt(np.square(T).sum(axis=1, keepdims=True))
    for i, j, wanted in pairs(T, right.reshape(-1)):
        fit, residual = solve(scene, name, T[[i, j]])
        if residual is not None:
            yield from compare(scene, (found[i].said, found[j].said), wanted, fit, residual)
        for keep, other in ((i, j), (j, i)):
            for k, term in enumerate(found):
                alike = term.form == found[other].form and term.parts == found[other].parts
                if k == other or not alike or not term.axes:
                    continue
                fit, residual = solve(scene, name, T[[keep, k]])
                if residual is not None and abs(fit[1]) > 1e-6 * abs(fit[0]):
                    message = "{d} {has} the term {term} where {wanted} belongs"
                    yield because(
                        "term-over-wrong-axis", "axis", message, "Sum over the other axis.",
                        residual, term=term.said, wanted=found[other].said,
                    )  # fmt: skip


def pairs(T: Array, n: Array) -> Iterator[tuple[int, int, Array]]:
    """Pairs of terms, the simplest first, whose combination is n to nine digits."""
    gram, b, size = T @ T.T, T @ n, n @ n
    with np.errstate(all="ignore"):
        determinant = 1 - gram**2
        ci = (b[:, np.newaxis] - gram * b) / determinant
        rest = size - (ci * b[:, np.newaxis] + ci.T * b)
        good = (determinant > 1e-6) & (np.abs(rest) < 1e-9 * size)
    for i, j in itertools.islice(zip(*np.nonzero(np.triu(good, 1)), strict=True), 40):
        fit = np.linalg.lstsq(T[[i, j]].T, n, rcond=None)[0]
        close = agree(fit @ T[[i, j]], n, np.abs(n).max(), 1e-8)
        if close and np.abs(fit).min() > 1e-6 * np.abs(fit).max():
            yield int(i), int(j), fit


def solve(scene: Scene, name: str, two: Array) -> tuple[Array, float | None]:
    """The coefficients of `yours` in two terms, and what they leave, None where it is too much."""
    yours = scene.yours[name]
    fit = np.linalg.lstsq(two.T, yours.reshape(-1), rcond=None)[0]
    return fit, scene.close(name, (fit @ two).reshape(yours.shape), 2)


def compare(
    scene: Scene, said: tuple[str, str], wanted: Array, fit: Array, residual: float
) -> Iterator[Cause]:
    """What is wrong with one of two terms where the other is right."""
    for k, other in ((0, 1), (1, 0)):
        share = fit[k] / wanted[k]
        if not agree(fit[other], wanted[other], abs(wanted[other])) or agree(share, 1, 1):
            continue
        if agree(share, 0, 1):
            message = "{d} {lacks} the term {term}"
            yield because("lacks-term", "missing-term", message, "", residual, term=said[k])
        elif agree(share, -1, 1):
            message = "the term {term} in {d} has the wrong sign"
            yield because("term-sign", "sign", message, "", residual, term=said[k])
        else:
            message, size = "the term {term} in {d} is {size}", off_by(scene, share)
            yield because("term-factor", "scale", message, "", residual, term=said[k], size=size)
