"""Which one edit of the source would make wrong gradients right.

An edit counts only where every measured entry agrees with it, and slopes along random directions
for another dout and at another point do; otherwise some edit fits by chance.
"""

from __future__ import annotations

import ast
import copy
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from chainrule.gradcheck.checks.gradients import changed, compare
from chainrule.gradcheck.checks.outcome import Comparison, Passes
from chainrule.gradcheck.explain.causes import cause
from chainrule.gradcheck.explain.editor import Edit, Editor
from chainrule.gradcheck.explain.edits import edits
from chainrule.gradcheck.report.findings import Cause
from chainrule.gradcheck.subject.source import source_of

SECONDS = 2.0  # that edits are tried for
FITS = 1e-6  # of a gradient's largest entry


def repair(found: Comparison, passes: Passes, names: list[str]) -> dict[str, Cause]:
    """For each of those gradients that has one the edit that makes it right, and no other wrong."""
    trial = Trial(found, passes, names)
    told: dict[str, Cause] = {}
    deadline = time.perf_counter() + SECONDS
    for function, editor, first in trial.editors():
        for edit in ordered(trial, function, editor):
            if time.perf_counter() > deadline or all(name in told for name in names):
                break
            code = compiled(editor.applied(edit), function)
            if code is None:
                continue
            with running(function, code):
                mended = [name for name in trial.mended() if name not in told]
                if mended and trial.holds(mended):
                    line = editor.line(edit)
                    text = editor.applied(edit).decode().splitlines()[line].strip()
                    values = {"said": edit.said, "number": first + line, "text": text}
                    one = replace(cause("edit", None, **values), kind=edit.kind)
                    told |= {name: replace(one, tensors=(name,)) for name in mended}
    return told


def ordered(trial: Trial, function: FunctionType, editor: Editor) -> list[Edit]:
    """The edits of a function: first those of what goes into wrong entries alone, then those of
    what goes into more and more right ones; none of what goes into no wrong one."""
    before = trial.gradients()
    reached: list[tuple[int, int, int, int]] = []
    for node in computed(editor):
        code = compiled(
            editor.applied(editor.swap(0, node, f"1.09 * ({editor.text(node)})", "")), function
        )
        with running(function, code or function.__code__):
            wrong, right = trial.reached(before)
        reached.append((*editor.span(node), wrong, right))
    most = max((right for *_, right in reached), default=0)

    def rank(edit: Edit) -> tuple[int, int] | None:
        for start, end, wrong, right in reached:
            if start <= edit.start < end or (edit.start <= start and end <= edit.end):
                return (right, edit.rank) if wrong else None
        return (most // 2, edit.rank)

    ranks = ((rank(edit), edit) for edit in edits(editor))
    known = [(key, edit) for key, edit in ranks if key is not None]
    return [edit for _, edit in sorted(known, key=lambda pair: pair[0])]


def computed(editor: Editor) -> Iterator[ast.expr]:
    """The expressions that are assigned or returned and give floats."""
    for node in ast.walk(editor.tree):
        value = node.value if isinstance(node, (ast.Assign, ast.AugAssign, ast.Return)) else None
        parts = value.elts if isinstance(value, ast.Tuple) else [value] if value else []
        yield from (part for part in parts if editor.shape(part) is not None)


class Trial:
    """A backward pass that can be run again with other code, and what its gradients should be."""

    def __init__(self, found: Comparison, passes: Passes, names: list[str]) -> None:
        self.found, self.passes, self.names = found, passes, names
        self.right = {name: tensor for name, tensor in found.tensors.items() if tensor.ok}

    def gradients(self) -> dict[str, Any]:
        done, subject = self.found.done, self.found.subject
        subject.mode = self.found.train
        cache = done.cache
        if not subject.profile.apart:
            _, cache = subject.forward(self.found.train)
        subject.origin.restore()
        return subject.backward(
            [np.copy(d) if d is not None else None for d in done.douts], copy.deepcopy(cache)
        )

    def editors(self) -> Iterator[tuple[FunctionType, Editor, int]]:
        """The functions of the same file that backward runs and forward does not, itself first,
        with what edits them and the number of their first line."""
        written = self.found.subject.profile.written()
        if written is None:
            return
        file, apart = written.__code__.co_filename, self.found.subject.profile.apart
        others = traced(lambda: self.found.subject.forward(self.found.train), file) if apart else {}
        own = traced(self.gradients, file)
        known = {f.__code__: f for f in plain_functions(written, self.found.subject.layer)}
        for code, variables in sorted(
            own.items(), key=lambda item: item[0] is not written.__code__
        ):
            function = known.get(code)
            if function is None or code in others or (source := source_of(function)) is None:
                continue
            if any(isinstance(node, ast.While) for node in ast.walk(source.tree)):
                continue  # an edited condition may loop for ever
            lines = textwrap.dedent("".join(source.lines)).splitlines(True)
            cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
            around = {name: cell.cell_contents for name, cell in cells}
            values = {**function.__globals__, **around, **variables}
            yield function, Editor(lines, source.tree, values), source.first

    def mended(self) -> list[str]:
        """Which of the wrong gradients are right now, none where another is no longer."""
        try:
            got = self.gradients()
        except Exception:
            return []
        if not all(
            self.agrees(got.get(name), tensor.analytic) for name, tensor in self.right.items()
        ):
            return []
        return [n for n in self.names if self.agrees(got.get(n), self.found.tensors[n].numeric)]

    def reached(self, before: dict[str, Any]) -> tuple[int, int]:
        """How many wrong entries, and how many right ones, are others than before."""
        counts = [0, 0]
        try:
            now = self.gradients()
        except Exception:
            return 1, 0  # nothing is known
        for name, tensor in self.found.tensors.items():
            a, n = np.asarray(before.get(name), np.float64), tensor.numeric
            b = np.asarray(now.get(name), np.float64)
            if a.shape != n.shape or b.shape != n.shape:
                counts[0] += 1
                continue
            size = max(np.abs(a).max(initial=0.0), np.nanmax(np.abs(n), initial=0.0))
            wrong = np.abs(a - n) > FITS * size
            known = wrong | np.isfinite(n) | tensor.ok
            other = np.abs(a - b) > 1e-9 * size
            counts[0] += int((other & wrong).sum())
            counts[1] += int((other & known & ~wrong).sum())
        return counts[0], counts[1]

    def agrees(self, got: Any, wanted: np.ndarray) -> bool:
        if got is None or np.shape(got) != wanted.shape:
            return False
        seen = np.isfinite(wanted)
        gap = np.abs(np.asarray(got, np.float64)[seen] - wanted[seen]).max(initial=0.0)
        return bool(gap <= FITS * np.abs(wanted[seen]).max(initial=0.0))

    def holds(self, names: list[str]) -> bool:
        """Whether those gradients are right for another dout, too, at another point, and for one
        example more, if there may be one: sizes that are equal by chance part then."""
        found, subject, rng = self.found, self.found.subject, self.passes.rng
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
    except Exception:
        pass
    finally:
        sys.setprofile(previous)
    return seen


def plain_functions(written: FunctionType, layer: Any) -> Iterator[FunctionType]:
    """The function, those beside it in its module, and the methods of the layer."""
    yield written
    methods = [value for cls in type(layer).__mro__ for value in vars(cls).values()]
    for value in (*written.__globals__.values(), *methods):
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


@contextmanager
def running(function: FunctionType, code: CodeType) -> Iterator[None]:
    """Let a function run other code for a while."""
    own = function.__code__
    function.__code__ = code
    try:
        yield
    finally:
        function.__code__ = own
