"""Computational graphs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import count
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from chainrule.layers import Affine, Layer, SoftmaxCrossEntropy, Tanh
from chainrule.layers.annotations import Cache, Examples, Grads
from chainrule.layers.layer import FLOATS
from chainrule.nets.naming import add_grads
from chainrule.nets.network import Network, require_layer
from chainrule.nets.node import Node, Parameter, sigmoid
from chainrule.nets.picture import Picture
from chainrule.nets.trace import Trace, Traced
from chainrule.nets.wiring import Kind, added, check_gradients, descended, ordered


class Step(NamedTuple):
    """An operation as it is carried out."""

    name: str
    op: Layer
    reads: list[str]  # the nodes whose values it takes
    into: list[str]  # those of them that it sends a gradient
    owner: dict[str, str]  # the full names of its parameters


class Graph(Network):
    """out = what the output nodes compute from the input nodes, itself a layer.

    Nodes are inputs, parameters, and operations: any layer, gate, network, or object with the
    contract of a layer. A graph is written by name,

        g = Graph()
        g.input("x"), g.input("y"), g.input("z")
        g.add("q", Add(), "x", "y")
        g.add("f", Multiply(), "q", "z")
        g.output("f")

    or by arithmetic on the handles that these methods return, which gives the same:

        g = Graph()
        x, y, z = g.input("x"), g.input("y"), g.input("z")
        g.output((x + y) * z)

    `output` finishes the graph: it orders the nodes, whatever the order of writing, and refuses
    wrong wires. `forward` takes the inputs in the order of writing. With several outputs, out is
    a tuple and so is dout, with None where there is no upstream gradient.

    dx = Σ over the consumers of x of what each sends back: at a fork gradients add up. An input
    that serves as the targets of a loss has no gradient; write such inputs last.

    An operation with several outputs is a node of which `node[0]`, `node[1]` are read.

    Parameters are named by node: `affine1.W`, or `w` for `g.param("w", …)`. Numbers and arrays
    beside nodes, as in `maximum(x, 0)`, are constants: `constant1` in `state`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.nodes: dict[str, Node] = {}
        self.inputs: tuple[str, ...] = ()
        self.outputs: tuple[str, ...] = ()
        self.layers: dict[str, Layer] = {}
        self._counts: dict[str, int] = {}  # by kind of node, the number from which on to look

    def input(self, name: str) -> Node:
        """Adds an input and returns its handle. Raises ValueError where the name is taken."""
        return self._write(name, None, ())

    def param(self, name: str, value: ArrayLike) -> Node:
        """Adds a parameter, the float array `value` itself, which a solver updates in place, and
        returns its handle. Raises TypeError for other dtypes, ValueError for a taken name."""
        value = np.asarray(value)
        if value.dtype not in FLOATS:
            raise TypeError(
                f"Graph: the parameter {name} has dtype {value.dtype}, expected an array of "
                f"float32 or float64, or a number such as 2.0"
            )
        op = Parameter(value.shape)
        op.params[""] = value
        return self._write(name, op, ())

    def add(self, name: str | None, op: Layer, *sources: Node | str) -> Node:
        """Adds the operation `op` on `sources`, handles or names of nodes that may be written
        later, and returns its handle. With None for a name, the node is called by class and
        count: `add1`. Raises TypeError where `op` is not a layer or a source is neither handle
        nor name, ValueError for a taken name, or a node of another graph."""
        require_layer(op, "Graph", f"the operation of {name}" if name else "an operation")
        self._check_nodes(sources, f"{op!r} reads")
        if name is None:
            kind = type(op).__name__.lower()
            counted = count(self._counts.get(kind, 1))
            self._counts[kind] = next(k for k in counted if f"{kind}{k}" not in self.nodes)
            name = f"{kind}{self._counts[kind]}"
        return self._write(name, op, sources)

    def output(self, *outputs: Node | str) -> Self:
        """Names the output nodes, by handle or by name, and finishes the graph, which it returns.

        Raises ValueError, which names the nodes, for no output or one named twice, a name that no
        node has, a cycle, a wrong number of inputs of an operation, a node or an input on which no
        output depends, and an input without a gradient (the targets of a loss) before one with.
        """
        if self.outputs:
            raise RuntimeError(f"Graph: finished already, by output({', '.join(self.outputs)})")
        self._check_nodes(outputs, "an output is")
        names = [node.name if isinstance(node, Node) else node for node in outputs]
        if not names or len(set(names)) < len(names):
            raise ValueError(
                f"Graph: output({', '.join(names)}) expected one or more nodes, each named once"
            )
        order = ordered(self.nodes, names)
        reached, into = descended(order, names)
        operations = [(node, node.op) for node in order if node.op is not None]
        inputs = tuple(name for name, node in self.nodes.items() if node.op is None)
        without = [name for name in inputs if name not in reached]
        if without and inputs[-len(without) :] != tuple(without):
            raise ValueError(
                f"Graph: the input {without[0]} has no gradient, since it only serves as targets; "
                f"write it after the inputs that have one"
            )
        self.adopt([node.name for node, _ in operations], [op for _, op in operations])
        self.layers = {node.name: op for node, op in operations if node.inputs}
        self._constants = {node.name: op for node, op in operations if node.kind == "constant"}
        self._receiving = self.nodes.keys() - self._constants.keys()
        self._steps = [
            Step(node.name, op, node.inputs, into[node.name], owner)
            for (node, op), owner in zip(operations, self._owners, strict=True)
            if node.name not in self._constants
        ]
        self._learning: set[str] = set()
        for step in self._steps:
            if step.op.params or not self._learning.isdisjoint(step.reads):
                self._learning.add(step.name)
        self.differentiable = len(inputs) - len(without)
        self.inputs, self.outputs = inputs, tuple(names)
        return self

    def forward(self, *inputs: ArrayLike, train: bool = True) -> tuple[Any, Cache]:
        values, caches = self._evaluate(inputs, train)
        for name in self.outputs:
            if isinstance(values[name], tuple):
                raise TypeError(
                    f"Graph: {name} = {self.nodes[name].op!r} has {len(values[name])} outputs; "
                    f"take one of them, as {name}[0]"
                )
        out = tuple(values[name] for name in self.outputs)
        return out if len(out) > 1 else out[0], (caches, self._kinds(values))

    def backward(self, dout: Any, cache: Cache) -> tuple[Any, Grads]:
        _, kinds = cache
        gradients, grads = self._descend(dout, cache, self._receiving)
        dinputs = tuple(
            gradients[name] if name in gradients else np.zeros(*kinds[name])
            for name in self.inputs[: self.differentiable]
        )
        return dinputs[0] if len(dinputs) == 1 else dinputs, grads

    def param_grads(self, dout: Any, cache: Cache) -> Grads:
        """`grads` of `backward` alone: only nodes with a parameter in them or before them take
        part, and none computes a gradient that nobody needs."""
        return self._descend(dout, cache, self._learning)[1]

    def trace(self, *inputs: ArrayLike, dout: Any = None, train: bool = False) -> Trace:
        """A forward and a backward pass as a `Trace`, which holds, for every node, its value, the
        local derivative along each incoming edge, what it sends back along each, and its gradient.

        Inputs may be plain numbers. `dout` is as in `backward`; left out, every output gets ones.
        """
        dtype = next((array.dtype for array in self.params.values()), np.float64)
        given = [np.asarray(x, dtype) if isinstance(x, (int, float)) else x for x in inputs]
        values, caches = self._evaluate(given, train)
        if several := [name for name, value in values.items() if isinstance(value, tuple)]:
            raise TypeError(
                f"Graph: {several[0]} = {self.nodes[several[0]].op!r} has several outputs, and a "
                f"trace shows one value at each node"
            )
        kinds = self._kinds(values)
        if dout is None:
            ones = [np.ones(*kinds[name]) for name in self.outputs]
            dout = ones if len(ones) > 1 else ones[0]
        sent: dict[str, tuple[Any, tuple[Any, ...]]] = {}
        gradients, _ = self._descend(dout, (caches, kinds), self._receiving, sent)
        traced = []
        for name, node in self.nodes.items():
            gradient, back = sent.get(name, (gradients.get(name), ()))
            cache = caches.get(name)
            traced.append(Traced(name, node.op, node.inputs, values[name], gradient, back, cache))
        return Trace(traced)

    def draw(self, *inputs: ArrayLike, dout: Any = None, train: bool = False) -> Picture:
        """The circuit as a `Picture`, with the values and the gradients of `trace` where there are
        `inputs`. A notebook shows it; `save` writes it as .svg, or as a page to play with."""
        return Picture(self, inputs, dout, train)

    def _repr_svg_(self) -> str | None:
        return self.draw().svg if self.outputs else None

    def parts(self, place: Callable[[Layer], int]) -> dict[str, Any]:
        """The nodes for a blueprint; `place` gives the place of each operation in its list."""
        nodes = [
            [name, None if node.op is None else place(node.op), node.inputs]
            for name, node in self.nodes.items()
        ]
        return {"nodes": nodes, "outputs": self.outputs}

    @staticmethod
    def from_parts(parts: dict[str, Any], listed: Any) -> Graph:
        """The graph that `parts` tells of, from the layers `listed` so far."""
        g = Graph()
        for name, op, inputs in parts["nodes"]:
            g._write(name, None if op is None else listed[op], inputs)
        return g.output(*parts["outputs"])

    def _evaluate(
        self, inputs: Sequence[ArrayLike], train: bool
    ) -> tuple[dict[str, Any], dict[str, Cache]]:
        """The forward pass: the value of every node, and the cache of every operation."""
        if not self.outputs:
            raise RuntimeError("Graph: not finished; name its outputs with output(…)")
        self.check_arrays()
        if len(inputs) != len(self.inputs):
            raise TypeError(
                f"Graph: expected {len(self.inputs)} inputs ({', '.join(self.inputs)}), got "
                f"{len(inputs)}"
            )
        values = dict(zip(self.inputs, map(np.asarray, inputs), strict=True))
        for name in self.inputs[: self.differentiable]:
            self.floats(values[name], name)
        for name, constant in self._constants.items():
            values[name] = constant.state[""].astype(self._dtype(values), copy=False)
        caches = {}
        for name, op, reads, _, _ in self._steps:
            values[name], caches[name] = op.forward(*[values[r] for r in reads], train=train)
        return values, caches

    def _dtype(self, values: Mapping[str, Any]) -> np.dtype[Any]:
        """The dtype of the parameters, or else of the first of the `values`, those of the inputs
        before all."""
        arrays = [*self.params.values(), *values.values()]
        return arrays[0].dtype if arrays else np.dtype(np.float64)

    def _kinds(self, values: Mapping[str, Any]) -> dict[str, Kind]:
        """Shape and dtype of every node's value; of several outputs, those of each."""
        try:
            return {
                name: (value.shape, value.dtype)
                if not isinstance(value, tuple)
                else ([one.shape for one in value], value[0].dtype)
                for name, value in values.items()
            }
        except AttributeError:
            name = next(name for name, value in values.items() if not hasattr(value, "dtype"))
            raise TypeError(
                f"Graph: {name} = {self.nodes[name].op!r} returned a "
                f"{type(values[name]).__name__}, expected an array"
            ) from None

    def _descend(
        self,
        dout: Any,
        cache: tuple[Mapping[str, Cache], Mapping[str, Kind]],
        wanted: AbstractSet[str],
        sent: dict[str, tuple[Any, tuple[Any, ...]]] | None = None,
    ) -> tuple[dict[str, Any], Grads]:
        """The backward pass: the gradients of the inputs among the `wanted` nodes, and grads.

        A mapping given as `sent` collects, for every operation, its own gradient and what it sent
        back to the nodes that it reads.
        """
        caches, kinds = cache
        douts = dout if len(self.outputs) > 1 else (dout,)
        if not isinstance(douts, (tuple, list)) or len(douts) != len(self.outputs):
            raise TypeError(
                f"Graph: dout is {dout!r}, expected a tuple of {len(self.outputs)}, a gradient or "
                f"None for each of the outputs {', '.join(self.outputs)}"
            )
        gradients = {
            name: self.upstream(upstream, *kinds[name])
            for name, upstream in zip(self.outputs, douts, strict=True)
            if upstream is not None and name in wanted
        }
        grads: dict[str, np.ndarray] = {}
        for name, op, _, into, owner in reversed(self._steps):
            if name not in gradients:
                continue
            upstream = gradients.pop(name)
            back: tuple[np.ndarray, ...] = ()
            if wanted.isdisjoint(into):
                op_grads = op.param_grads(upstream, caches[name])
            else:
                given, op_grads = op.backward(upstream, caches[name])
                back = given if isinstance(given, tuple) else (given,)
                check_gradients(name, op, into, back, kinds)
            if not op_grads.keys() <= owner.keys():
                raise ValueError(
                    f"Graph: the gradients of {name} = {op!r} are {', '.join(op_grads)}, expected "
                    f"those of its parameters, {', '.join(owner) or 'none'}"
                )
            add_grads(grads, op_grads, owner)
            for source, gradient in zip(into, back, strict=False):
                if source in gradients:  # a fork: what its branches send back adds up
                    gradients[source] = added(gradients[source], gradient)
                elif source in wanted:
                    gradients[source] = gradient
            if sent is not None:
                sent[name] = upstream, back
        none = [name for name in self.params if name not in grads]
        return gradients, grads | {name: np.zeros_like(self.params[name]) for name in none}

    def _write(self, name: str, op: Layer | None, sources: Sequence[Node | str]) -> Node:
        self._check_name(name)
        node = self.nodes[name] = Node(self, name, op, sources)
        return node

    def rename(self, node: Node, name: str) -> None:
        """Calls the node `name`; see `Node.named`."""
        if name != node.name:
            self._check_name(name)
            node.name, old = name, node.name
            kind = old.rstrip("0123456789")
            if kind in self._counts and kind != old:  # the old name is free
                self._counts[kind] = min(self._counts[kind], int(old[len(kind) :]))
            last = next(reversed(self.nodes))
            if last == old:  # as in (x + y).named("q"), which a long graph has often
                del self.nodes[old]
                self.nodes[name] = node
            else:
                self.nodes = {name if key == old else key: n for key, n in self.nodes.items()}

    def _check_name(self, name: str) -> None:
        """Raises unless the graph is still being written and a new node may be called `name`."""
        if self.outputs:
            raise RuntimeError(
                f"Graph: finished by output({', '.join(self.outputs)}), so {name!r} comes too late"
            )
        word = isinstance(name, str) and name and name == name.strip() and name.isprintable()
        if not word or "." in name:
            raise ValueError(f"Graph: a node is called {name!r}, expected a word without a dot")
        if name in self.nodes:
            raise ValueError(f"Graph: the name {name!r} is used twice; it is {self.nodes[name]!r}")

    def _check_nodes(self, nodes: Sequence[Node | str], said: str) -> None:
        """Raises unless each of `nodes` is a handle of this graph or a name."""
        for node in nodes:
            if not isinstance(node, (str, Node)):
                raise TypeError(
                    f"Graph: {said} {node!r}, expected a node or the name of one; a number or an "
                    f"array enters a graph as an input or a parameter"
                )
            if isinstance(node, Node) and node.graph is not self:
                raise ValueError(f"Graph: {said} {node.name}, a node of another graph")

    def __repr__(self) -> str:
        inner = ", ".join(name for name in self.nodes if name not in self.inputs)
        return f"Graph({', '.join(self.inputs)} → {', '.join(self.outputs)}: {inner})"

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        normal = rng.standard_normal
        g = cls()
        x, y, z = g.input("x"), g.input("y"), g.input("z")
        yield "numbers", g.output((x + y) * z), normal(()), normal(()), normal(())
        g = cls()
        x = g.input("x")
        hidden = sigmoid(x @ g.param("W", normal((4, 3))) + g.param("b", normal(3)))
        yield (
            "forks",
            g.output(hidden * hidden + hidden - x @ g.param("V", normal((4, 3)))),
            normal((5, 4)),
        )
        g, shared = cls(), Affine(4, 4, rng=rng)
        g.output(Tanh()(shared(Tanh()(shared(g.input("x"))))))
        yield "a layer used twice", g, normal((5, 4))
        g = cls()
        x, y = g.input("x"), g.input("y")
        g.output(SoftmaxCrossEntropy()(Affine(4, 3, rng=rng)(x), y))
        yield "with its loss", g, normal((5, 4)), rng.integers(3, size=5)
