"""The first arguments with which something works, by trying."""

from __future__ import annotations

import contextlib
import inspect
import io
from collections.abc import Iterator
from dataclasses import replace
from functools import partial, update_wrapper
from typing import Any

import numpy as np

from chainrule.gradcheck.check import undisturbed
from chainrule.gradcheck.command.cases import (
    UNTRIED,
    UNWRITTEN,
    Case,
    Result,
    Target,
    Trial,
    case_of,
    case_of_tensors,
    described,
    tried,
)
from chainrule.gradcheck.command.example_inputs import Guesser
from chainrule.gradcheck.command.finding import Found
from chainrule.gradcheck.command.names import layouts_for
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
    """The first constructor arguments and inputs with which it works; or why it does not. Where
    backward alone fails, that is for the check to tell, if the inputs are beyond doubt."""
    forward: list[Result] = []  # attempts that fail, and those of which backward alone does
    backward: list[Result] = []
    kept: Case | None = None
    for doubt, case in attempts(one, seed, said):
        dry = Trial(case.verdict, case.reason) if isinstance(case, Result) else tried(case)
        verdict, why = dry.verdict, dry.why
        if verdict == UNWRITTEN:
            return Result(one.name, GUESSED, verdict, why, kind=one.kind)
        if isinstance(case, Case) and not (verdict or why):
            others = [f"with {failed.inputs} {failed.reason}" for failed in backward]
            return replace(case, note=others[0] if others else "")
        if isinstance(case, Case) and not verdict and doubt < (2 if dry.fits else 1):
            kept = kept or case
        failed = Result(one.name, "", UNTRIED, why, kind=one.kind, inputs=case.inputs)
        (forward if verdict else backward).append(failed)
    if kept:
        return kept
    failed = [*backward, *forward][0]
    needed = "; ".join(f"{part.partition('=')[0]}=…" for part in failed.inputs.split("; ") if part)
    said_so = f': say what it takes by --inputs "{needed}"' if needed else ""
    return replace(failed, reason=clip(failed.reason, 150) + said_so)


def attempts(one: Found, seed: int, said: Said) -> Iterator[tuple[int, Target]]:
    """What to try, and how doubtful it is: 0 for the likeliest layout, and for what docstrings
    tell, 1 for other layouts, 2 where a name is not known. First with the shapes that docstrings
    tell, and then without, since some tell others."""
    making = constructor_wanted(one.thing, said) if makes_objects(one) else None
    wanted = inputs_wanted(one, said)
    documented = bool(wanted.told)
    around = f"{one.name.lower()}{making.around if making else ''}{wanted.around}"
    for at, layout in enumerate(layouts_for(around)):
        guesser = Guesser(layout, around, seed)
        known = guesser.knows(wanted)
        doubt = 2 - known - (known and (documented or at == 0))
        yield from ((doubt, target) for target in in_layout(one, making, wanted, guesser))
    if documented or (making and making.told):
        wanted, making = replace(wanted, told={}), making and replace(making, told={})
        around = f"{one.name.lower()}{making.around if making else ''}{wanted.around}"
        for layout in layouts_for(around):
            guesser = Guesser(layout, around, seed)
            yield from ((2, target) for target in in_layout(one, making, wanted, guesser))


def in_layout(
    one: Found, making: Wanted | None, wanted: Wanted, guesser: Guesser
) -> Iterator[Target]:
    """What to try in a layout: arguments of a constructor, where there is one, and inputs."""
    if making is None:
        yield from cases(one, one.thing, "", guesser.guesses(wanted))
        return
    for arguments in guesser.guesses(making, making=True):
        words = told(arguments)
        try:
            made = constructed(one.thing, arguments, guesser)
        except NotImplementedError:
            yield Result(one.name, "", UNWRITTEN, "the constructor", kind=one.kind)
        except Exception as error:
            why = f"the constructor raised {described(error)}"
            yield Result(one.name, "", UNTRIED, why, kind=one.kind, inputs=words)
        else:
            if vars(made).get("W", 0) is None:  # a linear classifier before its training
                loss = of_weights(made)
                whole = replace(one, kind="loss", thing=loss, forward=loss)
                yield from in_layout(whole, None, inputs_wanted(whole, wanted.given), guesser)
            else:
                yield from cases(one, made, words, guesser.guesses(wanted))


def of_weights(model: Any) -> Any:
    """The loss of a model as a function of its W, which it does not have yet, and of the rest."""

    def loss(W: Any, *inputs: Any) -> Any:
        model.W = W
        return model.loss(*inputs)

    signature = inspect.signature(model.loss)
    weights = inspect.Parameter("W", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    loss.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[weights, *signature.parameters.values()]
    )
    loss.__doc__ = model.loss.__doc__
    return loss


def constructed(cls: type, arguments: dict[str, Any], guesser: Guesser) -> Any:
    """An object, made in silence, with random numbers of its own where it draws from np.random, and
    after what it wants to be called before its first forward pass."""
    with undisturbed(), contextlib.redirect_stdout(io.StringIO()):
        np.random.set_state(np.random.RandomState(guesser.seed).get_state())
        made = cls(**arguments)
        prepare(made, guesser)
    return made


def prepare(made: Any, guesser: Guesser) -> None:
    """Call the methods by which an object learns what it is given."""
    for method in (getattr(made, name, None) for name in PREPARES):
        if callable(method):
            names = [p.name for p in positional(method) if p.default is p.empty]
            method(**next(guesser.guesses(Wanted(names, {}, {}), making=True)))


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
