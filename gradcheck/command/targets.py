"""What `python -m chainrule.gradcheck` checks: the layers of the library, or those of a file."""

from __future__ import annotations

import copy
import importlib
import inspect
import re
import sys
import traceback
import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.gradcheck.check import check, check_functions
from chainrule.gradcheck.command import example_inputs
from chainrule.gradcheck.command.cases import ERROR, UNTRIED, UNWRITTEN, Case, described, tried
from chainrule.gradcheck.report import Report

Function = Callable[..., Any]
LIBRARY = ("chainrule.layers", "chainrule.nets")
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
    classes, pairs = layers_of(module), pairs_of(module)
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
            if chosen or not (is_base and all(tried(one)[0] == UNWRITTEN for one in target.cases)):
                targets.append(target)
    for name, functions in pairs.items():
        if name in chosen or not chosen:
            targets.append(pair_target(name, *functions, seed))
    return targets


def layers_of(module: types.ModuleType) -> dict[str, type]:
    """The classes with forward and backward that a module defines."""
    return {
        key: cls
        for key, cls in vars(module).items()
        if inspect.isclass(cls) and cls.__module__ == module.__name__
        if hasattr(cls, "forward") and hasattr(cls, "backward")
    }


def pairs_of(module: types.ModuleType) -> dict[str, tuple[Function, Function]]:
    """The functions name_forward and name_backward that a module defines, by their name."""
    functions = {
        key: one
        for key, one in vars(module).items()
        if inspect.isfunction(one) and one.__module__ == module.__name__
    }
    names = [key.removesuffix("_forward") for key in functions if key.endswith("_forward")]
    return {
        name: (functions[f"{name}_forward"], functions[f"{name}_backward"])
        for name in names
        if f"{name}_backward" in functions
    }


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

    def fresh() -> tuple[Function, Function]:
        other = copy.deepcopy(layer)
        return other.forward, other.backward

    def run(**options: Any) -> Report:
        return check(layer, *inputs, **options)

    return Case(example, tuple(inputs), fresh, run)


def guessed(cls: type, seed: int) -> Target:
    """The first constructor arguments and inputs with which the forward pass of `cls` works."""
    reason = ""
    for arguments in example_inputs.constructor_guesses(cls, seed):
        try:
            layer = cls(*arguments)
        except NotImplementedError:
            return Target(cls.__name__, [], UNWRITTEN, "the constructor")
        except Exception as error:
            shown = f"{cls.__name__}({', '.join(map(repr, arguments))})"
            reason = reason or f"{shown} raised {described(error)}"
            continue
        guesses = example_inputs.input_guesses(cls.__name__, layer.forward, seed)
        target = first_tried(cls.__name__, (layer_case(GUESSED, layer, x) for x in guesses))
        if target.cases:
            return target
        reason = reason or target.reason
    return Target(cls.__name__, [], UNTRIED, f"{reason}; give it examples(rng)")


def pair_target(name: str, forward: Function, backward: Function, seed: int) -> Target:
    """The first inputs with which the function `forward` works."""

    def case(inputs: tuple[Any, ...]) -> Case:
        def run(**options: Any) -> Report:
            return check_functions(forward, backward, *inputs, **options)

        return Case(GUESSED, inputs, lambda: (forward, backward), run)

    target = first_tried(name, map(case, example_inputs.input_guesses(name, forward, seed)))
    if not target.cases and not target.reason:
        names = example_inputs.required(forward)
        unknown = [one for one in names if example_inputs.named_input(one, [], seed) is None]
        target.reason = f"what to pass for {', '.join(unknown)} of {forward.__name__} is not known"
    return target


def first_tried(name: str, cases: Iterable[Case]) -> Target:
    """A target with the first case whose forward pass works; else with the first reason."""
    reason = ""
    for case in cases:
        verdict, why = tried(case)
        if verdict != UNTRIED:
            return Target(name, [case])
        reason = reason or why
    return Target(name, [], UNTRIED, reason)
