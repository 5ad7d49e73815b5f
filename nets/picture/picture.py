"""The picture of a graph."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from chainrule.nets.files import write_file
from chainrule.nets.node import Node
from chainrule.nets.picture import page, widgets
from chainrule.nets.picture.animation import REST, Animation
from chainrule.nets.picture.circuit import cells_of
from chainrule.nets.picture.layout import MARGIN, Layout, text_width
from chainrule.nets.picture.story import Moment, Story, numbers_of
from chainrule.nets.picture.svg import NARROWEST, draw
from chainrule.nets.trace import Trace, block, brief
from chainrule.nets.wiring import ordered

LONGEST = "-99999.49"  # no number is longer in brief


class Drawn(Protocol):
    """What a picture needs of its graph."""

    nodes: dict[str, Node]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    differentiable: int | None

    def trace(self, *inputs: ArrayLike, dout: Any = None, train: bool = False) -> Trace: ...


class Picture:
    """The circuit of a finished graph: values in green above the wires, gradients in red below.

    Inputs, parameters in blue and constants in grey stand on the left, gates carry the symbol of
    their operation, and arrows are outputs. Where a wire forks, each branch also shows what comes
    back along it; together they are the gradient before the fork. Numbers are shown with two
    decimals, vectors and matrices of up to 12 entries with these, other arrays by shape and norm.
    Without `inputs` the picture shows the structure alone.

    A notebook shows the picture itself; `svg` is its source. `steps` and `at` tell both passes a
    gate at a time, `animate` plays them, `save` writes a file or a page, `sliders` moves the inputs
    in a notebook.
    """

    def __init__(
        self, graph: Drawn, inputs: Sequence[ArrayLike] = (), dout: Any = None, train: bool = False
    ) -> None:
        """The arguments are those of `graph.trace`. Raises RuntimeError for an unfinished graph,
        and whatever `graph.trace` raises."""
        if not graph.outputs:
            raise RuntimeError(
                "Picture: the graph is not finished; name its outputs with output(…)"
            )
        self.graph = graph
        self.inputs: tuple[Any, ...] = tuple(float(x) if isinstance(x, int) else x for x in inputs)
        self._nodes = ordered(graph.nodes, graph.outputs)
        self._cells = cells_of(self._nodes, graph.outputs)
        self._settings: dict[str, Any] = {"dout": dout, "train": train}
        self.trace: Trace | None = None
        if self.inputs or not graph.inputs:
            self.trace = graph.trace(*self.inputs, **self._settings)
        numbers = numbers_of(self._nodes, self.trace, self._dout) if self.trace else {}
        #: The numbers as a sentence has them, by key; see `nets.picture.circuit`.
        self.texts = {key: brief(number) for key, number in numbers.items()}
        #: The same as they stand in the picture, where a matrix takes several lines.
        self.labels = {key: block(number) for key, number in numbers.items()}

    @cached_property
    def svg(self) -> str:
        """The picture as SVG."""
        return draw(self.layout, self.labels, self._titles)

    def _repr_svg_(self) -> str:
        return self.svg

    @cached_property
    def layout(self) -> Layout:
        """The geometry, a `nets.picture.layout.Layout`."""
        return Layout(self._cells, self.labels)

    @property
    def steps(self) -> int:
        """How many steps both passes take: one for each gate forward, one that turns, and one for
        each gate that sends something back. Raises ValueError without inputs."""
        return len(self._moments) - 1

    def at(self, step: int) -> str:
        """The picture after so many of the `steps`, as SVG, with a sentence about the last one.
        Raises ValueError for a step that does not exist, and without inputs."""
        moments = self._moments
        if not isinstance(step, (int, np.integer)) or not 0 <= step < len(moments):
            raise ValueError(f"Picture: step is {step!r}, expected an integer, 0 … {self.steps}")
        shown = {key for moment in moments[: step + 1] for key in moment.shows}
        labels = {key: text for key, text in self.labels.items() if key in shown}
        captions = [self._lines(self._told(moment.words)) for moment in moments]
        active = (moments[step].active, moments[step].way)
        lines = max(map(len, captions))
        return draw(self.layout, labels, self._titles, active, captions[step], lines)

    def animate(self, seconds: float = 2.0) -> Animation:
        """Both passes played over and over, as an `Animation`: a notebook shows it, and `save`
        writes an SVG that plays as an image, too, without a script. A step takes so many seconds.
        Raises ValueError without inputs, and unless `seconds` is a positive number."""
        moments = self._moments
        captions = [self._lines(self._told(moment.words)) for moment in moments]
        captions.append(self._lines(REST))
        svg = draw(self.layout, self.labels, self._titles, lines=max(map(len, captions)))
        return Animation(svg, self.layout.height, moments, captions, seconds)

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the picture to a file: `.svg`, or `.html` for a page that steps through both
        passes, and has a slider for each input and parameter where all are numbers and all gates
        elementary. Raises ValueError for another ending, and for a page without inputs; FileError
        where the file cannot be written."""
        path = Path(path)
        if path.suffix not in (".svg", ".html"):
            raise ValueError(f"Picture: {path.name!r} ends in neither .svg nor .html")
        text = self.svg if path.suffix == ".svg" else self._page()
        write_file(path, text.encode())

    def sliders(self, /, **ranges: tuple[float, float]) -> Any:
        """The picture beside a slider for each input that is a number within ±1e300; all others
        and the parameters stay as they are. A range is `x=(-5, 5)`; left out, a slider goes to ±5
        or to twice the input.

        Raises ImportError without ipywidgets, ValueError where there is no such input, or a range
        is not one."""
        given = zip(self.graph.inputs[: self.graph.differentiable], self.inputs, strict=False)
        movable = {name: float(x) for name, x in given if page.can_slide(x)}
        if not movable:
            raise ValueError(
                f"Picture: there is nothing to slide, since no input is one number within "
                f"±{page.LARGEST:g}; draw the graph with numbers, graph.draw(1.0, …)"
            )
        return widgets.sliders(movable, ranges, self._moved)

    def _moved(self, moved: Mapping[str, float]) -> str:
        """The picture with other numbers for the inputs `moved`, in the same geometry. Where a
        layer refuses a number, it says why in the place of the values."""
        given = zip(self.graph.inputs, self.inputs, strict=True)
        inputs = [np.asarray(moved.get(name, x), np.asarray(x).dtype) for name, x in given]
        labels: dict[str, str] = {}
        caption: list[str] = []
        try:
            trace = self.graph.trace(*inputs, **self._settings)
            numbers = numbers_of(self._nodes, trace, self._dout)
            labels = {key: block(number) for key, number in numbers.items()}
        except ValueError as refusal:
            caption = self._lines(str(refusal))
        return draw(self._roomy, labels, self._titles, (), caption, len(caption))

    def _page(self) -> str:
        moments = self._moments
        circuit = page.elementary(self._nodes, self._numbers, self._dout)
        layout = self._roomy if circuit else self.layout
        svg = draw(layout, self.labels, self._titles)
        return page.page(repr(self.graph), svg, moments, self.texts, circuit)

    @cached_property
    def _roomy(self) -> Layout:
        """The geometry with room for any number where a number is."""
        return Layout(self._cells, {key: roomy(text) for key, text in self.labels.items()})

    @cached_property
    def _moments(self) -> list[Moment]:
        return Story(self._nodes, self._numbers, self._dout).moments

    @property
    def _numbers(self) -> Trace:
        if self.trace is None:
            raise ValueError(
                "Picture: steps show numbers; draw the graph with its inputs, graph.draw(x, …)"
            )
        return self.trace

    def _told(self, words: Sequence[str]) -> str:
        return "".join(self.texts[word] if k % 2 else word for k, word in enumerate(words))

    def _lines(self, sentence: str) -> list[str]:
        width = max(self.layout.width, NARROWEST) - 2 * MARGIN
        return textwrap.wrap(sentence, int(width / text_width("x")))

    @property
    def _dout(self) -> dict[str, Any]:
        """The upstream gradient of each output by name, or None."""
        names, dout = self.graph.outputs, self._settings["dout"]
        if dout is None:
            return {name: np.ones_like(self._numbers[name].value) for name in names}
        return dict(zip(names, dout if len(names) > 1 else (dout,), strict=True))

    @property
    def _titles(self) -> dict[str, str]:
        """What a browser says about each node under the mouse."""
        return {node.name: "input" if node.op is None else repr(node.op) for node in self._nodes}


def roomy(label: str) -> str:
    """A label with the longest number in the place of each."""
    shape, norm, _ = label.partition("‖")
    return f"{shape}‖{LONGEST}‖" if norm else re.sub(r"[^\s,\[\]]+", LONGEST, label)
