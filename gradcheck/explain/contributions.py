"""What each entry of the output contributes to each entry of a gradient, beside what it should.

Backward of a dout with a single 1 gives a column of the matrix B, and differences of that output
one of the transposed Jacobian Jᵀ; where backward is right the two are the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from chainrule.gradcheck.explain.causes import cause
from chainrule.gradcheck.explain.factors import broadcast_factors, off_by
from chainrule.gradcheck.explain.regions import box
from chainrule.gradcheck.explain.scene import Array, Scene, agree
from chainrule.gradcheck.report.findings import Cause

DIGITS = 1e-5  # of the largest contribution


class Contributions(NamedTuple):
    """The contributions of outputs (columns) to entries of a tensor (rows), as backward has them
    and as they should be."""

    yours: Array
    right: Array
    shape: tuple[int, ...]
    out: tuple[int, ...]

    @property
    def size(self) -> float:
        return float(max(np.abs(self.right).max(initial=0.0), np.abs(self.yours).max(initial=0.0)))

    def same(self, a: Array, b: Array) -> bool:
        """Whether two matrices are the same to rounding."""
        return bool(np.abs(a - b).max(initial=0.0) <= DIGITS * self.size)

    def example(self, mask: Array) -> tuple[str, str]:
        """Of a pair in the mask: the indices of the entry and of the output."""
        row, column = (int(at[0]) for at in np.nonzero(mask))
        return index(row, self.shape), index(column, self.out)


def index(at: int, shape: tuple[int, ...]) -> str:
    return f"[{', '.join(str(int(i)) for i in np.unravel_index(at, shape))}]" if shape else ""


def wrong_contributions(scene: Scene, name: str) -> Iterator[Cause]:
    found: Contributions | None = scene.once(("contributions", name), lambda: scene.pairs(name))
    if found is None or found.size == 0 or found.same(found.yours, found.right):
        return
    yield from leaks_or_lacks(found)
    B, J = found.yours, found.right
    if B.shape == B.T.shape and found.same(B, J.T) and not found.same(J, J.T):
        yield cause("not-turned", None)
    yield from moved(found)
    yield from factors(scene, found)


def leaks_or_lacks(found: Contributions) -> Iterator[Cause]:
    B, J = found.yours, found.right
    tiny = DIGITS * found.size
    has, should = np.abs(B) > tiny, np.abs(J) > tiny
    both, leaks, lacks = has & should, has & ~should, should & ~has
    if not found.same(np.where(both, B, 0), np.where(both, J, 0)):
        return
    if leaks.any():
        entry, output = found.example(leaks)
        values = {"entry": entry, "output": output, "where": places(found, leaks)}
        yield cause("leak-and-lack" if lacks.any() else "leak", None, **values)
    elif lacks.any():
        yield from lacking(found, both, lacks)


def lacking(found: Contributions, kept: Array, lacks: Array) -> Iterator[Cause]:
    """Which contributions lack: all but the own, all but the last, those of some outputs."""
    entry, output = found.example(lacks)
    values = {"entry": entry, "output": output}
    if found.shape == found.out:
        own = np.arange(len(lacks))[:, np.newaxis] == np.arange(lacks.shape[1])
        if not (kept & ~own).any() and (kept == own)[lacks.any(axis=1)].all():
            yield cause("own-only", None, **values)
            return
    should = kept | lacks
    for word, turn in (("first", 1), ("last", -1)):
        edge = np.arange(lacks.shape[1]) == should[:, ::turn].argmax(axis=1)[:, np.newaxis]
        if (kept == (edge[:, ::turn] & should))[lacks.any(axis=1)].all():
            yield cause("one-only", None, which=word, **values)
            return
    where = places(found, lacks) or " of some outputs"
    yield cause("lack", None, where=where, **values)


def places(found: Contributions, mask: Array) -> str:
    """The boxes of outputs and of entries that the marked pairs are in: " of out[:, -1] at [0]"."""
    said = ""
    for word, axis, shape in ((" of out", 0, found.out), (" at ", 1, found.shape)):
        marked = np.asarray(mask.any(axis=axis)).reshape(shape)
        if not marked.all() and (text := box(marked)):
            said += f"{word}{text}"
    return said


def moved(found: Contributions) -> Iterator[Cause]:
    """Rows or columns in another order: each gradient at another entry, or each dout of another."""
    B, J = found.yours, found.right
    for axis, shape, key in ((0, found.shape, "entries-moved"), (1, found.out, "dout-moved")):
        padded = np.pad(J, [(0, int(axis == at)) for at in (0, 1)])
        for said, order in orders(shape):
            other = np.take(padded, order, axis)
            if found.same(B, other):
                yield cause(key, None, how=said)
                return


def orders(shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """Ways to move the entries of a tensor: which of the old ones stands at each place, one past
    the end where none does."""
    at = np.arange(int(np.prod(shape))).reshape(shape)
    for axes in itertools.chain(*(itertools.combinations(range(len(shape)), n) for n in (1, 2))):
        if all(shape[axis] > 1 for axis in axes):
            word = " and ".join(str(axis) for axis in axes)
            yield f"turned round along axis {word}", np.flip(at, axes).reshape(-1)
            if len(axes) == 2 and shape[axes[0]] == shape[axes[1]]:
                yield f"with axes {word} exchanged", at.swapaxes(*axes).reshape(-1)
            for step in (1, -1, 2, -2):
                if all(shape[axis] > abs(step) for axis in axes):
                    rolled = np.roll(at, (step,) * len(axes), axes)
                    yield f"rolled by {step} along axis {word}", rolled.reshape(-1)
                    for axis in axes:
                        lost = slice(None, step) if step > 0 else slice(step, None)
                        rolled[(slice(None),) * axis + (lost,)] = at.size
                    yield f"shifted by {step} along axis {word}", rolled.reshape(-1)
    for order in itertools.permutations(range(len(shape))):
        if order != tuple(range(len(shape))) and len(shape) < 5:
            yield f"reshaped from axes {order} without moving them", at.transpose(order).reshape(-1)


def factors(scene: Scene, found: Contributions) -> Iterator[Cause]:
    """A factor for each output that is at hand, or that is another for a part of them."""
    B, J = found.yours, found.right
    total = np.square(J).sum(axis=0)
    c = (B * J).sum(axis=0) / np.where(total > 0, total, np.inf)
    known = total > (DIGITS * found.size) ** 2
    if not found.same(B, c * J):
        return
    for said, array in broadcast_factors(scene, found.out):
        factor = np.broadcast_to(array, found.out).reshape(-1)
        for key, wanted in (("lacks-factor-on-dout", 1 / factor), ("extra-factor-on-dout", factor)):
            usable = np.isfinite(wanted[known]).all()
            if usable and agree(c[known], wanted[known], np.abs(wanted[known]).max(), 1e-4):
                yield cause(key, None, factor=said)
    wrong = known & (np.abs(c - 1) > 1e-4)
    off = c[wrong]
    if off.any() and np.ptp(off) <= 1e-4 * np.abs(off).max() and wrong.sum() < known.sum():
        size = (
            "of the wrong sign" if agree(off, -1.0, 1, 1e-4) else off_by(scene, float(off.mean()))
        )
        place = (
            box(wrong.reshape(found.out)) or index(int(wrong.argmax()), found.out) + " and others"
        )
        yield cause("factor-of-outputs", None, size=size, place=place)
