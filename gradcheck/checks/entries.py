"""What is claimed of gradients beside slopes: along lines, and in doubt entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.gradcheck.derivatives.point import (
    Line,
    Point,
    entry_line,
    random_line,
    rows_are_independent,
    tied_line,
    units,
)
from chainrule.gradcheck.derivatives.slopes import SCREEN, allowed, confirmed, measure
from chainrule.gradcheck.report.report import Tensor
from chainrule.gradcheck.subject.subject import Gradients

RELATIVE = 1e-7  # the least error, relative to a tensor's largest gradient, that counts as one
AGREES, KINK, DIFFERS = range(3)
LINES = 250  # a tensor is measured entry by entry where so many lines suffice …
SAMPLE = 60  # … and on so many where they do not, and on kinks
CLEAR = 1e3  # a slope stands out of its error where it is so many times as large
ENOUGH = 20  # so many entries that are wrong on kinks are looked for


@dataclass(eq=False)
class Bench:
    """A point, the arrays that may be moved there, and the gradients that are claimed of them."""

    point: Point
    arrays: Gradients
    yours: Gradients
    rounding: dict[str, float]  # what the backward pass rounds each gradient by
    floor: float  # of gradients: what is less is not judged
    blur: float  # the same for slopes that cannot be told from 0

    def along(self, line: Line, names: Sequence[str]) -> tuple[int, float]:
        """Whether the claimed gradients of `names` agree with the slope along a line through them,
        and how far they are from it, relative to the terms of the sum."""
        claim, size, noise = self.claim(line, names)
        if not np.isfinite(claim):  # nothing is larger than what is infinite
            return DIFFERS, np.inf
        good, slopes = confirmed(self.point, line, np.array([claim]), size + noise / SCREEN)
        if not good[0]:
            slopes = measure(self.point, line)
        slope, error = float(slopes.value[0]), float(slopes.error[0])
        size = max(size, abs(slope), 1e-300)
        gap = abs(claim - slope)
        if slopes.kink[0]:
            return KINK, gap / size
        if not claim and not good[0] and self.point.is_still(line):
            return AGREES, 0.0
        if abs(slope) <= CLEAR * error:
            noise += self.blur * float(np.sqrt(sum(np.square(v).sum() for _, _, v in line.parts)))
        nothing = not np.isfinite(slope)  # can be measured here
        agrees = good[0] or nothing or gap <= SCREEN * size + 2 * error + noise
        return (AGREES if agrees else DIFFERS), 0.0 if nothing else gap / size

    def holds(self, line: Line, names: Sequence[str]) -> bool:
        """Whether the claimed gradients of `names` may be called right along a line on a kink."""
        claim, size, noise = self.claim(line, names)
        return allowed(self.point, line, claim, RELATIVE * size + noise)

    def claim(self, line: Line, names: Sequence[str]) -> tuple[float, float, float]:
        """The slope that the claimed gradients give, the size of the sum's terms, and the noise."""
        slope = size = noise = 0.0
        for name, (_, _, v) in zip(names, line.parts, strict=True):
            term = self.yours[name] * v
            slope, size = slope + float(term.sum()), size + float(np.square(term).sum())
            least = 4 * self.rounding.get(name, 0.0) + self.floor
            noise += least * float(np.sqrt(np.square(v).sum()))
        return slope, float(np.sqrt(size)), noise


@dataclass(eq=False)
class Table:
    """The slopes of the entries of a tensor, nan where they were not measured, with their errors;
    which are on a kink, and there, whether what is claimed may be called right."""

    value: np.ndarray
    error: np.ndarray
    kink: np.ndarray
    legal: np.ndarray
    wrong: int = 0  # how many of those are wrong


def measured(bench: Bench, name: str, on_kink: bool, everything: bool) -> Table | None:
    """The slopes of the entries of one tensor: of all, if `LINES` lines suffice, one for each entry
    or, where rows are independent, for each column; else of a sample. None for a tensor on so many
    kinks that its directions alone are judged."""
    array, subject, rng = bench.arrays[name], bench.point.subject, bench.point.rng
    by_row = name in subject.names and rows_are_independent(bench.point, array)
    lines = list(np.arange(array.size).reshape(len(array) if by_row else 1, -1).T)
    if on_kink and len(lines) > SAMPLE and not everything:
        others = [line([array], rng) for line in (random_line, tied_line, random_line)]
        if subject.profile.is_net or all(bench.holds(line, [name]) for line in others):
            return None
    few = len(lines) <= LINES or everything
    if not few:
        lines = [lines[at] for at in np.sort(rng.permutation(len(lines))[:SAMPLE])]
    nothing, no = np.full(array.size, np.nan), np.zeros(array.size, bool)
    table = Table(nothing.copy(), nothing.copy(), no.copy(), no.copy())
    for indices in lines:
        fill(table, bench, name, indices, by_row)
    if not few:
        locate(table, bench, name)
    for part in ("value", "error", "kink", "legal"):
        setattr(table, part, getattr(table, part).reshape(array.shape))
    return table


def fill(table: Table, bench: Bench, name: str, indices: np.ndarray, by_row: bool = False) -> None:
    """Measure the entries at `indices` together, and judge each that is on a kink."""
    array, yours = bench.arrays[name], bench.yours[name].reshape(-1)
    split, line = "rows" if by_row else "", entry_line(array, indices)
    scale = np.abs(yours[np.isfinite(yours)]).max(initial=0.0)
    good, slopes = confirmed(bench.point, line, yours[indices], scale, split)
    exact = slopes if good.all() else measure(bench.point, line, split)
    for part in ("value", "error", "kink"):
        getattr(table, part)[indices] = np.where(good, getattr(slopes, part), getattr(exact, part))
    is_net = bench.point.subject.profile.is_net
    table.legal[indices] = is_net
    for entry in indices[table.kink[indices]] if not is_net else ():
        if table.wrong >= ENOUGH:
            table.value[entry], table.kink[entry] = np.nan, False  # it need not be known
            continue
        v = np.where(np.arange(array.size) == entry, units(array).reshape(-1), 0.0)
        size, along = v[entry], Line((array, v.reshape(array.shape)))
        tolerance = RELATIVE * scale * size + bench.floor
        table.legal[entry] = allowed(bench.point, along, float(yours[entry] * size), tolerance)
        table.wrong += not table.legal[entry]


def locate(table: Table, bench: Bench, name: str, most: int = 5) -> None:
    """Measure a few wrong entries too, found by halving, where the sample has none."""
    array, yours = bench.arrays[name], bench.yours[name].reshape(-1)
    sampled = np.isfinite(table.value)
    scale = np.abs(table.value[sampled]).max(initial=0.0)
    if (np.abs(table.value - yours)[sampled] > 1e-6 * scale).any():
        return

    def agrees(indices: np.ndarray) -> bool:
        v = np.zeros(array.size)
        v[indices] = bench.point.rng.standard_normal(len(indices))
        return bench.along(Line((array, v.reshape(array.shape))), [name])[0] == AGREES

    left = np.nonzero(~sampled)[0]
    for _ in range(most):
        part = left
        while len(part) > 1:
            half = part[: len(part) // 2]
            part = half if not agrees(half) else part[len(part) // 2 :]
        if agrees(part):
            return
        fill(table, bench, name, part)
        left = np.setdiff1d(left, part)
        if not len(left) or agrees(left):
            return


def judged(bench: Bench, name: str, table: Table, largest: float) -> Tensor:
    """The verdict on one tensor from the slopes of its entries; what is 1e10 times smaller than the
    largest gradient of any tensor is not judged."""
    a, n = bench.yours[name], table.value
    known = np.isfinite(n) & ~table.kink
    scale = np.nanmax(np.abs(np.where(known, n, 0.0)), initial=0.0)
    bar = RELATIVE * scale + 2 * table.error + 1e-10 * largest
    bar += np.where(np.abs(n) > CLEAR * table.error, 0.0, bench.blur)
    with np.errstate(all="ignore"):
        gap = np.where(known, np.abs(a - n), 0.0)
        right = ~known | (gap <= bar + 10 * bench.rounding.get(name, 0.0))
    right &= ~table.kink | table.legal
    floor = max(scale, 1e-3 * largest, 1e-300)
    rest = np.where(known & np.isfinite(table.error), table.error, 0.0)
    # At a kink any slope between the two is right; what hypotheses compare with is yours there.
    numeric = np.where(table.kink & table.legal, a, n)
    error, rounding = (float(np.max(part, initial=0.0)) / floor for part in (gap, rest))
    kink = table.kink if table.kink.any() else None
    return Tensor(a, numeric, error, rounding, kink, bool(right.all()))
