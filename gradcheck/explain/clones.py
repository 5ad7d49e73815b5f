"""Copies of functions that can be run with other code, and what a run of the originals tells."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from chainrule.gradcheck.subject.subject import Subject
from chainrule.gradcheck.subject.trees import Origin


def host_of(subject: Subject) -> Any:
    """The object whose methods its author has written."""
    return getattr(subject.layer, "stranger", subject.layer)


def quiet(*_: Any, **__: Any) -> None:
    """In the place of print: what a pass prints has been seen."""


def traced(call: Callable[[], Any], file: str) -> dict[CodeType, dict[str, Any]]:
    """The code that a call runs, of that file and of others that are not installed, with the
    variables that it had when it returned. Only where no profiler is at work."""
    seen: dict[CodeType, dict[str, Any]] = {}

    def note(frame: Any, event: str, _: Any) -> None:
        where = frame.f_code.co_filename
        own = where == file or not where.startswith((sys.prefix, sys.base_prefix, "<frozen", "<__"))
        if event == "return" and own:
            seen[frame.f_code] = dict(frame.f_locals)

    sys.setprofile(note)
    try:
        call()
    except Exception:  # it did run once
        return {}
    finally:
        sys.setprofile(None)
    return seen


def compiled(source: bytes, function: FunctionType) -> CodeType | None:
    """The code of a function's edited source, None where it is none that could take its place."""
    names = function.__code__.co_freevars  # they have to be variables of a function around it
    around = f"def around():\n {' = '.join([*names, 'None'])}\n ".encode()
    around += source.replace(b"\n", b"\n ")
    try:
        code = compile(around, "<edited>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    for name in ("around", function.__code__.co_name):
        parts = (c for c in code.co_consts if isinstance(c, CodeType))
        code = next(c for c in parts if c.co_name == name)
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
    host = host_of(other)
    methods = [item for cls in type(host).__mro__[::-1] for item in vars(cls).items()]
    for name, value in methods:
        plain = getattr(value, "__func__", value)
        if (new := apart(plain, made)) is not plain and isinstance(new, FunctionType):
            own = new if isinstance(value, staticmethod) else MethodType(new, host)
            vars(host)[name] = own
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
