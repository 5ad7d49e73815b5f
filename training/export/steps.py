"""What is exported: the steps from a row to its classes, the same for every target."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np

from chainrule.layers import (
    Add,
    Dropout,
    Dropout2D,
    Layer,
    Sigmoid,
    SigmoidCrossEntropy,
    Softmax,
    SoftmaxCrossEntropy,
)
from chainrule.layers.annotations import Floats
from chainrule.nets import Graph, Residual, Sequential
from chainrule.nets.wiring import ordered
from chainrule.training.trained import Trained

Entry = TypeVar("Entry")
Shape: TypeAlias = tuple[int, ...]

#: By loss: the layer that makes probabilities of scores.
LAST: dict[type, Layer] = {SoftmaxCrossEntropy: Softmax(), SigmoidCrossEntropy: Sigmoid()}


class Table(Generic[Entry]):
    """What a target knows of each class of layer. An entry counts for a subclass, too, as long as
    that has the same forward pass."""

    def __init__(self) -> None:
        self.entries: dict[type, Entry] = {}

    def __call__(self, *kinds: type) -> Callable[[Entry], Entry]:
        """Registers what is decorated for these classes."""

        def register(entry: Entry) -> Entry:
            self.entries |= dict.fromkeys(kinds, entry)
            return entry

        return register

    def get(self, layer: Layer) -> Entry | None:
        """The entry for the class of a layer, None where there is none."""
        for kind in type(layer).__mro__:
            if kind in self.entries and kind.forward is type(layer).forward:  # type: ignore[attr-defined]
                return self.entries[kind]
        return None

    def of(self, layer: Layer, target: str) -> Entry:
        """The same; raises ValueError where there is none."""
        entry = self.get(layer)
        if entry is None:
            known = ", ".join(sorted(kind.__name__ for kind in self.entries))
            raise ValueError(
                f"--to {target}: {layer!r} is a {type(layer).__name__}, which cannot be written "
                f"for this target; it knows {known}"
            )
        return entry


def nearest(texts: Mapping[type, str], layer: Layer) -> str:
    """The text for the class of a layer, or for the nearest that it is made from."""
    return next(texts[kind] for kind in type(layer).__mro__ if kind in texts)


@dataclass(frozen=True)
class Step:
    """`name` = layer(`inputs`): a value and those that it is made of, by names that Python and C
    allow; `shapes` are those of the inputs and `shape` that of the value, for one example. The
    arrays of a layer are called after `owner`, the first step with that layer."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    shapes: tuple[Shape, ...]
    shape: Shape
    owner: str


@dataclass(frozen=True)
class Plan:
    """A network as targets write it. A row is standardised, (row - mean) / divisor in float64, and
    goes on in `dtype` as the value `x`; its class is that with the largest of the `scores`, and
    what each class gets are the `outputs`; both are names of values. The `divisor` of a column
    that was constant in training is infinite."""

    steps: list[Step]
    scores: str
    outputs: str
    probabilities: bool
    mean: Floats
    divisor: Floats
    classes: tuple[str, ...]
    features: tuple[str, ...]
    dtype: str

    @property
    def shape(self) -> Shape:
        """That of a row."""
        return self.mean.shape


@dataclass
class Trace:
    """Collects the steps that an example goes through."""

    values: dict[str, Floats]
    steps: list[Step] = field(default_factory=list)
    owners: dict[int, str] = field(default_factory=dict)

    def pass_through(self, name: str, layer: Layer, *inputs: str) -> str:
        """Adds what a layer, or a network called `name`, does to values; returns the name of what
        comes out of it."""
        into = INTO.get(layer)
        return self.add(name, layer, *inputs) if into is None else into(self, name, layer, inputs)

    def add(self, name: str, layer: Layer, *inputs: str) -> str:
        """Adds a step; returns the name of its value."""
        name = identifier(name)
        while name in self.values:
            name += "_"
        given = [self.values[one] for one in inputs]
        out = self.values[name] = layer.forward(*given, train=False)[0]
        owner = self.owners.setdefault(id(layer), name)
        shapes = tuple(one.shape[1:] for one in given)
        self.steps.append(Step(name, layer, inputs, shapes, out.shape[1:], owner))
        return name


#: What to do with the layers in a network.
Into: TypeAlias = Callable[[Trace, str, Any, Sequence[str]], str]
INTO: Table[Into] = Table()


@INTO(Sequential)
def into_sequential(trace: Trace, name: str, net: Any, inputs: Sequence[str]) -> str:
    (x,) = inputs
    for own, layer in zip(net.names, net.layers, strict=True):
        x = trace.pass_through(within(name, own), layer, x)
    return x


@INTO(Residual)
def into_residual(trace: Trace, name: str, net: Any, inputs: Sequence[str]) -> str:
    ways = [
        trace.pass_through(within(name, own), layer, *inputs)
        for own, layer in zip(net.names, net.layers, strict=True)
    ]
    return trace.add(name or "sum1", Add(), ways[0], [*ways, *inputs][1])


@INTO(Graph)
def into_graph(trace: Trace, name: str, net: Any, inputs: Sequence[str]) -> str:
    if len(net.outputs) != 1:
        raise ValueError(f"a graph with the outputs {', '.join(net.outputs)}: expected one")
    values: dict[str, str] = dict(zip(net.inputs, inputs, strict=True))
    for node in ordered(net.nodes, net.outputs):
        if node.op is not None:
            reads = [values[one] for one in node.inputs]
            values[node.name] = trace.pass_through(within(name, node.name), node.op, *reads)
    return values[net.outputs[0]]


@INTO(Dropout, Dropout2D)
def past_dropout(trace: Trace, name: str, layer: Any, inputs: Sequence[str]) -> str:
    """Which does nothing but in training."""
    (x,) = inputs
    return x


def identifier(name: str) -> str:
    """A name for a value in Python and in C. With a digit or a line at its end it is neither a
    keyword nor a function of a target."""
    name = re.sub(r"\W", "_", name, flags=re.ASCII)
    name = name if name[:1].isalpha() else f"n{name}"
    return f"{name}_" if name[-1].isalpha() else name


def within(name: str, own: str) -> str:
    """The name of a layer in a network called `name`."""
    return f"{name}.{own}" if name else own


def plan_of(trained: Trained) -> Plan:
    """How a target is to write a run. Raises ValueError where it reads words or fills gaps, and
    where a number in it is not finite."""
    if trained.targets:
        raise ValueError(
            f"{trained.path}: predicts numbers, and an exported file is of a classifier; "
            f"Trained.predict is the way in Python"
        )
    if trained.encoding is not None:
        raise ValueError(
            f"{trained.path}: makes numbers of words, or fills gaps, before its network sees them; "
            f"expected a run on columns of numbers, which is all that an exported file takes"
        )
    net = trained.model.net
    for name, array in {**net.params, **net.state}.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{trained.path}: {name} holds a number that is not finite")
    trace = Trace({"x": np.zeros((1, *trained.shape), trained.dtype)})
    scores = outputs = trace.pass_through("", net, "x")
    last = LAST.get(type(trained.model.criterion))
    if last is not None:
        outputs = trace.add(f"{type(last).__name__.lower()}1", last, scores)
    _, probabilities, _ = trained.model.class_scores(trace.values["x"])
    std = trained.standardiser.std
    return Plan(
        trace.steps,
        scores,
        outputs,
        probabilities,
        trained.standardiser.mean.astype(np.float64),
        np.where(std > 0, std, np.inf).astype(np.float64),
        trained.classes,
        trained.features,
        trained.dtype,
    )
