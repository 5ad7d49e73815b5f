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
PORTS = 20  # from one input of a gate to the next, with room for a label of one line
ROW = 16  # the height of a label of one line and its distance from the wire
ROWS = 14  # from one line of a label to the next
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
    """The geometry of a picture of the `cells` of a circuit, with `labels` by key, texts of one
    line or several.

    shapes    by cell, the box of a gate, an input or a parameter
    names     by cell, the box of the name above it
    labels    pairs (key, box)
    stubs     the level wires on which the labels of cells stand
    wires     by wire, its levels from the end of a stub to a gate, or to the end of an output
    forks     the points (x, y) at which wires part
    arrows    the points (x, y) at which outputs end
    """

    def __init__(self, cells: Sequence[Cell], labels: Mapping[str, str]) -> None:
        self.shapes: dict[Cell, Box] = {}
        self.names: dict[Cell, Box] = {}
        self.labels: list[tuple[str, Box]] = []
        self.stubs: list[Level] = []
        self.wires: dict[Wire, list[Level]] = {}
        self.forks: list[tuple[float, float]] = []
        self.arrows: list[tuple[float, float]] = []
        self._sizes = {key: size(text) for key, text in labels.items()}
        columns = arrange(cells)
        settle(columns, self._apart, self._drop)
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
        half = self._height(cell) / 2
        sent = [link for link in slot.ins if link.wire.sent in self._sizes]
        low = [self._drop(link) + self._tall(link.wire.sent) for link in sent]
        above = max(half + (ROW if cell.name else 0), ROW, self._tall(cell.value))
        return above, max(half, ROW, self._tall(cell.gradient), *low)

    def _apart(self, upper: Slot, lower: Slot) -> float:
        return self._reach(upper)[1] + GAP + self._reach(lower)[0]

    def _tall(self, key: str) -> float:
        """How far a label reaches from its wire; 0 for one that there is not."""
        return self._sizes[key][1] if key in self._sizes else 0

    def _pitch(self, cell: Cell) -> float:
        """From one input of a gate to the next, with room for what is sent back there."""
        sent = [self._tall(wire.sent) for wire in cell.wires_in]
        return max([PORTS, *(tall + PORTS - ROW for tall in sent)])

    def _drop(self, link: Link) -> float:
        """How far below the middle of its cell, or above where negative, a link ends."""
        cell = link.end.cell
        pitch = PORTS if cell is None else self._pitch(cell)
        return pitch * (link.port - (len(link.end.ins) - 1) / 2)

    def _height(self, cell: Cell) -> float:
        """The height of the shape of a cell."""
        if cell.kind == "gate":
            return max(GATE, self._pitch(cell) * (len(cell.wires_in) - 1) + PORTS)
        return SOURCE if cell.text else 0

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
        wide, high = width(cell), self._height(cell)
        box = self.shapes[cell] = Box(middle - wide / 2, y - high / 2, wide, high)
        if cell.name:
            named = text_width(cell.name)
            self.names[cell] = Box(middle - named / 2, box.top - ROW, named, ROW)
        for link in slot.ins:
            level = y + link.drop
            self.wires[link.wire].append(Level(x, box.left + inset(high, link.drop), level))
            self._label(link.wire.sent, box.left - PAD, level, below=True, before=True)
        start = box.left + box.width
        # Beside the name, too, where it is so tall.
        clear = self._tall(cell.value) > high / 2 and cell.name
        left = max(start, middle + text_width(cell.name) / 2 if clear else 0) + PAD
        self._label(cell.value, left, y)
        self._label(cell.gradient, left, y, below=True)
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
        found = [self._sizes[key][0] for key in keys if key in self._sizes]
        return max(found) + 2 * PAD if found else 0

    def _label(
        self, key: str, x: float, y: float, below: bool = False, before: bool = False
    ) -> None:
        if key in self._sizes:
            wide, tall = self._sizes[key]
            left, top = x - wide if before else x, y + 2 if below else y - tall
            self.labels.append((key, Box(left, top, wide, tall - 2)))


def width(cell: Cell) -> float:
    """The width of the shape of a cell."""
    return max(GATE if cell.kind == "gate" else SOURCE, text_width(cell.text, SYMBOL) + 13)


def inset(high: float, y: float) -> float:
    """How far within a box of this height, `y` below its middle, its rounded side begins."""
    radius = GATE / 2
    above = max(0.0, abs(y) - (high / 2 - radius))
    return radius - (radius**2 - above**2) ** 0.5


def size(text: str) -> tuple[float, float]:
    """The width of a label, and how far it reaches from its wire."""
    lines = text.split("\n")
    return max(map(text_width, lines)), ROW + ROWS * (len(lines) - 1)


def text_width(text: str, size: float = LABEL) -> float:
    """The width of a text in a monospaced font, the fonts of browsers on the safe side."""
    ems = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
    return round(ems * size * 0.615, 1)
