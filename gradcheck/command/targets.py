"""What `python -m chainrule.gradcheck` checks: the layers of the library, or those of a file."""

from __future__ import annotations

import copy
import importlib
import inspect
import re
import sys
import traceback
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.gradcheck.check import check
from chainrule.gradcheck.command.example_inputs import (
    constructor_guesses,
    input_guesses,
    named_input,
    required,
)
from chainrule.gradcheck.command.trying import Case, described, forward_complaint, unwritten
from chainrule.gradcheck.functions import check_functions
from chainrule.gradcheck.report import Report

LIBRARY = ("chainrule.layers", "chainrule.nets")
CORRECT, WRONG, ERROR = "correct", "WRONG", "error"
UNWRITTEN, UNTRIED = "not written yet", "not tried"
GUESSED = "guessed"  # the name of the one example of what has none


class UsageError(Exception):
    """The command or the file makes no sense; the text is one line."""


@dataclass
class Target:
    """A class or a pair of functions, its cases, or the verdict and the reason why it has none."""

    name: str
    cases: list[Case] = field(default_factory=list)
    verdict: str = UNTRIED
    reason: str = ""


def library_targets(seed: int) -> list[Target]:
    """Every class that the library exports and that has examples."""
    targets = []
    for name in LIBRARY:
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            raise UsageError(f"cannot import the library: {error}") from None
        for key in sorted(module.__all__, key=str.casefold):
            thing = getattr(module, key)
            target = from_examples(thing, seed) if inspect.isclass(thing) else None
            targets += [target] if target else []
    return targets


def file_targets(path: str, wanted: Sequence[str], seed: int) -> list[Target]:
    """The classes with forward and backward and the pairs of functions of a file, or those that
    are `wanted`."""
    module = load(path)
    own = {
        key: thing
        for key, thing in vars(module).items()
        if getattr(thing, "__module__", None) == module.__name__
    }
    classes = {
        key: cls
        for key, cls in own.items()
        if inspect.isclass(cls) and hasattr(cls, "forward") and hasattr(cls, "backward")
    }
    functions = {key: one for key, one in own.items() if inspect.isfunction(one)}
    pairs = {
        name: (forward, functions[f"{name}_backward"])
        for key, forward in functions.items()
        if key.endswith("_forward")
        and f"{(name := key.removesuffix('_forward'))}_backward" in functions
    }
    if not classes and not pairs:
        raise UsageError(
            f"{path} has no class with forward and backward, and no functions name_forward and "
            f"name_backward"
        )
    chosen = [re.sub("_(forward|backward)$", "", name) for name in wanted]
    for name in chosen:
        if name not in classes and name not in pairs:
            raise UsageError(f"{path} has no {name}; it has {', '.join([*classes, *pairs])}")
    targets = []
    for name, cls in classes.items():
        if name in chosen or not chosen:
            target = from_examples(cls, seed) or guessed(cls, seed)
            is_base = any(cls in other.__mro__[1:] for other in classes.values())
            if chosen or not (is_base and all(map(unwritten, target.cases))):
                targets.append(target)
    for name, (forward, backward) in pairs.items():
        if name in chosen or not chosen:
            targets.append(pair_target(name, forward, backward, seed))
    return targets


def load(path: str) -> types.ModuleType:
    """The module in the file at `path`, run afresh. It can import what stands in the folder where
    Python was started. Raises UsageError with file and line where it cannot be run."""
    try:
        source = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}; expected a Python file, behind which names of "
            f"its layers may stand"
        ) from None
    full = str(Path(path).resolve())
    module = types.ModuleType("checked_file")
    module.__file__ = full
    sys.modules[module.__name__] = module  # inspect finds the source of a class this way
    try:
        exec(compile(source, full, "exec"), vars(module))
    except (Exception, SystemExit) as error:
        place, text = place_in(error, full, path), described(error)
        if isinstance(error, SyntaxError) and error.filename in (full, None):
            place = f"{path}:{error.lineno}" if error.lineno else path
            text = f"{type(error).__name__}: {error.msg}"
        raise UsageError(f"{place}: {text}") from None
    return module


def place_in(error: BaseException, full: str, path: str) -> str:
    """The last line of the file `full` that led to `error`, as "path:line"."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == full]
    return f"{path}:{lines[-1]}" if lines else path


def from_examples(cls: type, seed: int) -> Target | None:
    """The examples of a class, or None where it has none of its own."""
    examples = getattr(cls, "examples", None)
    if examples is None:
        return None
    try:
        cases = [
            layer_case(name, layer, inputs)
            for name, layer, *inputs in examples(np.random.default_rng(seed))
            if isinstance(layer, cls)
        ]
    except NotImplementedError:
        return None
    except Exception as error:
        return Target(cls.__name__, [], ERROR, f"its examples raised {described(error)}")
    return Target(cls.__name__, cases) if cases else None


def layer_case(example: str, layer: Any, inputs: Sequence[Any]) -> Case:
    """The check of a layer."""

    def fresh() -> tuple[Callable[..., Any], Callable[..., Any]]:
        other = copy.deepcopy(layer)
        return other.forward, other.backward

    def run(**options: Any) -> Report:
        return check(layer, *inputs, **options)

    return Case(example, tuple(inputs), fresh, run)


def guessed(cls: type, seed: int) -> Target:
    """The first constructor arguments and inputs with which the forward pass of `cls` works."""
    reason = ""
    for arguments in constructor_guesses(cls, seed):
        try:
            layer = cls(*arguments)
        except NotImplementedError:
            return Target(cls.__name__, [], UNWRITTEN, "the constructor")
        except Exception as error:
            shown = f"{cls.__name__}({', '.join(map(repr, arguments))})"
            reason = reason or f"{shown} raised {described(error)}"
            continue
        for inputs in input_guesses(cls.__name__, layer.forward, seed):
            case = layer_case(GUESSED, layer, inputs)
            if not (complaint := forward_complaint(case)):
                return Target(cls.__name__, [case])
            reason = reason or complaint
    return Target(cls.__name__, [], UNTRIED, f"{reason}; give it examples(rng)")


def pair_target(
    name: str, forward: Callable[..., Any], backward: Callable[..., Any], seed: int
) -> Target:
    """The first inputs with which the function `forward` works."""
    reason = ""
    for inputs in input_guesses(name, forward, seed):

        def run(inputs: tuple[Any, ...] = inputs, **options: Any) -> Report:
            return check_functions(forward, backward, *inputs, **options)

        case = Case(GUESSED, inputs, lambda: (forward, backward), run)
        if not (complaint := forward_complaint(case)):
            return Target(name, [case])
        reason = reason or complaint
    if not reason:
        names = [one for one in required(forward) if named_input(one, [], seed) is None]
        reason = f"what to pass for {', '.join(names)} of {forward.__name__} is not known"
    return Target(name, [], UNTRIED, reason)
