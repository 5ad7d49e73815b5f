"""Constructor arguments and inputs for a class or a function that has no examples.

Docstrings are asked for shapes first, then the tables of names, layout by layout; what is left
open is tried, the likely first.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.gradcheck.command import names
from chainrule.gradcheck.command.values import FACTOR, Spec, spec
from chainrule.gradcheck.command.wanted import Wanted

TRIED = 24  # combinations of values in one layout
UNKNOWN = "0.5 | (N,D) | int(N)<2 | (N)"  # where a name tells nothing, and in a constructor
UNKNOWN_SETTING = "4 | 3 | 2"


@dataclass(frozen=True)
class Guesser:
    """What arguments may be in one layout, with these words around."""

    layout: names.Words
    around: str
    seed: int

    def guesses(self, wanted: Wanted, making: bool = False) -> Iterator[dict[str, Any]]:
        """Arguments to try, by their names; for `making` an object those of its constructor."""
        options = [
            [wanted.given[name]]
            if name in wanted.given
            else [spec(one) for one in self.likely(name, wanted, making)]
            for name in wanted.names
        ]
        sizes = self.sizes(wanted, options)
        combinations = itertools.product(*(range(len(some)) for some in options))
        for combination in sorted(itertools.islice(combinations, 10 * TRIED), key=sum)[:TRIED]:
            yield {
                name: drawn(some[which], name, sizes, self.seed)
                for name, some, which in zip(wanted.names, options, combination, strict=True)
            }

    def likely(self, name: str, wanted: Wanted, making: bool) -> list[str]:
        """The values to try for one argument, in words."""
        first = name == wanted.names[0] and not making
        values = names.named(name, self.layout, self.around, making, first)
        if name in wanted.told:
            shape, likeliest = wanted.told[name], values[0] if values else ""
            kind, bound = likeliest.partition("(")[0], likeliest.partition("<")[2]
            # A docstring tells the shape of labels, not always that they are whole numbers.
            if (
                shape.startswith("(")
                and "(" in likeliest
                and kind in ("int", "bool", "positive", "tuple")
            ):
                shape = f"{kind}{shape}" + (f"<{bound}" if bound else "")
            return [shape, *names.contrary(name, self.around)]
        if first and not values:
            return names.named("x", self.layout, self.around)  # what a layer is about
        return values or (UNKNOWN_SETTING if making else UNKNOWN).split(" | ")

    def knows(self, wanted: Wanted) -> bool:
        """Whether names or docstrings tell what all the arguments of a forward pass are."""
        told = (*wanted.told, *wanted.given, wanted.names[0])
        others = (name for name in wanted.names if name not in told)
        return all(names.named(name, self.layout, self.around) for name in others)

    def sizes(self, wanted: Wanted, options: list[list[Any]]) -> dict[str, int]:
        """How large all letters are, those too that docstrings alone know."""
        sizes = names.sizes_for(self.layout, self.around) | wanted.lengths
        used = (
            size for some in options for one in some if isinstance(one, Spec) for size in one.sizes
        )
        letters = [f for size in used for f in FACTOR.findall(size) if not f.isdecimal()]
        unknown = [letter for letter in dict.fromkeys(letters) if letter not in sizes]
        return sizes | dict(zip(unknown, itertools.cycle(names.SPARE), strict=False))


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
