"""What `python -m chainrule.gradcheck` checks: the layers of the library, or what a file has."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from chainrule.gradcheck.command.cases import (
    ERROR,
    UNWRITTEN,
    Case,
    Result,
    Target,
    case_of,
    described,
    tried,
)
from chainrule.gradcheck.command.example_inputs import Said
from chainrule.gradcheck.command.finding import Found, found_in
from chainrule.gradcheck.command.guessing import GUESSED, guessed
from chainrule.gradcheck.command.module import UsageError, load
from chainrule.gradcheck.command.rules import check_rule

LIBRARY = ("chainrule.layers", "chainrule.nets")


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


def file_targets(
    path: str, wanted: Sequence[str], seed: int, said: Said | None = None
) -> list[Target]:
    """What a file has to check, or of that what is `wanted` by name, with inputs as far as they are
    `said`. Raises UsageError where the file cannot be run, or has nothing of the kind."""
    everything = found_in(load(path))
    if not everything:
        raise UsageError(
            f"{path} has no class with forward and backward, no functions name_forward and "
            f"name_backward, and no loss that returns its gradient"
        )
    chosen = [one for one in everything if not wanted or {one.name, *one.names} & {*wanted}]
    for name in wanted:
        if not any(name in (one.name, *one.names) for one in chosen):
            raise UsageError(
                f"{path} has no {name}; it has {', '.join(o.name for o in everything)}"
            )
    targets: list[Target] = []
    bases = {base for one in everything for base in getattr(one.thing, "__mro__", ())[1:]}
    for one in chosen:
        made = MAKERS.get(one.kind, of_functions)(one, seed, said or {})
        is_base = not wanted and isinstance(one.thing, type) and one.thing in bases
        if not (is_base and all(map(is_unwritten, made))):
            targets += made
    return targets


def is_unwritten(target: Target) -> bool:
    """Whether there is nothing to tell of a base class."""
    if isinstance(target, Case):
        return tried(target)[0] == UNWRITTEN
    return target.verdict != ERROR


def from_examples(cls: type, seed: int) -> list[Target]:
    """The examples of a class; none where it has none of its own."""
    if not hasattr(cls, "examples"):
        return []
    try:
        return [
            case_of(cls.__name__, name, layer, tuple(inputs))
            for name, layer, *inputs in cls.examples(np.random.default_rng(seed))
            if isinstance(layer, cls)
        ]
    except NotImplementedError:
        return []
    except Exception as error:
        return [Result(cls.__name__, "", ERROR, f"its examples raised {described(error)}")]


def of_class(one: Found, seed: int, said: Said) -> list[Target]:
    """The examples of a class, or one that is guessed."""
    return ([] if said else from_examples(one.thing, seed)) or [guessed(one, seed, said)]


def of_functions(one: Found, seed: int, said: Said) -> list[Target]:
    """One example of a function or of a pair, which is guessed."""
    return [guessed(one, seed, said)]


def of_rule(one: Found, seed: int, said: Said) -> list[Target]:
    """The check of an update rule; it needs no inputs."""
    return [Case(one.name, GUESSED, None, partial(check_rule, one.thing), one.kind)]


MAKERS = {"class": of_class, "update rule": of_rule}  # the others are guessed
