"""The terms that gradients are made of: dout times arrays at hand, its sums, its matrix products.

    entry     dout * x * y                   entry by entry
    spread    x * sum(dout * y, axis=0)      a sum that acts back on every entry
    sum       sum(dout * x, axis=0)          what a broadcast tensor gets
    product   x.T @ dout                     what a matrix gets

Two terms are about the same arrays where their `parts` are equal.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chainrule.gradcheck.explain.scene import Array, Named, Scene

MOST = 7  # arrays of the tensor's shape that entries and spread sums are made of


@dataclass(frozen=True, eq=False)
class Term:
    """One term: how it is said, its form, the arrays in it besides dout, its axes, its numbers."""

    said: str
    form: str
    parts: tuple[str, ...]
    axes: tuple[int, ...]
    value: Array


def terms(scene: Scene, name: str) -> list[Term]:
    """All terms of the shape of the tensor, the simplest first, without zeros."""
    shape = scene.yours[name].shape

    def make() -> list[Term]:
        found = [*entries(scene, shape), *sums(scene, shape), *products(scene, shape)]
        return [term for term in found if np.isfinite(term.value).all() and term.value.any()]

    made: list[Term] = scene.once(("terms", shape), make)
    return made


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
        for (g_said, one), (a_said, two) in itertools.product(first, turned(w, a)):
            for said, p, q in (
                (f"{g_said} @ {a_said}", one, two),
                (f"{a_said} @ {g_said}", two, one),
            ):
                batches = {p.shape[:-2], q.shape[:-2]} - {()}
                fits = (p.shape[-2], q.shape[-1]) == shape[-2:] and p.shape[-1] == q.shape[-2]
                if (
                    fits
                    and len(batches) < 2
                    and len(batches.pop() if batches else ()) + 2 >= len(shape)
                ):
                    value = p @ q  # summed over the batch where the tensor has none
                    value = value.sum(axis=tuple(range(value.ndim - len(shape))))
                    if value.shape == shape:
                        yield Term(said, "product", parts(v, w), (), value)


def turned(word: str, array: Array) -> list[tuple[str, Array]]:
    both = [(word, array), (f"{word}.T", array.T)]
    return [*both, (f"{word}ᵀ", array.swapaxes(-1, -2))] if array.ndim > 2 else both
