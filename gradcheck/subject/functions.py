"""A pair of plain functions in the clothes of a layer."""

from __future__ import annotations

import copy
import inspect
import re
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

# Arguments with these names are parameters, all others inputs; a `b` is one beside a `w`.
PARAMETER = re.compile(r"w([a-z0-9]{0,2}|_.+|eights?.*)|b\d|bias(es)?|gamma|beta|alpha|kernels?")
BESIDE = re.compile(r"b[a-z]?")


class Complaint(Exception):
    """What is wrong with the form of a result: kind, tensor, message, hint."""


class Pair:
    """A forward and a backward function in the clothes of a layer.

    Arrays named like parameters become `params`, the other arrays are the inputs of forward, and
    everything else stays here. Running statistics that the functions keep in a dict are `state`.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any] | None,
        names: list[str],
        given: tuple[Any, ...],
        as_reference: bool,
    ) -> None:
        self.functions = (forward, backward)
        self.order = names
        self.as_reference = as_reference
        self.settings: dict[str, Any] = {}  # values that replace constants
        floats = [name for name, x in zip(names, given, strict=True) if is_float(x)]
        self.floats = floats
        self.params: dict[str, np.ndarray] = {}
        self.constants: dict[str, Any] = {}
        for name, x in zip(names, given, strict=True):
            if is_float(x) and is_parameter(name, floats):
                self.params[name] = np.array(x)
            elif not isinstance(x, np.ndarray):
                self.constants[name] = copy.deepcopy(x)
        self.names = [
            name
            for name, x in zip(names, given, strict=True)
            if isinstance(x, np.ndarray) and name not in self.params
        ]
        dicts = [d for d in self.constants.values() if isinstance(d, dict)]
        self.has_mode = any("mode" in d for d in dicts)
        self.state: dict[str, np.ndarray] = {}
        if self.has_mode:
            self.find_state(given)
        for some in (self.constants, *dicts):
            for key, value in some.items():
                usual = isinstance(value, (int, float, np.number)) and key != "seed"
                if usual and isinstance(key, str) and not hasattr(self, key):
                    setattr(self, key, value)  # diagnosis and references look for eps, p, reg here

    def __repr__(self) -> str:
        return ", ".join(name_of(f) for f in self.functions if f is not None)

    def find_state(self, given: tuple[Any, ...]) -> None:
        """The running statistics to start from: those in the dicts, or what a first call in mode
        "test" leaves there."""
        arguments = self.arguments([x for x in given if isinstance(x, np.ndarray)], False, given)
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                self.functions[0](*arguments.values())
        except Exception:  # the check itself tells what it raises
            return
        for name, value in arguments.items():
            for key in value if isinstance(self.constants.get(name), dict) else ():
                if is_float(value[key]) and key not in self.state:
                    start = self.constants[name].get(key, value[key])
                    self.state[key] = np.array(start, np.result_type(start, np.float64))

    def arguments(
        self, inputs: Iterable[np.ndarray], train: bool, given: tuple[Any, ...] | None = None
    ) -> dict[str, Any]:
        """The arguments of the functions, in their order; dicts are fresh copies."""
        if given is None:
            arrays = self.params | dict(zip(self.names, inputs, strict=True))
        else:
            arrays = {
                name: x.copy()
                for name, x in zip(self.order, given, strict=True)
                if isinstance(x, np.ndarray)
            }
        found: dict[str, Any] = {}
        for name in self.order:
            if name in arrays:
                found[name] = arrays[name]
                continue
            value = copy.deepcopy(self.settings.get(name, self.constants[name]))
            if isinstance(value, dict):
                if "mode" in value:
                    value["mode"] = "train" if train else "test"
                keep = [k for k in self.state if k in value or "mode" in value]
                value |= {key: self.state[key].copy() for key in keep}
            found[name] = value
        return found

    def run_forward(self, *inputs: np.ndarray, train: bool = True) -> Any:
        forward, backward = self.functions
        arguments = self.arguments(inputs, train)
        result = forward(*arguments.values())
        for value in arguments.values():
            for key in self.state if isinstance(value, dict) else ():
                if is_float(value.get(key)) and value[key].shape == self.state[key].shape:
                    self.state[key][...] = value[key]
        if self.as_reference:
            return result if isinstance(result, tuple) and len(result) == 2 else (result, None)
        return self.split_loss(result) if backward is None else result

    def split_loss(self, result: Any) -> Any:
        """The loss as the output, and its gradients as the cache."""
        if result is None or not isinstance(result, tuple) or len(result) < 2:
            return result
        loss, *gradients = result
        if len(gradients) == 1 and isinstance(gradients[0], (tuple, list)):
            gradients = list(gradients[0])
        if loss is not None and np.ndim(loss) != 0:
            what = f"the loss has shape {np.shape(loss)}, expected a single number"
            raise Complaint("shape", "loss", what, "Take the mean over the examples.")
        return loss, tuple(gradients)

    def run_backward(self, dout: Any, cache: Any) -> Any:
        backward = self.functions[1]
        if backward is None:
            found = [None if g is None else times(dout, g) for g in cache]
        else:
            result = backward(dout, cache)
            found = list(result) if isinstance(result, (tuple, list)) else [result]
        if all(g is None for g in found):
            return None
        owed = self.owed(len(found))
        if len(found) != len(owed):
            some = "1 gradient" if len(found) == 1 else f"{len(found)} gradients"
            whom = f"the {len(owed)} inputs {', '.join(owed)}" if len(owed) > 1 else owed[0]
            raise Complaint(
                "shape",
                owed[min(len(found), len(owed) - 1)],
                f"backward returns {some} for {whom}",
                f"Return one gradient for each of {', '.join(owed)}, in this order."
                if len(owed) > 1
                else "",
            )
        gradients = dict(zip(owed, found, strict=True))
        grads = {k: g for k, g in gradients.items() if k in self.params and g is not None}
        dxs = tuple(g for k, g in gradients.items() if k not in self.params)
        return (dxs[0] if len(dxs) == 1 and dxs[0] is not None else dxs), grads

    def owed(self, count: int) -> list[str]:
        """The arrays whose gradients the functions return, if they return `count` of them."""
        if self.functions[1] is None and count < len(self.floats):
            return list(self.params) if count == len(self.params) else self.floats[:count]
        return self.floats


def pair(
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None,
    names: list[str],
    given: tuple[Any, ...],
    as_reference: bool = False,
) -> Any:
    """The functions as a layer, of a class whose name and source lines are theirs."""
    floats = [name for name, x in zip(names, given, strict=True) if is_float(x)]
    # Formulas of losses take scores: one that multiplies by weights itself is another function.
    own = backward is None and any(is_parameter(name, floats) for name in floats)
    arrays = [
        name
        for name, x in zip(names, given, strict=True)
        if isinstance(x, np.ndarray) and not (is_float(x) and is_parameter(name, floats))
    ]
    name = "Function" if own else re.sub("_?forward", "", name_of(forward)) or "Function"
    cls = dressed(Pair, name, arrays, forward, forward if backward is None else backward)
    return cls(forward, backward, names, given, as_reference)


def dressed(base: type, name: str, inputs: list[str], forward: Any, backward: Any) -> Any:
    """A subclass of `base` that has forward(*inputs, train=True) and backward(dout, cache), and
    whose source, to those who inspect it, is that of the functions."""

    def run_forward(self: Any, *given: Any, train: bool = True) -> Any:
        return self.run_forward(*given, train=train)

    def run_backward(self: Any, dout: Any, cache: Any) -> Any:
        return self.run_backward(dout, cache)

    usual, keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(one, usual) for one in ("self", *inputs)]
    parameters += [inspect.Parameter("train", keyword, default=True)]
    vars(run_forward).update(
        __wrapped__=forward,
        __signature__=inspect.Signature(parameters),
    )
    vars(run_backward).update(__wrapped__=backward)
    return type(name, (base,), {"forward": run_forward, "backward": run_backward})


def share_of(change: np.ndarray, W: np.ndarray) -> float:
    """The number c with change ≈ c · W, by least squares."""
    total = float(np.square(W).sum())
    return float((change * W).sum()) / total if total else 0.0


def is_float(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def is_parameter(name: str, names: list[str]) -> bool:
    """Whether the argument `name` is a parameter, among arrays called `names`."""
    if PARAMETER.fullmatch(name.lower()):
        return True
    beside = any(PARAMETER.fullmatch(other.lower()) for other in names if other != name)
    return beside and bool(BESIDE.fullmatch(name.lower()))


def name_of(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__)


def times(dout: Any, gradient: Any) -> Any:
    """dout · gradient in the gradient's own dtype, and never the gradient itself."""
    array = np.array(gradient)
    return array if float(dout) == 1 else float(dout) * array
