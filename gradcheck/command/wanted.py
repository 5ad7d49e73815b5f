"""Which arguments there are to fill in: those of a forward pass, and those of a constructor."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chainrule.gradcheck.command import docstrings, names
from chainrule.gradcheck.command.finding import Found
from chainrule.gradcheck.command.values import Spec
from chainrule.gradcheck.subject.layer import positional
from chainrule.gradcheck.subject.switches import NAMES

Said = Mapping[str, Spec]
SMALL = 8  # a length that is larger by default is made smaller


@dataclass(frozen=True)
class Wanted:
    """The arguments to pass to a function, in their order, and the values or the defaults that some
    of them have already; `told` is what its docstring says of shapes, in which `lengths`, numbers
    by default, may stand."""

    names: list[str]
    given: dict[str, Any]
    told: dict[str, str]
    lengths: dict[str, int] = field(default_factory=dict)

    @property
    def around(self) -> str:
        """The words that say what the arguments may be, in lower case."""
        parts = (f"{name}={self.told[name]}" if name in self.told else name for name in self.names)
        return f"({','.join(parts)})".lower()


def makes_objects(one: Found) -> bool:
    """Whether it is a class of which an object is checked."""
    return one.kind in ("class", "model")


def parameters(one: Found) -> list[inspect.Parameter]:
    """What its forward pass takes, but for self, for ctx, and for the switch of a layer."""
    static = makes_objects(one) and isinstance(
        inspect.getattr_static(one.thing, one.forward.__name__, None), staticmethod
    )
    is_first = one.kind == "Function" or (makes_objects(one) and not static)
    taken = positional(one.forward)[int(is_first) :]
    return [p for p in taken if not (makes_objects(one) and p.name in NAMES)]


def arguments_of(one: Found) -> list[str]:
    """The names of everything that can be said."""
    own = positional(one.thing) if makes_objects(one) else []
    return [p.name for p in (*own, *parameters(one))]


def inputs_wanted(one: Found, said: Said) -> Wanted:
    """The arguments of a forward pass: those without a default, and what is said, with the defaults
    in between. A model wants targets too."""
    taken = parameters(one)
    least = 2 if one.kind == "model" else 0
    last = max((at for at, p in enumerate(taken) if p.name in said), default=-1)
    free = [p for at, p in enumerate(taken) if p.default is p.empty or at <= last or at < least]
    found = [p.name for p in free] or ["x"]
    given: dict[str, Any] = {
        p.name: p.default for at, p in enumerate(free) if p.default is not p.empty and at >= least
    }
    lengths = {p.name: p.default for p in taken if type(p.default) is int}
    return Wanted(found, given | dict(said), docstrings.shapes(one.forward, found), lengths)


def constructor_wanted(cls: type, said: Said) -> Wanted:
    """The arguments of a constructor: those without a default, what is said, and lengths that are
    large by default."""
    taken = [
        one.name
        for one in positional(cls)
        if one.default is one.empty or one.name in said or is_large(one)
    ]
    told = docstrings.shapes(vars(cls).get("__init__"), taken)
    return Wanted(taken, dict(said), told)


def is_large(parameter: inspect.Parameter) -> bool:
    """Whether a default is a length, or the shape of an example, that costs much time."""
    default, name = parameter.default, parameter.name
    if isinstance(default, tuple) and all(isinstance(size, int) for size in default):
        return math.prod(default) > SMALL**2
    named = names.length(name) or any(re.fullmatch(like, name) for like in names.SHAPES)
    return isinstance(default, int) and default > SMALL and bool(named)
