"""Where things are on an object that keeps its state on itself, found by a first pass."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.gradcheck.subject.attributes import (
    Leaves,
    Path,
    core,
    gradient_of,
    leaves,
    paired,
    parts,
    spelled,
    value_at,
)
from chainrule.gradcheck.subject.functions import is_parameter
from chainrule.gradcheck.subject.source import Source, method, returned_names, unpacked


@dataclass
class Places:
    """Paths on an object, by names: of its parameters, each with all that lead to it; of their
    gradients; of running statistics, with where they start; of gradients of inputs that are not
    returned. `seen` is the object after a first pass, `lacking` what looks like a parameter and has
    no gradient, `idle` what has one, and does not matter."""

    params: dict[str, list[Path]] = field(default_factory=dict)
    gradients: dict[str, Path] = field(default_factory=dict)
    state: dict[str, Path] = field(default_factory=dict)
    starts: dict[str, np.ndarray] = field(default_factory=dict)
    inputs: list[Path] = field(default_factory=list)
    # Of parameters whose gradients backward returns, where they stand in what it returns.
    returned: dict[str, str | int] = field(default_factory=dict)
    apart: bool = False  # whether they stand in a container of their own
    by_update: bool = False  # whether a gradient is the step that its parameter goes
    seen: Any = None
    lacking: list[str] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)

    def is_recorded(self, name: str) -> bool:
        """Whether the gradient of a parameter stands nowhere, but shows in its update."""
        return self.gradients[name] in self.params[name]

    def labels(self) -> dict[str, str]:
        """What the gradients of parameters are called: "dW", "grads['W']"."""
        found = {}
        for name, path in self.gradients.items():
            if name in self.returned:
                found[name] = "".join([str(path[0]), *(f"[{key!r}]" for key in path[1:])])
            elif self.is_recorded(name):
                found[name] = f"the gradient of {name}"
            else:
                found[name] = spelled(self.seen, path)
        return found

    def notes(self) -> tuple[str, ...]:
        """What was paired with what, and what was not, in one line."""
        how = "the step that it goes" if self.by_update else "what the optimizer is given"
        pairs = [
            f"{name} in {how if self.is_recorded(name) else label}"
            for name, label in self.labels().items()
        ]
        said = [f"gradients: {', '.join(pairs)}"] if pairs else []
        said += [
            f"no gradient of {name} was found: params={ {name: '…'} } says where it is"
            for name in self.lacking
        ]
        said += [f"{name} has a gradient, and no say in the output" for name in self.idle]
        return ("; ".join(said),) if said else ()


def find_places(layer: Any, inputs: tuple[np.ndarray, ...], told: Mapping[str, str]) -> Places:
    """What a forward and a backward pass of a StatefulLayer show; nothing where they raise: the
    check itself will tell. Raises ValueError where `told` names what is not there."""
    thing, places = layer.stranger, Places(seen=layer.stranger)
    with suppress(Exception), np.errstate(all="ignore"):
        out, (work, _) = layer.forward(*inputs)
        layer.is_last(out)
        held = leaves(work)
        before = {path: array.copy() for path, array in held.items()}
        ones = [np.ones(np.shape(o)) for o in as_tuple(out)]
        douts = tuple(ones) if isinstance(out, tuple) else ones[0]
        result, after, recorder = layer.call_backward(douts, (work, inputs))
        places.seen, now, start = after, leaves(after), leaves(thing)
        written = {path: a for path, a in now.items() if not same(a, before.get(path))}
        fixed = {path: a for path, a in start.items() if same(before.get(path), a)}
        find_state(places, layer, inputs, start, before)
        given = given_back(result, len(layer.names), method(thing, layer.methods[1]))
        gradients = written | {path: array for path, (_, array) in given.items()}
        pairs = {} if told else paired(fixed, gradients)
        if not pairs and not told:
            pairs = {path: path for path in recorder.given if path in fixed}
        if not pairs and not told:
            steps = [p for p in written if p in fixed and matters(layer, inputs, p)]
            pairs, places.by_update = {path: path for path in steps}, bool(steps)
        idle = [path for path in pairs if not places.by_update and not matters(layer, inputs, path)]
        places.idle = [spelled(thing, path) for path in idle if pairs.pop(path)]
        name_parameters(places, layer, pairs)
        places.returned = {n: given[p][0] for n, p in places.gradients.items() if p in given}
        places.apart = has_container(result)
        if result is None:
            inputs_ = {core((name,)) for name in layer.names} | {("x",), ("input",)}
            places.inputs = [p for p in written if any(core(g) in inputs_ for g in gradient_of(p))]
        find_lacking(places, layer, inputs, fixed)
    if told:
        name_parameters(places, layer, resolved(thing, places.seen, told))
        places.lacking = []
    return places


def given_back(
    result: Any, count: int, backward: Source | None
) -> dict[Path, tuple[str | int, np.ndarray]]:
    """What backward returns behind the gradients of its inputs, a dict or some arrays, with its
    place there, under the paths that the source tells."""
    if not isinstance(result, (tuple, list)):
        return {}
    if has_container(result):
        return {("grads", key): (key, np.asarray(g)) for key, g in parts(result[1])}
    words = returned_names(backward)
    if len(words) != len(result):
        return {}
    found = zip(words[count:], range(count, len(result)), result[count:], strict=True)
    return {(word,): (at, np.asarray(g)) for word, at, g in found}


def has_container(result: Any) -> bool:
    """Whether backward returns gradients of inputs, and a container of others."""
    pair = isinstance(result, (tuple, list)) and len(result) == 2
    return pair and isinstance(result[1], (dict, list, tuple))


def same(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return a is not None and b is not None and np.array_equal(a, b, equal_nan=True)


def name_parameters(places: Places, layer: Any, pairs: Mapping[Path, Path]) -> None:
    """Give each of those parameters a short name, and note all the paths that lead to it."""
    thing = layer.stranger
    listed = unpacked(method(thing, layer.methods[0]))
    for path, gradient in pairs.items():
        name = short_name(path, listed)
        if not name or name in places.params or name in layer.names:
            name = spelled(thing, path)
        array = value_at(thing, path)
        places.params[name] = [p for p in leaves(thing) if value_at(thing, p) is array]
        places.gradients[name] = gradient


def short_name(path: Path, listed: Mapping[str, list[str]]) -> str:
    """W for params['W'], for W.value, and for what a line W, b = self.params calls so; "" where
    none is short."""
    *holders, last = path
    if isinstance(last, int):
        names = listed.get(str(holders[0]), []) if len(holders) == 1 else []
        return names[last] if last < len(names) else ""
    own = [word for word in path if isinstance(word, str) and core((word,)) == core(path)]
    return own[-1] if own else ""


def find_state(places: Places, layer: Any, inputs: Any, start: Leaves, trained: Leaves) -> None:
    """What a training pass changes and a pass without training has, too: running statistics, which
    start as they are, or as a first pass without training leaves them."""
    if layer.switch is None:
        return
    work = layer.stranger
    with suppress(Exception):  # there may be no statistics yet
        _, (work, _) = layer.forward(*inputs, train=False)
    for path, array in leaves(work).items():
        first, later = start.get(path, array), trained.get(path)
        if later is not None and later.shape == first.shape != () and not same(first, later):
            name = spelled(work, path)
            places.state[name] = path
            places.starts[name] = np.array(first, np.float64)


def matters(layer: Any, inputs: Any, path: Path) -> bool:
    """Whether the output reacts to an array of the object."""
    outs = []
    for factor in (1.0, 1.3):
        work = copy.deepcopy(layer.stranger)
        array = value_at(work, path)
        array[...] = factor * array + (factor - 1)
        outs.append(layer.run(work, inputs)[0])
    return not all(map(np.array_equal, *map(as_tuple, outs)))


def as_tuple(out: Any) -> tuple[Any, ...]:
    return out if isinstance(out, tuple) else (out,)


def find_lacking(places: Places, layer: Any, inputs: Any, fixed: Leaves) -> None:
    """Note what is called like a parameter, matters to the output and is in no pair."""
    thing = layer.stranger
    words = [str(path[-1]) for path in fixed]
    taken = [id(value_at(thing, path)) for paths in places.params.values() for path in paths]
    for path in fixed:
        value = value_at(thing, path)
        likely = is_parameter(str(path[-1]).strip("_"), words)
        if not likely or not isinstance(value, np.ndarray) or id(value) in taken:
            continue
        if matters(layer, inputs, path):
            places.lacking.append(spelled(thing, path))
            taken.append(id(value))


def resolved(thing: Any, seen: Any, told: Mapping[str, str]) -> dict[Path, Path]:
    """The paths that are meant by params={"W": "dW"}."""
    known = [{spelled(one, path): path for path in leaves(one)} for one in (thing, seen)]
    pairs = {}
    for words in told.items():
        for word, there in zip(words, known, strict=True):
            if word not in there:
                raise ValueError(
                    f"check: params names {word!r}, and there is no array of floats called so; "
                    f"there are {', '.join(there) or 'none'}"
                )
        pairs[known[0][words[0]]] = known[1][words[1]]
    return pairs
