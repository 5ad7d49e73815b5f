"""A class that keeps its state on itself as a subject: `out = forward(x)`, `dx = backward(dout)`.

What a call keeps is a copy of the object, made before the call; it serves as the cache. Gradients
are found by what backward writes: under names (`dW`, `grads['W']`, `W.grad`, `params` and `grads`
side by side), given to an optimizer, or as the step that a parameter goes at the rate 1.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from chainrule.gradcheck.subject.attributes import Path, put, value_at
from chainrule.gradcheck.subject.functions import times
from chainrule.gradcheck.subject.layer import (
    METHODS,
    argument_names,
    described,
    methods_of,
    own_method,
    positional,
    takes_any,
)
from chainrule.gradcheck.subject.optimizers import RATES, Recorder, record_updates
from chainrule.gradcheck.subject.places import Places, find_places
from chainrule.gradcheck.subject.source import assigned_lines, gradient_lines, method, raising_line
from chainrule.gradcheck.subject.subject import Profile, Subject
from chainrule.gradcheck.subject.switches import Switch, switch_of
from chainrule.gradcheck.subject.trees import is_setting
from chainrule.gradcheck.subject.vocabulary import Vocabulary

OUTPUTS = ("output", "out", "outputs", "y")  # where a forward pass that returns None keeps it


def of_stateful(
    thing: Any, inputs: tuple[Any, ...], params: Mapping[str, str] | None = None
) -> Subject:
    """A subject that calls a copy of the object, on copies of its inputs. `params` says where the
    gradients of parameters are, where names do not tell: {"W": "dW"}.

    Raises ValueError where there is nothing under such a name, and TypeError for an object that
    cannot be copied.
    """
    forward, backward = methods_of(thing) or METHODS[0]
    names = argument_names(getattr(thing, forward), len(inputs))
    switch = switch_of(thing, forward)
    try:
        kept = copy.deepcopy(thing)
    except Exception as error:
        text = f"check: {described(thing)} cannot be copied: {type(error).__name__}: {error}"
        raise TypeError(text) from error
    layer = StatefulLayer(kept, (forward, backward), names, switch)
    layer.settle(find_places(layer, tuple(map(np.asarray, inputs)), params or {}))
    written, labels = {"forward": forward, "backward": backward}, layer.places.labels()
    vocabulary = Vocabulary(
        forward=forward,
        backward=backward,
        param="{name}",
        inference=switch.said if switch else "",
        labels=labels,
        phrases={"no-entry": ("no gradient of {name} is found after {backward}", None)},
    )
    profile = Profile(
        title=described(thing),
        names=names,
        vocabulary=vocabulary,
        formula=type(thing).__name__,
        lines=lambda: lines_of(thing, backward, names, labels),
        cached=lambda cache: kept_arrays(cache[0], layer),
        raising=partial(raising_line, type(thing)),
        written=lambda key: own_method(type(thing), written[key]),
        has_mode=switch is not None,
        is_net=len(layer.params) > 2,
        apart=layer.takes_dout,
        both=not layer.state,
        keeps_state=True,
        notes=layer.places.notes(),
    )
    return Subject(layer, inputs, profile)


class StatefulLayer:
    """An object that keeps its state on itself, with the contract of a layer."""

    def __init__(
        self, thing: Any, methods: tuple[str, str], names: list[str], switch: Switch | None
    ) -> None:
        self.stranger, self.methods, self.names, self.switch = thing, methods, names, switch
        self.params: dict[str, np.ndarray] = {}
        self.state: dict[str, np.ndarray] = {}
        self.places = Places()
        backward = getattr(thing, methods[1])
        self.arguments = [p.name for p in positional(backward)]
        if not self.arguments and takes_any(backward):
            self.arguments = ["dout"]
        for key, value in getattr(thing, "__dict__", {}).items():
            if is_setting(value) and not hasattr(self, key):
                setattr(self, key, value)  # where formulas look for settings

    def settle(self, places: Places) -> None:
        """Take over the parameters and running statistics that were found."""
        self.places, self.state = places, places.starts
        self.params = {k: value_at(self.stranger, paths[0]) for k, paths in places.params.items()}

    @property
    def takes_dout(self) -> bool:
        """Whether backward is given an upstream gradient."""
        return any(name not in (*self.names, *RATES) for name in self.arguments)

    def is_last(self, out: Any) -> None:
        """Tell by an output what backward is given: nothing in the place of the `dout=1` of a loss
        (nobody gives it), and else the upstream gradient, even where it is called as an input."""
        backward = getattr(self.stranger, self.methods[1])
        ones = [
            p.name
            for p in positional(backward)
            if isinstance(p.default, (int, float)) and p.default == 1
        ]
        if isinstance(out, tuple) or np.ndim(out) != 0:
            if self.arguments and not self.takes_dout:
                self.arguments[0] = "dout"
        else:
            self.arguments = [name for name in self.arguments if name not in ones]

    def forward(self, *inputs: np.ndarray, train: bool = True) -> Any:
        shared = {id(a): a for a in (*inputs, *self.params.values())}
        work, places = copy.deepcopy(self.stranger, dict(shared)), self.places
        for name, paths in places.params.items():
            for path in paths:
                put(work, path, self.params[name])
            if not places.is_recorded(name):
                start_from_zero(work, places.gradients[name])
        for name, path in places.state.items():
            put(work, path, self.state[name].copy())
        out, work = self.run(work, inputs, train)
        for name, path in places.state.items():
            if np.shape(now := value_at(work, path)) == self.state[name].shape:
                self.state[name][...] = now
        return out, (work, inputs)

    def run(self, work: Any, inputs: Any, train: bool = True) -> tuple[Any, Any]:
        """What forward of a copy of the object gives, and the object."""
        options = self.switch.turn(work, train) if self.switch else {}
        out = getattr(work, self.methods[0])(*inputs, **options)
        if out is None:
            out = next((vars(work)[o] for o in OUTPUTS if o in getattr(work, "__dict__", {})), None)
        return out, work

    def call_backward(self, dout: Any, cache: Any) -> tuple[Any, Any, Recorder]:
        """What backward returns, the object after it, and what it gave to an optimizer."""
        kept, inputs = cache
        work = copy.deepcopy(kept, {id(x): x for x in inputs})
        recorder = record_updates(work)
        for name in RATES if self.places.by_update else ():
            if hasattr(work, name):
                setattr(work, name, 1.0)
        outer = getattr(work, self.methods[1])
        given = dict(zip(self.names, inputs, strict=False))
        free = [name for name in self.arguments if name not in given and name not in RATES]
        needed = [p.name for p in positional(outer) if p.default is p.empty and p.name in free]
        douts = dout if isinstance(dout, tuple) and len(needed) == len(dout) else (dout,)
        named = given | dict(zip(free, douts, strict=False)) | dict.fromkeys(RATES, 1.0)
        named |= {name: recorder for name in self.arguments if "optim" in name.lower()}
        known = [name for name in self.arguments if name in named]
        return outer(*(named[name] for name in known)), work, recorder

    def backward(self, dout: Any, cache: Any) -> Any:
        result, work, recorder = self.call_backward(dout, cache)
        places, grads = self.places, {}
        for name, path in places.gradients.items():
            if path in recorder.given:
                grads[name] = recorder.given[path]
            elif (now := value_if(work, path)) is not None:
                grads[name] = self.params[name] - now if places.by_update else now
        if result is None and places.inputs:
            result = [value_at(work, path) for path in places.inputs]
        for name, key in places.returned.items():
            grads[name] = (result[1] if places.apart else result)[key]
        if places.apart:
            result = result[0]
        elif places.returned:
            result = tuple(result[: len(self.names)])
        if isinstance(result, (list, tuple)):
            result = result[0] if len(self.names) == len(result) == 1 else tuple(result)
        if not self.takes_dout and isinstance(result, (np.ndarray, np.number, float)):
            result = times(dout, result)
        return result, grads


def start_from_zero(work: Any, path: Path) -> None:
    """Gradients that add up do so from one call to the next: let this one start from none."""
    if isinstance(had := value_if(work, path), np.ndarray):
        had[...] = 0  # in place: parts may hold it, too


def value_if(thing: Any, path: Path) -> Any:
    """What stands at the end of a path, None where it leads nowhere."""
    try:
        return value_at(thing, path)
    except (KeyError, IndexError, TypeError):
        return None


def kept_arrays(work: Any, layer: StatefulLayer) -> dict[str, np.ndarray]:
    """What a forward pass left on an object, by names, its parameters left out."""
    apart = {id(array) for array in layer.params.values()}
    found: dict[str, np.ndarray] = {}
    for key, value in getattr(work, "__dict__", {}).items():
        parts = value if isinstance(value, (tuple, list)) else [value]
        for at, part in enumerate(parts):
            if isinstance(part, np.ndarray) and id(part) not in apart and part.size:
                found[key if part is value else f"{key}[{at}]"] = part
    return found


def lines_of(thing: Any, backward: str, names: list[str], labels: dict[str, str]) -> dict[str, str]:
    """For each tensor the line that assigns its gradient."""
    source = method(thing, backward)
    told = assigned_lines(source)
    found = {n: told[f"self.{label}"] for n, label in labels.items() if f"self.{label}" in told}
    return gradient_lines(source, lambda _: names, keyed=False) | found
