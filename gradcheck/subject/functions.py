"""A pair of plain functions as a subject: affine_forward and affine_backward, say."""

from __future__ import annotations

import copy
import re
import types
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from chainrule.gradcheck.report.findings import because
from chainrule.gradcheck.subject.layer import argument_names, positional
from chainrule.gradcheck.subject.source import (
    gradient_lines,
    named_parts,
    raising_line,
    source_of,
)
from chainrule.gradcheck.subject.subject import Complaint, Profile, Subject, miscounted
from chainrule.gradcheck.subject.trees import is_setting
from chainrule.gradcheck.subject.vocabulary import Vocabulary

# Arguments with these names are parameters, all others inputs; a `b` is one beside a `w`.
PARAMETER = re.compile(r"w([a-z0-9]{0,2}|_.+|eights?.*)|b\d|bias(es)?|gamma|beta|alpha|kernels?")
BESIDE = re.compile(r"b[a-z]?")
STRENGTHS = ("l2", "reg", "weight_decay", "lam")  # what people call the factor of a penalty


def of_functions(
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None,
    inputs: tuple[Any, ...],
    wrt: tuple[str, ...] | None = None,
) -> Subject:
    """A subject that calls the two functions, or one that returns loss and gradients."""
    names = argument_names(forward, len(inputs))
    given = tuple(x if not is_floats(x) else np.asarray(x) for x in inputs)
    pair = FunctionPair(forward, backward, names, as_floats(forward, backward, given))
    pair.wrt = wrt
    return Subject(pair, pair.inputs, profile_of(pair))


def profile_of(pair: FunctionPair) -> Profile:
    """What there is to say of a pair of functions."""
    forward, backward = pair.functions
    first = name_of(forward)
    function = forward if backward is None else backward
    own = backward is None and bool(pair.params)
    vocabulary = Vocabulary(
        forward=first,
        backward=f"the gradient of {first}" if backward is None else name_of(backward),
        upstream=next((p.name for p in positional(backward or forward)), "dout"),
        param="{name}",
        inference="in mode 'test'",
        phrases=phrases(", ".join(pair.floats), backward is None),
    )
    return Profile(
        title=", ".join(name_of(f) for f in (forward, backward) if f is not None),
        names=pair.names,
        vocabulary=vocabulary,
        # Formulas of losses take scores: one that multiplies by weights itself is another function.
        formula="" if own else re.sub("_?forward", "", first),
        lines=lambda: gradient_lines(
            source_of(function), pair.owed, int(backward is None), keyed=False
        ),
        cached=lambda cache: named_parts(cache, source_of(forward)) if backward else {},
        raising=partial(raising_line, function),
        written={"forward": forward, "backward": function}.get,
        has_mode=pair.has_mode,
        is_net=len(pair.params) > 2,
        apart=backward is not None,
        both=not pair.state,
        differentiable=pair.wrt,
        of_functions=True,
    )


def phrases(order: str, is_one: bool) -> dict[str, tuple[str | None, str | None]]:
    """What is said of functions in other words than of layers."""
    found: dict[str, tuple[str | None, str | None]] = {
        "no-entry": ("{d} is not returned", f"Return a gradient for each of {order}."),
        "swapped": (None, f"Return them in the order {order}."),
        "swapped-shapes": (None, f"Return them in the order {order}."),
        "ignored-param": (None, "Does {forward} compute with it?"),
        "gradient-count": (None, f"Return one gradient for each of {order}, in this order."),
    }
    if is_one:
        found["forward-form"] = ("{forward} must return loss, gradient, and returns {type}", None)
    return found


class FunctionPair:
    """A forward and a backward function with the contract of a layer.

    Arrays named like parameters become `params`, the other arrays are the inputs of forward, and
    everything else stays here; numbers among it are attributes too, where formulas look for them.
    Running statistics that the functions keep in a dict are `state`.
    """

    def __init__(
        self, forward: Any, backward: Any, names: list[str], given: tuple[Any, ...]
    ) -> None:
        self.functions = (forward, backward)
        self.wrt: tuple[str, ...] | None = None  # the arrays that backward gives gradients of
        self.order = names
        self.settings: dict[str, Any] = {}  # values that replace constants
        pairs = list(zip(names, given, strict=True))
        self.floats = [name for name, x in pairs if is_float(x)]
        held = {name for name in self.floats if is_parameter(name, self.floats)}
        self.params = {name: np.array(x) for name, x in pairs if name in held}
        self.constants = {n: copy.deepcopy(x) for n, x in pairs if not isinstance(x, np.ndarray)}
        self.names = [n for n, x in pairs if isinstance(x, np.ndarray) and n not in held]
        self.inputs = tuple(x for n, x in pairs if n in self.names)
        dicts = [d for d in self.constants.values() if isinstance(d, dict)]
        self.has_mode = any("mode" in d for d in dicts)
        self.state: dict[str, np.ndarray] = {}
        if self.has_mode:
            self.find_state()
        usual = {p.name: p.default for p in positional(forward)[len(names) :]}
        told = [self.constants, *dicts, usual]
        for key, value in ((k, v) for some in told for k, v in some.items()):
            new = isinstance(key, str) and key != "seed" and not hasattr(self, key)
            if new and is_setting(value):
                setattr(self, key, value)

    def find_state(self) -> None:
        """The running statistics to start from: those in the dicts, or what a first call in mode
        "test" leaves there."""
        arguments = self.arguments([x.copy() for x in self.inputs], train=False)
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                self.functions[0](*copy.deepcopy(list(arguments.values())))
                self.functions[0](*arguments.values())
        except Exception:  # the check itself tells what it raises
            return
        for name, value in arguments.items():
            for key in value if isinstance(self.constants.get(name), dict) else ():
                if is_float(value[key]) and key not in self.state:
                    start = self.constants[name].get(key, value[key])
                    self.state[key] = np.array(start, np.result_type(start, np.float64))

    def arguments(self, inputs: Any, train: bool) -> dict[str, Any]:
        """The arguments of the functions, in their order; dicts are fresh copies."""
        arrays = self.params | dict(zip(self.names, inputs, strict=True))
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

    def forward(self, *inputs: np.ndarray, train: bool = True) -> Any:
        arguments = self.arguments(inputs, train)
        result = self.functions[0](*arguments.values())
        for value in arguments.values():
            for key in self.state if isinstance(value, dict) else ():
                if is_float(value.get(key)) and value[key].shape == self.state[key].shape:
                    self.state[key][...] = value[key]
        if self.functions[1] is None:
            return self.split_loss(result)
        if isinstance(result, tuple) and len(result) > 2:  # return h, c, cache
            return tuple(result[:-1]), result[-1]
        return result

    def split_loss(self, result: Any) -> Any:
        """The loss as the output, and its gradients as the cache."""
        if not isinstance(result, tuple) or len(result) < 2:
            return result
        loss, *gradients = result
        if len(gradients) == 1 and isinstance(gradients[0], (tuple, list)):
            gradients = list(gradients[0])
        return scalar(loss), tuple(gradients)

    def backward(self, dout: Any, cache: Any) -> Any:
        backward = self.functions[1]
        if backward is None:
            found = [None if g is None else times(dout, g) for g in cache]
        else:
            spread = isinstance(dout, tuple) and len(dout) + 1 == sum(
                p.default is p.empty for p in positional(backward)
            )
            result = backward(*(dout if spread else (dout,)), cache)
            several = isinstance(result, tuple) or (
                isinstance(result, list) and len(self.owed(len(result))) == len(result)
            )
            found = list(result) if several else [result]
        if all(g is None for g in found):
            return None
        return self.named(found)

    def named(self, result: Any) -> Any:
        """What backward returned by the names of arrays: gradients of inputs, and of parameters."""
        found = list(result) if isinstance(result, (tuple, list)) else [result]
        everything = [n for n in self.order if n in self.params or n in self.names]
        if len(found) == len(everything) > len(self.floats):
            pairs = list(zip(everything, found, strict=True))
            rest = [g for n, g in pairs if n not in self.floats and g is not None and np.size(g)]
            if not rest or self.functions[1] is not None:
                found = [g for n, g in pairs if n in self.floats]
        owed = self.owed(len(found))
        if len(found) != len(owed):
            raise miscounted(len(found), owed)
        return self.by_kind(dict(zip(owed, found, strict=True)))

    def by_kind(self, gradients: dict[str, Any]) -> Any:
        """Gradients of inputs, up to the last that is owed, and those of parameters."""
        grads = {k: g for k, g in gradients.items() if k in self.params and g is not None}
        names = [n for n in self.floats if n not in self.params and n in (self.wrt or self.floats)]
        while names and names[-1] not in gradients:
            names.pop()
        return tuple(gradients.get(name) for name in names), grads

    def owed(self, count: int) -> list[str]:
        """The arrays whose gradients the functions return, if they return `count` of them."""
        if self.wrt is not None and count == len(self.wrt):
            return list(self.wrt)
        if self.functions[1] is None and count < len(self.floats):
            return list(self.params) if count == len(self.params) else self.floats[:count]
        return self.floats


class ReferencePair(FunctionPair):
    """A correct forward function, which may return its output without a cache."""

    def forward(self, *inputs: np.ndarray, train: bool = True) -> Any:
        result = self.functions[0](*self.arguments(inputs, train).values())
        if isinstance(result, tuple) and len(result) > 1:
            return result[0] if len(result) == 2 else tuple(result[:-1]), result[-1]
        return result, None


def as_floats(forward: Any, backward: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments, with arrays of integers for which a gradient is returned cast to floats."""
    whole = [at for at, x in enumerate(given) if isinstance(x, np.ndarray) and x.dtype.kind in "iu"]
    arrays = [at for at, x in enumerate(given) if isinstance(x, np.ndarray)]
    if backward is None or not whole:
        return given
    cast = tuple(x.astype(float) if at in whole else x for at, x in enumerate(given))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            out, cache = forward(*copy.deepcopy(cast))
            found = backward(np.ones(np.shape(out)), cache)
        except Exception:  # integers are wanted, as labels and indices are
            return given
    found = found if isinstance(found, (tuple, list)) else (found,)
    if len(found) != len(arrays):
        return given
    owed = {at for at, g in zip(arrays, found, strict=True) if np.shape(g) == given[at].shape}
    return tuple(c if at in owed else x for at, (c, x) in enumerate(zip(cast, given, strict=True)))


def scalar(loss: Any) -> Any:
    """A loss. Raises Complaint where it is not one number."""
    if loss is not None and np.ndim(loss) != 0:
        message = "the loss has shape {shape}, expected a single number"
        hint = "Take the mean over the examples."
        raise Complaint(because("loss-shape", "shape", message, hint, shape=np.shape(loss)), "loss")
    return loss


def is_float(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def is_floats(x: Any) -> bool:
    """Whether x is a list of floats, not of labels."""
    try:
        return isinstance(x, list) and np.asarray(x).dtype.kind == "f"
    except ValueError:
        return False


def is_parameter(name: str, names: list[str]) -> bool:
    """Whether the argument `name` is a parameter, among arrays called `names`."""
    if PARAMETER.fullmatch(name.lower()):
        return True
    beside = any(PARAMETER.fullmatch(other.lower()) for other in names if other != name)
    return beside and bool(BESIDE.fullmatch(name.lower()))


def name_of(function: Any) -> str:
    """The name of a function; of a method with that of its class; of an object that is called."""
    name = getattr(function, "__name__", type(function).__name__)
    owner = getattr(function, "__self__", None)
    if owner is None or isinstance(owner, types.ModuleType):
        inner = getattr(function, "__qualname__", name).rpartition("<locals>.")[2]
        return inner if inner.count(".") == 1 else name
    owner = owner if isinstance(owner, type) else type(owner)
    return owner.__name__ if name == "__call__" else f"{owner.__name__}.{name}"


def times(dout: Any, gradient: Any) -> Any:
    """dout · gradient in the gradient's own dtype, and never the gradient itself."""
    array = np.array(gradient)
    return array if float(dout) == 1 else float(dout) * array
