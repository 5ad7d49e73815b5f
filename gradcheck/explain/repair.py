"""Which one edit of the source would make wrong gradients, or a wrong output, right.

An edit counts only where every measured entry agrees with it, and where it is right at another
point, for another dout and with one example more, too; otherwise some edit fits by chance.
What is run is a copy: the functions that were given stay as they are.
"""

from __future__ import annotations

import copy
import itertools
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from chainrule.gradcheck.checks.arrays import close
from chainrule.gradcheck.checks.gradients import changed, compare
from chainrule.gradcheck.checks.outcome import Comparison, Difference, Passes
from chainrule.gradcheck.explain.causes import cause
from chainrule.gradcheck.explain.clones import (
    cloned,
    compiled,
    host_of,
    quiet,
    traced,
    variables_around,
)
from chainrule.gradcheck.explain.editor import Edit, Editor
from chainrule.gradcheck.explain.edits import edits
from chainrule.gradcheck.report.findings import Cause
from chainrule.gradcheck.subject.source import plain_function, source_of
from chainrule.gradcheck.subject.subject import Gradients, Subject
from chainrule.gradcheck.subject.trees import Origin

SECONDS = 2.0  # of this thread's own time, that edits are tried for
OWN = "chainrule.gradcheck"  # whose classes nobody has to mend
FITS = 1e-6  # of an array's largest entry


@dataclass(eq=False)
class Aim:
    """What an edit shall make right.

    wanted   arrays that a pass gives, as they should be, nan where that was not measured
    wrong    the names of those that are not so
    run      the pass
    holds    whether those of some names are right for a subject at other inputs
    written  the function that may be edited, with those that it calls
    skip     a pass whose functions may not
    fixed    whether parameters and the module's constants have to stay as they are
    """

    subject: Subject
    passes: Passes
    wanted: Gradients
    wrong: list[str]
    run: Callable[[Subject], dict[str, Any]]
    holds: Callable[[Subject, list[str]], bool]
    written: FunctionType | None
    skip: Callable[[], Any]
    fixed: bool = False


def aim_at_gradients(found: Comparison, passes: Passes, names: list[str]) -> Aim:
    """Some wrong gradients shall be right, and all that are right stay so."""
    subject, tensors = found.subject, found.tensors

    def holds(other: Subject, names: list[str]) -> bool:
        asked = replace(passes, request=replace(passes.request, wrt=tuple(names)))
        done = other.run(found.train, None, seed=11)
        return compare(other, asked, done, found.train, brief=True).is_right

    return Aim(
        subject, passes,
        {n: t.analytic if t.ok else t.numeric for n, t in tensors.items() if t.ok or n in names},
        names, lambda other: gradients(found, other), holds,
        plain_function(subject.profile.written("backward")),
        lambda: subject.forward(found.train) if subject.profile.apart else None,
    )  # fmt: skip


def aim_at_output(found: Difference, passes: Passes) -> Aim:
    """All outputs shall be those of the reference."""
    subject = found.subject

    def outputs(outs: list[np.ndarray]) -> Gradients:
        return {"out" if at == 0 else f"out[{at}]": out for at, out in enumerate(outs)}

    def run(other: Subject) -> Gradients:
        return outputs(other.forward(found.train)[0])

    def holds(other: Subject, _: list[str]) -> bool:
        return all(map(close, other.forward(found.train)[0], found.right(other)))

    mine, wanted = run(subject), outputs(found.right(subject))
    wrong = [name for name, out in wanted.items() if not close(mine[name], out)]
    written = plain_function(subject.profile.written("forward"))
    return Aim(subject, passes, wanted, wrong, run, holds, written, lambda: None, fixed=True)


def repair(aim: Aim) -> dict[str, Cause]:
    """For each of those arrays that has one the edit that makes it right, and no other wrong; one
    that holds for other constants, too, where there is one. Edits are tried for `SECONDS`, so that
    a slow machine may find fewer."""
    told: dict[str, Cause] = {}
    doubtful: dict[str, Cause] = {}
    deadline = time.thread_time() + SECONDS
    for trial in trials(aim, deadline) if sys.getprofile() is None else ():
        for edit in trial.ordered():
            if time.thread_time() > deadline or all(name in told for name in aim.wrong):
                break
            source, line = trial.editor.applied(edit), trial.editor.line(edit)
            code = compiled(source, trial.copy)
            mended = trial.mended(code) if code is not None else {}
            new = {name: rest for name, rest in mended.items() if name not in told}
            if new and trial.holds([*new]):
                text = source.decode().splitlines()[line].strip()
                values = {"said": edit.said, "number": trial.first + line, "text": text}
                known = told if trial.holds_for_other_constants([*new]) else doubtful
                several = b"\n" in trial.editor.source[edit.start : edit.end]
                for name, rest in new.items():
                    one = replace(cause("edit", rest, **values), kind=edit.kind, tensors=(name,))
                    known.setdefault(name, replace(one, hint="" if several else one.hint))
    return doubtful | told


def trials(aim: Aim, deadline: float) -> Iterator[Trial]:
    """One for each function of one file that the pass runs, and no other, the written one first."""
    subject, written = aim.subject, aim.written
    if written is None or not hasattr(subject.layer, "__dict__"):
        return
    file = written.__code__.co_filename
    own = traced(lambda: aim.run(subject), file)
    others = traced(aim.skip, file)
    classes = [c for c in type(host_of(subject)).__mro__ if not c.__module__.startswith(OWN)]
    held = [*written.__globals__.values(), *(v for cls in classes for v in vars(cls).values())]
    plain = [getattr(value, "__func__", value) for value in (*held, written)]
    known = {f.__code__: f for f in plain if isinstance(f, FunctionType) and f.__code__ in own}
    constants = sorted({
        name for f in plain if getattr(f, "__globals__", None) is written.__globals__
        for name in f.__code__.co_names if type(written.__globals__.get(name)) in (int, float)
    })  # fmt: skip
    for code in sorted(known, key=lambda code: code is not written.__code__):
        function, source = known[code], source_of(known[code])
        alien = code.co_filename != file or function.__globals__ is not written.__globals__
        if code in others or alien or source is None:
            continue
        lines = textwrap.dedent("".join(source.lines)).splitlines(True)
        values = {**function.__globals__, **variables_around(function), **own[code], "print": quiet}
        editor = Editor(lines, source.tree, values, constants)
        if editor.has_effects(set(own)):
            continue
        try:
            other, made = cloned(subject, [f for f in plain if isinstance(f, FunctionType)])
            before = aim.run(other)
        except Exception:  # it does not run as a copy, or twice
            continue
        yield Trial(
            aim, editor, source.first, other, made[function], code, constants, deadline, before
        )


@dataclass(eq=False)
class Trial:
    """A copy of a subject that can be run again with other code for one of its functions.

    editor     of that function, `first` the number of its first line, `copy` what is run, with
               other code than the `original`
    constants  the numbers in its module that may have other values
    deadline   for trying, by the clock of this thread
    before     what the pass gives as it is
    """

    aim: Aim
    editor: Editor
    first: int
    subject: Subject
    copy: FunctionType
    original: CodeType
    constants: list[str]
    deadline: float
    before: dict[str, Any]

    def run(self, code: CodeType) -> dict[str, Any]:
        """What the pass gives with other code, nothing where it raises."""
        self.copy.__code__ = code
        try:
            return self.aim.run(self.subject)
        except Exception:  # what is made of a stranger's code may raise anything
            return {}

    def mended(self, code: CodeType) -> dict[str, float]:
        """Which of the wrong arrays are right with other code, and what is left of them; none
        where another is no longer right."""
        got, wanted, wrong = self.run(code), self.aim.wanted, self.aim.wrong
        rests = {name: left(got.get(name), wanted[name]) for name in wrong}
        mended = {name: rest for name, rest in rests.items() if rest is not None}
        others = (name for name in wanted if name not in wrong)
        if mended and any(left(got.get(name), wanted[name]) is None for name in others):
            return {}
        return mended

    def holds(self, names: list[str]) -> bool:
        """Whether those arrays are right for another dout, too, at another point, and, where that
        can be run, with other sizes: those that are equal by chance part then."""
        subject, passes = self.subject, self.aim.passes

        def moved(x: np.ndarray) -> np.ndarray:
            noise = passes.rng.standard_normal(x.shape)
            return x * (1 + 0.1 * noise) if x.dtype.kind == "f" else x

        try:
            points = (subject.inputs, changed(subject, passes.train, moved))
            if not all(self.aim.holds(subject.at(inputs), names) for inputs in points):
                return False
        except Exception:  # it fails elsewhere
            return False
        edited = self.copy.__code__
        for larger in resized(subject, {} if self.aim.fixed else subject.params, moved):
            start = time.thread_time()
            if start > self.deadline:
                return False
            try:  # whether it takes such sizes, as it is
                self.copy.__code__ = self.original
                larger.run(True)
            except Exception:
                continue
            finally:
                self.copy.__code__ = edited
            with suppress(Exception):  # what raises where it did not before is no mending
                fast = time.thread_time() - start < SECONDS / 100
                if not fast or self.aim.holds(larger, names):
                    continue
            return False
        return True

    def holds_for_other_constants(self, names: list[str]) -> bool:
        """Whether those arrays are right with other values of the module's constants, too, as far
        as other values make sense."""
        space = self.copy.__globals__
        for constant in self.constants if not self.aim.fixed else ():
            value = space[constant]
            space[constant] = value + 1 if isinstance(value, int) else 1.3 * value
            with suppress(Exception):  # it may have no such value
                if not self.aim.holds(self.subject.at(self.subject.inputs), names):
                    space[constant] = value
                    return False
            space[constant] = value
        return True

    def ordered(self) -> list[Edit]:
        """The edits, the likeliest first, among them those of what goes into wrong entries alone
        before those of what goes into right ones, too; none of what goes into no wrong one."""
        editor = self.editor
        reached: list[tuple[int, int, int, int]] = []
        for node in editor.computed():
            scaled = editor.swap(0, node, f"1.09 * ({editor.text(node)})", "")
            code = compiled(editor.applied(scaled), self.copy)
            if code is not None:
                reached.append((*editor.span(node), *self.reached(self.run(code))))
        most = max((right for *_, right in reached), default=0) or 1

        def rank(edit: Edit) -> float | None:
            for start, end, wrong, right in reached:
                if start <= edit.start < end or (edit.start <= start and end <= edit.end):
                    return edit.rank + 5 * right / most if wrong else None
            return edit.rank + 2.5

        ranks = ((rank(edit), edit) for edit in edits(editor))
        known = [(key, edit) for key, edit in ranks if key is not None]
        return [edit for _, edit in sorted(known, key=lambda pair: pair[0])]

    def reached(self, now: dict[str, Any]) -> tuple[int, int]:
        """How many wrong entries, and how many right ones, are others than before."""
        wrong, right = int(not now), 0  # nothing is known of what raises
        for name, n in self.aim.wanted.items():
            a, b = (np.asarray(got.get(name), np.float64) for got in (self.before, now))
            if not a.shape == n.shape == b.shape:
                wrong += 1
                continue
            size = max(np.abs(a).max(initial=0.0), np.nanmax(np.abs(n), initial=0.0))
            off, other = np.abs(a - n) > FITS * size, np.abs(a - b) > 1e-9 * size
            wrong += int((other & off).sum())
            right += int((other & ~off & np.isfinite(n)).sum())
        return wrong, right


def resized(
    subject: Subject, params: Gradients, moved: Callable[[np.ndarray], np.ndarray]
) -> Iterator[Subject]:
    """The subject with inputs or some of its parameters twice as long along an axis: all that have
    one size, one alone, or two. Most of these cannot be run."""
    named = dict(zip(subject.names, subject.inputs, strict=True)) | params
    axes = [(name, axis) for name, x in named.items() for axis in range(x.ndim)]
    sizes = dict.fromkeys(named[name].shape[axis] for name, axis in axes)
    together = [[(n, axis) for n, axis in axes if named[n].shape[axis] == size] for size in sizes]
    for chosen in [*together, *([one] for one in axes), *itertools.combinations(axes, 2)]:
        arrays = dict(named)
        for name, axis in chosen:
            arrays[name] = np.concatenate([arrays[name], moved(arrays[name])], axis)
        other = subject.at([arrays[name] for name in subject.names])
        for name in params:
            other.params[name] = other.layer.params[name] = arrays[name].copy()
        other.origin = Origin(other.layer, [*other.params.values()])
        yield other


def gradients(found: Comparison, subject: Subject) -> dict[str, Any]:
    """The gradients of the pass that was compared, from one more, on copies."""
    subject.mode, cache = found.train, found.done.cache
    if not subject.profile.apart or subject.profile.keeps_state:
        _, cache = subject.forward(found.train)
    subject.origin.restore()
    douts = [None if d is None else np.copy(d) for d in found.done.douts]
    return subject.backward(douts, copy.deepcopy(cache))


def left(got: Any, wanted: np.ndarray) -> float | None:
    """How far an array is from what it should be, relative to that; None where it is wrong."""
    if got is None or np.shape(got) != wanted.shape:
        return None
    seen = np.isfinite(wanted)
    gap = float(np.abs(np.asarray(got, np.float64)[seen] - wanted[seen]).max(initial=0.0))
    size = float(np.abs(wanted[seen]).max(initial=0.0))
    return (gap / size if size else 0.0) if gap <= FITS * size else None
