"""Where everything in a picture goes, such that no label lies on anything.

By construction: the slots of a column lie below one another, each with room for all that belongs
to it; a wire is level where it passes a column, and bends in the channels between columns, where
nothing else stands. Labels stand above and below the level ends of their own wires.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chainrule.nets.picture.circuit import Cell, Wire
from chainrule.nets.picture.columns import Link, Slot, arrange
from chainrule.nets.picture.heights import rise, settle

LABEL, SYMBOL = 12, 14  # font sizes
GATE = 40  # the height of a gate with one or two inputs; a round one is as wide
SOURCE = 26  # the height of an input or a parameter
PORTS = 20  # from one input of a gate to the next, with room for a label
ROW = 16  # the height of a label and its distance from the wire
PAD = 7  # before and behind a label
LEAD = 14  # the least length of the level ends of a wire
GAP = 12  # between two neighbours of a column
WIRE = 3  # what a wire keeps free on either side
CHANNEL, WIDEST = 20, 90  # the space between two columns, the more the higher wires climb
MARGIN = 16


class Box(NamedTuple):
    """A rectangle."""

    left: float
    top: float
    width: float
    height: float


class Level(NamedTuple):
    """A level part of a wire; from one to the next it bends."""

    x: float
    to_x: float
    y: float


class Layout:
    """The geometry of a picture of the `cells` of a circuit, with labels of the given `widths` by
    key; a label without a width is left out.

    shapes    by cell, the box of a gate, an input or a parameter
    names     by cell, the box of the name above it
    labels    pairs (key, box)
    stubs     the level wires on which the labels of cells stand
    wires     by wire, its levels from the end of a stub to a gate, or to the end of an output
    forks     the points (x, y) at which wires part
    arrows    the points (x, y) at which outputs end
    """

    def __init__(self, cells: Sequence[Cell], widths: Mapping[str, float]) -> None:
        self.shapes: dict[Cell, Box] = {}
        self.names: dict[Cell, Box] = {}
        self.labels: list[tuple[str, Box]] = []
        self.stubs: list[Level] = []
        self.wires: dict[Wire, list[Level]] = {}
        self.forks: list[tuple[float, float]] = []
        self.arrows: list[tuple[float, float]] = []
        self._widths = widths
        columns = arrange(cells)
        settle(columns, self._apart, drop)
        slots = [slot for column in columns for slot in column]
        top = min(slot.y - self._reach(slot)[0] for slot in slots) - MARGIN
        for slot in slots:
            slot.y = round(slot.y - top, 1)
        self.height = max(slot.y + self._reach(slot)[1] for slot in slots) + MARGIN
        x = float(MARGIN)
        for column in columns:
            end = self._place(column, x)
            climbs = [abs(rise(link)) for slot in column for link in slot.outs]
            x = end + min(CHANNEL + 0.25 * max(climbs, default=0), WIDEST)
        self.width = end + MARGIN

    def _reach(self, slot: Slot) -> tuple[float, float]:
        """How far the belongings of a slot reach above its wire, and below."""
        cell = slot.cell
        if cell is None:
            return WIRE, WIRE
        half = height(cell) / 2
        labelled = [k for k, wire in enumerate(cell.wires_in) if wire.sent in self._widths]
        low = max((PORTS * k - PORTS * (len(cell.wires_in) - 1) / 2 for k in labelled), default=0)
        return max(half + (ROW if cell.name else 0), ROW), max(half, low + ROW)

    def _apart(self, upper: Slot, lower: Slot) -> float:
        return self._reach(upper)[1] + GAP + self._reach(lower)[0]

    def _place(self, column: Sequence[Slot], x: float) -> float:
        """Places what belongs to a column that begins at `x`; returns where it ends."""
        cells = [slot.cell for slot in column if slot.cell is not None]
        inner = [cell for cell in cells if cell.kind != "output"]
        sent = [self._room(wire.sent) for cell in inner for wire in cell.wires_in]
        left = max([LEAD * bool(sent), *sent])
        middle = max((max(width(c), text_width(c.name)) for c in inner), default=0)
        right = max((max(LEAD, self._room(c.value, c.gradient)) for c in inner), default=0)
        ends = [LEAD + self._room(c.value, c.gradient) for c in cells if c.kind == "output"]
        to_x = x + max([left + middle + right, *ends])
        for slot in column:
            if slot.cell is None:
                (link,) = slot.ins
                self.wires[link.wire].append(Level(x, to_x, slot.y))
            elif slot.cell.kind == "output":
                self._end(slot, slot.cell, x)
            else:
                self._cell(slot, slot.cell, x, x + left + middle / 2, to_x)
        return to_x

    def _cell(self, slot: Slot, cell: Cell, x: float, middle: float, to_x: float) -> None:
        y = slot.y
        wide, high = width(cell), height(cell)
        box = self.shapes[cell] = Box(middle - wide / 2, y - high / 2, wide, high)
        if cell.name:
            wide = text_width(cell.name)
            self.names[cell] = Box(middle - wide / 2, box.top - ROW, wide, ROW)
        for link in slot.ins:
            level = y + link.drop
            self.wires[link.wire].append(Level(x, box.left + inset(cell, link.drop), level))
            self._label(link.wire.sent, box.left - PAD, level, below=True, before=True)
        start = box.left + box.width
        self._label(cell.value, start + PAD, y)
        self._label(cell.gradient, start + PAD, y, below=True)
        self.stubs.append(Level(start, to_x, y))
        for wire in cell.wires_out:
            self.wires[wire] = [Level(to_x, to_x, y)]
        if len(cell.wires_out) > 1:
            self.forks.append((to_x, y))
        if cell.is_output:
            self.arrows.append((to_x, y))

    def _end(self, slot: Slot, cell: Cell, x: float) -> None:
        """The end of an output that other gates read, too."""
        to_x = x + LEAD + self._room(cell.value, cell.gradient)
        self.wires[cell.wires_in[0]].append(Level(x, to_x, slot.y))
        self.arrows.append((to_x, slot.y))
        self._label(cell.value, x + PAD, slot.y)
        self._label(cell.gradient, x + PAD, slot.y, below=True)

    def _room(self, *keys: str) -> float:
        """What the widest label of these takes, with the space around it; 0 without any."""
        found = [self._widths[key] for key in keys if key in self._widths]
        return max(found) + 2 * PAD if found else 0

    def _label(
        self, key: str, x: float, y: float, below: bool = False, before: bool = False
    ) -> None:
        if key in self._widths:
            wide = self._widths[key]
            left, top = x - wide if before else x, y + 2 if below else y - ROW
            self.labels.append((key, Box(left, top, wide, ROW - 2)))


def drop(link: Link) -> float:
    """How far below the middle of its cell, or above where negative, a link ends."""
    return PORTS * (link.port - (len(link.end.ins) - 1) / 2)


def height(cell: Cell) -> float:
    if cell.kind == "gate":
        return max(GATE, PORTS * len(cell.wires_in))
    return SOURCE if cell.text else 0


def width(cell: Cell) -> float:
    """The width of the shape of a cell."""
    return max(height(cell), text_width(cell.text, SYMBOL) + 13)


def inset(cell: Cell, y: float) -> float:
    """How far within the box of a cell, `y` below its middle, its rounded side begins."""
    radius = GATE / 2
    above = max(0.0, abs(y) - (height(cell) / 2 - radius))
    return radius - (radius**2 - above**2) ** 0.5


def text_width(text: str, size: float = LABEL) -> float:
    """The width of a text in a monospaced font, the fonts of browsers on the safe side."""
    ems = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
    return round(ems * size * 0.615, 1)
