"""Which column each cell of a circuit stands in, and in which order from top to bottom.

The layered drawing of Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of
Hierarchical System Structures", 1981: cells in columns by depth, wires that span several columns
held by a slot in each, and the order within the columns improved by sweeps of barycentres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from chainrule.nets.picture.circuit import Cell, Wire

STARTS, SWEEPS = 8, 10
EFFORT = 100_000  # slots in all sweeps together: a large circuit gets fewer sweeps


@dataclass(eq=False)
class Slot:
    """A place in a column: of a cell, or, with None for it, of a wire on its way through."""

    cell: Cell | None
    column: int
    place: int = 0  # counted from the top of the column
    gap: float = 0.0  # the least distance from the neighbour above
    y: float = 0.0
    ins: list[Link] = field(default_factory=list)
    outs: list[Link] = field(default_factory=list)


@dataclass(eq=False)
class Link:
    """The part of a wire that joins the slots of two neighbouring columns; `port` counts the
    inputs of the cell at its end from the top."""

    wire: Wire
    start: Slot
    end: Slot
    port: int = 0
    drop: float = 0.0  # how far below the middle of its cell it ends


#: Each holds its slots from top to bottom.
Columns: TypeAlias = list[list[Slot]]


def arrange(cells: Sequence[Cell]) -> Columns:
    """The slots of `cells`, as a list of columns; those of a column stand in their order."""
    slots = slots_of(cells, depths(cells))
    columns: Columns = [[] for _ in range(1 + max(slot.column for slot in slots))]
    for slot in slots:
        columns[slot.column].append(slot)
    return untangle(columns)


def depths(cells: Sequence[Cell]) -> dict[Cell, int]:
    """The column of each cell: its longest path from the left, where that leaves it some freedom
    as far right as no wire but those of its own inputs grows longer for."""
    depth: dict[Cell, int] = {}
    for cell in cells:
        depth[cell] = 1 + max((depth[wire.source] for wire in cell.wires_in), default=-1)
    for cell in sorted(cells, key=lambda cell: depth[cell], reverse=True):
        # An input or a parameter that serves this cell alone comes along.
        held = [w for w in cell.wires_in if w.source.wires_in or len(w.source.wires_out) > 1]
        if cell.wires_out and len(held) <= len(cell.wires_out):
            depth[cell] = min(depth[wire.target] for wire in cell.wires_out) - 1
    return depth


def slots_of(cells: Sequence[Cell], depth: dict[Cell, int]) -> list[Slot]:
    """A slot for each cell and for each column that a wire passes, with the links between."""
    own = {cell: Slot(cell, depth[cell]) for cell in cells}
    slots = list(own.values())
    for cell in cells:
        for port, wire in enumerate(cell.wires_in):
            start = own[wire.source]
            for column in range(start.column + 1, depth[cell]):
                slots.append(Slot(None, column))
                join(wire, start, slots[-1])
                start = slots[-1]
            join(wire, start, own[cell], port)
    return slots


def join(wire: Wire, start: Slot, end: Slot, port: int = 0) -> None:
    """Links two slots."""
    link = Link(wire, start, end, port)
    start.outs.append(link)
    end.ins.append(link)


def untangle(columns: Columns) -> Columns:
    """The columns in the order of fewest crossings among all that sweeps to the right and to the
    left come by, from the order of writing and, as long as wires cross, from shuffled ones."""
    best, fewest = columns, np.inf
    rng = np.random.default_rng(0)
    starts = EFFORT // (SWEEPS * sum(map(len, columns)))
    for _ in range(min(max(starts, 1), STARTS)):
        for sweep in range(SWEEPS):
            number(columns)
            if (found := crossings(columns)) < fewest:
                best, fewest = [list(column) for column in columns], found
            if not fewest:
                break
            rightward = sweep % 2 == 0
            for column in columns if rightward else reversed(columns):
                column.sort(key=lambda slot: barycentre(slot, rightward))
                number([column])
        for column in columns:
            rng.shuffle(column)
    number(best)
    return best


def number(columns: Columns) -> None:
    """Writes the order of the slots into them, and with it that of exchangeable inputs."""
    for column in columns:
        for place, slot in enumerate(column):
            slot.place = place
    for column in columns:
        for slot in column:
            if slot.cell is not None and slot.cell.commutative:
                slot.ins.sort(key=lambda link: link.start.place)
                for port, link in enumerate(slot.ins):
                    link.port = port


def barycentre(slot: Slot, rightward: bool) -> float:
    """The mean place of the neighbours on the left, or on the right; a neighbour's inputs lie
    below one another."""
    if rightward:
        places: list[float] = [link.start.place for link in slot.ins]
    else:
        places = [link.end.place + link.port / (1 + len(link.end.ins)) for link in slot.outs]
    return sum(places) / len(places) if places else slot.place


def crossings(columns: Columns) -> int:
    """How many pairs of links cross."""
    total = 0
    for column in columns:
        ends = [(link.start.place, link.end.place, link.port) for s in column for link in s.outs]
        start, place, port = np.array(ends or np.empty((0, 3), int)).T
        above = start[:, np.newaxis] < start
        end = place + port / (1 + port.max(initial=0))
        total += int((above & (end[:, np.newaxis] > end)).sum())
    return total
