"""A laid-out circuit as SVG.

Every colour is written into its element and the background is white, so that a picture looks the
same wherever it stands: in a notebook, dark or light, on a web page, or as a file of its own.
"""

from collections.abc import Mapping, Sequence
from html import escape

from chainrule.nets.picture.circuit import Cell
from chainrule.nets.picture.layout import LABEL, MARGIN, ROW, ROWS, SYMBOL, Box, Layout, Level

FONT = "ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace"
INK, WIRE, NAME = "#24292f", "#8c959f", "#57606a"
VALUE, GRADIENT = "#116329", "#cf222e"
#: By kind: fill, stroke, and the radius of the corners.
SHAPES = {
    "gate": ("#f6f8fa", "#57606a", 20),
    "input": ("#ffffff", "#57606a", 13),
    "parameter": ("#ddf4ff", "#0969da", 4),
    "constant": ("#f6f8fa", "#8c959f", 4),
}
#: By the way that the numbers go: fill and stroke of the node at work.
ACTIVE = {"forward": ("#aceebb", "#116329"), "backward": ("#ffcecb", "#cf222e")}
LINE = 18  # the height of a line of a caption
NARROWEST = 480  # the least width of a picture with a caption


def draw(
    layout: Layout,
    texts: Mapping[str, str],
    titles: Mapping[str, str],
    active: Sequence[str] = (),
    caption: Sequence[str] = (),
    lines: int = 0,
) -> str:
    """The SVG of a layout with the `texts` of its labels by key, those that are missing left out.

    `titles` holds, by name of a node, what a browser shows under the mouse. `active` is the name
    of the node at work and the way, "forward" or "backward". Below stand the lines of the
    `caption`, with room for so many `lines`.
    """
    wide = max(layout.width, NARROWEST) if lines else layout.width
    high = layout.height + LINE * lines
    size = f'width="{wide:.0f}" height="{high:.0f}"'
    levels = [*layout.wires.values(), *([stub] for stub in layout.stubs)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
        f'viewBox="0 0 {wide:.0f} {high:.0f}" style="max-width:none" '
        f'font-family="{FONT}" font-size="{LABEL}">',
        f'<rect {size} rx="6" fill="#ffffff"/>',
        f'<g fill="none" stroke="{WIRE}" stroke-width="1.5">',
        *(f'<path d="{path(wire)}"/>' for wire in levels),
        f'</g><g fill="{WIRE}">',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.8"/>' for x, y in layout.forks),
        *(f'<path d="M{x + 3:.1f},{y:.1f}l-9,-4.5v9z"/>' for x, y in layout.arrows),
        f'</g><g fill="{INK}" text-anchor="middle">',
        *(shape(cell, box, titles, active) for cell, box in layout.shapes.items()),
        f'</g><g fill="{NAME}" text-anchor="middle" font-style="italic">',
        *(
            text(cell.name, box.left + box.width / 2, box.top + ROW - 5)
            for cell, box in layout.names.items()
        ),
        "</g>",
        *(label(key, box, texts[key]) for key, box in layout.labels if key in texts),
        f'<g fill="{INK}">',
        *(text(line, MARGIN, layout.height + LINE * k) for k, line in enumerate(caption)),
        "</g></svg>",
    ]
    return "\n".join(parts)


def path(levels: Sequence[Level]) -> str:
    """A wire as the data of an SVG path: level, and in between bent with level ends."""
    _, x, y = levels[0]
    parts = [f"M{levels[0].x:.1f},{y:.1f}"]
    for level in levels[1:]:
        if level.y != y:
            half = (x + level.x) / 2
            ends = f"{half:.1f},{y:.1f} {half:.1f},{level.y:.1f} {level.x:.1f},{level.y:.1f}"
            parts.append(f"H{x:.1f}C{ends}")
        _, x, y = level
    return "".join([*parts, f"H{x:.1f}"])


def shape(cell: Cell, box: Box, titles: Mapping[str, str], active: Sequence[str]) -> str:
    """A gate, an input or a parameter."""
    fill, stroke, radius = SHAPES[cell.kind]
    if active and active[0] == cell.node:
        fill, stroke = ACTIVE[active[1]]
    inner = text(
        cell.text, box.left + box.width / 2, box.top + box.height / 2 + 5, f' font-size="{SYMBOL}"'
    )
    return (
        f'<g data-node="{escape(cell.node)}"><title>{escape(titles[cell.node])}</title>'
        f'<rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="{radius}" fill="{fill}" stroke="{stroke}" '
        f'stroke-width="1.5"/>{inner}</g>'
    )


def label(key: str, box: Box, content: str) -> str:
    """A value or a gradient, a matrix on several lines; what is sent along a wire stands at its
    end."""
    settings = f' data-key="{key}" fill="{VALUE if key[0] == "v" else GRADIENT}"'
    x = box.left
    if key[0] == "s":
        settings, x = settings + ' text-anchor="end"', box.left + box.width
    lines = content.split("\n")
    if len(lines) == 1:
        return text(content, x, box.top + 11, settings)
    inner = [f'<tspan x="{x:.1f}" dy="{ROWS}">{solid(line)}</tspan>' for line in lines]
    return f'<text y="{box.top + 11 - ROWS:.1f}"{settings}>{"".join(inner)}</text>'


def solid(line: str) -> str:
    """A line of a matrix, in which a browser keeps all spaces."""
    return escape(line.replace(" ", "\N{NO-BREAK SPACE}"))


def text(content: str, x: float, y: float, settings: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{settings}>{escape(content)}</text>'
