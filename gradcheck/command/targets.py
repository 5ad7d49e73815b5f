"""What `python -m chainrule.gradcheck` checks: the layers of the library, or those of a file."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import traceback
import types
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.gradcheck.check import check, check_functions
from chainrule.gradcheck.command import example_inputs
from chainrule.gradcheck.command.cases import (
    ERROR,
    UNTRIED,
    UNWRITTEN,
    Case,
    Result,
    described,
    tried,
)
from chainrule.gradcheck.subject.functions import of_functions
from chainrule.gradcheck.subject.layer import of_layer

Function = Callable[..., Any]
Target = Case | Result  # what is to be checked, or why it cannot be
LIBRARY = ("chainrule.layers", "chainrule.nets")
GUESSED = "guessed"  # the name of the one example of what has none


class UsageError(Exception):
    """The command or the file makes no sense; the text is one line."""


class NothingToCheck(UsageError):
    """A file holds nothing that could be checked."""


def library_targets(seed: int) -> list[Target]:
    """The examples of every class that the library exports and that has some."""
    targets = []
    for name in LIBRARY:
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            raise UsageError(f"cannot import the library: {error}") from None
        for key in sorted(module.__all__, key=str.casefold):
            thing = getattr(module, key)
            targets += from_examples(thing, seed) if inspect.isclass(thing) else []
    return targets


def file_targets(path: str, wanted: Sequence[str], seed: int) -> list[Target]:
    """The classes with forward and backward and the pairs of functions of a file, or those that
    are `wanted`. Raises NothingToCheck where there are none, UsageError where it cannot be run."""
    return module_targets(load(path), path, wanted, seed)


def module_targets(
    module: types.ModuleType, path: str, wanted: Sequence[str], seed: int
) -> list[Target]:
    """The same of a module, which is called `path` where an error is told."""
    classes, pairs = layers_of(module), pairs_of(module)
    if not classes and not pairs:
        raise NothingToCheck(
            f"{path} has no class with forward and backward, and no functions name_forward and "
            f"name_backward"
        )
    chosen = [re.sub("_(forward|backward)$", "", name) for name in wanted]
    for name in chosen:
        if name not in classes and name not in pairs:
            raise UsageError(f"{path} has no {name}; it has {', '.join([*classes, *pairs])}")
    targets: list[Target] = []
    for name, cls in classes.items():
        if name in chosen or not chosen:
            found = from_examples(cls, seed) or [guessed(cls, seed)]
            is_base = any(cls in other.__mro__[1:] for other in classes.values())
            if chosen or not (is_base and all(map(is_unwritten, found))):
                targets += found
    some = {name: pair for name, pair in pairs.items() if name in chosen or not chosen}
    return targets + [guessed_pair(name, *pair, seed) for name, pair in some.items()]


def is_unwritten(target: Target) -> bool:
    """Whether there is nothing to tell of a base class."""
    if isinstance(target, Case):
        return tried(target)[0] == UNWRITTEN
    return target.verdict != ERROR


def own(module: types.ModuleType, is_kind: Callable[[object], bool]) -> dict[str, Any]:
    """What a module defines of a kind."""
    found = {key: one for key, one in vars(module).items() if is_kind(one)}
    return {key: one for key, one in found.items() if one.__module__ == module.__name__}


def layers_of(module: types.ModuleType) -> dict[str, type]:
    """The classes with forward and backward that a module defines."""
    classes = own(module, inspect.isclass).items()
    return {k: cls for k, cls in classes if hasattr(cls, "forward") and hasattr(cls, "backward")}


def pairs_of(module: types.ModuleType) -> dict[str, tuple[Function, Function]]:
    """The functions name_forward and name_backward that a module defines, by their name."""
    functions = own(module, inspect.isfunction)
    names = [key.removesuffix("_forward") for key in functions if key.endswith("_forward")]
    both = {name: (f"{name}_forward", f"{name}_backward") for name in names}
    return {name: (functions[f], functions[b]) for name, (f, b) in both.items() if b in functions}


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
    module = types.ModuleType(f"checked_file {full}")
    module.__file__ = full
    sys.modules[module.__name__] = module  # inspect finds the source of a class this way
    try:
        exec(compile(source, full, "exec"), vars(module))
    except (Exception, SystemExit) as error:
        frames, text = traceback.extract_tb(error.__traceback__), described(error)
        line = ([frame.lineno for frame in frames if frame.filename == full] or [None])[-1]
        if isinstance(error, SyntaxError) and error.filename in (full, None):
            line, text = error.lineno, f"{type(error).__name__}: {error.msg}"
        raise UsageError(f"{path}:{line}: {text}" if line else f"{path}: {text}") from None
    return module


def from_examples(cls: type, seed: int) -> list[Target]:
    """The examples of a class; none where it has none of its own."""
    if not hasattr(cls, "examples"):
        return []
    try:
        return [
            layer_case(cls, name, layer, tuple(inputs))
            for name, layer, *inputs in cls.examples(np.random.default_rng(seed))
            if isinstance(layer, cls)
        ]
    except NotImplementedError:
        return []
    except Exception as error:
        return [Result(cls.__name__, "", ERROR, f"its examples raised {described(error)}")]


def layer_case(cls: type, example: str, layer: Any, inputs: tuple[Any, ...]) -> Case:
    """The check of a layer."""
    subject, run = partial(of_layer, layer, inputs), partial(check, layer, *inputs)
    return Case(cls.__name__, example, subject, run)


def guessed(cls: type, seed: int) -> Target:
    """The first constructor arguments and inputs with which the forward pass of `cls` works."""
    name, reasons = cls.__name__, []
    for arguments in example_inputs.constructor_guesses(cls, seed):
        try:
            layer = cls(*arguments)
        except NotImplementedError:
            return Result(name, "", UNWRITTEN, "the constructor")
        except Exception as error:
            shown = f"{name}({', '.join(map(repr, arguments))})"
            reasons.append(f"{shown} raised {described(error)}")
            continue
        guesses = example_inputs.input_guesses(name, layer.forward, seed)
        found = first_to_work(layer_case(cls, GUESSED, layer, inputs) for inputs in guesses)
        if not isinstance(found, str):
            return found
        reasons.append(found)
    return Result(name, "", UNTRIED, f"{next(filter(None, reasons), '')}; give it examples(rng)")


def guessed_pair(name: str, forward: Function, backward: Function, seed: int) -> Target:
    """The first inputs with which the function `forward` works."""

    def case(inputs: tuple[Any, ...]) -> Case:
        subject = partial(of_functions, forward, backward, inputs)
        return Case(name, GUESSED, subject, partial(check_functions, forward, backward, *inputs))

    found = first_to_work(map(case, example_inputs.input_guesses(name, forward, seed)))
    if not isinstance(found, str):
        return found
    names = example_inputs.required(forward)
    unknown = [one for one in names if example_inputs.named_input(one, [], seed) is None]
    why = f"what to pass for {', '.join(unknown)} of {forward.__name__} is not known"
    return Result(name, "", UNTRIED, found or why)


def first_to_work(cases: Iterable[Case]) -> Target | str:
    """The first case whose forward pass works, or that it is not written; or why the very first
    does not work, "" if there is none."""
    reason = ""
    for case in cases:
        verdict, why = tried(case)
        if verdict == UNWRITTEN:
            return Result(case.name, case.example, verdict, why)
        if verdict != UNTRIED:
            return case
        reason = reason or why
    return reason
