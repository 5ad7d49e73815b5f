"""The random generators that a run draws from, wherever they are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np


def generators(*roots: Any) -> list[np.random.Generator]:
    """The generators that can be reached from `roots`, one for each stream of random numbers, in
    an order that is the same for the same structure."""
    found = [thing for thing in reachable(*roots) if isinstance(thing, np.random.Generator)]
    return [*{id(rng.bit_generator): rng for rng in found}.values()]


def reachable(*roots: Any) -> Iterator[Any]:
    """All that can be reached from `roots` by way of attributes, dicts, lists and tuples, each
    once; classes, arrays and texts are left out."""
    seen: set[int] = set()
    pending = list(reversed(roots))
    while pending:
        thing = pending.pop()
        if id(thing) in seen or isinstance(thing, (type, np.ndarray, str)):
            continue
        seen.add(id(thing))
        yield thing
        if not isinstance(thing, np.random.Generator):
            pending.extend(reversed([*inside(thing)]))


def inside(thing: Any) -> Iterator[Any]:
    """What a container or an object of ours holds."""
    if isinstance(thing, Mapping):
        yield from thing.values()
    elif isinstance(thing, (list, tuple)):
        yield from thing
    elif hasattr(thing, "__dict__"):
        yield from vars(thing).values()


def state_of_generator(rng: np.random.Generator) -> dict[str, Any]:
    """The state of a generator as plain data that JSON can hold."""
    return plain(rng.bit_generator.state)


def set_state(rng: np.random.Generator, state: Mapping[str, Any]) -> None:
    """Puts a generator where `state_of_generator` found it. Raises ValueError where it is of
    another kind."""
    kind = type(rng.bit_generator).__name__
    if kind != state["bit_generator"]:
        raise ValueError(f"the generator is a {kind}, expected a {state['bit_generator']}")
    rng.bit_generator.state = state


def plain(thing: Any) -> Any:
    """Nested dicts with their arrays as lists and their NumPy numbers as Python's."""
    if isinstance(thing, dict):
        return {key: plain(value) for key, value in thing.items()}
    return thing.tolist() if isinstance(thing, (np.ndarray, np.generic)) else thing
