"""Pictures made of panels: side by side in a file or a notebook, one by one on a page.

A panel on a page is an SVG of its own, so that the page can put as many side by side as there is
room for, and its text and axes take the colour of the page's text. Matplotlib is imported by what
draws, not with this module, and needs no screen.
"""

from __future__ import annotations

import io
import math
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.nets.files import write_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#24292f"  # stands for the colour of the text around it
# Seen on light and on dark pages.
BLUE, ORANGE, GREEN, RED = "#3b82c4", "#d9691f", "#2f9e62", "#c8323c"
COLOURS = (BLUE, ORANGE, GREEN, "#b05cc6", RED, "#9a8420", "#21a0a8", "#7d828c")
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "legend.frameon": False,
    "text.parse_math": False,  # a class may be called $x_
    "svg.fonttype": "none",
    "svg.hashsalt": "chainrule",
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
WIDEST = 11.0  # inches, of a picture in a file
SCREEN = 96  # dots per inch, of a notebook


@dataclass(frozen=True)
class Panel:
    """`draw` draws on a pair of matplotlib axes; `alt` says in words what is seen there."""

    draw: Callable[[Axes], object]
    alt: str


@dataclass(frozen=True)
class Picture:
    """Panels of one size, in inches, that belong together.

    `name` is that of its file; `reading` says how to read it and what would be a bad sign.
    A notebook shows the picture that a cell ends with.
    """

    name: str
    title: str
    reading: str
    panels: Sequence[Panel] = field(repr=False)
    width: float = 3.6
    height: float = 2.5

    def figure(self) -> Figure:
        """All panels side by side, as a new matplotlib figure that pyplot knows nothing of."""
        return self._figure(self.panels, max(1, min(len(self.panels), int(WIDEST / self.width))))

    def png(self) -> bytes:
        """All panels side by side on white, as a PNG."""
        return rendered(self.figure(), format="png", dpi=130)

    def save(self, path: str | PathLike[str]) -> None:
        """Write all panels side by side on white to a file, `.png` or `.svg`.

        Raises:
            ValueError: the path has another ending.
            nets.FileError: the file cannot be written.
        """
        ending = Path(path).suffix
        if ending not in (".png", ".svg"):
            raise ValueError(f"Picture: {Path(path).name!r} ends in neither .png nor .svg")
        write_file(path, rendered(self.figure(), format=ending[1:], dpi=130))

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        # A notebook shows it in its size in inches, and screens with finer dots show them all.
        figure = self.figure()
        width = round(SCREEN * figure.get_figwidth())
        alt = "; ".join(panel.alt for panel in self.panels)
        return rendered(figure, format="png", dpi=2 * SCREEN), {"width": width, "alt": alt}

    def svgs(self) -> Iterator[str]:
        """Each panel as an SVG element for an HTML page, drawn when it is asked for."""
        for number, panel in enumerate(self.panels, start=1):
            svg = rendered(self._figure([panel], 1), format="svg", dpi=130, transparent=True)
            yield inline(svg, f"{self.name}{number}", panel.alt)

    def _figure(self, panels: Sequence[Panel], columns: int) -> Figure:
        with_any_backend()
        from matplotlib.figure import Figure

        rows = math.ceil(len(panels) / columns)
        with styled():
            size = (columns * self.width, rows * self.height)
            figure = Figure(figsize=size, layout="constrained")
            axes = list(figure.subplots(rows, columns, squeeze=False).flat)
            for one, panel in zip(axes, panels, strict=False):
                panel.draw(one)
            for empty in axes[len(panels) :]:
                empty.set_axis_off()
        return figure


def with_any_backend() -> None:
    """Have matplotlib imported even where MPLBACKEND names a backend that is not installed here, as
    a notebook's kernel hands it down to what is started from there: a figure needs none."""
    if "matplotlib" in sys.modules:
        return
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib as mpl
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    if backend:
        with suppress(ValueError):
            mpl.rcParams["backend"] = backend  # as matplotlib does itself


@contextmanager
def styled() -> Iterator[None]:
    """The settings of matplotlib under which everything here is drawn and saved."""
    with_any_backend()
    import matplotlib as mpl

    with mpl.rc_context(STYLE), warnings.catch_warnings():
        # A page shows the names of classes in the reader's fonts, whatever is installed here.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        yield


def rendered(figure: Figure, **settings: Any) -> bytes:
    """What `figure` is as a file."""
    buffer = io.BytesIO()
    plain = dict.fromkeys(("Date", "Creator", "Format", "Type"))  # no metadata
    with styled():
        metadata = plain if settings["format"] == "svg" else None
        if (layout := figure.get_layout_engine()) is not None:
            layout.execute(figure)  # once; savefig would do it for each of two draws
            figure.set_layout_engine("none")
        figure.savefig(buffer, metadata=metadata, **settings)
    return buffer.getvalue()


def inline(svg: bytes, name: str, alt: str) -> str:
    """An SVG file as an element: with names of its own, described, and in the page's colours."""
    text = svg.decode().partition("<svg")[2].partition(">")[2]
    box = re.search(rb'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert box is not None
    text = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{name}-", text).replace(INK, "currentColor")
    return (
        f'<svg role="img" aria-label="{escape(alt)}" viewBox="0 0 {box[1].decode()} '
        f'{box[2].decode()}">{text.strip()}'
    )


def short(name: str, most: int = 12) -> str:
    """`name`, cut to so many characters."""
    return name if len(name) <= most else name[: most - 1] + "…"


def named(one_or_many: Any) -> dict[str, Any]:
    """A dict by name as it is; anything else under no name."""
    return one_or_many if isinstance(one_or_many, dict) else {"": one_or_many}


def curve(colour: Any, length: int) -> dict[str, Any]:
    """How a curve of so many points is drawn: with dots while they are few."""
    return {"color": colour, "lw": 1.6, "marker": "o" if length <= 15 else None, "ms": 3.5}


def over_epochs(axes: Axes, title: str) -> None:
    """Finish axes that have the epochs across."""
    from matplotlib.ticker import MaxNLocator

    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.grid(alpha=0.25)


def powers(axes: Axes) -> None:
    """A log scale up, with its numbers written as 0.001 and 1e-05."""
    from matplotlib.ticker import NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda y, _: f"{y:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
