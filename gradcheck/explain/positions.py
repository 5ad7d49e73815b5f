"""Contributions that are right numbers from the wrong place, as in convolution and pooling.

Where an output is a sum of products, what it contributes to one factor is the other one: an entry
of w for x, and one of x for w. Which entry that is follows from the places of both, in straight
lines: x = stride · out + dilation · w - pad. The lines of backward are laid beside those of the
Jacobian. Where contributions are constants, as in pooling, it is their places that are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from chainrule.gradcheck.explain.causes import cause
from chainrule.gradcheck.explain.contributions import DIGITS, Contributions, index, wrong_ones
from chainrule.gradcheck.explain.scene import Array, Scene
from chainrule.gradcheck.report.findings import Cause
from chainrule.gradcheck.subject.vocabulary import listed

MOST = 3000  # pairs of an entry and an output that lines are laid through
LEAST = 12
NEAR = 1e-6
FAR = 3  # rows or columns that an image may be moved by


def places(at: Array, shape: Sequence[int]) -> Array:
    return np.stack(np.unravel_index(at, shape), axis=-1)


class Lines(NamedTuple):
    """Of pairs of an entry and an output the places of both, and 1, `given` (pairs, …), and that in
    another array, `taken` (pairs, axes); and the coefficients (axes, …) of the lines through it,
    nan where there is none."""

    pairs: Array
    given: Array
    taken: Array
    through: Array

    def hold_for(self, other: Lines) -> bool:
        """Whether other pairs lie on these lines."""
        gap = np.abs(other.given @ self.through.T - other.taken)
        return bool((gap[:, np.isfinite(self.through).all(axis=1)] < 1e-3).all())


def lines(matrix: Array, found: Contributions, other: Array) -> Lines | None:
    """Where the contributions stand in another array, None where they are none of its numbers."""
    rows, columns = np.nonzero(np.abs(matrix) > DIGITS * found.size)
    if len(rows) < LEAST:
        return None
    if len(rows) > MOST:
        chosen = np.random.default_rng(0).permutation(len(rows))[:MOST]
        rows, columns = rows[chosen], columns[chosen]
    values, flat = matrix[rows, columns], other.reshape(-1)
    order = flat.argsort()
    at = np.searchsorted(flat[order], values).clip(1, flat.size - 1)
    nearer = np.abs(flat[order[at - 1]] - values) < np.abs(flat[order[at]] - values)
    at = order[at - nearer]
    if np.abs(flat[at] - values).max() > 1e-7 * np.abs(flat).max():
        return None
    around = places(rows, found.shape), places(columns, found.out), np.ones((len(rows), 1))
    given, taken = np.concatenate(around, axis=1), places(at, other.shape)
    through = np.linalg.lstsq(given, taken, rcond=None)[0]
    through[:, np.abs(given @ through - taken).max(axis=0) > NEAR] = np.nan
    return Lines(rows * len(found.right.T) + columns, given, taken, np.round(through.T, 6))


def taken_from_elsewhere(scene: Scene, name: str) -> Iterator[Cause]:
    """Contributions that are entries of another array, and others than they should be."""
    if (found := wrong_ones(scene, name)) is None or len(found.out) < 2:
        return
    for other, array in (scene.inputs | scene.params).items():
        if other == name or array.dtype.kind != "f" or len(np.unique(array)) < max(array.size, 4):
            continue
        mine, right = (lines(matrix, found, array) for matrix in (found.yours, found.right))
        if mine is None or right is None:
            continue
        if not right.hold_for(mine):
            yield from windows_of(scene, name, other, found, mine, right)
        yield from other_entries(other, found, mine, right)


def windows_of(
    scene: Scene, name: str, other: str, found: Contributions, mine: Lines, right: Lines
) -> Iterator[Cause]:
    """What is wrong with the windows of a convolution: turned round, of another stride, …"""
    kernel = next((one for one in (name, other) if one in scene.params), None)
    E, space, T = len(found.shape), len(found.out) - 2, right.taken.shape[1]
    if kernel is None or not 0 < space <= min(E, T):
        return
    lines_of = [m.through[T - space :] for m in (mine, right)]
    if space == 2 and np.allclose(lines_of[0], lines_of[1][::-1], atol=NEAR):
        yield cause("kernel-axes", None, other=other)
    if space == 2:
        order = [*range(E + len(found.out) - 2), -2, -3, -1]  # out's last axes exchanged
        if np.allclose(lines_of[0], lines_of[1][:, order], atol=NEAR):
            yield cause("places-exchanged", None)
    off: dict[tuple[str, float, float], list[int]] = {}
    for k, (line, should) in enumerate(zip(*lines_of, strict=True)):
        e = int(np.abs(should[:E]).argmax())
        o = int(np.abs(should[E:-1]).argmax()) + E
        told = [windows_along(one, should, e, o, name == kernel) for one in (line, should)]
        for word in ("turn", "stride", "dilation", "offset"):
            if told[0] and told[1] and abs(told[0][word] - told[1][word]) > NEAR:
                axis = o - E if word != "turn" else e if name == kernel else T - space + k
                off.setdefault((word, told[0][word], told[1][word]), []).append(axis)
                break
    for (word, a, b), where in off.items():
        at = along(where)
        if word == "turn":
            key = "is-turned" if name == kernel else "turned"
            yield cause(key, None, kernel=kernel, axes=at)
        elif word == "offset":
            key = "windows-moved" if name == kernel else "moved"
            yield cause(key, None, by=f"{abs(a - b):g}", axes=at)
        else:
            values = {"setting": word, "mine": f"{a:g}", "right": f"{b:g}"}
            yield cause("window-setting", None, axes=at, **values)


def along(axes: Sequence[int]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {listed([*map(str, axes)])}"


def windows_along(line: Array, right: Array, e: int, o: int, of_kernel: bool) -> dict[str, float]:
    """The numbers of windows along an axis, from the line that t = line · (entry, output, 1)
    follows; {} where it follows none. The larger side of stride · small + dilation · kernel is the
    image of a convolution, and the output of a transposed one, as the `right` line tells."""
    if not np.isfinite(line).all() or not np.isfinite(right).all():
        return {}

    def parts(line: Array) -> tuple[float, float, float]:
        return (-line[e], 1.0, -line[o]) if of_kernel else (1.0, -line[e], -line[o])

    (kernel, image, out), (_, image_, out_) = parts(line), parts(right)
    whole, small = (image, out) if abs(image_) <= abs(out_) else (out, image)
    if not abs(whole) > NEAR or not abs(kernel) > NEAR:
        return {}
    return {
        "turn": float(np.sign(-kernel / whole)),
        "stride": -small / whole,
        "dilation": abs(kernel / whole),
        "offset": line[-1] / whole,
    }


def other_entries(other: str, found: Contributions, mine: Lines, right: Lines) -> Iterator[Cause]:
    """Where forward multiplies an entry and an output by one number and backward by another, which
    stands elsewhere along some of its axes alone."""
    _, a, b = np.intersect1d(mine.pairs, right.pairs, return_indices=True)
    apart = mine.taken[a] != right.taken[b]
    axes = [int(axis) for axis in np.nonzero(apart.any(axis=0))[0]]
    if len(a) < LEAST or not axes or len(axes) == apart.shape[1]:
        return
    first = int(apart.any(axis=1).argmax())
    row, column = divmod(int(mine.pairs[a[first]]), found.right.shape[1])
    yield cause("other-entries", None, other=other,
                axes=along(axes),
                entry=index(row, found.shape), output=index(column, found.out),
                took=str([int(i) for i in mine.taken[a[first]]]),
                should=str([int(i) for i in right.taken[b[first]]]))  # fmt: skip


def starts(has: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """The first place along each axis that each row of a mask marks (rows, axes); and all places
    that are marked, counted from there."""
    at, (rows, columns) = places(np.arange(has.shape[1]), shape), np.nonzero(has)
    first = [np.where(has, at[:, k], at.max() + 1).min(1) for k in range(len(shape))]
    return np.stack(first, 1), at[columns] - np.stack(first, 1)[rows]


def displaced(scene: Scene, name: str) -> Iterator[Cause]:
    """Contributions that are as many as they should be, and lie elsewhere: moved, or with the
    windows going on in other steps."""
    found = wrong_ones(scene, name)
    if found is None or len(found.shape) != len(found.out) or len(found.out) < 3:
        return
    B, J = (np.abs(matrix) > DIGITS * found.size for matrix in (found.yours, found.right))
    ways = (B.T, J.T, found.shape, found.out), (B, J, found.out, found.shape)
    for mine, right, lands, comes in ways:
        both = (mine.sum(axis=1) == right.sum(axis=1)) & right.any(axis=1)
        if both.sum() < max(LEAST, 0.5 * right.any(axis=1).sum()):
            continue
        (first, seen), (should, meant) = (starts(has[both], lands) for has in (mine, right))
        given = np.concatenate([places(np.nonzero(both)[0], comes), np.ones((both.sum(), 1))], 1)
        by = first - should
        through = np.round(np.linalg.lstsq(given, by, rcond=None)[0].T, 6)
        axes = [int(axis) for axis in np.nonzero(by.any(axis=0))[0]]
        step = np.linalg.lstsq(given, should, rcond=None)[0].T
        outputs = lands is found.shape
        if axes and np.abs(given @ through.T - by).max() > NEAR:
            inner = [line - np.round(np.diag(step))[: len(lands)] * given[:, :-1]
                     for line in (first, should)]  # fmt: skip
            if outputs and len(axes) == 2 and (inner[0][:, axes] == inner[1][:, axes[::-1]]).all():
                yield cause("window-axes", None)
            continue
        if not axes or (outputs and (seen != meant).any()):
            continue
        slopes, constants = np.diag(through[:, :-1])[axes], through[axes, -1]
        if not through[:, :-1].any():
            key, n = ("moved" if outputs else "dout-moved"), np.unique(np.abs(constants))
            yield cause(key, None, by=" and ".join(f"{one:g}" for one in n), axes=along(axes))
        elif len(np.unique(slopes)) == 1:
            stride = round(float(np.diag(step)[axes[0]]))
            key = "window-setting" if stride + slopes[0] else "no-offset"
            key = key if outputs else "dout-steps"
            values = {"mine": f"{stride + slopes[0]:g}", "right": f"{stride:g}"}
            yield cause(key, None, setting="stride", axes=along(axes), **values)


def moved(scene: Scene, name: str) -> Iterator[Cause]:
    """The right numbers of an image, some rows or columns off."""
    yours, right = scene.yours[name], scene.right[name]
    space = min(yours.ndim - 2, 2)
    if space < 1 or not scene.measured(name) or name in scene.params:
        return
    size, sides = 1e-6 * np.abs(right).max(), yours.shape[-space:]
    steps = product(*(range(-min(FAR, m - 1), min(FAR, m - 1) + 1) for m in sides))
    for by in sorted(steps, key=lambda by: np.abs(by).sum()):
        pairs = [*zip(by, sides, strict=True)]
        mine: list[Any] = [slice(max(n, 0), m + min(n, 0)) for n, m in pairs]
        from_: list[Any] = [slice(max(-n, 0), m - max(n, 0)) for n, m in pairs]
        a, b = yours[(..., *mine)], right[(..., *from_)]
        if a.size > max(LEAST, yours.size / 3) and np.abs(a - b).max() <= size < np.ptp(b) * 1e-3:
            axes = [yours.ndim - space + k for k, n in enumerate(by) if n]
            n = " and ".join(f"{one:g}" for one in np.unique(np.abs(by)) if one)
            yield cause("moved", None, by=n, axes=along(axes))
            return
