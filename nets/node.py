"""The nodes of a graph, and the arithmetic that writes new ones."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.layers import (
    Add,
    Exp,
    Layer,
    Log,
    MatMul,
    Max,
    Min,
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
from chainrule.layers.layer import unmasked

#: Layers to write with: `sigmoid(w @ x + b)`. So does any other: `ReLU()(x)`.
exp, log, sigmoid = Exp(), Log(), Sigmoid()


#: What counts as a number; type checkers do not know that the first two are real.
NUMBERS = (int, float, Real)


class Written(Protocol):
    """What a node needs of the graph that it is written into."""

    nodes: dict[str, Node]
    outputs: tuple[str, ...]

    def add(self, name: str | None, op: Layer, *sources: Node | str) -> Node: ...

    def rename(self, node: Node, name: str) -> None: ...


class Node:
    """A handle of one node of a `Graph`: an input, a parameter, a constant or an operation.

    Arithmetic on nodes writes further nodes into their graph: `x + y`, `x - y`, `x * y`, `x / y`,
    `x @ y`, `x**2`, `-x`, `maximum(x, y)`, `minimum(x, y)`, where one of two may be a number or an
    array, of which the graph keeps a copy. Division is a product with the reciprocal. `inputs` and
    `consumers` are the names of the neighbours.
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

    @property
    def kind(self) -> str:
        """What the node is: "input", "parameter", "constant" or "gate"."""
        if self.op is None:
            return "input"
        if self.inputs:
            return "gate"
        return "constant" if isinstance(self.op, Constant) else "parameter"

    def named(self, name: str) -> Node:
        """Gives the node another name, and returns it: `q = (x + y).named("q")`."""
        self.graph.rename(self, name)
        return self

    def __repr__(self) -> str:
        made = "input" if self.op is None else repr(self.op)
        reads = f"({', '.join(self.inputs)})" if self.inputs else ""
        ends = ["output"] if self.name in self.graph.outputs else []
        return f"{self.name} = {made}{reads} → {', '.join(self.consumers + ends) or 'nothing'}"

    def beside(self, other: Operand) -> Node:
        """`other` as a node of the same graph: a number or an array becomes a constant. Raises
        TypeError for anything else."""
        if isinstance(other, Node):
            return other
        value = unmasked("Graph", "a constant", other)
        if value.dtype.kind not in "biuf":
            raise TypeError(
                f"Graph: {other!r:.60} stands beside {self.name}, expected a node, a number or an "
                f"array of numbers"
            )
        op = Constant(value.shape)
        op.state[""] = value.astype(np.float64)
        return self.graph.add(None, op)

    def __getitem__(self, index: int) -> Node:
        """Writes one of the outputs of an operation that has several: `h = lstm(x, h0, c0)[0]`."""
        if not isinstance(index, int) or isinstance(index, bool) or index < 0:
            raise TypeError(f"{self.name}[{index!r}]: expected the number of an output, from 0")
        return self.graph.add(None, Pick(index), self)

    __iter__ = None  # how many outputs there are is not known before the graph runs

    def __neg__(self) -> Node:
        return Negate()(self)

    def __add__(self, other: Operand) -> Node:
        return Shift(float(other))(self) if isinstance(other, NUMBERS) else join(Add(), self, other)

    __radd__ = __add__

    def __sub__(self, other: Operand) -> Node:
        if isinstance(other, NUMBERS):
            return Shift(-float(other))(self)
        return join(Subtract(), self, other)

    def __rsub__(self, other: Operand) -> Node:
        return -self + other if isinstance(other, NUMBERS) else join(Subtract(), other, self)

    def __mul__(self, other: Operand) -> Node:
        if isinstance(other, NUMBERS):
            return Scale(float(other))(self)
        return join(Multiply(), self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Operand) -> Node:
        if not isinstance(other, NUMBERS):
            return Multiply()(self, Reciprocal()(self.beside(other)))
        if other == 0:
            raise ZeroDivisionError(f"{self.name} / 0: expected a number other than 0")
        return Scale(1 / float(other))(self)

    def __rtruediv__(self, other: Operand) -> Node:
        if not isinstance(other, NUMBERS):
            return Multiply()(self.beside(other), Reciprocal()(self))
        inverse = Reciprocal()(self)
        return inverse if other == 1 else inverse * other

    def __matmul__(self, other: Operand) -> Node:
        return join(MatMul(), self, other)

    def __rmatmul__(self, other: Operand) -> Node:
        return join(MatMul(), other, self)

    def __pow__(self, exponent: float) -> Node:
        if not isinstance(exponent, NUMBERS) or exponent != 2:
            raise TypeError(
                f"{self.name}**2 is the only power that a graph has a gate for; others are "
                f"products, or exp(p * log({self.name})) with a number p"
            )
        return Square()(self)


#: What arithmetic takes.
Operand: TypeAlias = Node | float | NDArray[Any]


def join(gate: Layer, a: Operand, b: Operand) -> Node:
    """Writes a gate on `a` and `b` into their graph. Raises TypeError where neither is a node."""
    node = next((one for one in (a, b) if isinstance(one, Node)), None)
    if node is None:
        raise TypeError(f"Graph: {gate!r} of {a!r:.60} and {b!r:.60}, expected a node among them")
    return gate(node.beside(a), node.beside(b))


def maximum(a: Operand, b: Operand) -> Node:
    """Writes the larger of two nodes, of which one may be a number or an array, entry by entry."""
    return join(Max(), a, b)


def minimum(a: Operand, b: Operand) -> Node:
    """Writes the smaller of two nodes, of which one may be a number or an array, entry by entry."""
    return join(Min(), a, b)


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


class Pick(Layer):
    """out = one of several outputs of an operation, that at `index`; written as `node[index]`.

    dx = dout at that place, None at the others.
    """

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def forward(self, x: tuple[Floats, ...], *, train: bool = True) -> tuple[Floats, Cache]:
        if not isinstance(x, tuple) or not 0 <= self.index < len(x):
            found = f"{len(x)} outputs" if isinstance(x, tuple) else "one output"
            raise TypeError(f"Graph: output {self.index} is asked of an operation with {found}")
        out = x[self.index]
        return out, (len(x), out.shape, out.dtype)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Any, Grads]:
        count, shape, dtype = cache
        dx: list[Floats | None] = [None] * count
        dx[self.index] = self.upstream(dout, shape, dtype)
        return (tuple(dx),), {}


class Constant(Layer):
    """out = value, which stays as it is; it has no inputs. A graph computes with it in the dtype of
    its parameters, or else of its inputs."""

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.state[""] = np.zeros(self.shape)

    def forward(self, *, train: bool = True) -> tuple[Floats, Cache]:
        return self.state[""], None

    def backward(self, dout: Floats, cache: Cache) -> tuple[tuple[()], Grads]:
        return (), {}

    def __repr__(self) -> str:
        return f"constant {self.shape or format(self.state[''], '.4g')}"
