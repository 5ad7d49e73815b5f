"""A page that shows a picture, steps through it, and moves its inputs where it can."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any, TypeAlias

import numpy as np

from chainrule.nets.node import Node
from chainrule.nets.picture.story import Moment
from chainrule.nets.picture.symbols import kind, symbol
from chainrule.nets.trace import Trace

HERE = Path(__file__).parent
LARGEST = 1e300  # the largest number that a slider moves, far from where its ends overflow

#: The gates of gates.js, and the settings that they need.
ELEMENTARY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Max", "Min", "Negate", "Reciprocal"), ()),
    **dict.fromkeys(("Square", "Exp", "Log", "Sigmoid", "Tanh", "ReLU", "Softplus", "Sum"), ()),
    "Scale": ("a",),
    "Shift": ("c",),
    "LeakyReLU": ("alpha",),
    "ELU": ("alpha",),
}

#: The nodes of a graph as gates.js reads them, and the upstream gradients.
Elementary: TypeAlias = tuple[list[dict[str, Any]], list[Any]]


def page(
    title: str,
    svg: str,
    moments: Sequence[Moment],
    texts: Mapping[str, str],
    circuit: Elementary | None,
) -> str:
    """The page as HTML, all in one and without a single request.

    `moments` are those of a `nets.picture.story.Story`, `texts` the labels by key, and `circuit`
    what `elementary` returns.
    """
    nodes, dout = circuit or (None, None)
    rest = "Play both passes, or step through them, with the buttons or the arrow keys."
    rest += " The sliders move the numbers." * bool(nodes)
    story = {
        "moments": [moment._asdict() for moment in [*moments, Moment("", "", [rest], [])]],
        "texts": texts,
        "nodes": nodes,
        "dout": dout,
    }
    given = [(k, node) for k, node in enumerate(nodes or ()) if node.get("slides")]
    return Template(read("page.html")).substitute(
        title=escape(title),
        svg=svg,
        sliders="\n".join(slider(k, node["name"], node["value"]) for k, node in given),
        # "</script>" in a name would end the script.
        story=json.dumps(story, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
        gates=read("gates.js"),
        script=read("page.js"),
    )


def elementary(nodes: Sequence[Node], trace: Trace, dout: Mapping[str, Any]) -> Elementary | None:
    """A graph of numbers and gates that the page knows, as gates.js reads it: its nodes, in order
    of evaluation, and the upstream gradients. None for any other graph, for numbers and gradients
    that are not finite, and for inputs that no slider can move."""
    places = {node.name: place for place, node in enumerate(nodes)}
    found = []
    for node in nodes:
        value = trace[node.name].value
        if np.ndim(value) or not np.isfinite(value):
            return None
        if node.kind == "gate" and kind(node.op) not in ELEMENTARY:
            return None
        one: dict[str, Any] = {
            "name": node.name,
            "reads": [places[source] for source in node.inputs],
        }
        if node.kind == "gate":
            settings = {name: getattr(node.op, name) for name in ELEMENTARY[kind(node.op)]}
            one |= {"gate": kind(node.op), "settings": settings, "symbol": symbol(node.op)}
        else:
            if not can_slide(value):
                return None
            one |= {"value": float(value), "slides": node.kind != "constant"}
        found.append(one)
    ends = [one if one is None else [places[name], float(one)] for name, one in dout.items()]
    if not all(end is None or np.isfinite(end[1]) for end in ends):
        return None
    return found, ends


def can_slide(value: Any) -> bool:
    """Whether `value` is one number that a slider can move: not nan, and not too large."""
    return np.ndim(value) == 0 and abs(float(value)) <= LARGEST


def slider(place: int, name: str, value: float) -> str:
    """A slider for the input or parameter at this place among the nodes."""
    reach = reach_of(value)
    return (
        f'<div><label for="x{place}">{escape(name)}</label><input type="range" id="x{place}" '
        f'data-input="{place}" min="{-reach!r}" max="{reach!r}" step="any" value="{value!r}">'
        f'<output id="of-x{place}" for="x{place}"></output></div>'
    )


def reach_of(value: float) -> float:
    """How far from 0 a slider goes to either side that begins at `value`."""
    return max(5.0, 2 * abs(float(value)))


def read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
