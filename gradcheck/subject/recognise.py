"""Which convention a thing follows, told by what it has and by the names of its arguments."""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.gradcheck.subject.derivative import (
    ONLY,
    UPSTREAM,
    Derivative,
    of_cacheless,
    of_derivative,
)
from chainrule.gradcheck.subject.functions import ReferencePair, of_functions
from chainrule.gradcheck.subject.layer import (
    METHODS,
    argument_names,
    methods_of,
    of_layer,
    parameters_of,
    positional,
    takes_any,
)
from chainrule.gradcheck.subject.model import of_model
from chainrule.gradcheck.subject.optimizers import RATES
from chainrule.gradcheck.subject.stateful import of_stateful
from chainrule.gradcheck.subject.subject import Subject, twin_of
from chainrule.gradcheck.subject.trees import Arrays

Function = Callable[..., Any]
# What people call the derivative of a function, as a method or an attribute, and the function.
DERIVATIVES = ("grad", "gradient", "derivative", "prime", "deriv", "df")
VALUES = ("loss", "forward", "fn", "function", "activate", "activation", "compute", "__call__")
# An argument that makes a function return its derivative instead.
FLAGS = ("derivative", "deriv", "prime", "derive", "grad", "gradient")
EXPECTED = (
    "expected an object with forward and backward, a pair of functions, a function that returns "
    "its gradient or has it, or a model with params and loss(x, y)"
)


def subject_of(
    thing: Any,
    inputs: tuple[Any, ...],
    wrt: tuple[str, ...] | None = None,
    params: Mapping[str, str] | None = None,
) -> Subject:
    """The subject that a thing is, whatever convention it follows; `params` is for an object that
    keeps its gradients on itself. Raises TypeError for a thing of no known convention."""
    methods = methods_of(thing)
    if params is not None and not (methods and keeps_state(thing, methods, inputs)):
        raise TypeError("check: params is for objects that keep their gradients on themselves")
    pair = pair_of(thing)
    if isinstance(pair, Derivative):
        return of_derivative(pair, inputs, wrt)
    if pair is not None:
        return of_pair(*pair, inputs, wrt)
    if methods is not None and not inspect.isclass(thing):
        stateful = keeps_state(thing, methods, inputs)
        return of_stateful(thing, inputs, params) if stateful else of_layer(thing, inputs)
    if hasattr(thing, "params") and hasattr(thing, "loss") and len(inputs) == 2:
        return of_model(thing, *inputs)
    if callable(thing) and not inspect.isclass(thing):
        return of_functions(thing, None, inputs, wrt)
    shown = (
        f"the class {thing.__name__}, not an object of it"
        if inspect.isclass(thing)
        else f"{thing!r}"
    )
    raise TypeError(f"check: got {shown}; {EXPECTED}")


def keeps_state(thing: Any, methods: tuple[str, str], inputs: tuple[Any, ...]) -> bool:
    """Whether an object keeps what a call leaves on itself: its backward is given no cache. Where
    its arguments do not tell, whether forward returns none."""
    if methods != METHODS[0]:
        return True
    forward, backward = (getattr(thing, method) for method in methods)
    if takes_any(backward):
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            out = getattr(copy.deepcopy(thing), methods[0])(*copy.deepcopy(inputs))
            return not (isinstance(out, tuple) and len(out) == 2)
        return False
    names = [p.name for p in positional(forward)]
    own = [p.name for p in positional(backward) if p.name not in (*names, *RATES)]
    own = [name for name in own if "optim" not in name.lower()]
    return all(UPSTREAM.fullmatch(name) for name in own[1:])


def pair_of(thing: Any) -> tuple[Function, Function | None] | None:
    """The two functions that a thing consists of: a tuple of them, a class of static methods, or a
    function with its derivative; None where it is something else."""
    if isinstance(thing, tuple) and len(thing) == 2 and callable(thing[0]):
        return thing
    if inspect.isclass(thing):
        static = [inspect.getattr_static(thing, name, None) for name in METHODS[0]]
        plain = all(isinstance(one, (staticmethod, classmethod)) for one in static)
        owner: Any = thing
        return (owner.forward, owner.backward) if plain else None
    if methods_of(thing) is not None or hasattr(thing, "params"):
        return None
    found = (name for name in DERIVATIVES if callable(getattr(thing, name, None)))
    if (derivative := next(found, None)) is not None:
        values = [name for name in VALUES if callable(getattr(thing, name, None))]
        value = thing if inspect.isroutine(thing) else getattr(thing, values[0]) if values else None
        return None if value is None else Derivative(value, getattr(thing, derivative))
    if inspect.isroutine(thing):
        flags = [p.name for p in parameters_of(thing) if p.name in FLAGS and p.default is False]
        return Derivative(thing, flagged(thing, flags[0])) if flags else None
    return None


def flagged(function: Function, flag: str) -> Function:
    """The derivative that a function returns where it is asked for by a flag."""

    def derivative(*inputs: Any) -> Any:
        return function(*inputs, **{flag: True})

    derivative.__name__ = f"{function.__name__}({flag}=True)"
    return derivative


def of_pair(
    forward: Function, backward: Function | None, inputs: tuple[Any, ...], wrt: Any = None
) -> Subject:
    """Two functions as a subject: with a cache; where backward is given the inputs again; or a
    function and its derivative, which is given what the function is given."""
    if backward is None:
        return of_functions(forward, None, inputs, wrt)
    given = argument_names(forward, len(inputs))
    taken = [p.name for p in positional(backward) if p.default is p.empty]
    if taken and all(name in given for name in taken):
        return of_derivative(Derivative(forward, backward), inputs, wrt)
    if len(taken) == 1:
        if ONLY.fullmatch(taken[0]):
            return of_cacheless(forward, backward, inputs)
        return of_derivative(Derivative(forward, backward), inputs, wrt)
    subject = of_functions(forward, backward, inputs, wrt)
    return subject if returns_cache(subject) else of_cacheless(forward, backward, inputs)


def returns_cache(subject: Subject) -> bool:
    """Whether the forward function of a pair returns more than an output; one that raises may."""
    pair, found = subject.layer, []

    def call() -> None:
        arguments = pair.arguments([x.copy() for x in subject.inputs], True)
        found.append(pair.functions[0](*arguments.values()))

    with contextlib.suppress(Exception):
        subject.origin.watch_global(call)
    subject.origin.restore()
    return not found or isinstance(found[0], (tuple, list, type(None)))


def surrogate_of(other: Any, subject: Subject) -> Callable[[Subject, bool], Arrays]:
    """What gives the outputs of another forward pass for a subject: of a layer, or of a function
    that takes the same inputs."""
    if methods_of(other) is not None:
        layer = subject_of(other, tuple(subject.inputs)).layer
    elif callable(other):
        order = getattr(subject.layer, "order", subject.names)
        arrays = dict(zip(subject.names, subject.inputs, strict=True)) | subject.params
        constants = getattr(subject.layer, "constants", {})
        layer = ReferencePair(other, None, order, tuple((arrays | constants)[n] for n in order))
    else:
        raise TypeError(f"check: surrogate is {other!r}, expected a function or a layer")
    return lambda one, train: twin_of(one, layer).forward(train)[0]
