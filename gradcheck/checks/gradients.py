"""The gradients of one pass beside slopes: along random directions first, entry by entry on doubt.

One direction through all tensors, and one through each, find every wrong gradient but for a chance
that two numbers drawn from a continuum cancel. Entries are measured where a direction disagrees, to
say which of them are wrong, and where it meets a kink, to say which of them sit on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.gradcheck.checks.form import well_formed
from chainrule.gradcheck.checks.outcome import Comparison, Passes
from chainrule.gradcheck.derivatives.slopes import (
    SCREEN,
    Line,
    Point,
    allowed,
    confirmed,
    entry_line,
    measure,
    random_line,
    rows_are_independent,
    size_of,
    tied_line,
)
from chainrule.gradcheck.report.findings import because
from chainrule.gradcheck.report.report import Tensor
from chainrule.gradcheck.subject.subject import Gradients, Pass, Subject

RELATIVE = 1e-7  # the least error, relative to a tensor's largest gradient, that counts as one
LINES = 250  # a tensor is measured entry by entry where so many lines suffice …
SAMPLE = 60  # … and on so many where they do not, and on kinks
AGREES, KINK, DIFFERS = range(3)


@dataclass(eq=False)
class Bench:
    """What a comparison works with: the point, the arrays that may be moved, what is claimed."""

    point: Point
    arrays: Gradients
    yours: Gradients
    rounding: dict[str, float]
    floor: float  # of the gradients, below which nothing is judged

    def along(self, line: Line, names: Sequence[str]) -> tuple[int, float]:
        """Whether the claimed gradients of `names` agree with the slope along a line through them,
        and how far they are from it, relative to the terms of the sum."""
        claim, size, noise = self.claim(line, names)
        good, _ = confirmed(self.point, line, np.array([claim]), size + noise / SCREEN)
        if good[0]:
            return AGREES, 0.0
        found = measure(self.point, line)
        gap = abs(claim - found.value[0])
        if found.kink[0]:
            return KINK, gap / max(size, 1e-300)
        if not np.isfinite(found.value[0]):
            return AGREES, 0.0  # nothing can be measured here
        bar = SCREEN * max(size, abs(found.value[0])) + 2 * found.error[0] + noise
        return (AGREES if gap <= bar else DIFFERS), gap / max(size, abs(found.value[0]), 1e-300)

    def holds(self, line: Line, names: Sequence[str]) -> bool:
        """Whether the claimed gradients of `names` may be called right along a line on a kink."""
        claim, size, noise = self.claim(line, names)
        return allowed(self.point, line, claim, RELATIVE * size + noise).holds

    def claim(self, line: Line, names: Sequence[str]) -> tuple[float, float, float]:
        """The slope that the claimed gradients give, the size of the sum's terms, and the noise."""
        terms = [self.yours[n] * v for n, (_, _, v) in zip(names, line.parts, strict=True)]
        size = float(np.sqrt(sum(np.square(term).sum() for term in terms)))
        noise = sum(
            (4 * self.rounding.get(n, 0.0) + self.floor) * float(np.sqrt(np.square(v).sum()))
            for n, (_, _, v) in zip(names, line.parts, strict=True)
        )
        return float(sum(term.sum() for term in terms)), size, noise


def compare(
    subject: Subject, passes: Passes, done: Pass, train: bool, brief: bool = False
) -> Comparison:
    """Compare the gradients of a pass with slopes. A `brief` comparison asks one direction through
    all tensors, and looks at each of them only where it disagrees."""
    found = Comparison(subject, done, train)
    arrays, causes = well_formed(subject, done, passes.request.wrt)
    found.causes += causes
    point = Point(subject, train, done, passes.rng)
    yours = {name: np.asarray(done.gradients[name], np.float64) for name in arrays}
    given = max((float(np.abs(d).max(initial=0.0)) for d in done.douts if d is not None), default=0)
    bench = Bench(point, arrays, yours, done.rounding, 1e-12 * given)
    names = [name for name in arrays if arrays[name].size]
    for name in arrays:
        found.tensors[name] = confirmed_tensor(yours[name], 0.0)
    if passes.request.effort == "entrywise":
        judge_entries(found, bench, dict.fromkeys(names, KINK), passes)
        return found
    everything = [arrays[name] for name in names]
    together, error = bench.along(random_line(everything, passes.rng), names) if names else (0, 0.0)
    if brief and (together == AGREES or together == KINK and legal_together(bench, names, passes)):
        return found
    doubtful = {}
    for name in names:
        how, error = bench.along(random_line([arrays[name]], passes.rng), [name])
        found.tensors[name].error = error if how == AGREES else 0.0
        if how != AGREES:
            doubtful[name] = how
    if together == DIFFERS and not doubtful:
        doubtful = dict.fromkeys(names, DIFFERS)
    found.on_kinks = together == KINK or KINK in doubtful.values()
    judge_entries(found, bench, doubtful, passes)
    if found.on_kinks and not subject.profile.is_net and found.is_right:
        judge_ties(found, bench, names, passes)
    for name in [cause.tensors[0] for cause in causes if cause.key == "shape"]:
        bench.arrays[name] = subject.floats[name]
        bench.yours[name] = np.zeros(subject.floats[name].shape)
        table = measure_entries(found, bench, name, DIFFERS, passes)
        right = bench.yours[name] if table is None else table.value
        found.tensors[name] = Tensor(
            np.asarray(done.gradients[name]), right, np.nan, 0.0, None, False
        )
    return found


def legal_together(bench: Bench, names: list[str], passes: Passes) -> bool:
    """Whether on a kink the gradients may be called right along lines through all tensors."""
    arrays = [bench.arrays[name] for name in names]
    lines = (random_line(arrays, passes.rng), tied_line(arrays, passes.rng))
    return all(bench.holds(line, names) for line in lines)


def confirmed_tensor(yours: np.ndarray, error: float) -> Tensor:
    """A tensor whose gradient agrees with slopes along directions."""
    return Tensor(yours, np.full(yours.shape, np.nan), error, 0.0, None, True)


def judge_entries(
    found: Comparison, bench: Bench, doubtful: dict[str, int], passes: Passes
) -> None:
    """Measure the entries of tensors that a direction gave a doubt of, and judge them."""
    tables = {}
    for name, how in doubtful.items():
        tables[name] = measure_entries(found, bench, name, how, passes)
    sizes = [np.abs(table.value[np.isfinite(table.value)]).max(initial=0.0)
             for table in tables.values() if table is not None]  # fmt: skip
    sizes += [np.abs(y).max(initial=0.0) for n, y in bench.yours.items() if n not in doubtful]
    largest = max([*sizes, 1e2 * bench.floor * 1e8, 0.0]) if sizes else 0.0
    for name, table in tables.items():
        if table is not None:
            found.tensors[name] = judged(bench, name, table, largest, found.subject.profile.is_net)
            if not found.tensors[name].ok:
                found.wrong.append(name)


@dataclass(eq=False)
class Table:
    """The slopes of the entries of a tensor, nan where they were not measured; on a kink `left` and
    `right` are the least and the largest that may be called right, and `legal` says of yours."""

    value: np.ndarray
    error: np.ndarray
    left: np.ndarray
    right: np.ndarray
    kink: np.ndarray
    legal: np.ndarray

    @classmethod
    def empty(cls, size: int) -> Table:
        nothing, no = (lambda: np.full(size, np.nan)), (lambda: np.zeros(size, bool))
        return cls(nothing(), nothing(), nothing(), nothing(), no(), no())

    def reshaped(self, shape: tuple[int, ...]) -> Table:
        return Table(*(part.reshape(shape) for part in vars(self).values()))


def measure_entries(
    found: Comparison, bench: Bench, name: str, how: int, passes: Passes
) -> Table | None:
    """The slopes of the entries of one tensor: of all, if `LINES` lines suffice, one for each entry
    or, where rows are independent, for each column; else of a sample. None for a tensor on so many
    kinks that its directions alone are judged."""
    subject, array = found.subject, bench.arrays[name]
    by_row = name in subject.names and rows_are_independent(
        subject, found.train, array, found.done.outs, passes.rng
    )
    everything = np.arange(array.size)
    lines = (
        list(everything.reshape(len(array), -1).T) if by_row else list(everything[:, np.newaxis])
    )
    full = passes.request.effort == "entrywise"
    if how == KINK and len(lines) > SAMPLE and not full:
        others = [line([array], passes.rng) for line in (random_line, tied_line, random_line)]
        if subject.profile.is_net or all(bench.holds(line, [name]) for line in others):
            return None
    few = len(lines) <= LINES or full
    if not few:
        lines = [lines[at] for at in np.sort(passes.rng.permutation(len(lines))[:SAMPLE])]
    table = Table.empty(array.size)
    for indices in lines:
        fill(table, bench, name, indices, by_row, subject.profile.is_net)
    if not few:
        locate(table, bench, name, passes)
    return table.reshaped(array.shape)


def fill(
    table: Table, bench: Bench, name: str, indices: np.ndarray, by_row: bool, is_net: bool
) -> None:
    """Measure the entries at `indices` together, and on a kink each for itself."""
    array, yours = bench.arrays[name], bench.yours[name].reshape(-1)
    split, line = "rows" if by_row else "", entry_line(array, indices)
    scale = np.abs(yours).max(initial=0.0)
    good, slopes = confirmed(bench.point, line, yours[indices], scale, split)
    if not good.all():
        exact = measure(bench.point, line, split)
        for part in ("value", "error", "left", "right", "kink"):
            setattr(slopes, part, np.where(good, getattr(slopes, part), getattr(exact, part)))
    for part in ("value", "error", "left", "right", "kink"):
        getattr(table, part)[indices] = getattr(slopes, part)
    for entry in indices[slopes.kink] if not is_net else ():
        size = max(abs(float(array.reshape(-1)[entry])), size_of(array))
        v = np.zeros(array.size)
        v[entry] = size
        answer = allowed(
            bench.point, Line((array, v.reshape(array.shape))), float(yours[entry] * size),
            RELATIVE * scale * size + bench.floor,
        )  # fmt: skip
        table.left[entry], table.right[entry] = answer.low / size, answer.high / size
        table.error[entry] = max(table.error[entry], answer.error / size)
        table.legal[entry] = answer.holds


def locate(table: Table, bench: Bench, name: str, passes: Passes, most: int = 5) -> None:
    """Measure a few wrong entries too, found by halving, where the sample has none."""
    array, yours = bench.arrays[name], bench.yours[name].reshape(-1)
    sampled = np.isfinite(table.value)
    scale = np.abs(table.value[sampled]).max(initial=0.0)
    if (np.abs(table.value - yours)[sampled] > 1e-6 * scale).any():
        return

    def agrees(indices: np.ndarray) -> bool:
        v = np.zeros(array.size)
        v[indices] = passes.rng.standard_normal(len(indices))
        return bench.along(Line((array, v.reshape(array.shape))), [name])[0] == AGREES

    left = np.nonzero(~sampled)[0]
    for _ in range(most):
        part = left
        while len(part) > 1:
            half = part[: len(part) // 2]
            part = half if not agrees(half) else part[len(part) // 2 :]
        if agrees(part):
            return
        fill(table, bench, name, part, by_row=False, is_net=True)
        left = np.setdiff1d(left, part)
        if not len(left) or agrees(left):
            return


def judged(bench: Bench, name: str, table: Table, largest: float, is_net: bool) -> Tensor:
    """The verdict on one tensor from the slopes of its entries."""
    a, n = bench.yours[name], table.value
    measured = np.isfinite(n) | table.kink
    scale = np.nanmax(np.abs(np.where(measured, n, 0.0)), initial=0.0)
    # What is 1e10 times smaller than the largest gradient of any tensor is not judged.
    bar = RELATIVE * scale + 2 * table.error + 1e-10 * largest
    bar = bar + 10 * bench.rounding.get(name, 0.0)
    with np.errstate(all="ignore"):
        right = np.abs(a - n) <= bar
    legal = table.legal | is_net
    right = np.where(table.kink, legal, right) | ~measured
    judge = measured & ~table.kink
    gap = np.where(judge, np.abs(a - n), 0.0)
    floor = max(scale, 1e-3 * largest, 1e-300)
    rest = np.where(judge & np.isfinite(table.error), table.error, 0.0)
    # At a kink any slope between the two is right; what hypotheses compare with is yours there.
    numeric = np.where(table.kink & legal, a, n)
    kinks = table.kink if table.kink.any() else None
    return Tensor(
        a, numeric, float(np.max(gap, initial=0.0)) / floor,
        float(np.max(rest, initial=0.0)) / floor, kinks, bool(right.all()),
    )  # fmt: skip


def judge_ties(found: Comparison, bench: Bench, names: list[str], passes: Passes) -> None:
    """Whether what is right for each entry is right for entries that move together: two entries
    that are equal share what the larger of them gets."""
    everything = [bench.arrays[name] for name in names]
    for make in (tied_line, random_line, tied_line):
        line = make(everything, passes.rng)
        if bench.holds(line, names):
            continue
        claim, _, _ = bench.claim(line, names)
        slope = measure(bench.point, line)
        share = claim / slope.value[0] if slope.value[0] and not slope.kink[0] else 0.0
        what = "add up to too much, or to too little"
        if make is tied_line and not slope.kink[0]:
            what = "add up to {share} of what they should" if abs(share) > 1e-6 else "add up to 0"
        floats = tuple(n for n in names if n in found.subject.names)
        cause = because(
            "ties", "mask", f"where inputs are equal, their gradients in {{d}} {what}",
            "Of equal inputs one alone passes the gradient on, or they share it.",
            share=f"{share:.4g}",
        )  # fmt: skip
        found.causes.append(replace(cause, tensors=floats or tuple(names[:1])))
        return


def describe_kinks(found: Comparison) -> list[str]:
    """Notes on entries that sit on kinks."""
    notes, is_net = [], found.subject.profile.is_net
    for name, tensor in found.tensors.items():
        if tensor.kinks is None:
            continue
        count, array = int(tensor.kinks.sum()), found.subject.floats[name]
        where = "exactly 0" if bool((array[tensor.kinks] == 0).all()) else "on a kink"
        noun = f"entr{'y' if count == 1 else 'ies'} of {name} {'is' if count == 1 else 'are'}"
        note = f"{count} {noun} {where}: any slope between the one-sided ones is right"
        if is_net:
            note = f"{count} {noun} on a kink: not judged there, but at a point nearby"
        notes.append(note)
    if found.on_kinks and not notes:
        notes.append("some entries are on a kink: any slope between the one-sided ones is right")
    return notes


def nearby(subject: Subject, passes: Passes, done: Pass, train: bool) -> Comparison:
    """The comparison at a point close by, for a network on kinks: on them the chain rule may
    rightly give a slope that lies outside the one-sided ones."""
    moved: list[Any] = list(subject.inputs)
    for at, (name, x) in enumerate(zip(subject.names, subject.inputs, strict=True)):
        if x.size and (
            name in done.gradients or (subject.profile.is_model and x.dtype.kind == "f")
        ):
            size = float(np.sqrt(np.mean(np.square(x)))) or 1.0
            moved[at] = x + 1e-2 * size * passes.rng.standard_normal(x.shape)
    other = subject.at(moved)
    return compare(other, passes, other.run(train, done.douts), train)
