"""What is exported: the steps from a row to its classes, the same for every target."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from chainrule.data.encoding import Encoding
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
Strings: TypeAlias = NDArray[np.str_]

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
            raise ValueError(
                f"--to {target}: {layer!r:.80} is a {type(layer).__name__}, which cannot be "
                f"written for this target"
            )
        return entry


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
    goes on in `dtype` as the value `x`. Its class is that with the largest of the `scores`, and
    what each class gets are the `outputs`; both are names of values, and `given` is what they are
    called: "probabilities", "scores" or "values". The `divisor` of a column that was constant in
    training is infinite.

    A network that predicts numbers has `targets` in the place of `classes`, and what comes out of
    it is outputs · target_std + target_mean in float64.

    Where the columns of a table are not the numbers that a row consists of, `encoding` says how
    they become such; its columns have names.
    """

    steps: list[Step]
    scores: str
    outputs: str
    given: str
    mean: Floats
    divisor: Floats
    classes: tuple[str, ...]
    features: tuple[str, ...]
    dtype: str
    targets: tuple[str, ...] = ()
    target_mean: Floats = field(default_factory=lambda: np.zeros(0))
    target_std: Floats = field(default_factory=lambda: np.ones(0))
    encoding: Encoding | None = None

    @property
    def shape(self) -> Shape:
        """That of a row."""
        return self.mean.shape

    @property
    def names(self) -> tuple[str, ...]:
        """Those of what comes out: of the classes, or of the targets."""
        return self.classes or self.targets


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
    name = plain_name(name)
    return f"{name}_" if name[-1].isalpha() else name


def plain_name(text: str) -> str:
    """A text with the letters of a name in Python and in C alone."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII)
    return name if name[:1].isalpha() else f"n{name}"


def within(name: str, own: str) -> str:
    """The name of a layer in a network called `name`."""
    return f"{name}.{own}" if name else own


def plan_of(trained: Trained) -> Plan:
    """How a target is to write a run. Raises ValueError where a number in it is not finite."""
    net, target_scale = trained.model.net, trained.target_standardiser
    for name, array in {**net.params, **net.state}.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{trained.path}: {name} holds a number that is not finite")
    trace = Trace({"x": np.zeros((1, *trained.shape), trained.dtype)})
    scores = outputs = trace.pass_through("", net, "x")
    last = LAST.get(type(trained.model.criterion))
    if last is not None:
        outputs = trace.add(f"{type(last).__name__.lower()}1", last, scores)
    plan = Plan(
        trace.steps,
        scores,
        outputs,
        "scores" if last is None else "probabilities",
        trained.standardiser.mean.astype(np.float64),
        np.where(trained.standardiser.std > 0, trained.standardiser.std, np.inf),
        trained.classes,
        trained.features,
        trained.dtype,
        encoding=trained.encoding and named(trained.encoding),
    )
    if target_scale is None:
        return plan
    return replace(
        plan,
        given="values",
        targets=trained.targets,
        target_mean=target_scale.mean,
        target_std=target_scale.std,
    )


def named(encoding: Encoding) -> Encoding:
    """An encoding whose columns have names, if only by their numbers among themselves."""
    numbers = (f"column {j + 1}" for j in range(len(encoding.categories)))
    return encoding if encoding.names else replace(encoding, names=tuple(numbers))
