"""Constructor arguments and inputs for a class or a function that has no examples.

Docstrings are asked for shapes first, then the tables of names, layout by layout; what is left
open is tried, the likely first.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.gradcheck.command import names
from chainrule.gradcheck.command.values import FACTOR, Spec, spec
from chainrule.gradcheck.command.wanted import Wanted

TRIED = 24  # combinations of values in one layout
UNKNOWN = "0.5 | (N,D)"  # where a name tells nothing, and in a constructor
UNKNOWN_SETTING = "4 | 3 | 2"


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
    sizes = names.sizes_for(layout, around) | wanted.lengths
    used = (size for some in options for one in some if isinstance(one, Spec) for size in one.sizes)
    letters = [f for size in used for f in FACTOR.findall(size) if not f.isdecimal()]
    unknown = [letter for letter in dict.fromkeys(letters) if letter not in sizes]
    sizes |= dict(zip(unknown, itertools.cycle(names.SPARE), strict=False))
    combinations = itertools.product(*(range(len(some)) for some in options))
    for combination in sorted(itertools.islice(combinations, 10 * TRIED), key=sum)[:TRIED]:
        yield {
            name: drawn(options[at][which], name, sizes, seed)
            for at, (name, which) in enumerate(zip(wanted.names, combination, strict=True))
        }


def drawn(value: Any, name: str, sizes: Mapping[str, int], seed: int) -> Any:
    """A value for the argument `name`; a generator or an optimizer where it asks for one."""
    rng = np.random.default_rng([seed, *name.encode()])
    for like, thing in (("rng|generator|random_state", rng), ("dtype", float), ("optim", Step())):
        if re.search(like, name.lower()):
            return thing
    return value.draw(rng, sizes) if isinstance(value, Spec) else value


class Step:
    """An optimizer that goes down the slope."""

    learning_rate = 0.01

    def update(self, w: Any, gradient: Any) -> Any:
        """The parameter after the step."""
        return w - self.learning_rate * gradient
