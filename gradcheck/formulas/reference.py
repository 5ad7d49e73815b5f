"""What a layer should compute, and one call of a layer to compute it for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

State = dict[str, np.ndarray]
Said = Iterator[tuple[str, Any]]  # a mistake in words, and the output that it gives

HARMLESS = ("training", "train", "inplace")  # switches that leave the formula as it is


class Inapplicable(Exception):
    """The layer, or its input, is not what the formula is about."""


def params_of(layer: Any) -> dict[str, Any]:
    """The parameters of a layer; a class from elsewhere may have none, not even an empty dict."""
    return getattr(layer, "params", None) or {}


class Call:
    """One forward pass: the layer, float64 inputs, the mode, and the state before."""

    def __init__(self, layer: Any, inputs: tuple, train: bool, state: State) -> None:
        self.layer, self.train, self.state = layer, train, state
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

    def param(self, *names: str, default: float | None = None) -> np.ndarray:
        """The parameter with one of these names."""
        for name in names:
            if name in self.params:
                return np.asarray(self.params[name], np.float64)
        if default is None:
            raise Inapplicable(f"the layer has no parameter {names[0]}")
        return np.array(default)

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


@dataclass(frozen=True)
class Reference:
    """What a layer should compute.

    name       such as "batchnorm"
    formula    in words, as messages quote it: "max(x, 0)"
    forward    the output for a Call; raises Inapplicable
    mistakes   sentences and outputs of what people compute instead
    equals     further outputs that are right, because conventions differ
    params     the names that its parameters may have
    settings   the names that its numbers may have
    loss       whether the output is one number, summed or averaged
    """

    name: str
    formula: str
    forward: Callable[[Call], Any]
    mistakes: Callable[[Call], Said] = nothing
    equals: Callable[[Call], Iterator[Any]] = nothing
    params: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    loss: bool = False

    def claim(self, layer: Any) -> None:
        """Raises Inapplicable where the layer has what the formula lacks: a parameter; or, where
        the formula has none, a number or a switch. It then computes something else."""
        strange = [name for name in params_of(layer) if name not in self.params]
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
