"""What the signatures of layers are made of."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: An array of float32 or float64.
Floats: TypeAlias = NDArray[np.floating]

#: What a forward pass hands to its backward pass, and nobody else looks into.
Cache: TypeAlias = Any

#: Gradients of parameters, under the names that these have in `params`.
Grads: TypeAlias = dict[str, Floats]

#: What a generator is made of: a seed, a generator, or None for one that differs every time.
Seed: TypeAlias = int | np.random.Generator | None

#: Small calls of a layer: a name, the layer, its inputs.
Examples: TypeAlias = Iterator[tuple[str, Any, *tuple[Any, ...]]]


class Scheme(Protocol):
    """Draws the first values of weights of a shape, (fan_in, fan_out) where it is left out."""

    def __call__(
        self,
        fan_in: int,
        fan_out: int,
        /,
        *,
        shape: tuple[int, ...] | None = None,
        rng: Seed,
        dtype: DTypeLike,
    ) -> Floats: ...


class Handle(Protocol):
    """A node of a `nets.Graph`."""

    @property
    def graph(self) -> Any: ...


AnyNode = TypeVar("AnyNode", bound=Handle)
Result = TypeVar("Result")


def any_inputs(forward: Callable[..., Result]) -> Callable[..., Result]:
    """`forward` itself. Type checkers see a method that takes anything, so that a subclass may
    take one input, two, or scores and targets."""
    return forward
