"""Formulas of convolution, over one, two or more axes of space."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.reference import (
    CONVENTION,
    Call,
    Inapplicable,
    Reference,
    Said,
    working,
)

ROLES = {
    "x": "x|inputs?|images?|imgs?|aprev",
    "w": "w[0-9]?|weights?|kernels?|filters?",
    "b": "b[0-9]?|bias(es)?",
}
STRIDE, PAD = ("stride", "strides", "s"), ("pad", "padding", "pads", "p")
DILATION = ("dilation", "dilations", "dilate", "dilation_rate", "dil")
GROUPS = ("groups", "group", "num_groups", "n_groups", "G")
EXTRA = ("output_padding", "out_pad")
SETTINGS = (*STRIDE, *PAD, *DILATION, *GROUPS, *EXTRA)
Sides = tuple[int, ...]
Border = tuple[tuple[int, int], ...]  # entries before and behind, for each axis of space


def sides(call: Call, ndim: int, *names: str) -> Sides:
    """A setting for each axis of space, () where the layer does not tell it."""
    value = call.held(*names)
    several = isinstance(value, (tuple, list)) and len(value) == ndim
    each = value if several else [value] * ndim
    whole = all(isinstance(n, (int, float, np.number)) and n == int(n) for n in each)
    return tuple(map(int, each)) if whole else ()


def borders(call: Call, ndim: int, reach: Sides, stride: Sides, space: Sides) -> Iterator[Border]:
    """How much of zeros the layer may put around an image: what it tells, or all that is usual."""
    value = call.held(*PAD)
    if isinstance(value, str):
        if value.lower() not in ("same", "valid"):
            raise Inapplicable(f"the padding is {value!r}")
        spans = [(n - 1) * (value.lower() == "same") for n in reach]
        yield tuple((n // 2, n - n // 2) for n in spans)
        ends = zip(space, stride, spans, strict=True)  # as TensorFlow does with a stride
        yield tuple((m // 2, m - m // 2) for m in (max(k - (n - 1) % s, 0) for n, s, k in ends))
    elif isinstance(value, (tuple, list)) and all(np.shape(pair) == (2,) for pair in value):
        yield tuple((int(a), int(b)) for a, b in value)
    elif told := sides(call, ndim, *PAD):
        yield tuple((n, n) for n in told)
    elif value is None:
        yield from (((n, n),) * ndim for n in range(max(reach)))


def reaches(size: Sequence[int], dilation: Sequence[int]) -> Sides:
    """How many entries of an image a window spans."""
    return tuple(d * (k - 1) + 1 for k, d in zip(size, dilation, strict=True))


def windows(
    x: np.ndarray, size: Sequence[int], stride: Sides, dilation: Sides, begin: Sides = ()
) -> np.ndarray:
    """The windows of x (N, C, *space), (N, C, *places, *size). As many as there are places in steps
    of `stride`; but they begin every `begin`, if that is given."""
    reach = reaches(size, dilation)
    places = [(n - k) // s + 1 for n, k, s in zip(x.shape[2:], reach, stride, strict=True)]
    if min(places, default=0) < 1:
        raise Inapplicable(f"windows {tuple(size)} do not fit into {x.shape[2:]}")
    found = np.empty((*x.shape[:2], *places, *size))
    for at in np.ndindex(*places):
        start = [i * s for i, s in zip(at, begin or stride, strict=True)]
        cut = (slice(i, i + k, d) for i, k, d in zip(start, reach, dilation, strict=True))
        found[(slice(None), slice(None), *at)] = x[(slice(None), slice(None), *cut)]
    return found


def padded(x: np.ndarray, border: Border, **how: Any) -> np.ndarray:
    """x (N, C, *space) with so many more entries on both sides of every axis of space."""
    return np.pad(x, [(0, 0), (0, 0), *border], **how)


def one_sided(sums: Sequence[int], turn: int) -> Border:
    """All of a border before the image (1), or behind it (-1)."""
    return tuple((n, 0) if turn > 0 else (0, n) for n in sums)


def said(numbers: Sequence[Any]) -> str:
    """One number for each axis of space, in words: one where all are the same."""
    same = [n[0] if isinstance(n, tuple) and n[0] == n[-1] else n for n in numbers]
    return str(same[0] if len(set(same)) == 1 else tuple(same))


@dataclass(frozen=True, eq=False)
class Conv:
    """A convolution with channels first: x (N, C, *space), w (F, C / groups, *size) and
    b (1, F, 1, …)."""

    x: np.ndarray
    w: np.ndarray
    b: np.ndarray
    stride: Sides
    pad: Border
    dilation: Sides
    groups: int
    last: bool = False  # whether the channels of the output stand last

    def out(self, x: Any = None, w: Any = None, b: Any = None, begin: Sides = ()) -> np.ndarray:
        """The output, with something else in the place of x and its border, of w or b, or with
        windows that begin elsewhere."""
        x = padded(self.x, self.pad) if x is None else x
        w = self.w if w is None else w
        axes = [1, *range(w.ndim, 2 * w.ndim - 2)], [1, *range(2, w.ndim)]
        pairs = zip(*(np.split(a, self.groups, at) for a, at in ((x, 1), (w, 0))), strict=True)
        parts = [
            np.tensordot(windows(a, w.shape[2:], self.stride, self.dilation, begin), k, axes)
            for a, k in pairs
        ]
        out = np.moveaxis(np.concatenate(parts, -1), -1, 1) + (self.b if b is None else b)
        return np.moveaxis(out, 1, -1) if self.last else out

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the output; a side of less than 1 has no room for a window."""
        reach = reaches(self.w.shape[2:], self.dilation)
        each = zip(self.x.shape[2:], self.pad, reach, self.stride, strict=True)
        places = [(n + sum(p) - k) // s + 1 for n, p, k, s in each]
        shape = (len(self.x), *places, len(self.w))
        return shape if self.last else (*shape[:1], *shape[-1:], *places)


def kernels(x: np.ndarray, w: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The image and the kernel with channels first: as they are, of channels last, one kernel for
    each channel, and a matrix for single pixels."""
    if x.ndim == w.ndim:
        yield x, w
        yield np.moveaxis(x, -1, 1), np.moveaxis(w, (-1, -2), (0, 1))
    elif x.ndim == w.ndim + 1 and len(w) == x.shape[1]:
        yield x, w[:, np.newaxis]
    if w.ndim == 2 and x.ndim > 2:
        yield x, w.reshape(*w.shape, *[1] * (x.ndim - 2))


def steps(call: Call, x: np.ndarray, size: Sides) -> Iterator[tuple[Sides, Border, Sides]]:
    """Stride, border and dilation as the layer tells them; where it does not, all that are usual
    and, at last, other dilations."""
    ndim = len(size)
    told, spread = sides(call, ndim, *STRIDE), sides(call, ndim, *DILATION)
    strides = [told] if told else [(s,) * ndim for s in range(1, max(*size, 4) + 1)]
    for dilation in [spread] if spread else [(d,) * ndim for d in (1, 2, 3)]:
        reach = reaches(size, dilation)
        for stride in strides:
            for border in borders(call, ndim, reach, stride, x.shape[2:]):
                yield stride, border, dilation


def is_told(call: Call) -> bool:
    return call.held(*STRIDE) is not None and call.held(*PAD) is not None


def convs(call: Call) -> Iterator[Conv]:
    """The convolutions that the layer may be, with channels first or last; where it does not tell
    its stride and padding, those whose output has the shape of the layer's."""
    parts = call.roles(ROLES, "x w")
    x, w = parts["x"], parts["w"]
    if x.ndim < 3 or not x.size:
        raise Inapplicable(f"x of shape {x.shape} and w of shape {w.shape} do not fit")
    told = int(call.setting(*GROUPS, default=0.0))
    for at, (image, kernel) in enumerate(kernels(x, w)):
        b = parts.get("b", np.zeros(len(kernel)))
        groups = image.shape[1] // max(kernel.shape[1], 1)
        fits = groups * kernel.shape[1] == image.shape[1] and groups and not len(kernel) % groups
        if not fits or b.size != len(kernel) or told not in (0, groups):
            continue
        columns, last = b.reshape(-1, *[1] * (x.ndim - 2)), x.ndim == w.ndim and at == 1
        for stride, border, dilation in steps(call, image, kernel.shape[2:]):
            way = Conv(image, kernel, columns, stride, border, dilation, groups, last)
            right = way.shape in call.shapes[:1] or (is_told(call) and not last)
            if right and min(way.shape) > 0:
                yield way


def conv(call: Call) -> np.ndarray:
    for way in convs(call):
        return way.out()
    raise Inapplicable("the shapes fit no usual stride and padding")


def conv_mistakes(call: Call) -> Said:
    for way in convs(call):
        yield from kernel_mistakes(way)
        yield from group_mistakes(way)
        yield from border_mistakes(way)


def kernel_mistakes(way: Conv) -> Said:
    """What can go wrong with w and b."""
    w, b, C = way.w, way.b, way.w.shape[1]
    first = w.copy()
    first[:, 1:] = 0
    turned = "the kernel is turned round, as in signal processing: a layer correlates"
    kernels = {
        turned: np.flip(w, tuple(range(2, w.ndim))),
        "rows and columns of the kernel are exchanged": w.swapaxes(2, -1),
        "input and output channels are exchanged in w": w.swapaxes(0, 1),
        "only the first channel of the input is used": first,
        "it averages over the window, and does not sum": w / w[0].size,
        "it averages over the channels, and does not sum": w / C,
    }
    biases = {
        "the bias is missing": 0 * b,
        "the bias is subtracted": -b,
        f"the bias is added {C} times, once for each input channel": C * b,
        f"the bias is added {w[0].size} times, once for each entry of a kernel": w[0].size * b,
    }
    yield from working({text: partial(way.out, w=w) for text, w in kernels.items()})
    yield from working({text: partial(way.out, b=b) for text, b in biases.items()})


def group_mistakes(way: Conv) -> Said:
    """What can go wrong with groups of channels: which of them an output sees."""
    G, (F, C) = way.groups, way.w.shape[:2]
    if G == 1:
        return
    x = padded(way.x, way.pad)
    one_by_one = np.arange(G * C).reshape(G, C)
    every = np.arange(G * C).reshape(C, G).T.reshape(-1)
    ways = {
        f"a group sees every {G}-th channel of x: it should see {C} next to each other": every,
        f"all groups see the first {C} channels of x": one_by_one.reshape(-1) % C,
        "the groups see the channels of x in the opposite order": one_by_one[::-1].reshape(-1),
    }
    yield from ((text, way.out(x[:, order])) for text, order in ways.items())
    yield (
        "all groups have the kernels of the first",
        way.out(w=np.concatenate([way.w[: F // G]] * G)),
    )
    mixed = np.arange(F).reshape(G, F // G).T.reshape(-1)
    text = "the outputs of the groups are interleaved, not one behind the other"
    yield text, np.take(way.out(), mixed, axis=-1 if way.last else 1)


def border_mistakes(way: Conv) -> Said:
    """What can go wrong with the border, the stride and the dilation."""
    border, s, d = way.pad, way.stride, way.dilation
    starts = "windows begin at i, not at i · stride: the stride only makes the output smaller"
    if max(s) > 1:
        yield starts, way.out(begin=(1,) * len(s))
    is_padded = any(map(any, border))
    if is_padded:
        for side, turn in {"before": 1, "behind": -1}.items():
            moved = one_sided([a + b for a, b in border], turn)
            half = said([max(pair) for pair in border])
            text = f"all the padding stands on one side, {side} the image: {half} belong on each"
            yield f"{text} side", way.out(padded(way.x, moved))
        turned = tuple((behind, before) for before, behind in border)
        text = "where the padding is uneven, the larger part stands before the image, not behind it"
        yield text, way.out(padded(way.x, turned)), CONVENTION
    for mode, what in {"edge": "repeated", "reflect": "mirrored", "wrap": "wrapped"}.items():
        text = f"the image is {what} at its border, and not padded with zeros"
        if is_padded:
            ways = {text: partial(padded, way.x, border, mode=mode)}
            yield from ((text, way.out(x), CONVENTION) for text, x, *_ in working(ways))
    changes: dict[str, dict[str, Any]] = {}
    settings: dict[str, tuple[Any, ...]] = {"stride": s, "pad": border, "dilation": d}
    for name, sides_of in settings.items():
        changes[f"the {name}s of height and width are exchanged"] = {name: sides_of[::-1]}
    reach = max(reaches(way.w.shape[2:], d))
    for stride, pad in product([s, *((n,) * len(s) for n in range(1, 5))], range(-1, reach + 1)):
        other = border if pad < 0 else ((pad, pad),) * len(s)
        text = f"the stride is {said(stride)}, not {said(s)}" * (stride != s)
        text += " and " * (stride != s and other != border)
        text += f"the padding is {said(other)}, not {said(border)}" * (other != border)
        changes[text] = {"stride": stride, "pad": other}
    for n in range(1, 5):
        changes[f"the dilation is {n}, not {said(d)}"] = {"dilation": (n,) * len(d)}
    yield from working({text: replace(way, **new).out for text, new in changes.items() if text})


CONV = Reference(
    "conv",
    "Σ w[f, c, u] x[n, c, i · stride + u] + b[f]",
    conv,
    conv_mistakes,
    lambda call: (way.out() for way in convs(call)),
    settings=SETTINGS,
    by_roles=True,
)
