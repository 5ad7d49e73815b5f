"""What each entry of the output contributes to each entry of a gradient, beside what it should.

Backward of a dout with a single 1 gives a column of the matrix B, and differences of that output
one of the transposed Jacobian Jᵀ; where backward is right the two are the same.
"""

from __future__ import annotations

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

    def rest(self, a: Array, b: Array) -> float:
        """How far two matrices are from each other, relative to the largest contribution."""
        return float(np.abs(a - b).max(initial=0.0)) / self.size

    def example(self, mask: Array) -> dict[str, str]:
        """Of a pair in the mask: the indices of the entry and of the output."""
        row, column = (int(at[0]) for at in np.nonzero(mask))
        return {"entry": index(row, self.shape), "output": index(column, self.out)}


def index(at: int, shape: tuple[int, ...]) -> str:
    return f"[{', '.join(str(int(i)) for i in np.unravel_index(at, shape))}]" if shape else ""


def wrong_ones(scene: Scene, name: str) -> Contributions | None:
    """The contributions to a gradient, None where they are right, or cannot be told; nor can they
    where the gradient is not linear in dout."""
    if name in scene.powers:
        return None
    found: Contributions | None = scene.once(("contributions", name), lambda: scene.pairs(name))
    if found is None or not found.size > 0 or found.rest(found.yours, found.right) <= DIGITS:
        return None
    if scene.kinks.get(name, np.False_).any():  # the Jacobian is between two there
        return None
    return found


def jacobian_not_turned(scene: Scene, name: str) -> Iterator[Cause]:
    if (found := wrong_ones(scene, name)) and found.yours.shape == found.yours.T.shape:
        B, J = found.yours, found.right
        if (rest := found.rest(B, J.T)) <= DIGITS < found.rest(J, J.T):
            yield cause("not-turned", rest)


def wrong_contributions(scene: Scene, name: str) -> Iterator[Cause]:
    if found := wrong_ones(scene, name):
        yield from leaks_or_lacks(found)
        yield from factors(scene, found)


def leaks_or_lacks(found: Contributions) -> Iterator[Cause]:
    B, J = found.yours, found.right
    has, should = (np.abs(matrix) > DIGITS * found.size for matrix in (B, J))
    both, leaks, lacks = has & should, has & ~should, should & ~has
    rest = found.rest(np.where(both, B, 0), np.where(both, J, 0))
    if rest > DIGITS:
        return
    if leaks.any():
        key, some = ("leak-and-lack", " of outputs") if lacks.any() else ("leak", "")
        where = places(found, leaks) or some
        values = {"where": where, "across": across(found, should, leaks)}
        yield cause(key, rest, **values, **found.example(leaks))
    elif lacks.any():
        key, values = lacking(found, both, lacks)
        yield cause(key, rest, **values, **found.example(lacks))


def lacking(found: Contributions, kept: Array, lacks: Array) -> tuple[str, dict[str, str]]:
    """Which contributions lack: all but the own, all but the last, those of some outputs."""
    some = lacks.any(axis=1)
    if found.shape == found.out:
        own = np.eye(len(lacks), dtype=bool)
        if not (kept & ~own).any() and (kept == own)[some].all():
            return "own-only", {}
    should = kept | lacks
    for word, turn in (("first", 1), ("last", -1)):
        edge = np.arange(lacks.shape[1]) == should[:, ::turn].argmax(axis=1)[:, np.newaxis]
        if (kept == (edge[:, ::turn] & should))[some].all():
            return "one-only", {"which": word}
    return "lack", {"where": places(found, lacks) or " of some outputs"}


def across(found: Contributions, should: Array, leaks: Array) -> str:
    """Along which axis an entry depends on outputs of its own place alone, and takes others."""
    axes = range(len(found.shape) if len(found.shape) == len(found.out) else 0)
    for axis in axes:
        entries, outputs = (np.indices(shape)[axis].ravel() for shape in (found.shape, found.out))
        own = entries[:, np.newaxis] == outputs
        if not (should & ~own).any() and not (leaks & own).any():
            return f", those of other {'rows' if axis == 0 else f'indices along axis {axis}'}"
    return ""


def places(found: Contributions, mask: Array) -> str:
    """The boxes of outputs and of entries that the marked pairs are in: " of out[:, -1] at [0]"."""
    said = ""
    for word, axis, shape in ((" of out", 0, found.out), (" at ", 1, found.shape)):
        marked = np.asarray(mask.any(axis=axis)).reshape(shape)
        if not marked.all() and (text := box(marked)):
            said += f"{word}{text}"
    return said


def factors(scene: Scene, found: Contributions) -> Iterator[Cause]:
    """A factor for each output that is at hand, or that is another for a part of them."""
    B, J = found.yours, found.right
    total = np.square(J).sum(axis=0)
    c = (B * J).sum(axis=0) / np.where(total > 0, total, np.inf)
    known, rest = total > (DIGITS * found.size) ** 2, found.rest(B, c * J)
    if rest > DIGITS or not known.any():
        return
    for said, array in broadcast_factors(scene, found.out):
        factor = np.broadcast_to(array, found.out).reshape(-1)
        for key, wanted in (("lacks-factor-on-dout", 1 / factor), ("extra-factor-on-dout", factor)):
            usable = np.isfinite(wanted[known]).all()
            if usable and agree(c[known], wanted[known], np.abs(wanted[known]).max(), 1e-4):
                yield cause(key, rest, factor=said)
    wrong = known & (np.abs(c - 1) > 1e-4)
    off = c[wrong]
    if off.any() and np.ptp(off) <= 1e-4 * np.abs(off).max() and wrong.sum() < known.sum():
        turned = agree(off, -1.0, 1, 1e-4)
        size = "of the wrong sign" if turned else off_by(scene, float(off.mean()))
        some = f"{index(int(wrong.argmax()), found.out)} and others"
        place = box(wrong.reshape(found.out)) or some
        yield cause("factor-of-outputs", rest, size=size, place=place)
