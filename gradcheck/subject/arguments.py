"""The arguments of a function of some library, taken apart: its arrays by name, and the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.gradcheck.report.findings import because
from chainrule.gradcheck.subject.functions import is_parameter
from chainrule.gradcheck.subject.subject import Complaint, Gradients
from chainrule.gradcheck.subject.trees import Arrays

Filled = Callable[[Mapping[str, Any]], tuple[Any, ...]]


@dataclass(frozen=True)
class Leaf:
    """One value among the arguments: that of "W" in a dict `params` is called "params['W']", and
    is said to belong to `params`. `kind` is that of its dtype as NumPy has it, "" for no array."""

    name: str
    argument: str
    value: Any
    kind: str

    @property
    def key(self) -> str:
        """Its own name, without that of what it is in: "W"."""
        within = self.name.removeprefix(self.argument)
        return within.strip("[].'\"") if within else self.name


@dataclass(frozen=True)
class Arguments:
    """The arguments of a function.

    names    those that the function has for them
    leaves   all values in them, in their order
    rebuilt  the arguments with other values, in the same order
    """

    names: list[str]
    leaves: Sequence[Leaf]
    rebuilt: Callable[[list[Any]], tuple[Any, ...]]

    def validate(self, who: str) -> None:
        """Raises TypeError for complex numbers, ValueError where there is nothing to check."""
        for leaf in self.leaves:
            if leaf.kind == "c":
                raise TypeError(
                    f"{who}: {leaf.name} is complex, expected real numbers; check a function of "
                    f"its real and imaginary parts"
                )
        if not self.floats:
            have = ", ".join(f"{leaf.name}: {type(leaf.value).__name__}" for leaf in self.leaves)
            raise ValueError(
                f"{who}: expected an array of floats among the arguments, got {have or 'none'}"
            )
        for name in self.floats:
            if not np.isfinite(self.arrays[name]).all():
                raise ValueError(f"{who}: {name} holds nan or inf, expected finite numbers")

    @property
    def arrays(self) -> Gradients:
        """All arrays by name, floats in float64."""
        return {
            leaf.name: np.array(leaf.value, np.float64 if leaf.kind == "f" else None)
            for leaf in self.leaves
            if leaf.kind
        }

    @property
    def dtypes(self) -> dict[str, Any]:
        """The dtypes in which the arrays of floats were given."""
        return {leaf.name: leaf.value.dtype for leaf in self.leaves if leaf.kind == "f"}

    @property
    def floats(self) -> list[str]:
        """The names of the arrays of floats."""
        return [leaf.name for leaf in self.leaves if leaf.kind == "f"]

    @property
    def parameters(self) -> list[str]:
        """The names of those that are parameters, as their own names tell."""
        keys = {leaf.name: leaf.key for leaf in self.leaves if leaf.kind == "f"}
        return [name for name, key in keys.items() if is_parameter(key, [*keys.values()])]

    @property
    def numbers(self) -> dict[str, float]:
        """The Python numbers among them, by name."""
        return {
            one.name: float(one.value) for one in self.leaves if type(one.value) in (int, float)
        }

    def filled(self, arrays: Mapping[str, Any]) -> tuple[Any, ...]:
        """The arguments, with these arrays for those that were given."""
        return self.rebuilt([arrays.get(leaf.name, leaf.value) for leaf in self.leaves])

    def named(self, wrt: str | tuple[str, ...] | None) -> tuple[str, ...] | None:
        """The arrays that `wrt` means: by their names, or by that of the argument they are in."""
        if wrt is None:
            return None
        asked = (wrt,) if isinstance(wrt, str) else wrt
        within = {name: [f for f in self.leaves if name == f.argument and f.kind == "f"]
                  for name in asked}  # fmt: skip
        return tuple(n for name in asked for n in ([f.name for f in within[name]] or [name]))

    def notes(self) -> list[str]:
        """What is said of numbers that are no arrays."""
        return [
            f"{leaf.name} = {leaf.value!r} is a Python number: passed on as it is, and not "
            f"differentiated; make it an array to look at its gradient"
            for leaf in self.leaves
            if type(leaf.value) is float
        ]


def real(outs: Arrays) -> Arrays:
    """Outputs. Raises Complaint where one is complex."""
    if alien := [out.dtype for out in outs if out.dtype.kind == "c"]:
        message = "out must be an array of real numbers, and has dtype {dtype}"
        hint = "Check a function that returns the real and the imaginary part."
        raise Complaint(because("out-form", "shape", message, hint, dtype=alien[0]), "out")
    return outs
