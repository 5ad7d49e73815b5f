"""The nodes of a graph, and the arithmetic that writes new ones."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Protocol

import numpy as np

from chainrule.layers import (
    Add,
    Exp,
    Layer,
    Log,
    MatMul,
    Max,
    Multiply,
    Negate,
    Reciprocal,
    Scale,
    Shift,
    Sigmoid,
    Square,
    Subtract,
)
from chainrule.layers.annotations import Cache, Floats, Grads

#: Layers to write with: `sigmoid(w @ x + b)`, `maximum(x, y)`. So does any other: `ReLU()(x)`.
exp, log, maximum, sigmoid = Exp(), Log(), Max(), Sigmoid()


#: What counts as a number; type checkers do not know that the first two are real.
NUMBERS = (int, float, Real)


class Written(Protocol):
    """What a node needs of the graph that it is written into."""

    nodes: dict[str, Node]
    outputs: tuple[str, ...]

    def rename(self, node: Node, name: str) -> None: ...


class Node:
    """A handle of one node of a `Graph`: an input, a parameter or an operation.

    Arithmetic on nodes writes further nodes into their graph: `x + y`, `x - y`, `x * y`, `x / y`,
    `x @ y`, `x**2`, `-x`, where one of two may be a number. Division is a product with the
    reciprocal. `inputs` and `consumers` are the names of the neighbours.
    """

    #: An array times a node is then left to the node, instead of becoming an array of nodes.
    __array_ufunc__ = None

    def __init__(
        self, graph: Written, name: str, op: Layer | None, sources: Sequence[Node | str]
    ) -> None:
        self.graph = graph
        self.name = name
        self.op = op
        self._sources = sources

    @property
    def inputs(self) -> list[str]:
        """The names of the nodes that this one reads, in the order of the operation's inputs."""
        return [source.name if isinstance(source, Node) else source for source in self._sources]

    @property
    def consumers(self) -> list[str]:
        """The names of the nodes that read this one."""
        return [node.name for node in self.graph.nodes.values() if self.name in node.inputs]

    def named(self, name: str) -> Node:
        """Gives the node another name, and returns it: `q = (x + y).named("q")`."""
        self.graph.rename(self, name)
        return self

    def __repr__(self) -> str:
        made = "input" if self.op is None else repr(self.op)
        reads = f"({', '.join(self.inputs)})" if self.inputs else ""
        ends = ["output"] if self.name in self.graph.outputs else []
        return f"{self.name} = {made}{reads} → {', '.join(self.consumers + ends) or 'nothing'}"

    def __neg__(self) -> Node:
        return Negate()(self)

    def __add__(self, other: Node | float) -> Node:
        return Shift(float(other))(self) if isinstance(other, NUMBERS) else Add()(self, other)

    __radd__ = __add__

    def __sub__(self, other: Node | float) -> Node:
        return Shift(-float(other))(self) if isinstance(other, NUMBERS) else Subtract()(self, other)

    def __rsub__(self, other: Node | float) -> Node:
        return -self + other

    def __mul__(self, other: Node | float) -> Node:
        return Scale(float(other))(self) if isinstance(other, NUMBERS) else Multiply()(self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Node | float) -> Node:
        if not isinstance(other, NUMBERS):
            return Multiply()(self, Reciprocal()(other))
        if other == 0:
            raise ZeroDivisionError(f"{self.name} / 0: expected a number other than 0")
        return Scale(1 / float(other))(self)

    def __rtruediv__(self, other: Node | float) -> Node:
        inverse = Reciprocal()(self)
        return inverse if isinstance(other, NUMBERS) and other == 1 else inverse * other

    def __matmul__(self, other: Node) -> Node:
        return MatMul()(self, other)

    def __rmatmul__(self, other: Node) -> Node:
        return MatMul()(other, self)

    def __pow__(self, exponent: float) -> Node:
        if not isinstance(exponent, NUMBERS) or exponent != 2:
            raise TypeError(
                f"{self.name}**2 is the only power that a graph has a gate for; others are "
                f"products, or exp(p * log({self.name})) with a number p"
            )
        return Square()(self)


class Parameter(Layer):
    """out = value, a parameter of the graph; it has no inputs.

    dvalue = dout
    """

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.params[""] = np.zeros(self.shape)

    def forward(self, *, train: bool = True) -> tuple[Floats, Cache]:
        value = self.params[""]
        return value, value.dtype

    def backward(self, dout: Floats, cache: Cache) -> tuple[tuple[()], Grads]:
        return (), {"": self.upstream(dout, self.shape, cache)}

    def __repr__(self) -> str:
        return f"parameter {self.shape}"
