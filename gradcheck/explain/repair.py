"""Which one edit of the source would make wrong gradients right.

An edit counts only where every measured entry agrees with it, and slopes along random directions
for another dout, at another point and with one example more do; otherwise some edit fits by chance.
What is run is a copy: the functions that were given stay as they are.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import functools
import io
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from chainrule.gradcheck.checks.gradients import changed, compare
from chainrule.gradcheck.checks.outcome import Comparison, Passes
from chainrule.gradcheck.explain.causes import cause
from chainrule.gradcheck.explain.editor import Edit, Editor
from chainrule.gradcheck.explain.edits import edits
from chainrule.gradcheck.report.findings import Cause
from chainrule.gradcheck.subject.source import source_of
from chainrule.gradcheck.subject.subject import Subject
from chainrule.gradcheck.subject.trees import Origin

SECONDS = 2.0  # that edits are tried for
FITS = 1e-6  # of a gradient's largest entry


def repair(found: Comparison, passes: Passes, names: list[str]) -> dict[str, Cause]:
    """For each of those gradients that has one the edit that makes it right, and no other wrong.
    Edits are tried for `SECONDS`, so that a slow or busy machine may find fewer."""
    told: dict[str, Cause] = {}
    deadline = time.perf_counter() + SECONDS
    quiet = contextlib.redirect_stdout(io.StringIO())  # what a pass prints has been seen
    with quiet, contextlib.suppress(copy.Error, TypeError):  # a cache that cannot be copied
        for trial in trials(found, passes, names):
            for edit in trial.ordered():
                if time.perf_counter() > deadline or all(name in told for name in names):
                    break
                code = compiled(trial.editor.applied(edit), trial.function)
                mended = trial.mended(code) if code is not None else {}
                new = {name: rest for name, rest in mended.items() if name not in told}
                if new and trial.holds([*new]):
                    values = trial.words(edit)
                    for name, rest in new.items():
                        one = replace(cause("edit", rest, **values), kind=edit.kind)
                        told[name] = replace(one, tensors=(name,))
    return told


def trials(found: Comparison, passes: Passes, names: list[str]) -> Iterator[Trial]:
    """The functions of one file that backward runs and forward does not, backward first."""
    subject, written = found.subject, found.subject.profile.written()
    if written is None:
        return
    file, code = written.__code__.co_filename, written.__code__
    own = traced(lambda: gradients(found, subject), file)
    if subject.profile.apart:
        for other in traced(lambda: subject.forward(found.train), file):
            own.pop(other, None)
    known = {f.__code__: f for f in plain_functions(written, subject.layer)}
    for one in sorted(own, key=lambda one: one is not code):
        function = known.get(one)
        source = source_of(function) if function is not None else None
        if function is None or source is None:
            continue
        lines = textwrap.dedent("".join(source.lines)).splitlines(True)
        values = {**function.__globals__, **variables_around(function), **own[one]}
        editor = Editor(lines, source.tree, values)
        if not editor.has_effects(set(own)):
            yield Trial(found, passes, names, function, editor, source.first)


class Trial:
    """A backward pass that can be run again with other code for one of its functions.

    before  its gradients as they are
    """

    def __init__(
        self,
        found: Comparison,
        passes: Passes,
        names: list[str],
        function: FunctionType,
        editor: Editor,
        first: int,
    ) -> None:
        self.found, self.passes, self.names = found, passes, names
        self.function, self.editor, self.first = function, editor, first
        self.subject, self.stand_in = with_stand_in(found.subject, function)
        self.before = gradients(found, self.subject)

    def run(self, code: CodeType) -> dict[str, Any]:
        """The gradients with other code, none where it raises."""
        self.stand_in.function = isolated(self.function, code)
        try:
            return gradients(self.found, self.subject)
        except Exception:  # what is made of a stranger's code may raise anything
            return {}

    def mended(self, code: CodeType) -> dict[str, float]:
        """Which of the wrong gradients are right with other code, and what is left of them; none
        where another is no longer right."""
        got, tensors = self.run(code), self.found.tensors
        right = {name: tensor for name, tensor in tensors.items() if tensor.ok}
        if any(left(got.get(n), tensor.analytic) is None for n, tensor in right.items()):
            return {}
        rests = {name: left(got.get(name), tensors[name].numeric) for name in self.names}
        return {name: rest for name, rest in rests.items() if rest is not None}

    def holds(self, names: list[str]) -> bool:
        """Whether those gradients are right for another dout, too, at another point, and for one
        example more, if there may be one: sizes that are equal by chance part then."""
        found, subject, rng = self.found, self.subject, self.passes.rng
        passes = replace(self.passes, request=replace(self.passes.request, wrt=tuple(names)))

        def moved(x: np.ndarray) -> np.ndarray:
            return x * (1 + 0.1 * rng.standard_normal(x.shape)) if x.dtype.kind == "f" else x

        count = next((len(x) for x in subject.inputs if x.ndim), 0)
        more = [
            np.concatenate([x, moved(x[:1])]) if x.ndim and len(x) == count else x
            for x in subject.inputs
        ]
        for inputs in (subject.inputs, changed(subject, found.done, moved), more):
            try:
                other = subject.at(inputs)
                done = other.run(found.train, None, seed=11)
                right = compare(other, passes, done, found.train, brief=True).is_right
            except Exception:
                right = inputs is more  # it takes no other number of them
            if not right:
                return False
        return True

    def ordered(self) -> list[Edit]:
        """The edits: first those of what goes into wrong entries alone, then those of what goes
        into more and more right ones; none of what goes into no wrong one."""
        editor = self.editor
        reached: list[tuple[int, int, int, int]] = []
        for node in editor.computed():
            scaled = editor.swap(0, node, f"1.09 * ({editor.text(node)})", "")
            code = compiled(editor.applied(scaled), self.function)
            if code is not None:
                reached.append((*editor.span(node), *self.reached(self.run(code))))
        most = max((right for *_, right in reached), default=0)

        def rank(edit: Edit) -> tuple[int, int] | None:
            for start, end, wrong, right in reached:
                if start <= edit.start < end or (edit.start <= start and end <= edit.end):
                    return (right, edit.rank) if wrong else None
            return (most // 2, edit.rank)

        ranks = ((rank(edit), edit) for edit in edits(editor))
        known = [(key, edit) for key, edit in ranks if key is not None]
        return [edit for _, edit in sorted(known, key=lambda pair: pair[0])]

    def reached(self, now: dict[str, Any]) -> tuple[int, int]:
        """How many wrong entries, and how many right ones, are others than before."""
        counts = [0, 0] if now else [1, 0]  # nothing is known of what raises
        for name, tensor in self.found.tensors.items():
            a, n, b = (np.asarray(g, np.float64) for g in (
                self.before.get(name), tensor.numeric, now.get(name)))  # fmt: skip
            if not a.shape == n.shape == b.shape:
                counts[0] += 1
                continue
            size = max(np.abs(a).max(initial=0.0), np.nanmax(np.abs(n), initial=0.0))
            wrong = np.abs(a - n) > FITS * size
            known = wrong | np.isfinite(n) | tensor.ok
            other = np.abs(a - b) > 1e-9 * size
            counts[0] += int((other & wrong).sum())
            counts[1] += int((other & known & ~wrong).sum())
        return counts[0], counts[1]

    def words(self, edit: Edit) -> dict[str, Any]:
        """What is told of an edit: what it does, the line it is in, and how that would read."""
        line = self.editor.line(edit)
        text = self.editor.applied(edit).decode().splitlines()[line].strip()
        return {"said": edit.said, "number": self.first + line, "text": text}


def gradients(found: Comparison, subject: Subject) -> dict[str, Any]:
    """The gradients of the pass that was compared, from one more, on copies."""
    subject.mode, cache = found.train, found.done.cache
    if not subject.profile.apart:
        _, cache = subject.forward(found.train)
    subject.origin.restore()
    douts = [None if d is None else np.copy(d) for d in found.done.douts]
    return subject.backward(douts, copy.deepcopy(cache))


def left(got: Any, wanted: np.ndarray) -> float | None:
    """How far a gradient is from what it should be, relative to that; None where it is wrong."""
    if got is None or np.shape(got) != wanted.shape:
        return None
    seen = np.isfinite(wanted)
    gap = float(np.abs(np.asarray(got, np.float64)[seen] - wanted[seen]).max(initial=0.0))
    size = float(np.abs(wanted[seen]).max(initial=0.0))
    return (gap / size if size else 0.0) if gap <= FITS * size else None


def traced(call: Callable[[], Any], file: str) -> dict[CodeType, dict[str, Any]]:
    """The code of that file that a call runs, with the variables that it had when it returned."""
    seen: dict[CodeType, dict[str, Any]] = {}
    previous = sys.getprofile()

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "return" and frame.f_code.co_filename == file:
            seen[frame.f_code] = dict(frame.f_locals)

    sys.setprofile(note)
    try:
        call()
    except Exception:  # it did run once
        return {}
    finally:
        sys.setprofile(previous)
    return seen


def plain_functions(written: FunctionType, layer: Any) -> Iterator[FunctionType]:
    """The function, those beside it in its module, and the methods of the layer."""
    methods = [value for cls in type(layer).__mro__ for value in vars(cls).values()]
    for value in (*written.__globals__.values(), *methods, written):
        value = getattr(value, "__func__", value)
        if isinstance(value, FunctionType):
            yield value


def compiled(source: bytes, function: FunctionType) -> CodeType | None:
    """The code of a function's edited source, None where it is none that could take its place."""
    names = function.__code__.co_freevars
    try:
        (node,) = ast.parse(source).body
        assert isinstance(node, ast.FunctionDef)
        node.decorator_list = []
        if names:  # they have to be variables of a function around it
            (outer,) = ast.parse(f"def around():\n    {' = '.join(names)} = None").body
            assert isinstance(outer, ast.FunctionDef)
            outer.body.append(node)
            node = outer
        code = compile(ast.Module([node], []), "<edited>", "exec")
    except (SyntaxError, ValueError):
        return None
    for _ in range(1 + bool(names)):
        code = next(c for c in code.co_consts if isinstance(c, CodeType))
    return code if code.co_freevars == names else None


@dataclass
class StandIn:
    """What is called in a function's place."""

    function: FunctionType

    def make(self) -> FunctionType:
        @functools.wraps(self.function)
        def stand_in(*args: Any, **options: Any) -> Any:
            return self.function(*args, **options)

        return stand_in


def with_stand_in(subject: Subject, function: FunctionType) -> tuple[Subject, StandIn]:
    """A copy of the subject that calls a stand-in where it would call the function."""
    other = subject.at(subject.inputs)
    layer, stand_in = other.layer, StandIn(function)
    replaced = {function: stand_in.make()}
    for name, value in list(vars(layer).items()):
        if isinstance(value, tuple):
            setattr(layer, name, tuple(rebuilt(part, replaced) for part in value))
    for cls in type(layer).__mro__[::-1]:
        for name, value in vars(cls).items():
            plain = getattr(value, "__func__", value)
            new = rebuilt(plain, replaced)
            if new is not plain:
                static = isinstance(value, staticmethod)
                vars(layer)[name] = new if static else MethodType(new, layer)
    other.origin = Origin(layer, [*other.params.values()])
    return other, stand_in


def rebuilt(thing: Any, replaced: dict[Any, Any]) -> Any:
    """A function that calls what replaces others, where it or what it calls in its file or its
    closure is among them; else as it is."""
    if not isinstance(thing, FunctionType) or thing in replaced:
        return replaced.get(thing, thing) if isinstance(thing, FunctionType) else thing
    replaced[thing] = thing  # where it calls itself
    file = thing.__code__.co_filename
    named = {
        name: rebuilt(value, replaced)
        for name in thing.__code__.co_names
        if isinstance(value := thing.__globals__.get(name), FunctionType)
        and value.__code__.co_filename == file
    }
    around = {name: rebuilt(value, replaced) for name, value in variables_around(thing).items()}
    same = all(thing.__globals__[name] is value for name, value in named.items())
    if not same or any(around[n] is not v for n, v in variables_around(thing).items()):
        replaced[thing] = function_of(thing, thing.__code__, named, around)
    return replaced[thing]


def variables_around(function: FunctionType) -> dict[str, Any]:
    """The variables of the functions around a function that it uses, by name."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells}


def isolated(function: FunctionType, code: CodeType) -> FunctionType:
    """A function with other code, which writes into copies of the arrays and containers around."""
    kinds = (np.ndarray, list, dict, set)
    named = {name: function.__globals__.get(name) for name in code.co_names}
    copies = {name: copy.deepcopy(v) for name, v in named.items() if isinstance(v, kinds)}
    around = {
        name: copy.deepcopy(v) if isinstance(v, kinds) else v
        for name, v in variables_around(function).items()
    }
    return function_of(function, code, copies, around)


def function_of(
    function: FunctionType, code: CodeType, named: dict[str, Any], around: dict[str, Any]
) -> FunctionType:
    """A function like another, with other code, globals and variables around."""
    cells = tuple(CellType(around[name]) for name in code.co_freevars)
    new = FunctionType(
        code, {**function.__globals__, **named}, function.__name__, function.__defaults__, cells
    )
    new.__kwdefaults__ = function.__kwdefaults__
    return new
