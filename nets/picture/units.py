"""Layers in a row as a picture: columns of units, or blocks where there are too many to draw."""

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

from chainrule.layers import Layer
from chainrule.nets.naming import weights_of
from chainrule.nets.picture.layout import LABEL, MARGIN, Box, text_width
from chainrule.nets.picture.svg import FONT, INK, NAME, SHAPES, WIRE, text

MOST = 16  # units that a column shows
RADIUS, PITCH = 8, 24  # of a unit, and from one to the next
BLOCK = 160  # the height of a block
GAP = 56  # the least space between two columns, for the wires
LINE = 16  # from a label to the next


class Stage(NamedTuple):
    """What has one shape on its way through the network, and the layers that made it.

    shape   of one example
    names   of the layers, and `titles` what a browser says about each under the mouse
    wired   whether weights lie between it and the stage before
    """

    shape: tuple[int, ...]
    names: list[str]
    titles: list[str]
    wired: bool

    @property
    def units(self) -> int:
        """How many units are drawn, one by one; 0 for a block."""
        return self.shape[0] if len(self.shape) == 1 and self.shape[0] <= MOST else 0


def stages_of(
    names: Sequence[str], layers: Sequence[Layer], shapes: Sequence[tuple[int, ...]]
) -> list[Stage]:
    """The stages of `layers`, the input before them: each with weights, or with another shape
    behind it than before it, begins one. `shapes` are those of an example, before the first layer
    and behind each."""
    stages = [Stage(shapes[0], ["x"], ["input"], False)]
    for name, layer, shape in zip(names, layers, shapes[1:], strict=True):
        wired = bool(weights_of(layer))
        if wired or shape != stages[-1].shape or len(stages) == 1:
            stages.append(Stage(shape, [], [], wired))
        stages[-1].names.append(name)
        stages[-1].titles.append(repr(layer))
    return stages


def draw_units(stages: Sequence[Stage]) -> str:
    """The SVG of a network: its stages from left to right, the shapes in a row above them and the
    names of their layers below."""
    tall = max(body_size(stage)[1] for stage in stages)
    middle = MARGIN + LINE + tall / 2
    boxes, x = [], float(MARGIN)
    for stage in stages:
        wide, high = body_size(stage)
        room = max(wide, *map(text_width, [shape_of(stage), *stage.names]))
        boxes.append(Box(x + (room - wide) / 2, middle - high / 2, wide, high))
        x += room + GAP
    width = x - GAP + MARGIN
    height = MARGIN + LINE + tall + LINE * max(len(stage.names) for stage in stages) + MARGIN
    size = f'width="{width:.0f}" height="{height:.0f}"'
    pairs = [*pairwise(zip(stages, boxes, strict=True))]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
        f'viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:none" '
        f'font-family="{FONT}" font-size="{LABEL}">',
        f'<rect {size} rx="6" fill="#ffffff"/>',
        *(wires(*before, *behind) for before, behind in pairs),
        *(body(k == 0, *pair) for k, pair in enumerate(zip(stages, boxes, strict=True))),
        *(labels(*pair, middle + tall / 2) for pair in zip(stages, boxes, strict=True)),
        "</svg>",
    ]
    return "\n".join(parts)


def body_size(stage: Stage) -> tuple[float, float]:
    """Width and height of a column of units, or of a block with its shape in it."""
    if stage.units:
        return 2 * RADIUS, PITCH * stage.units
    return text_width(block_text(stage)) + 20, BLOCK


def block_text(stage: Stage) -> str:
    """How many units a block stands for."""
    return "×".join(map(str, stage.shape)) or "1"


def shape_of(stage: Stage) -> str:
    """The shape of a batch, as a summary has it."""
    return f"({', '.join(map(str, ('N', *stage.shape)))})"


def heights(stage: Stage, box: Box) -> list[float]:
    """Where the middles of the units are."""
    return [box.top + PITCH * (k + 0.5) for k in range(stage.units)]


def wires(before: Stage, left: Box, behind: Stage, right: Box) -> str:
    """What joins two stages: a wire for each pair of units, a band where one of the two is a
    block, or an arrow where no weights lie between."""
    x, to_x = left.left + left.width, right.left
    if not behind.wired:
        y = left.top + left.height / 2
        return (
            f'<path d="M{x + 4:.1f},{y:.1f}H{to_x - 12:.1f}" stroke="{WIRE}" stroke-width="1.5"/>'
            f'<path d="M{to_x - 4:.1f},{y:.1f}l-9,-4.5v9z" fill="{WIRE}"/>'
        )
    if not (before.units and behind.units):
        corners = f"{to_x:.1f},{right.top:.1f}V{right.top + right.height:.1f}"
        return (
            f'<path d="M{x:.1f},{left.top:.1f}L{corners}L{x:.1f},{left.top + left.height:.1f}z" '
            f'fill="{WIRE}" fill-opacity="0.2"/>'  # all wires to or from a block
        )
    lines = "".join(
        f"M{x:.1f},{y:.1f}L{to_x:.1f},{to_y:.1f}"
        for y in heights(before, left)
        for to_y in heights(behind, right)
    )
    return f'<path d="{lines}" stroke="{WIRE}" stroke-width="0.8" fill="none"/>'


def body(is_input: bool, stage: Stage, box: Box) -> str:
    """The units of a stage, or its block."""
    fill, stroke, _ = SHAPES["input" if is_input else "gate"]
    style = f'fill="{fill}" stroke="{stroke}" stroke-width="1.5"'
    x = box.left + box.width / 2
    if stage.units:
        circles = (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS}"/>' for y in heights(stage, box))
        return f"<g {style}>{''.join(circles)}</g>"
    inner = text(block_text(stage), x, box.top + box.height / 2 + 4, ' text-anchor="middle"')
    return (
        f'<rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="6" {style}/><g fill="{INK}">{inner}</g>'
    )


def labels(stage: Stage, box: Box, bottom: float) -> str:
    """The shape of a stage, in the row at the top, and the names of its layers below `bottom`."""
    x = box.left + box.width / 2
    named = "".join(
        f"<g><title>{escape(title)}</title>{text(name, x, bottom + LINE * (k + 1))}</g>"
        for k, (name, title) in enumerate(zip(stage.names, stage.titles, strict=True))
    )
    return (
        f'<g text-anchor="middle" fill="{INK}">{text(shape_of(stage), x, MARGIN + 8)}</g>'
        f'<g text-anchor="middle" font-style="italic" fill="{NAME}">{named}</g>'
    )
