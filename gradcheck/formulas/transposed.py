"""Formulas of transposed convolution, over one, two or more axes of space."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.convolution import (
    CONV,
    EXTRA,
    GROUPS,
    ROLES,
    SETTINGS,
    Border,
    Sides,
    is_told,
    one_sided,
    reaches,
    said,
    sides,
    steps,
)
from chainrule.gradcheck.formulas.reference import Call, Inapplicable, Reference, Said, working


@dataclass(frozen=True, eq=False)
class Transposed:
    """A transposed convolution: x (N, C, *space), w (C, F / groups, *size) and b (F, 1, …)."""

    x: np.ndarray
    w: np.ndarray
    b: np.ndarray
    stride: Sides
    pad: Border
    dilation: Sides
    groups: int
    extra: Sides  # rows and columns more at the end

    def full(self) -> Sides:
        """The sides of the output before the border is cut off."""
        each = zip(self.x.shape[2:], self.stride, self.reach, self.extra, strict=True)
        return tuple((n - 1) * s + k + more for n, s, k, more in each)

    @property
    def reach(self) -> Sides:
        return reaches(self.w.shape[2:], self.dilation)

    @property
    def shape(self) -> tuple[int, ...]:
        cut = (n - sum(p) for n, p in zip(self.full(), self.pad, strict=True))
        return len(self.x), self.b.shape[0], *cut

    def out(
        self, add: Callable[..., Any] = np.add, w: Any = None, b: Any = None, pad: Border = ()
    ) -> np.ndarray:
        """Each entry x[n, c, i] times w[c, f] at the place i · stride of the output."""
        w = self.w if w is None else w
        parts = []
        for x, k in zip(np.split(self.x, self.groups, 1), np.split(w, self.groups), strict=True):
            out = np.zeros((len(x), w.shape[1], *self.full()))
            for at in np.ndindex(*x.shape[2:]):
                each = zip(at, self.stride, self.reach, self.dilation, strict=True)
                cut = (slice(i * s, i * s + n, d) for i, s, n, d in each)
                place = (slice(None), slice(None), *cut)
                new = np.tensordot(x[(slice(None), slice(None), *at)], k, 1)
                out[place] = add(out[place], new)
            parts.append(out)
        out = np.concatenate(parts, 1)
        ends = zip(pad or self.pad, self.full(), strict=True)
        inner = (slice(before, n - behind) for (before, behind), n in ends)
        return out[(slice(None), slice(None), *inner)] + (self.b if b is None else b)


def transposed_ways(call: Call) -> Iterator[Transposed]:
    """The transposed convolutions that the layer may be."""
    parts = call.roles(ROLES, "x w")
    x, w = parts["x"], parts["w"]
    groups = int(call.setting(*GROUPS, default=1.0))
    b = parts.get("b", np.zeros(w.shape[1] * groups if w.ndim > 1 else 0))
    fits = x.ndim == w.ndim and x.ndim > 2 and x.shape[1] == len(w) and not len(w) % groups
    if not fits or b.size != w.shape[1] * groups:
        raise Inapplicable(f"x of shape {x.shape} and w of shape {w.shape} do not fit")
    ndim = x.ndim - 2
    extra = sides(call, ndim, *EXTRA) or (0,) * ndim
    for stride, border, dilation in steps(call, x, w.shape[2:]):
        columns = b.reshape(-1, *[1] * ndim)
        way = Transposed(x, w, columns, stride, border, dilation, groups, extra)
        if min(way.shape) > 0 and (is_told(call) or way.shape in call.shapes[:1]):
            yield way


def transposed(call: Call) -> np.ndarray:
    for way in transposed_ways(call):
        return way.out()
    raise Inapplicable("the shapes fit no usual stride and padding")


def transposed_mistakes(call: Call) -> Said:
    for way in transposed_ways(call):
        yield "the bias is missing", way.out(b=0)
        text = "where windows overlap the last one overwrites the others: they add up"
        yield text, way.out(lambda _, new: new)
        w, axes = way.w, tuple(range(2, way.w.ndim))
        yield "the kernel is turned round", way.out(w=np.flip(w, axes))
        swapped = {"rows and columns of the kernel are exchanged": w.swapaxes(2, -1)}
        swapped["input and output channels are exchanged in w"] = w.swapaxes(0, 1)
        yield from working({text: partial(way.out, w=w) for text, w in swapped.items()})
        for turn, side in {1: "before", -1: "behind"}.items():
            cut = one_sided([a + b for a, b in way.pad], turn)
            yield f"all the padding is cut off on one side, {side} the image", way.out(pad=cut)
        none = ((0, 0),) * len(way.pad)
        yield f"the padding {said(way.pad)} is not cut off", way.out(pad=none)
        for n in range(1, 5):
            text = f"the stride is {n}, not {said(way.stride)}"
            yield from working({text: replace(way, stride=(n,) * len(way.stride)).out})


CONVOLUTIONS = (
    CONV,
    Reference(
        "convtranspose",
        "w[c, f, u] x[n, c, i] added up at i · stride + u, + b[f]",
        transposed,
        transposed_mistakes,
        lambda call: (way.out() for way in transposed_ways(call)),
        settings=SETTINGS,
        by_roles=True,
    ),
)
