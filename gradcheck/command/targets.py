"""What `python -m chainrule.gradcheck` checks: the layers of the library, or what a file has."""

from __future__ import annotations

import importlib
import inspect
import types
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from chainrule.gradcheck.command.cases import (
    ERROR,
    UNTRIED,
    UNWRITTEN,
    Case,
    Result,
    Target,
    case_of,
    described,
    tried,
)
from chainrule.gradcheck.command.finding import Found, found_in
from chainrule.gradcheck.command.guessing import GUESSED, guessed
from chainrule.gradcheck.command.module import NothingToCheck, UsageError, load
from chainrule.gradcheck.command.rules import adapted, check_rule
from chainrule.gradcheck.command.wanted import Said, arguments_of
from chainrule.gradcheck.update_rules.families import FAMILIES, family_of

Maker = Callable[[Found, int, Said], list[Target]]
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
    `said`. Raises NothingToCheck where it has nothing, UsageError where it cannot be run."""
    return module_targets(load(path), path, wanted, seed, said)


def module_targets(
    module: types.ModuleType,
    path: str,
    wanted: Sequence[str],
    seed: int,
    said: Said | None = None,
) -> list[Target]:
    """The same of a module, which is called `path` where an error is told."""
    found = found_in(module)
    some_there(path, found, wanted, said or {})
    return made(found, wanted, seed, said or {})


def targets_of(
    paths: Sequence[str], wanted: Sequence[str], seed: int, said: Said, if_any: bool
) -> Iterator[tuple[str, list[Target]]]:
    """The same of several files, one after the other, without those that have nothing. Raises
    NothingToCheck where all are of that kind, if they are not to be checked `if_any` is there."""
    everything: list[Found] = []
    for path in paths:
        found = found_in(load(path))
        everything += found
        if path == paths[-1] and (everything or not if_any):
            some_there(" and ".join(paths), everything, wanted, said)
        if any(one.is_one_of(wanted) for one in found):
            yield path, made(found, wanted, seed, said)


def some_there(path: str, found: list[Found], wanted: Sequence[str], said: Said) -> None:
    """Raises UsageError where nothing was found, or not what is asked for."""
    if not found:
        raise NothingToCheck(
            f"{path} has no class with forward and backward, no functions name_forward and "
            f"name_backward, and no loss that returns its gradient"
        )
    for name in wanted:
        if not any(one.is_one_of([name]) for one in found):
            raise UsageError(f"{path} has no {name}; it has {', '.join(o.name for o in found)}")
    taken = {one.name: arguments_of(one) for one in found if one.is_one_of(wanted)}
    for name in said:
        if not any(name in names for names in taken.values()):
            takes = (f"{one} takes {', '.join(names)}" for one, names in taken.items() if names)
            raise UsageError(f"--inputs: nothing takes {name}; {'; '.join(takes)}")


def made(found: list[Found], wanted: Sequence[str], seed: int, said: Said) -> list[Target]:
    """The targets of what is wanted among all that was found; bases that hold nothing written are
    passed over where nobody asked for them."""
    bases = {base for one in found for base in getattr(one.thing, "__mro__", ())[1:]}
    targets: list[Target] = []
    for one in found:
        some = MAKERS.get(one.kind, of_functions)(one, seed, said) if one.is_one_of(wanted) else []
        if wanted or one.thing not in bases or not all(map(is_unwritten, some)):
            targets += some
    return targets


def is_unwritten(target: Target) -> bool:
    """Whether there is nothing to tell of a base class."""
    if isinstance(target, Case):
        return tried(target).verdict == UNWRITTEN
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


def of_rule(one: Found, *_: object) -> list[Target]:
    """The check of an update rule; it needs no inputs."""
    try:
        rule = adapted(one.thing)
    except Exception as error:
        why = f"a first call raised {described(error)}"
        return [Result(one.name, "", UNTRIED, why, kind=one.kind)]
    if family_of(rule, None) is None:
        known = f"no formula is known by its name; the names are {', '.join(FAMILIES)}"
        return [Result(one.name, "", UNTRIED, known, kind=one.kind)]
    return [Case(one.name, GUESSED, None, partial(check_rule, rule), one.kind)]


MAKERS: dict[str, Maker] = {"class": of_class, "update rule": of_rule}  # the others are guessed
