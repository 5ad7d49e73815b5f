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
    described,
    tried,
)
from chainrule.gradcheck.command.example_inputs import (
    Said,
    constructor_wanted,
    guesses,
    inputs_wanted,
)
from chainrule.gradcheck.command.finding import Found
from chainrule.gradcheck.command.names import Words, layouts_for
from chainrule.gradcheck.command.values import shown
from chainrule.gradcheck.report.report import clip
from chainrule.gradcheck.subject.layer import positional

GUESSED = "guessed"  # the name of the one example of what has none


def guessed(one: Found, seed: int, said: Said) -> Target:
    """The first constructor arguments and inputs with which it works; or why it does not."""
    layouts = of_class if isinstance(one.thing, type) else of_function
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


def of_function(one: Found, seed: int, said: Said) -> Iterator[Iterator[Target]]:
    """Layout by layout, what to pass to a function or to a pair of them."""
    wanted = inputs_wanted(function_of(one), said)
    around = f"{one.name.lower()}{wanted.around}"

    def attempts(layout: Words) -> Iterator[Target]:
        for found in guesses(wanted, layout, around, seed):
            yield case_of(
                one.name, GUESSED, one.thing, tuple(found.values()), one.kind, told(found)
            )

    yield from map(attempts, layouts_for(around))


def of_class(one: Found, seed: int, said: Said) -> Iterator[Iterator[Target]]:
    """Layout by layout, with which arguments to make an object, and what to pass to it."""
    settings = constructor_wanted(one.thing, said)
    wanted = inputs_wanted(one.thing.forward, said, skip=1)
    around = f"{one.name.lower()}{settings.around}{wanted.around}"

    def attempts(layout: Words) -> Iterator[Target]:
        for arguments in guesses(settings, layout, around, seed, making=True):
            made = told(arguments)
            try:
                layer = one.thing(**arguments)
            except NotImplementedError:
                yield Result(one.name, "", UNWRITTEN, "the constructor", kind=one.kind)
            except Exception as error:
                why = f"the constructor raised {described(error)}"
                yield Result(one.name, "", UNTRIED, why, kind=one.kind, inputs=made)
            else:
                for found in guesses(wanted, layout, around, seed):
                    inputs = tuple(found.values())
                    said = "; ".join(filter(None, (made, told(found))))
                    yield case_of(one.name, GUESSED, layer, inputs, one.kind, said)

    yield from map(attempts, layouts_for(around))


def arguments_of(one: Found) -> list[str]:
    """The names of everything that may be passed to it."""
    if not isinstance(one.thing, type):
        return [p.name for p in positional(function_of(one))]
    if one.kind != "class":
        return []
    forward = positional(vars(one.thing).get("forward"))[1:]
    return [p.name for p in (*positional(one.thing), *forward)]


def function_of(one: Found) -> Any:
    """The function that computes forward."""
    return one.thing[0] if isinstance(one.thing, tuple) else one.thing


def told(arguments: dict[str, Any]) -> str:
    """Arguments as they could be said on the command line."""
    return "; ".join(f"{name}={shown(value)}" for name, value in arguments.items())
