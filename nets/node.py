"""The nodes of a graph, and the arithmetic that writes new ones."""

from numbers import Real

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

#: Layers to write with: `sigmoid(w @ x + b)`, `maximum(x, y)`. So does any other: `ReLU()(x)`.
exp, log, maximum, sigmoid = Exp(), Log(), Max(), Sigmoid()


class Node:
    """A handle of one node of a `Graph`: an input, a parameter or an operation.

    Arithmetic on nodes writes further nodes into their graph: `x + y`, `x - y`, `x * y`, `x / y`,
    `x @ y`, `x**2`, `-x`, where one of two may be a number. Division is a product with the
    reciprocal. `inputs` and `consumers` are the names of the neighbours.
    """

    #: An array times a node is then left to the node, instead of becoming an array of nodes.
    __array_ufunc__ = None

    def __init__(self, graph, name, op, sources):
        self.graph = graph
        self.name = name
        self.op = op
        self._sources = sources

    @property
    def inputs(self):
        """The names of the nodes that this one reads, in the order of the operation's inputs."""
        return [source.name if isinstance(source, Node) else source for source in self._sources]

    @property
    def consumers(self):
        """The names of the nodes that read this one."""
        return [node.name for node in self.graph.nodes.values() if self.name in node.inputs]

    def named(self, name):
        """Gives the node another name, and returns it: `q = (x + y).named("q")`."""
        self.graph.rename(self, name)
        return self

    def __repr__(self):
        made = "input" if self.op is None else repr(self.op)
        reads = f"({', '.join(self.inputs)})" if self.inputs else ""
        ends = ["output"] if self.name in self.graph.outputs else []
        return f"{self.name} = {made}{reads} → {', '.join(self.consumers + ends) or 'nothing'}"

    def __neg__(self):
        return Negate()(self)

    def __add__(self, other):
        return Shift(float(other))(self) if isinstance(other, Real) else Add()(self, other)

    __radd__ = __add__

    def __sub__(self, other):
        return Shift(-float(other))(self) if isinstance(other, Real) else Subtract()(self, other)

    def __rsub__(self, other):
        return -self + other

    def __mul__(self, other):
        return Scale(float(other))(self) if isinstance(other, Real) else Multiply()(self, other)

    __rmul__ = __mul__

    def __truediv__(self, other):
        if not isinstance(other, Real):
            return Multiply()(self, Reciprocal()(other))
        if other == 0:
            raise ZeroDivisionError(f"{self.name} / 0: expected a number other than 0")
        return Scale(1 / float(other))(self)

    def __rtruediv__(self, other):
        inverse = Reciprocal()(self)
        return inverse if isinstance(other, Real) and other == 1 else inverse * other

    def __matmul__(self, other):
        return MatMul()(self, other)

    def __rmatmul__(self, other):
        return MatMul()(other, self)

    def __pow__(self, exponent):
        if not isinstance(exponent, Real) or exponent != 2:
            raise TypeError(
                f"{self.name}**2 is the only power that a graph has a gate for; others are "
                f"products, or exp(p * log({self.name})) with a number p"
            )
        return Square()(self)


class Parameter(Layer):
    """out = value, a parameter of the graph; it has no inputs.

    dvalue = dout
    """

    def __init__(self, shape):
        super().__init__()
        self.shape = tuple(shape)
        self.params[""] = np.zeros(self.shape)

    def forward(self, *, train=True):
        value = self.params[""]
        return value, value.dtype

    def backward(self, dout, cache):
        return (), {"": self.upstream(dout, self.shape, cache)}

    def __repr__(self):
        return f"parameter {self.shape}"
