"""What layers compute over a whole minibatch, where each of several processes has a part of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Part:
    """The rows from `first` up to `last` of a minibatch of `rows`; `add_up` takes sums over these,
    numbers or arrays, and returns those over all."""

    first: int
    last: int
    rows: int
    add_up: Callable[..., tuple[Any, ...]]


PART: ContextVar[Part | None] = ContextVar("part", default=None)


@contextmanager
def computing(part: Part) -> Iterator[None]:
    """Within it, layers that are given the rows of `part` compute over its whole minibatch."""
    token = PART.set(part)
    try:
        yield
    finally:
        PART.reset(token)


def over_batch(*sums: Any) -> tuple[Any, ...]:
    """Sums over the rows that a layer was given, as sums over the minibatch."""
    part = PART.get()
    return sums if part is None else part.add_up(*sums)


def random(rng: np.random.Generator, size: Any, dtype: Any = np.float64) -> Any:
    """Uniform random numbers in [0, 1), which do not depend on how the minibatch is divided where
    `size` is a tuple that begins with the number of rows: `rng` draws for all of them."""
    part = PART.get()
    if part is None or not isinstance(size, tuple) or size[:1] != (part.last - part.first,):
        return rng.random(size, dtype)
    return rng.random((part.rows, *size[1:]), dtype)[part.first : part.last]
