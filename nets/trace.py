"""What a lecture writes on the board: values, local derivatives and gradients of every node."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.layers import Layer

LARGEST_LOCAL = 10**7
MOST = 12  # entries that an array is written out with


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
            gradient = "none" if node.gradient is None else brief(node.gradient)
            rows.append((node.name, made, brief(node.value), brief_local(node), gradient))
        wide = [max(len(row[column]) for row in rows) for column in range(5)]
        return "\n".join(
            "  ".join(f"{cell:<{width}}" for cell, width in zip(row, wide, strict=True)).rstrip()
            for row in rows
        )

    __repr__ = __str__


def brief_local(node: Traced) -> str:
    """The local derivatives of a node in brief: written out, or else by their shape alone, which
    asks for no computation."""
    told = []
    for port, back in enumerate(node.sent):
        shape = np.shape(node.value) + np.shape(back)
        few = len(shape) <= 2 and math.prod(shape) <= MOST
        told.append(brief(node.local[port]) if few else "×".join(map(str, shape)))
    return ", ".join(told)


def brief(value: ArrayLike) -> str:
    """A value on a line. A number has two decimals, or two digits where it is small or large; a
    vector or a matrix of up to 12 entries is written out, without decimals where all are whole; any
    other array is told by its shape and its Euclidean norm."""
    value = np.asarray(value)
    if not value.ndim:
        return brief_number(float(value))
    if is_written_out(value):
        rows = [f"[{', '.join(row)}]" for row in entries(value)]
        return f"[{', '.join(rows)}]" if value.ndim == 2 else rows[0]
    shape = "×".join(map(str, value.shape))
    return f"{shape} ‖{brief(np.linalg.norm(value.ravel().astype(float)))}‖"


def block(value: ArrayLike) -> str:
    """A value as `brief` writes it, but with a line for each row of a matrix that is written out,
    and its columns below one another."""
    value = np.asarray(value)
    if not (value.ndim == 2 and is_written_out(value)):
        return brief(value)
    rows = entries(value)
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [[f"{cell:>{width}}" for cell, width in zip(row, wide, strict=True)] for row in rows]
    return "\n".join(f"[{', '.join(line)}]" for line in lines)


def is_written_out(value: np.ndarray) -> bool:
    """Whether a vector or a matrix is shown with its entries."""
    return value.ndim in (1, 2) and 0 < value.size <= MOST


def entries(value: np.ndarray) -> list[list[str]]:
    """The entries of a vector, as one row, or of a matrix, as text."""
    numbers = np.atleast_2d(value).astype(float) + 0.0  # not -0
    whole = np.all((numbers == np.rint(numbers)) & (abs(numbers) < 99999.5))
    return [[f"{one:.0f}" if whole else brief_number(one) for one in row] for row in numbers]


def brief_number(number: float) -> str:
    """A number in a few characters."""
    number += 0.0  # not -0
    if number == 0 or 0.095 <= abs(number) < 99999.5 or not np.isfinite(number):
        return f"{number:.2f}"
    return f"{number:.1e}" if abs(number) < 0.001 or abs(number) > 1 else f"{number:.2g}"
