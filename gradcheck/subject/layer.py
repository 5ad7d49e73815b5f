"""A layer as a subject: any object with forward(*inputs) and backward(dout, cache)."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

import numpy as np

from chainrule.gradcheck.subject.source import (
    gradient_lines,
    method,
    named_parts,
    raising_line,
)
from chainrule.gradcheck.subject.subject import Profile, Subject
from chainrule.gradcheck.subject.trees import sublayers
from chainrule.gradcheck.subject.vocabulary import Vocabulary

# What people call the two passes.
METHODS = (
    ("forward", "backward"),
    ("forward_pass", "backward_pass"),
    ("fprop", "bprop"),
    ("forward_prop", "backward_prop"),
    ("forward_propagation", "backward_propagation"),
    ("forward_propagate", "backward_propagate"),
    ("forward", "backprop"),
    ("feedforward", "backprop"),
    ("forward_propagate", "back_propagate"),
    ("__call__", "backward"),
)


def methods_of(thing: Any) -> tuple[str, str] | None:
    """The names of its forward and its backward pass, None where it has none."""
    found = (pair for pair in METHODS if all(callable(getattr(thing, one, None)) for one in pair))
    return next(found, None)


def of_layer(layer: Any, inputs: tuple[Any, ...], dtype: Any = np.float64) -> Subject:
    """A copy of `layer` in float64, on copies of its inputs."""
    names = input_names(layer, len(inputs))
    params = [k for k, p in (getattr(layer, "params", None) or {}).items() if hasattr(p, "shape")]
    count = getattr(layer, "differentiable", None)
    profile = Profile(
        title=described(layer),
        names=names,
        vocabulary=Vocabulary(params=frozenset(params)),
        formula=type(layer).__name__,
        lines=lambda: gradient_lines(method(layer, "backward"), lambda _: names),
        cached=lambda cache: named_parts(cache, method(layer, "forward")),
        raising=partial(raising_line, type(layer)),
        written=partial(own_method, type(layer)),
        has_mode=takes_train(layer),
        is_net=bool(sublayers(layer)) or len(params) > 2,
        differentiable=None if count is None else names[:count],
    )
    return Subject(layer, inputs, profile, dtype)


def own_method(cls: type, name: str) -> Any:
    """A method of a class, None where it is inherited from another module."""
    found = getattr(cls, name, None)
    return found if getattr(found, "__module__", "") == cls.__module__ else None


def described(layer: Any) -> str:
    """The repr of a layer, or the name of its class where that says more."""
    text = repr(layer)
    return type(layer).__name__ if " object at 0x" in text or "\n" in text else text


def input_names(layer: Any, count: int) -> list[str]:
    """The names that `forward` gives its inputs: ["x"], ["a", "b"], ["scores", "targets"]; or those
    that the layer itself holds as a tuple `inputs`, as a graph does."""
    named = getattr(layer, "inputs", None)
    if isinstance(named, tuple) and len(named) == count:
        return list(named)
    return argument_names(layer.forward, count)


def parameters_of(function: Any) -> list[inspect.Parameter]:
    """The parameters of a function, none where it does not tell."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []


def positional(function: Any) -> list[inspect.Parameter]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
    return [p for p in parameters_of(function) if p.kind in kinds]


def takes_any(function: Any) -> bool:
    """Whether a function takes whatever it is given, as in *args."""
    return any(p.kind is p.VAR_POSITIONAL for p in parameters_of(function))


def argument_names(function: Any, count: int) -> list[str]:
    """The names of the first `count` arguments of a function; x1, x2, … where it does not tell."""
    names = [p.name for p in positional(function)]
    more = [f"x{at + 1}" for at in range(len(names), count)] if count > 1 else ["x"]
    return (names + more)[:count]


def takes_train(layer: Any) -> bool:
    """Whether forward has the argument `train`; a layer that is the same in both may do without."""
    parameters = parameters_of(layer.forward)
    return any(p.name == "train" or p.kind is p.VAR_KEYWORD for p in parameters)
