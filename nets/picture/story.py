"""Both passes told a node at a time: the numbers, what shows when, and a sentence for each step."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.nets.node import Node
from chainrule.nets.picture.symbols import own_name, own_number, phrase, symbol
from chainrule.nets.trace import Trace, Traced

MARK = "\0"  # on either side of a key in a sentence that is being written


class Moment(NamedTuple):
    """A step.

    active  the name of the node at work, and `way` its pass, "forward" or "backward"
    words   a sentence; every second part is the key of a number
    shows   the keys of the labels that show from now on
    """

    active: str
    way: str
    words: list[str]
    shows: list[str]


def numbers_of(nodes: Sequence[Node], trace: Trace, dout: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a trace by key: those that `nets.picture.circuit` names, and local
    derivatives, such as l3.0, of gates that compute a number from numbers.

    `nodes` are those of the graph in order of evaluation, `dout` holds the upstream gradient of
    each output by name, or None.
    """
    found = {f"d{index}": one for index, one in enumerate(dout.values())}
    for index, traced in enumerate(trace[node.name] for node in nodes):
        found |= {f"v{index}": traced.value, f"g{index}": traced.gradient}
        local = traced.local if scalar(traced) else ()
        for letter, edges in (("s", traced.sent), ("l", local)):
            found |= {f"{letter}{index}.{port}": one for port, one in enumerate(edges)}
    return {key: one for key, one in found.items() if one is not None}


def scalar(traced: Traced) -> bool:
    """Whether a node computes one number from numbers."""
    return all(np.ndim(value) == 0 for value in (traced.value, *traced.sent))


class Story:
    """The `moments` of a forward and a backward pass; the first comes before any step."""

    def __init__(self, nodes: Sequence[Node], trace: Trace, dout: Mapping[str, Any]) -> None:
        self._nodes = {node.name: (index, node) for index, node in enumerate(nodes)}
        self._trace = trace
        # The keys of what arrives at each node, and how much of it is still to come.
        self._parts: dict[str, list[str]] = {name: [] for name in self._nodes}
        self._missing = dict.fromkeys(self._nodes, 0)
        operations = [node for node in nodes if node.inputs]
        for node in operations:
            for _, source in self._sends(node):
                self._missing[source] += 1
        given = [f"v{index}" for index, node in self._nodes.values() if not node.inputs]
        self.moments = [
            Moment("", "", ["Forward, from the left: each gate computes its value."], given)
        ]
        self.moments += [self._forward(node) for node in operations]
        self.moments += [self._turn(dout)]
        self.moments += [self._backward(node) for node in operations[::-1] if self._sends(node)]

    def _sends(self, node: Node) -> list[tuple[str, str]]:
        """What a node sends back: pairs of a key and the name of the node that receives it."""
        index, _ = self._nodes[node.name]
        sources = zip(self._trace[node.name].sent, node.inputs, strict=False)
        return [
            (f"s{index}.{port}", source)
            for port, (_, source) in enumerate(sources)
            if self._nodes[source][1].kind != "constant"
        ]

    def _forward(self, node: Node) -> Moment:
        index, _ = self._nodes[node.name]
        name = own_name(node) or (node.name if self._trace[node.name].value.ndim else "")
        operands = [self._operand(source) for source in node.inputs]
        words = f"{name} = " * bool(name) + f"{phrase(node.op, operands)} = {mark(f'v{index}')}"
        return Moment(node.name, "forward", words.split(MARK), [f"v{index}"])

    def _operand(self, name: str) -> str:
        """A node within an expression, by the name that somebody gave it, or as its number."""
        index, node = self._nodes[name]
        if self._trace[name].value.ndim:
            return name
        return own_number(node) or own_name(node) or mark(f"v{index}")

    def _turn(self, dout: Mapping[str, Any]) -> Moment:
        """Where the forward pass ends and the backward pass begins."""
        said: list[str] = []
        shows: list[str] = []
        for index, (name, upstream) in enumerate(dout.items()):
            if upstream is not None:
                said.append(f"{self._called(name)} gets {mark(f'd{index}')}")
                shows += [f"d{index}", *self._receive(name, f"d{index}")]
        words = f"Backward, from the outputs: {', '.join(said) or 'none of them gets a gradient'}."
        return Moment("", "", words.split(MARK), shows)

    def _backward(self, node: Node) -> Moment:
        index, _ = self._nodes[node.name]
        said, sums = [], []
        shows: list[str] = []
        for key, target in self._sends(node):
            self._missing[target] -= 1
            whole = self._receive(target, key)
            shows += [key, *whole]
            product = f"{mark(f'g{index}')} × {mark(key.replace('s', 'l'))} = "
            product *= scalar(self._trace[node.name])
            said.append(f"{product}{mark(key)} to {self._called(target)}")
            if whole and len(self._parts[target]) > 1:
                parts = " + ".join(map(mark, self._parts[target]))
                sums.append(f" At the fork of {self._called(target)}: {parts} = {mark(*whole)}.")
        who = self._called(node.name)
        why = "gradient × local derivative = " if scalar(self._trace[node.name]) else ""
        who = who.replace("the ", "The ", 1) if who.startswith("the ") else who
        words = f"{who} sends back {why}{', '.join(said)}.{''.join(sums)}"
        return Moment(node.name, "backward", words.split(MARK), shows)

    def _receive(self, name: str, key: str) -> list[str]:
        """Notes what arrives at a node; the key of its gradient once nothing more is to come."""
        self._parts[name].append(key)
        return [] if self._missing[name] else [f"g{self._nodes[name][0]}"]

    def _called(self, name: str) -> str:
        _, node = self._nodes[name]
        return own_name(node) or f"the {symbol(node.op)} gate"


def mark(key: str) -> str:
    """The place of a number in a sentence."""
    return f"{MARK}{key}{MARK}"
