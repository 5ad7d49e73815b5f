"""The first arguments with which something works, by trying."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

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
from chainrule.gradcheck.command.example_inputs import (
    Said,
    constructor_wanted,
    guesses,
    inputs_wanted,
    makes_objects,
)
from chainrule.gradcheck.command.finding import Found
from chainrule.gradcheck.command.names import Words, layouts_for
from chainrule.gradcheck.command.values import shown
from chainrule.gradcheck.report.report import clip

GUESSED = "guessed"  # the name of the one example of what has none


def guessed(one: Found, seed: int, said: Said) -> Target:
    """The first constructor arguments and inputs with which it works; or why it does not."""
    reasons = []
    for attempts in layouts(one, seed, said):
        kept = None  # one whose backward pass alone fails, where no other of this layout works
        for case in attempts:
            verdict, why = (case.verdict, case.reason) if isinstance(case, Result) else tried(case)
            if verdict == UNWRITTEN:
                return Result(one.name, GUESSED, verdict, why, kind=one.kind)
            if isinstance(case, Case) and not verdict:
                if not why:
                    return case
                kept = kept or case
            reasons.append((why, case.inputs))
        if kept:
            return kept
    why, inputs = reasons[0]
    needed = "; ".join(f"{part.partition('=')[0]}=…" for part in inputs.split("; ") if part)
    why = clip(why, 150)
    why += f', with {inputs}: say what it takes by --inputs "{needed}"' if inputs else ""
    return Result(one.name, "", UNTRIED, why, kind=one.kind, inputs=inputs)


def layouts(one: Found, seed: int, said: Said) -> Iterator[Iterator[Target]]:
    """Layout by layout what to try: arguments of a constructor, where there is one, and inputs."""
    settings = constructor_wanted(one.thing, said) if makes_objects(one) else None
    wanted = inputs_wanted(one, said)
    around = f"{one.name.lower()}{settings.around if settings else ''}{wanted.around}"

    def attempts(layout: Words) -> Iterator[Target]:
        if settings is None:
            yield from cases(one, one.thing, "", guesses(wanted, layout, around, seed))
            return
        for arguments in guesses(settings, layout, around, seed, making=True):
            try:
                made = one.thing(**arguments)
            except NotImplementedError:
                yield Result(one.name, "", UNWRITTEN, "the constructor", kind=one.kind)
            except Exception as error:
                why = f"the constructor raised {described(error)}"
                yield Result(one.name, "", UNTRIED, why, kind=one.kind, inputs=told(arguments))
            else:
                yield from cases(one, made, told(arguments), guesses(wanted, layout, around, seed))

    yield from map(attempts, layouts_for(around))


def cases(one: Found, thing: Any, made: str, inputs: Iterator[dict[str, Any]]) -> Iterator[Target]:
    """The checks of a thing, or of an object that was `made` in the words told, on these inputs."""
    make = MAKERS.get(one.kind, case_of)
    for found in inputs:
        words = "; ".join(filter(None, (made, told(found))))
        yield make(one.name, GUESSED, thing, tuple(found.values()), one.kind, words)


def told(arguments: dict[str, Any]) -> str:
    """Arguments as they could be said on the command line."""
    return "; ".join(f"{name}={shown(value)}" for name, value in arguments.items())


MAKERS = {"Function": case_of_tensors}  # the cases of a kind, where they are not the usual ones
