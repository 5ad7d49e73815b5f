"""What a lecture writes on the board: values, local derivatives and gradients of every node."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.layers import Layer

LARGEST_LOCAL = 10**7


@dataclass(eq=False)
class Traced:
    """A node of a graph during one forward and one backward pass.

    op         the operation; None for an input
    inputs     the names of the nodes that it read
    value      what came out of it
    gradient   the gradient of L = Σ dout · out with respect to `value`; None where no gradient
               arrives, as for the targets of a loss
    sent       what its backward pass sent along each incoming edge, in the order of `inputs`; at
               a fork the gradient of the node is the sum of what its consumers sent
    local      ∂value / ∂input along each incoming edge, of shape value.shape + input.shape: the
               number that the gradient is multiplied by on its way back
    """

    name: str
    op: Layer | None
    inputs: list[str]
    value: np.ndarray
    gradient: np.ndarray | None
    sent: tuple[np.ndarray, ...]
    cache: Any = field(repr=False)

    @cached_property
    def local(self) -> tuple[np.ndarray, ...]:
        """One backward pass for each entry of `value`. Raises ValueError where the Jacobians
        would have more than 10 million entries."""
        if self.op is None or not self.sent:
            return ()
        size = self.value.size * sum(np.size(back) for back in self.sent)
        if size > LARGEST_LOCAL:
            raise ValueError(
                f"{self.name}: its local derivatives have {size:,} entries, expected at most "
                f"{LARGEST_LOCAL:,}; what is sent back does without them"
            )
        shapes = [self.value.shape + np.shape(back) for back in self.sent]
        found = tuple(np.zeros(shape, self.value.dtype) for shape in shapes)
        for index in np.ndindex(self.value.shape):
            dout = np.zeros_like(self.value)
            dout[index] = 1
            back, _ = self.op.backward(dout, self.cache)
            for local, one in zip(found, back if isinstance(back, tuple) else (back,), strict=True):
                local[index] = one
        return found


class Trace(Mapping):
    """The nodes of a graph in one pass, by name: `trace["q"].gradient`. Printed, it is a table."""

    def __init__(self, nodes: Iterable[Traced]) -> None:
        self._nodes = {node.name: node for node in nodes}

    def __getitem__(self, name: str) -> Traced:
        return self._nodes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def __str__(self) -> str:
        rows = [("node", "operation", "value", "local derivatives", "gradient")]
        for node in self.values():
            made = "input" if node.op is None else repr(node.op)
            if node.inputs:
                made += f"({', '.join(node.inputs)})"
            numbers = all(np.ndim(value) == 0 for value in (node.value, *node.sent))
            local = ", ".join(map(brief, node.local)) if numbers else "a matrix"
            gradient = "none" if node.gradient is None else brief(node.gradient)
            rows.append((node.name, made, brief(node.value), local, gradient))
        wide = [max(len(row[column]) for row in rows) for column in range(5)]
        return "\n".join(
            "  ".join(f"{cell:<{width}}" for cell, width in zip(row, wide, strict=True)).rstrip()
            for row in rows
        )

    __repr__ = __str__


def brief(value: ArrayLike) -> str:
    """A value in a few characters: a number with two decimals, or two digits where it is small or
    large; an array by its shape and its Euclidean norm."""
    value = np.asarray(value)
    if value.ndim:
        shape = "×".join(map(str, value.shape))
        return f"{shape} ‖{brief(np.linalg.norm(value.ravel().astype(float)))}‖"
    number = float(value) + 0.0  # not -0
    if number == 0 or 0.095 <= abs(number) < 99999.5 or not np.isfinite(number):
        return f"{number:.2f}"
    return f"{number:.1e}" if abs(number) < 0.001 or abs(number) > 1 else f"{number:.2g}"
