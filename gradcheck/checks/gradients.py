"""The gradients of one pass: their form, and their values beside slopes, along random directions
first, entry by entry on doubt.

One direction through all tensors, and one through each, find every wrong gradient but for a
chance. Entries are measured where a direction disagrees, and where it meets a kink.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from chainrule.gradcheck.checks.arrays import size
from chainrule.gradcheck.checks.causes import cause
from chainrule.gradcheck.checks.entries import AGREES, DIFFERS, KINK, Bench, judged, measured
from chainrule.gradcheck.checks.outcome import BadRequest, Comparison, Passes
from chainrule.gradcheck.derivatives.point import (
    FIRST_STEP,
    Line,
    Point,
    random_line,
    tied_line,
    units,
)
from chainrule.gradcheck.derivatives.slopes import measure, slopes_beside
from chainrule.gradcheck.report.findings import Cause
from chainrule.gradcheck.report.report import Tensor
from chainrule.gradcheck.subject.subject import Gradients, Pass, Subject


def well_formed(
    subject: Subject, done: Pass, wrt: tuple[str, ...] | None
) -> tuple[Gradients, list[Cause]]:
    """The tensors whose gradients have the right form, and what is wrong with the others. Raises
    ValueError where `wrt` names one that there is not."""
    given = done.gradients
    owed = {*given, *subject.params}
    arrays = {name: array for name, array in subject.floats.items() if name in owed}
    if wrt is not None:
        if unknown := [name for name in wrt if name not in arrays]:
            raise BadRequest(f"check: wrt names {unknown}, expected some of {list(arrays)}")
        arrays = {name: array for name, array in arrays.items() if name in wrt}
    fitting: Gradients = {}
    causes: list[Cause] = []
    for name, array in arrays.items():
        found = complaint(subject, done, name, array)
        if found is None or found.level == "remark":
            fitting[name] = array
        causes += [found] if found else []
    alien = [k for k in given if k not in subject.names and k not in subject.params]
    if alien and subject.params and not causes:
        causes.append(cause("alien-entry", alien[0], "remark", known=", ".join(subject.params)))
    return fitting, causes


def complaint(subject: Subject, done: Pass, name: str, array: np.ndarray) -> Cause | None:
    """What is wrong with the form of one gradient."""
    yours = done.gradients.get(name)
    if yours is None:
        return cause("no-entry" if name in subject.params else "not-returned", name)
    try:
        got = np.asarray(yours)
        got.astype(np.float64)
        if got.dtype.kind in "US":  # "0" would pass for a number
            raise TypeError
    except (TypeError, ValueError):
        return cause("no-array", name, type=type(yours).__name__)
    if got.shape != array.shape:
        return cause("shape", name, got=str(got.shape), shape=str(array.shape))
    floats = [o for o in done.outs if o.dtype.kind == "f"]
    single = subject.narrow or any(o.dtype.itemsize < 8 for o in floats)
    if got.dtype != array.dtype and not single:
        return cause("gradient-dtype", name, "remark", got=str(got.dtype), dtype=str(array.dtype))
    return None


def compare(
    subject: Subject, passes: Passes, done: Pass, train: bool, brief: bool = False
) -> Comparison:
    """Compare the gradients of a pass with slopes. A `brief` comparison asks one direction through
    all tensors, and looks at each of them only where it disagrees."""
    arrays, causes = well_formed(subject, done, passes.request.wrt)
    yours = {name: np.asarray(done.gradients[name], np.float64) for name in arrays}
    moving = {name: array for name, array in arrays.items() if array.size}
    point = Point(subject, train, done, [*moving.values()], passes.rng)
    weights = [(size(d), size(o)) for d, o in zip(done.douts, done.outs, strict=True)
               if d is not None]  # fmt: skip
    dout = max((d for d, _ in weights), default=0.0)
    least = max((d * min(o, 1.0) for d, o in weights), default=0.0)
    bench = Bench(point, dict(arrays), yours, done.rounding, 1e-12 * least, 1e-12 * dout)
    found = Comparison(subject, done, train, coarse=point.step > 10 * FIRST_STEP, causes=causes)
    for name, g in yours.items():
        found.tensors[name] = Tensor(g, np.full(g.shape, np.nan), 0.0, 0.0, None, True)
    # In very few digits a sum over many entries says little of each.
    full = passes.request.effort == "entrywise" or point.step > 0.1
    doubtful = {
        name: KINK for name, array in moving.items()
        if full and (yours[name].any() or not point.is_still(random_line([array], passes.rng)))
    }  # fmt: skip
    if moving and not full:
        together, _ = bench.along(random_line([*moving.values()], passes.rng), [*moving])
        legal = together == AGREES or (brief and together == KINK and not ties(bench, [*moving]))
        for name, array in moving.items() if not (brief and legal) else ():
            how, error = bench.along(random_line([array], passes.rng), [name])
            found.tensors[name].error = error
            if how != AGREES:
                doubtful[name] = how
        if together == DIFFERS and not doubtful:
            doubtful = dict.fromkeys(moving, DIFFERS)
        found.on_kinks = not (brief and legal) and KINK in (together, *doubtful.values())
    judge_entries(found, bench, doubtful, full)
    if point.last:
        judge_sums(found, bench, [*moving])
    if found.on_kinks and not subject.profile.is_net and found.is_right and not full:
        found.causes += ties(bench, [*moving])
    for name in [one.tensors[0] for one in causes if one.key == "shape"]:
        bench.arrays[name] = subject.floats[name]
        bench.yours[name] = np.zeros(subject.floats[name].shape)
        table = measured(bench, name, on_kink=False, everything=False)
        right, given = bench.yours[name] if table is None else table.value, done.gradients[name]
        found.tensors[name] = Tensor(np.asarray(given), right, np.nan, 0.0, None, False)
    return found


def judge_entries(found: Comparison, bench: Bench, doubtful: dict[str, int], full: bool) -> None:
    """Measure the entries of tensors that a direction gave a doubt of, and judge them."""
    tables = {
        name: table for name, how in doubtful.items()
        if (table := measured(bench, name, how == KINK, full)) is not None
    }  # fmt: skip
    known = [y for name, y in bench.yours.items() if name not in doubtful]
    known += [table.value[np.isfinite(table.value)] for table in tables.values()]
    largest = max([1e10 * bench.floor, *(float(np.abs(g).max(initial=0.0)) for g in known)])
    for name, table in tables.items():
        found.tensors[name] = judged(bench, name, table, largest)
        if not found.tensors[name].ok:
            found.wrong.append(name)


def judge_sums(found: Comparison, bench: Bench, names: list[str]) -> None:
    """Where few digits tell little of single entries, ask for sums over all: along the gradient
    that is claimed, and at random."""
    for name in (name for name in names if found.tensors[name].ok):
        array = bench.arrays[name]
        uphill = Line((array, units(array) * np.sign(bench.yours[name])))
        for line in (uphill, random_line([array], bench.point.rng)):
            how, error = bench.along(line, [name])
            if how == DIFFERS:
                found.tensors[name].ok, found.tensors[name].error = False, error
                found.wrong.append(name)
                break


def ties(bench: Bench, names: list[str]) -> list:
    """Whether on kinks, what may be right for each entry is right for entries that move together:
    two entries that are equal share what the larger of them gets. The cause, if it is not."""
    arrays, rng = [bench.arrays[name] for name in names], bench.point.rng
    for make in (tied_line, random_line, tied_line, random_line):
        line = make(arrays, rng)
        claim = bench.claim(line, names)[0]
        bend = float(slopes_beside(bench.point, line, away=0).sum())  # that may look like a kink
        if bench.holds(line, names) or abs(bend - claim) <= 1e-3 * abs(claim):
            continue
        slope = measure(bench.point, line)
        what = "do not add up to what they should"
        if make is tied_line and not slope.kink[0] and slope.value[0]:
            share = claim / float(slope.value[0])
            if abs(share - 1) < 1e-3:
                continue  # it is rounding that looks like a kink
            what = f"add up to {share if abs(share) > 1e-6 else 0:.4g} times what they should"
        inputs = tuple(n for n in names if n in bench.point.subject.names)
        return [replace(cause("ties", "", what=what), tensors=inputs or tuple(names[:1]))]
    return []


def describe_kinks(found: Comparison) -> list[str]:
    """Notes on entries that sit on kinks."""
    notes, is_net = [], found.subject.profile.is_net
    rule = "not judged there, but at a point nearby" if is_net else (
        "any slope between the one-sided ones is right")  # fmt: skip
    for name, tensor in found.tensors.items():
        if tensor.kinks is not None:
            count, array = int(tensor.kinks.sum()), found.subject.floats[name]
            zero = bool((array[tensor.kinks] == 0).all()) and not is_net
            noun = f"entr{'y' if count == 1 else 'ies'} of {name} {'is' if count == 1 else 'are'}"
            notes.append(f"{count} {noun} {'exactly 0' if zero else 'on a kink'}: {rule}")
    return notes if notes or not found.on_kinks else [f"some entries are on a kink: {rule}"]


def changed(
    subject: Subject, done: Pass, change: Callable[[np.ndarray], np.ndarray]
) -> list[np.ndarray]:
    """The inputs with `change` applied to those that are differentiated; of a model to floats."""
    some = subject.floats if subject.profile.is_model else done.gradients
    pairs = zip(subject.names, subject.inputs, strict=True)
    return [change(x) if name in some and name in subject.floats else x for name, x in pairs]


def nearby(subject: Subject, passes: Passes, done: Pass, train: bool) -> Comparison:
    """The comparison at a point close by, for a network on kinks: on them the chain rule may
    rightly give a slope that lies outside the one-sided ones."""

    def moved(x: np.ndarray) -> np.ndarray:
        scale = float(np.sqrt(np.mean(np.square(x)))) if x.size else 1.0
        return x + 1e-2 * (scale or 1.0) * passes.rng.standard_normal(x.shape)

    other = subject.at(changed(subject, done, moved))
    return compare(other, passes, other.run(train, done.douts), train)
