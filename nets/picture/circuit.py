"""A graph as cells and wires: what a picture shows, before it has a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chainrule.nets.node import Node
from chainrule.nets.picture.symbols import COMMUTATIVE, kind, own_name, own_number, symbol


@dataclass(eq=False)
class Cell:
    """A node, or the end of an output that other gates read, too.

    kind        "input", "parameter", "constant", "gate" or "output"
    node        the name of its node
    text        what stands in it
    name        what stands above it
    value       the key of the label above the wire that leaves it
    gradient    the key of the label below
    """

    kind: str
    node: str
    text: str = ""
    name: str = ""
    value: str = ""
    gradient: str = ""
    commutative: bool = False
    is_output: bool = False
    wires_in: list[Wire] = field(default_factory=list)
    wires_out: list[Wire] = field(default_factory=list)


@dataclass(eq=False)
class Wire:
    """A wire between two cells. `sent` is the key of the label at its end, "" for none."""

    source: Cell
    target: Cell
    sent: str = ""


def cells_of(nodes: Sequence[Node], outputs: Sequence[str]) -> list[Cell]:
    """The cells of a graph, wired. `nodes` are its nodes in order of evaluation, whose cells come
    first, and `outputs` the names of its outputs.

    The keys of labels: v3 is the value of node 3, g3 its gradient, s3.0 what it sends back along
    its first wire, d0 the upstream gradient of the first output. Along a wire that forks off, and
    only there, what is sent differs from the gradient of where it comes from.
    """
    cells = {}
    for index, node in enumerate(nodes):
        if node.kind == "gate":
            cell = Cell("gate", node.name, symbol(node.op), own_name(node))
            cell.commutative = kind(node.op) in COMMUTATIVE
        else:
            cell = Cell(node.kind, node.name, own_number(node) or node.name)
        cell.value, cell.gradient = "" if own_number(node) else f"v{index}", f"g{index}"
        cells[node.name] = cell
    wires = [
        Wire(cells[source], cells[node.name], f"s{index}.{port}")
        for index, node in enumerate(nodes)
        for port, source in enumerate(node.inputs)
    ]
    ends: list[Cell] = []
    read = {wire.source for wire in wires}
    for index, name in enumerate(outputs):
        cell = cells[name]
        if cell in read:
            ends.append(Cell("output", name, value=cell.value, gradient=f"d{index}"))
            wires.append(Wire(cell, ends[-1]))
        else:
            cell.is_output = True
    for wire in wires:
        wire.source.wires_out.append(wire)
        wire.target.wires_in.append(wire)
    for wire in wires:
        if len(wire.source.wires_out) == 1:
            wire.sent = ""
    return [*cells.values(), *ends]
