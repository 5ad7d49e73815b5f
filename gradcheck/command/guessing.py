"""The first arguments with which something works, by trying."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial, update_wrapper
from typing import Any

import numpy as np

from chainrule.gradcheck.command.cases import (
    UNTRIED,
    UNWRITTEN,
    Case,
    Result,
    Target,
    case_of,
    case_of_tensors,
    described,
    tried,
)
from chainrule.gradcheck.command.example_inputs import guesses
from chainrule.gradcheck.command.finding import Found
from chainrule.gradcheck.command.names import Words, layouts_for
from chainrule.gradcheck.command.values import shown
from chainrule.gradcheck.command.wanted import (
    Said,
    Wanted,
    constructor_wanted,
    inputs_wanted,
    makes_objects,
)
from chainrule.gradcheck.report.report import clip
from chainrule.gradcheck.subject.layer import positional

GUESSED = "guessed"  # the name of the one example of what has none
PREPARES = ("set_input_shape", "initialize")  # what people call such methods


def guessed(one: Found, seed: int, said: Said) -> Target:
    """The first constructor arguments and inputs with which it works; else with which forward does;
    or why none does."""
    reasons, kept = [], None
    for case in attempts(one, seed, said):
        verdict, why = (case.verdict, case.reason) if isinstance(case, Result) else tried(case)
        if verdict == UNWRITTEN:
            return Result(one.name, GUESSED, verdict, why, kind=one.kind)
        if isinstance(case, Case) and not verdict:
            if not why:
                note = f"with {kept[0].inputs} {kept[1]}" if kept else ""
                return replace(case, note=note)
            kept = kept or (case, why)
        reasons.append((why, case.inputs))
    if kept:
        return kept[0]
    why, inputs = reasons[0]
    needed = "; ".join(f"{part.partition('=')[0]}=…" for part in inputs.split("; ") if part)
    why = clip(why, 150)
    why += f', with {inputs}: say what it takes by --inputs "{needed}"' if inputs else ""
    return Result(one.name, "", UNTRIED, why, kind=one.kind, inputs=inputs)


def attempts(one: Found, seed: int, said: Said) -> Iterator[Target]:
    """What to try, layout by layout: arguments of a constructor, where there is one, and inputs."""
    settings = constructor_wanted(one.thing, said) if makes_objects(one) else None
    wanted = inputs_wanted(one, said)
    around = f"{one.name.lower()}{settings.around if settings else ''}{wanted.around}"
    for layout in layouts_for(around):
        if settings is None:
            yield from cases(one, one.thing, "", guesses(wanted, layout, around, seed))
            continue
        for arguments in guesses(settings, layout, around, seed, making=True):
            try:
                made = one.thing(**arguments)
                prepare(made, layout, around, seed)
            except NotImplementedError:
                yield Result(one.name, "", UNWRITTEN, "the constructor", kind=one.kind)
            except Exception as error:
                why = f"the constructor raised {described(error)}"
                yield Result(one.name, "", UNTRIED, why, kind=one.kind, inputs=told(arguments))
            else:
                yield from cases(one, made, told(arguments), guesses(wanted, layout, around, seed))


def prepare(made: Any, layout: Words, around: str, seed: int) -> None:
    """Call what an object wants to be called before its first forward pass."""
    for method in (getattr(made, name, None) for name in PREPARES):
        if callable(method):
            names = [p.name for p in positional(method) if p.default is p.empty]
            method(**next(guesses(Wanted(names, {}, {}), layout, around, seed, making=True)))


def cases(one: Found, thing: Any, made: str, inputs: Iterator[dict[str, Any]]) -> Iterator[Target]:
    """The checks of a thing, or of an object that was `made` in the words told, on these inputs."""
    make = MAKERS.get(one.kind, case_of)
    for found in inputs:
        words = "; ".join(filter(None, (made, told(found))))
        whole = with_settings(thing, found) if isinstance(thing, tuple) else thing
        yield make(one.name, GUESSED, whole, tuple(found.values()), one.kind, words)


def with_settings(pair: tuple[Any, Any], inputs: dict[str, Any]) -> tuple[Any, Any]:
    """A pair whose backward function, where it wants a setting of the forward one again behind the
    cache, as in backward(dA, cache, activation), has it."""
    forward, backward = pair
    taken = [p.name for p in positional(backward)[2:] if p.default is p.empty]
    settings = {k: v for k, v in inputs.items() if k in taken and not isinstance(v, np.ndarray)}
    return (forward, update_wrapper(partial(backward, **settings), backward)) if settings else pair


def told(arguments: dict[str, Any]) -> str:
    """Arguments as they could be said on the command line."""
    return "; ".join(f"{name}={shown(value)}" for name, value in arguments.items())


MAKERS = {"Function": case_of_tensors}  # the cases of a kind, where they are not the usual ones
