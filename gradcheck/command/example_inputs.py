"""Constructor arguments and inputs for a class or a function that has no examples.

Docstrings are asked for shapes first, then the tables of names, layout by layout; what is left
open is tried, the likely first.
"""

from __future__ import annotations

import inspect
import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.gradcheck.command import docstrings, names
from chainrule.gradcheck.command.finding import Found
from chainrule.gradcheck.command.values import SIZE, Spec, spec
from chainrule.gradcheck.subject.layer import positional
from chainrule.gradcheck.subject.switches import NAMES

Said = Mapping[str, Spec]
TRIED = 24  # combinations of values in one layout
UNKNOWN = "0.5 | (N,D)"  # where a name tells nothing, and in a constructor
UNKNOWN_SETTING = "4 | 3 | 2"
SMALL = 8  # a length that is larger by default is made smaller


@dataclass(frozen=True)
class Wanted:
    """The arguments to pass to a function, in their order, and the values or the defaults that some
    of them have already; `told` is what its docstring says of shapes."""

    names: list[str]
    given: dict[str, Any]
    told: dict[str, str]

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
    behind = one.kind in ("class", "model", "Function") and not isinstance(
        inspect.getattr_static(one.thing, one.forward.__name__, None), staticmethod
    )
    taken = positional(one.forward)[int(behind) :]
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
    return Wanted(found, given | dict(said), docstrings.shapes(one.forward, found))


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


def choices(wanted: Wanted, layout: names.Words, around: str, making: bool) -> list[list[Any]]:
    """For every argument what it may be: a Spec, or a value that is given."""
    found: list[list[Any]] = []
    for at, name in enumerate(wanted.names):
        if name in wanted.given:
            found.append([wanted.given[name]])
            continue
        likely = names.named(name, layout, around, making)
        if name in wanted.told:
            shape = wanted.told[name]
            kind = likely[0].partition("(")[0] if likely and "(" in likely[0] else ""
            plain = shape.startswith("(") and kind in ("int", "bool", "positive")
            bound = likely[0].partition("<")[2] if kind == "int" else ""
            likely = [f"{kind}{shape}<{bound}" if bound else kind + shape] if plain else [shape]
            likely += names.contrary(name, around)
        if not likely and at == 0 and not making:  # the first is what a layer is about
            likely = names.named("x", layout, around)
        unknown = (UNKNOWN_SETTING if making else UNKNOWN).split(" | ")
        found.append([spec(one) for one in likely or unknown])
    return found


def guesses(
    wanted: Wanted, layout: names.Words, around: str, seed: int, making: bool = False
) -> Iterator[dict[str, Any]]:
    """Arguments to try in one layout, by their names."""
    options = choices(wanted, layout, around, making)
    sizes = names.sizes_for(layout, around)
    used = [size for some in options for one in some if isinstance(one, Spec) for size in
            (*one.sizes, one.bound or "1")]  # fmt: skip
    unknown = dict.fromkeys(letter for size in used if (letter := letters_of(size)) not in sizes)
    sizes |= dict(zip(unknown, itertools.cycle(names.SPARE), strict=False)) | {"": 1}
    combinations = itertools.product(*(range(len(some)) for some in options))
    for combination in sorted(itertools.islice(combinations, 10 * TRIED), key=sum)[:TRIED]:
        yield {
            name: drawn(options[at][which], name, sizes, seed)
            for at, (name, which) in enumerate(zip(wanted.names, combination, strict=True))
        }


def letters_of(size: str) -> str:
    """The letters of a size such as "4H"."""
    known = SIZE.fullmatch(size)
    return (known and known[2]) or ""


def drawn(value: Any, name: str, sizes: Mapping[str, int], seed: int) -> Any:
    """A value for the argument `name`; a generator where it asks for one."""
    rng = np.random.default_rng([seed, *name.encode()])
    if re.search("rng|generator|random_state", name.lower()):
        return rng
    if name.lower() == "dtype":
        return np.float64
    return value.draw(rng, sizes) if isinstance(value, Spec) else value
