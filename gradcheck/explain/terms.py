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
    found = [*entries(scene, shape), *sums(scene, shape), *products(scene, shape)]
    return [term for term in found if np.isfinite(term.value).all() and np.any(term.value)]


def times(*words: str) -> str:
    return " * ".join(word for word in ("dout", *words) if word)


def over(axes: tuple[int, ...]) -> str:
    return str(axes[0] if len(axes) == 1 else axes)


def entries(scene: Scene, shape: tuple[int, ...]) -> Iterator[Term]:
    if scene.dout.shape not in ((), shape) or not shape:
        return
    dout = np.broadcast_to(scene.dout, shape)
    same = [(w, a) for w, a in scene.arrays().items() if a.shape == shape][: MOST - 1]
    base: list[tuple[str, Array]] = [("", np.ones(shape)), *same]
    for (v, b), (w, c) in itertools.combinations_with_replacement(base, 2):
        yield Term(times(v, w), "entry", parts(v, w), (), dout * b * c)
    axes: list[tuple[int, ...]] = [(axis,) for axis in range(len(shape))]
    axes += [tuple(range(1, len(shape)))] if len(shape) > 2 else []
    for axis, (v, b), (w, c) in itertools.product(axes, base, base):
        total = f"sum({times(w)}, axis={over(axis)})"
        said = f"{v} * {total}" if v else total
        value = b * (dout * c).sum(axis=axis, keepdims=True)
        yield Term(said, "spread", parts(v, w), axis, value)


def parts(*words: str) -> tuple[str, ...]:
    return tuple(sorted(word for word in words if word))


def sums(scene: Scene, shape: tuple[int, ...]) -> Iterator[Term]:
    dout = scene.dout
    if dout.ndim < 1 or dout.shape == shape:
        return
    kept = tuple(n for n in shape if n > 1)
    factors: Named = {"": np.ones(())}
    for word, array in scene.arrays().items():
        if array.shape == dout.shape:
            factors[word] = array
    for word, x in scene.inputs.items():
        if x.shape == dout.shape and x.dtype.kind == "f":
            sides = {f"({word} > 0)": x > 0, f"({word} <= 0)": x <= 0}
            factors |= sides | {f"{word} * {side}": x * mask for side, mask in sides.items()}
    for count in range(1, dout.ndim + 1):
        for axes in itertools.combinations(range(dout.ndim), count):
            rest = tuple(n for at, n in enumerate(dout.shape) if at not in axes and n > 1)
            for word, factor in factors.items() if rest == kept else ():
                total = (dout * factor).sum(axis=axes).reshape(shape)
                words = tuple(word.split(" * ")) if word else ()
                yield Term(f"the sum of {times(word)} over axis {over(axes)}", "sum",
                           parts(*words), axes, total)  # fmt: skip


def products(scene: Scene, shape: tuple[int, ...]) -> Iterator[Term]:
    """Matrix products of dout (times an array of its shape) with the arrays at hand."""
    dout = scene.dout
    if dout.ndim < 2 or len(shape) < 2:
        return
    arrays = {word: a for word, a in scene.arrays().items() if a.ndim >= 2}
    lefts = {"": dout} | {w: dout * a for w, a in arrays.items() if a.shape == dout.shape}
    for (v, g), (w, a) in itertools.product(lefts.items(), arrays.items()):
        word = f"(dout * {v})" if v else "dout"
        for (p_said, p), (q_said, q) in itertools.product(turned(word, g), turned(w, a)):
            for said, one, two in (
                (f"{p_said} @ {q_said}", p, q),
                (f"{q_said} @ {p_said}", q, p),
            ):
                value = multiplied(one, two, shape)
                if value is not None:
                    yield Term(said, "product", parts(v, w), (), value)


def turned(word: str, array: Array) -> Iterator[tuple[str, Array]]:
    yield word, array
    yield f"{word}.T", array.T
    if array.ndim > 2:
        yield f"{word}ᵀ", array.swapaxes(-1, -2)


def multiplied(one: Array, two: Array, shape: tuple[int, ...]) -> Array | None:
    """The product, summed over batch axes that the tensor lacks; None where it does not fit."""
    if one.shape[-1] != two.shape[-2]:
        return None
    if (one.shape[-2], two.shape[-1]) == shape[-2:]:
        first, last = one.shape[:-2], two.shape[:-2]
        if not (not first or not last or first == last):
            return None
        value = one @ two
        value = value.sum(axis=tuple(range(value.ndim - len(shape))))
        return value if value.shape == shape else None
    return None
