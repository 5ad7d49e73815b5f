"""A picture that plays both passes by itself: an SVG with CSS animations and no script, so that it
also plays as an image."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from chainrule.nets.picture.drawing import Drawing
from chainrule.nets.picture.layout import MARGIN
from chainrule.nets.picture.story import Moment
from chainrule.nets.picture.svg import ACTIVE, INK, LINE, SHAPES, text

REST = "Values in green above the wires, gradients in red below."
HIDDEN, VISIBLE = "visibility:hidden", "visibility:visible"
RESTS = 3  # steps that the finished picture stays for


class Animation(Drawing):
    """Both passes of a circuit, over and over: each gate lights up as it computes its value, then
    as it sends its gradients back; then the finished picture rests for a while.

    Who prefers reduced motion, and a program that knows no animations, sees the finished picture.
    A notebook shows the animation itself; `svg` is its source.
    """

    def __init__(
        self,
        svg: str,
        top: float,
        moments: Sequence[Moment],
        captions: Sequence[Sequence[str]],
        seconds: float,
    ) -> None:
        """`svg` is the finished picture with room below `top` for the `captions`, lists of lines,
        one for each of the `moments` of a `Story` and one for the rest. Raises ValueError unless
        `seconds`, the length of a step, is a positive number."""
        if not (np.isfinite(seconds) and seconds > 0):
            raise ValueError(f"Picture: seconds is {seconds!r}, expected a positive number")
        steps = len(moments)
        # By its name the rules hold within this picture alone, wherever it stands.
        name = f"circuit-{zlib.crc32(svg.encode()):08x}"
        rules = Rules(name, steps + RESTS, seconds)
        shown: dict[str, int] = {}
        for step, moment in enumerate(moments):
            for key in moment.shows:
                shown.setdefault(key, step)
        for key, step in shown.items():
            if step:
                rules.add(f'[data-key="{key}"]', [(0, HIDDEN), (step, VISIBLE)])
        for node in {moment.active: None for moment in moments if moment.active}:
            lit = [(step, one.way) for step, one in enumerate(moments) if one.active == node]
            rules.add(f'[data-node="{quoted(node)}"] rect', lights(lit))
        spans = pairwise([*range(steps + 1), steps + RESTS])
        for place, (start, end) in enumerate(spans):
            times = [(0, HIDDEN), (start, VISIBLE), (end, HIDDEN)]
            rules.add(f'[data-step="{place}"]', times)
        said = [caption(lines, place, top, place == steps) for place, lines in enumerate(captions)]
        head, rest = svg.split("\n", 1)
        parts = [
            head.replace("<svg ", f'<svg id="{name}" ', 1),
            f"<style>{rules}</style>",
            rest.removesuffix("</svg>") + "\n".join(said),
            "</svg>",
        ]
        super().__init__("\n".join(parts))


class Rules:
    """A style sheet for what is within the element `name`: animations of so many `steps`."""

    def __init__(self, name: str, steps: int, seconds: float) -> None:
        self.name, self.steps, self.seconds = name, steps, seconds
        self.lines: list[str] = []

    def add(self, what: str, times: Sequence[tuple[int, str]]) -> None:
        """Gives `what` a style at each of the `times`, pairs (step, style), until the next of them
        or the end; a later one of the same time takes the place of an earlier one."""
        frames = {f"{100 * step / self.steps:.4f}%": style for step, style in times}
        told = "".join(f"{at}{{{style}}}" for at, style in frames.items())
        label = f"{self.name}-{len(self.lines)}"
        self.lines.append(
            f"@keyframes {label}{{{told}}}\n#{self.name} {what}{{animation:{label} "
            f"{self.steps * self.seconds:g}s step-end infinite}}"
        )

    def __str__(self) -> str:
        still = f"#{self.name} *{{animation:none!important}}"
        return "\n".join([*self.lines, f"@media (prefers-reduced-motion:reduce){{{still}}}"])


def lights(lit: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """The colours of a gate, which is at work in the steps `lit`, pairs (step, way)."""
    style = "fill:{};stroke:{}"
    at_rest = style.format(*SHAPES["gate"])
    pairs = [((step, style.format(*ACTIVE[way])), (step + 1, at_rest)) for step, way in lit]
    return [time for pair in pairs for time in pair]


def caption(lines: Sequence[str], place: int, top: float, at_rest: bool) -> str:
    """The lines of a sentence, which the animation shows in its turn."""
    inner = "".join(text(line, MARGIN, top + LINE * k) for k, line in enumerate(lines))
    hidden = "" if at_rest else ' visibility="hidden"'
    return f'<g data-step="{place}" fill="{INK}"{hidden}>{inner}</g>'


def quoted(name: str) -> str:
    """A name within a string of a style sheet, whatever it is made of."""
    safe = (c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in name)
    return "".join(safe)
