"""What a layer should compute, one call to compute it for, and what comparing the two found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.gradcheck.report import Cause

State = dict[str, np.ndarray]
# A mistake in words and the output that it gives; also its kind where it is no plain BUG, or
# CONVENTION where somebody may mean it so, as with a constant factor or a transposed matrix.
Said = Iterator[tuple[str, Any] | tuple[str, Any, str]]
BUG, CONVENTION = "forward-bug", "convention"

EXACT = 1e-9  # what a mistake may leave unexplained, relative to the scale of the output
# Switches and numbers that leave the formula as it is.
HARMLESS = (
    *("training", "train", "inplace", "has_mode", "bias", "use_bias", "verbose", "lr"),
    *("learning_rate", "std", "init_scale", "weight_scale", "weight_init_std", "weight_decay"),
    *("l2", "reg", "lam"),
)
# What computing with arrays that do not fit may raise.
MISFITS = (ValueError, TypeError, LookupError, ArithmeticError)


INAPPLICABLE = "not compared with the formula"  # what a note of it begins with


class Inapplicable(Exception):
    """The layer, or its input, is not what the formula is about."""


def params_of(layer: Any) -> dict[str, Any]:
    """The parameters of a layer; a class from elsewhere may have none, not even an empty dict."""
    return getattr(layer, "params", None) or {}


class Call:
    """One forward pass: the layer, float64 inputs and their names, the mode, the state before, and
    the shapes of the outputs, which tell where the layer does not what stride it has, say."""

    def __init__(
        self,
        layer: Any,
        inputs: tuple,
        train: bool,
        state: State,
        names: Sequence[str] = (),
        shapes: Sequence[tuple[int, ...]] = (),
    ) -> None:
        self.layer, self.train, self.state, self.shapes = layer, train, state, shapes
        self.names = names or [f"x{at}" for at in range(len(inputs))]
        self.params = params_of(layer)
        self.raw = [np.asarray(x) for x in inputs]
        self.inputs = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in self.raw]
        arrays = [*self.raw, *map(np.asarray, self.params.values())]
        self.narrow = any(a.dtype in (np.float32, np.float16) for a in arrays)

    @property
    def x(self) -> np.ndarray:
        """The one input."""
        if len(self.inputs) != 1:
            raise Inapplicable(f"the formula has one input, the layer {len(self.inputs)}")
        return self.inputs[0].astype(np.float64)

    @property
    def pair(self) -> tuple[np.ndarray, np.ndarray]:
        """The two inputs."""
        if len(self.inputs) != 2:
            raise Inapplicable(f"the formula has two inputs, the layer {len(self.inputs)}")
        return self.inputs[0], self.inputs[1]

    def roles(self, patterns: Mapping[str, str], needed: str) -> dict[str, np.ndarray]:
        """Inputs and parameters by their roles. A role goes by a pattern of names in small letters
        alone; the first input has the first role, whatever its name. Raises Inapplicable where one
        has no role, or that of another, and where one of the `needed` roles is not taken."""
        given = [*zip(self.names, self.inputs, strict=True), *self.params.items()]
        found: dict[str, np.ndarray] = {}
        for at, (name, array) in enumerate(given):
            plain = re.sub(r"[\W_]", "", name).lower()
            fitting = (role for role, one in patterns.items() if re.fullmatch(one, plain))
            role = next(fitting, next(iter(patterns)) if at == 0 else "")
            if not role or role in found:
                raise Inapplicable(f"the layer's {name} is no part of it")
            array = np.asarray(array)
            found[role] = array.astype(np.float64) if array.dtype.kind == "f" else array
        if missing := [role for role in needed.split() if role not in found]:
            raise Inapplicable(f"the layer has no {missing[0]}")
        return found

    def param(self, *names: str, default: float | None = None) -> np.ndarray:
        """The parameter with one of these names."""
        for name in names:
            if name in self.params:
                return np.asarray(self.params[name], np.float64)
        if default is None:
            raise Inapplicable(f"the layer has no parameter {names[0]}")
        return np.array(default)

    def held(self, *names: str) -> Any:
        """What the layer keeps under one of these names: a number, a few, or a word."""
        for name in (*names, *(f"_{name}" for name in names)):
            value = getattr(self.layer, name, None)
            if isinstance(value, (int, float, np.number, tuple, list, str)):
                return None if isinstance(value, bool) else value
        return None

    def setting(self, *names: str, default: float | None = None) -> float:
        """The number that the layer keeps under one of these names."""
        for name in (*names, *(f"_{name}" for name in names)):
            value = getattr(self.layer, name, None)
            if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
                return float(value)
        if default is None:
            raise Inapplicable(f"the layer has no setting {names[0]}")
        return default


def nothing(_: Call) -> Iterator[Any]:
    return iter(())


def working(ways: Mapping[str, Callable[[], Any]], *mark: str) -> Said:
    """Those of the ways to compute the output whose shapes fit, each in words."""
    for text, way in ways.items():
        try:
            yield text, way(), *mark
        except (*MISFITS, Inapplicable):
            continue


@dataclass(frozen=True)
class Reference:
    """What a layer should compute.

    name       such as "batchnorm"
    formula    in words, as messages quote it: "max(x, 0)"
    forward    the output for a Call, or a tuple of several; raises Inapplicable
    mistakes   sentences and outputs of what people compute instead
    equals     further outputs that are right, because conventions differ
    params     the names that its parameters may have
    settings   the names that its numbers may have
    loss       whether the output is one number, summed or averaged
    conventions   outputs that are right, too, with sentences: a note tells which one it is
    by_roles   whether `forward` finds its arrays by their roles, and refuses any other
    outputs    what its outputs are called
    """

    name: str
    formula: str
    forward: Callable[[Call], Any]
    mistakes: Callable[[Call], Said] = nothing
    equals: Callable[[Call], Iterator[Any]] = nothing
    params: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    loss: bool = False
    conventions: Callable[[Call], Said] = nothing
    by_roles: bool = False
    outputs: tuple[str, ...] = ("out",)

    def claim(self, layer: Any) -> None:
        """Raises Inapplicable where the layer has what the formula lacks: a parameter; or, where
        the formula has none, a number or a switch. It then computes something else."""
        params = () if self.by_roles else params_of(layer)
        strange = [name for name in params if name not in self.params]
        if not self.params:
            strange += [
                name
                for name, value in getattr(layer, "__dict__", {}).items()
                if isinstance(value, (bool, float))
                and value
                and name.strip("_") not in (*self.settings, *HARMLESS)
            ]
        if strange:
            raise Inapplicable(f"the layer's {strange[0]} is no part of it")


@dataclass
class Comparison:
    """What is wrong, and notes that are none. `strict`: whether the user named the formula."""

    strict: bool = False
    causes: list[Cause] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, cause: Cause, *, explained: bool = True) -> None:
        """Adds a difference. One that nothing explains is a note, as perhaps another formula is
        meant, unless the user named this one."""
        if explained or self.strict:
            self.causes.append(cause)
        else:
            message = cause.message.format_map(cause.values)
            self.notes.append(f"{message}, and no known mistake explains it")


def by_name(sizes: Mapping[str, int]) -> dict[str, int]:
    """The different sizes under all their names, "T or V": nothing tells equal ones apart."""
    return {
        " or ".join(name for name, other in sizes.items() if other == size): size
        for size in dict.fromkeys(sizes.values())
    }


def agree(out: np.ndarray, expected: Any, atol: float) -> bool:
    """Whether two arrays have one shape and, up to `atol`, the same entries, nan and inf too."""
    expected = np.asarray(expected)
    return out.shape == expected.shape and np.allclose(
        out, expected, rtol=0, atol=atol, equal_nan=True
    )


def several(out: Any) -> list[np.ndarray]:
    """One output, or a tuple or list of them, as a list of arrays."""
    return [np.asarray(o, np.float64) for o in (out if isinstance(out, (tuple, list)) else (out,))]


def left_over(out: np.ndarray, expected: Any) -> float:
    """The largest difference, relative to the largest number in `out`; where one is not finite in
    both, there is none."""
    finite = np.isfinite(out) & np.isfinite(expected)
    scale = float(np.abs(out[finite]).max(initial=0.0)) or 1.0
    return float(np.abs(out - expected)[finite].max(initial=0.0)) / scale
