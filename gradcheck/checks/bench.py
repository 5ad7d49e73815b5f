"""What is claimed of gradients, along a line: does it agree with the slope there?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.gradcheck.derivatives.point import Line, Point
from chainrule.gradcheck.derivatives.slopes import SCREEN, allowed, confirmed, measure
from chainrule.gradcheck.subject.subject import Gradients

RELATIVE = 1e-7  # the least error, relative to a tensor's largest gradient, that counts as one
AGREES, KINK, DIFFERS = range(3)


@dataclass(eq=False)
class Bench:
    """A point, the arrays that may be moved there, and the gradients that are claimed of them.

    rounding   what the backward pass rounds each gradient by
    dout       the largest upstream gradient
    """

    point: Point
    arrays: Gradients
    yours: Gradients
    rounding: dict[str, float]
    dout: float

    @property
    def floor(self) -> float:
        """The size of a gradient below which nothing is judged."""
        return 1e-12 * self.dout

    def along(self, line: Line, names: Sequence[str]) -> tuple[int, float]:
        """Whether the claimed gradients of `names` agree with the slope along a line through them,
        and how far they are from it, relative to the terms of the sum."""
        claim, size, noise = self.claim(line, names)
        if not np.isfinite(claim):  # nothing is larger than what is infinite
            return DIFFERS, np.inf
        good, slopes = confirmed(self.point, line, np.array([claim]), size + noise / SCREEN)
        if not good[0]:
            slopes = measure(self.point, line)
        slope, error = float(slopes.value[0]), float(slopes.error[0])
        size = max(size, abs(slope), 1e-300)
        gap = abs(claim - slope)
        if slopes.kink[0]:
            return KINK, gap / size
        nothing = not np.isfinite(slope)  # can be measured here
        agrees = good[0] or nothing or gap <= SCREEN * size + 2 * error + noise
        return (AGREES if agrees else DIFFERS), 0.0 if nothing else gap / size

    def holds(self, line: Line, names: Sequence[str]) -> bool:
        """Whether the claimed gradients of `names` may be called right along a line on a kink."""
        claim, size, noise = self.claim(line, names)
        return allowed(self.point, line, claim, RELATIVE * size + noise)

    def claim(self, line: Line, names: Sequence[str]) -> tuple[float, float, float]:
        """The slope that the claimed gradients give, the size of the sum's terms, and the noise."""
        terms = [self.yours[n] * v for n, (_, _, v) in zip(names, line.parts, strict=True)]
        size = float(np.sqrt(sum(np.square(term).sum() for term in terms)))
        noise = sum(
            (4 * self.rounding.get(n, 0.0) + self.floor) * float(np.sqrt(np.square(v).sum()))
            for n, (_, _, v) in zip(names, line.parts, strict=True)
        )
        return float(sum(term.sum() for term in terms)), size, noise
