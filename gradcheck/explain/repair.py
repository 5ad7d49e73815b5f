"""Which one edit of the source would make wrong gradients right.

An edit counts only where every measured entry agrees with it, and slopes along random directions
for another dout, at another point and with one example more do; otherwise some edit fits by chance.
What is run is a copy: the functions that were given stay as they are.
"""

from __future__ import annotations

import ast
import copy
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


def quiet(*_: Any, **__: Any) -> None:
    """In the place of print: what a pass prints has been seen."""


def repair(found: Comparison, passes: Passes, names: list[str]) -> dict[str, Cause]:
    """For each of those gradients that has one the edit that makes it right, and no other wrong.
    Edits are tried for `SECONDS`, so that a slow or busy machine may find fewer."""
    told: dict[str, Cause] = {}
    deadline = time.perf_counter() + SECONDS
    for trial in trials(found, passes, names):
        for edit in trial.ordered():
            if time.perf_counter() > deadline or all(name in told for name in names):
                break
            source, line = trial.editor.applied(edit), trial.editor.line(edit)
            code = compiled(source, trial.copy)
            mended = trial.mended(code) if code is not None else {}
            new = {name: rest for name, rest in mended.items() if name not in told}
            if new and trial.holds([*new]):
                text = source.decode().splitlines()[line].strip()
                values = {"said": edit.said, "number": trial.first + line, "text": text}
                for name, rest in new.items():
                    one = cause("edit", rest, **values)
                    told[name] = replace(one, kind=edit.kind, tensors=(name,))
    return told


def trials(found: Comparison, passes: Passes, names: list[str]) -> Iterator[Trial]:
    """One for each function of one file that backward runs and forward does not, backward first."""
    subject, written = found.subject, found.subject.profile.written()
    try:
        copy.deepcopy(found.done.cache)
    except Exception:  # it holds a generator, say
        return
    if written is None or not hasattr(subject.layer, "__dict__"):
        return
    file = written.__code__.co_filename
    own = traced(lambda: gradients(found, subject), file)
    others = traced(lambda: subject.forward(found.train), file) if subject.profile.apart else {}
    methods = [value for cls in type(subject.layer).__mro__ for value in vars(cls).values()]
    plain = [getattr(v, "__func__", v) for v in (*written.__globals__.values(), *methods, written)]
    known = {f.__code__: f for f in plain if isinstance(f, FunctionType) and f.__code__ in own}
    for code in sorted(known, key=lambda code: code is not written.__code__):
        function, source = known[code], source_of(known[code])
        if code in others or source is None:
            continue
        lines = textwrap.dedent("".join(source.lines)).splitlines(True)
        values = {**function.__globals__, **variables_around(function), **own[code], "print": quiet}
        editor = Editor(lines, source.tree, values)
        if editor.has_effects(set(own)):
            continue
        try:
            other, made = cloned(subject, [*known.values()])
            before = gradients(found, other)
        except Exception:  # it does not run as a copy
            continue
        yield Trial(found, passes, names, editor, source.first, other, made[function], before)


@dataclass(eq=False)
class Trial:
    """A copy of a subject that can be run again with other code for one of its functions.

    editor    of that function, `first` the number of its first line, `copy` what is run
    before    the gradients as they are
    """

    found: Comparison
    passes: Passes
    names: list[str]
    editor: Editor
    first: int
    subject: Subject
    copy: FunctionType
    before: dict[str, Any]

    def run(self, code: CodeType) -> dict[str, Any]:
        """The gradients with other code, none where it raises."""
        self.copy.__code__ = code
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
            code = compiled(editor.applied(scaled), self.copy)
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
        wrong, right = int(not now), 0  # nothing is known of what raises
        for name, tensor in self.found.tensors.items():
            a, n, b = (np.asarray(g, np.float64) for g in (
                self.before.get(name), tensor.numeric, now.get(name)))  # fmt: skip
            if not a.shape == n.shape == b.shape:
                wrong += 1
                continue
            size = max(np.abs(a).max(initial=0.0), np.nanmax(np.abs(n), initial=0.0))
            off, other = np.abs(a - n) > FITS * size, np.abs(a - b) > 1e-9 * size
            wrong += int((other & off).sum())
            right += int((other & ~off & (np.isfinite(n) | tensor.ok)).sum())
        return wrong, right


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


def compiled(source: bytes, function: FunctionType) -> CodeType | None:
    """The code of a function's edited source, None where it is none that could take its place."""
    names = function.__code__.co_freevars  # they have to be variables of a function around it
    try:
        (node,) = ast.parse(source).body
        (around,) = ast.parse(f"def around():\n    {' = '.join([*names, 'None'])}").body
        assert isinstance(node, ast.FunctionDef)
        assert isinstance(around, ast.FunctionDef)
        node.decorator_list = []
        around.body.append(node)
        code = compile(ast.Module([around], []), "<edited>", "exec")
    except (SyntaxError, ValueError):
        return None
    for _ in ("around", "the function"):
        code = next(c for c in code.co_consts if isinstance(c, CodeType))
    return code if code.co_freevars == names else None


def cloned(
    subject: Subject, functions: list[FunctionType]
) -> tuple[Subject, dict[FunctionType, FunctionType]]:
    """A copy of the subject that runs copies of those functions, and these by what they are copies
    of. Arrays and containers that they find around them are copies, too."""
    other, made = subject.at(subject.inputs), {}
    layer = vars(other.layer)
    spaces: dict[int, dict[str, Any]] = {}
    held = [part for value in layer.values() if isinstance(value, tuple) for part in value]
    for f in (*functions, *(part for part in held if isinstance(part, FunctionType))):
        space = spaces.setdefault(id(f.__globals__), {**f.__globals__, "print": quiet})
        cells = tuple(map(CellType, variables_around(f).values()))
        made[f] = FunctionType(f.__code__, space, f.__name__, f.__defaults__, cells)
        made[f].__kwdefaults__ = f.__kwdefaults__
        vars(made[f]).update(vars(f))
    for f in made.values():
        for name in f.__globals__.keys() & set(f.__code__.co_names):
            f.__globals__[name] = apart(f.__globals__[name], made)
        for cell in f.__closure__ or ():
            cell.cell_contents = apart(cell.cell_contents, made)
    for name, value in list(layer.items()):
        if isinstance(value, tuple):
            layer[name] = tuple(apart(part, made) for part in value)
    methods = [item for cls in type(other.layer).__mro__[::-1] for item in vars(cls).items()]
    for name, value in methods:
        plain = getattr(value, "__func__", value)
        if (new := apart(plain, made)) is not plain and isinstance(new, FunctionType):
            layer[name] = new if isinstance(value, staticmethod) else MethodType(new, other.layer)
    other.origin = Origin(other.layer, [*other.params.values()])
    return other, made


def apart(value: Any, made: dict[FunctionType, FunctionType]) -> Any:
    """The copy of a function, where there is one, or of an array or container; else the same."""
    if isinstance(value, FunctionType):
        return made.get(value, value)
    return copy.deepcopy(value) if isinstance(value, (np.ndarray, list, dict, set)) else value


def variables_around(function: FunctionType) -> dict[str, Any]:
    """The variables of the functions around a function that it uses, by name."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells}
