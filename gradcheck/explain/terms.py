"""The terms that gradients are made of: dout times arrays at hand, its sums, its matrix products.

    entry     dout * x * y                   entry by entry
    spread    x * sum(dout * y, axis=0)      a sum that acts back on every entry
    sum       sum(dout * x, axis=0)          what a broadcast tensor gets
    product   x.T @ dout                     what a matrix gets

Two terms are about the same arrays where their `parts` are equal. What is told: the wrong term, or
one that lacks or is too much.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chainrule.gradcheck.explain.causes import cause, explains, leaves_nothing
from chainrule.gradcheck.explain.factors import off_by
from chainrule.gradcheck.explain.scene import Array, Named, Scene, agree, ratio
from chainrule.gradcheck.report.findings import Cause
from chainrule.gradcheck.subject.functions import STRENGTHS

MOST = 7  # arrays of the tensor's shape that entries and spread sums are made of


@dataclass(frozen=True, eq=False)
class Term:
    """One term: how it is said, its form, the arrays in it besides dout, its axes, its numbers."""

    said: str
    form: str
    parts: tuple[str, ...]
    axes: tuple[int, ...]
    value: Array


def terms(scene: Scene, name: str) -> tuple[list[Term], Array]:
    """All terms of the shape of the tensor, the simplest first, without zeros; their numbers."""
    shape = scene.yours[name].shape

    def make() -> tuple[list[Term], Array]:
        found = [*entries(scene, shape), *sums(scene, shape), *products(scene, shape)]
        found = [term for term in found if np.isfinite(term.value).all() and term.value.any()]
        T = [term.value.reshape(-1) for term in found]
        return found, np.array(T).reshape(len(T), scene.yours[name].size)

    return scene.once(("terms", shape), make)


def times(*words: str) -> str:
    return " * ".join(word for word in ("dout", *words) if word)


def over(axes: tuple[int, ...]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {axes}"


def parts(*words: str) -> tuple[str, ...]:
    return tuple(sorted(word for word in words if word))


def entries(scene: Scene, shape: tuple[int, ...]) -> Iterator[Term]:
    if scene.dout.shape not in ((), shape) or not shape:
        return
    dout = np.broadcast_to(scene.dout, shape)
    same = [(w, a) for w, a in scene.arrays.items() if a.shape == shape][: MOST - 1]
    base: list[tuple[str, Array]] = [("", np.ones(shape)), *same]
    for (v, b), (w, c) in itertools.combinations_with_replacement(base, 2):
        yield Term(times(v, w), "entry", parts(v, w), (), dout * b * c)
    axes: list[tuple[int, ...]] = [(axis,) for axis in range(len(shape))]
    axes += [tuple(range(1, len(shape)))] if len(shape) > 2 else []
    for axis, (w, c) in itertools.product(axes, base):
        total = (dout * c).sum(axis=axis, keepdims=True)
        said = f"sum({times(w)}, axis={axis[0] if len(axis) == 1 else axis})"
        for v, b in base:
            yield Term(f"{v} * {said}" if v else said, "spread", parts(v, w), axis, b * total)


def sums(scene: Scene, shape: tuple[int, ...]) -> Iterator[Term]:
    dout = scene.dout
    kept = tuple(n for n in shape if n > 1)
    if dout.ndim < 1 or dout.shape == shape:
        return
    factors: Named = {"": np.ones(())}
    factors |= {w: a for w, a in scene.arrays.items() if a.shape == dout.shape}
    for word, x in scene.inputs.items():
        if x.shape == dout.shape and x.dtype.kind == "f":
            for side, mask in ((f"({word} > 0)", x > 0), (f"({word} <= 0)", x <= 0)):
                factors |= {side: mask, f"{word} * {side}": x * mask}
    for count in range(1, dout.ndim + 1):
        for axes in itertools.combinations(range(dout.ndim), count):
            if tuple(n for at, n in enumerate(dout.shape) if at not in axes and n > 1) != kept:
                continue
            for word, factor in factors.items():
                said = f"the sum of {times(word)} over {over(axes)}"
                total = (dout * factor).sum(axis=axes).reshape(shape)
                yield Term(said, "sum", parts(*word.split(" * ")), axes, total)
    for word, factor in factors.items() if dout.ndim > 2 and shape == dout.shape[1:2] else ():
        said = f"the sum of {times(word)}, reshaped to {(-1, *shape)} without moving axes"
        total = (dout * factor).reshape(-1, *shape).sum(axis=0)
        yield Term(said, "sum", parts(*word.split(" * ")), (), total)


def products(scene: Scene, shape: tuple[int, ...]) -> Iterator[Term]:
    """Matrix products of dout (times an array of its shape) with the arrays at hand."""
    dout = scene.dout
    if dout.ndim < 2 or len(shape) < 2:
        return
    arrays = {word: a for word, a in scene.arrays.items() if a.ndim >= 2}
    lefts = {"": dout} | {w: dout * a for w, a in arrays.items() if a.shape == dout.shape}
    for (v, g), (w, a) in itertools.product(lefts.items(), arrays.items()):
        first = turned(f"(dout * {v})" if v else "dout", g)
        for one, two in itertools.product(first, turned(w, a)):
            for (p_said, p), (q_said, q) in ((one, two), (two, one)):
                batches = {p.shape[:-2], q.shape[:-2]} - {()}
                inner = p.shape[-1] == q.shape[-2] and len(batches) < 2
                if inner and (p.shape[-2], q.shape[-1]) == shape[-2:]:
                    value = p @ q  # summed over the batch where the tensor has none
                    value = value.sum(axis=tuple(range(value.ndim - len(shape))))
                    if value.shape == shape:
                        yield Term(f"{p_said} @ {q_said}", "product", parts(v, w), (), value)


def turned(word: str, array: Array) -> list[tuple[str, Array]]:
    both = [(word, array), (f"{word}.T", array.T)]
    return [*both, (f"{word}ᵀ", array.swapaxes(-1, -2))] if array.ndim > 2 else both


def near(scene: Scene, name: str, wanted: Array) -> list[Term]:
    """The terms that are roughly the array."""
    found, T = terms(scene, name)
    gaps = np.abs(T - wanted.reshape(-1)).max(axis=1, initial=0.0)
    return [found[i] for i in np.nonzero(gaps <= 1e-3 * np.abs(wanted).max())[0]]


def wrong_term(scene: Scene, name: str) -> Iterator[Cause]:
    """yours and right are each a term, or differ by one."""
    yours, right = scene.yours[name], scene.right[name]
    if not scene.measured(name):
        return
    lack = right - yours
    for term, wanted in itertools.product(near(scene, name, yours), near(scene, name, right)):
        residual = scene.close(name, term.value)
        if residual is not None and scene.small(name, right - wanted.value, right) is not None:
            yield from for_another(term, wanted, residual)
    for term in near(scene, name, lack):
        key = "lacks-contribution" if name in scene.inputs else "lacks-term"
        yield from leaves_nothing(scene, name, key, lack - term.value, lack, term=term.said)
    for term in near(scene, name, -lack):
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
    for term in near(scene, name, scene.yours[name]):
        yield from explains(scene, name, "one-term", term.value, term=term.said)


def wrong_penalty(scene: Scene, name: str) -> Iterator[Cause]:
    """The gradient of a penalty on the parameter, l2 * W: missing, turned, of the wrong size."""
    W, error = scene.params.get(name), scene.yours[name] - scene.right[name]
    kappa = ratio(error, W) if W is not None and W.shape == error.shape else None
    l2 = next((v for key, v in scene.settings.items() if key in STRENGTHS and v), None)
    if W is None or not kappa or l2 is None:
        return
    most = max(param.ndim for param in scene.params.values())
    key, values = "decay-factor", {"size": off_by(scene, kappa / l2 + 1 or 1.0)}
    for share, said in ((-1, "lacks-decay"), (-2, "decay-sign"), (1, "extra-decay")):
        if agree(kappa / l2, share, 1, 1e-5) and (share < 0 or W.ndim < most):
            key, values = said, {}
    yield from explains(scene, name, "decay-alone", l2 * W)
    yield from leaves_nothing(scene, name, key, error - kappa * W, error, 1, **values)


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
