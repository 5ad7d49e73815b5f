"""Formulas of convolution and of its transpose, over one, two or more axes of space."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
STRIDE, PAD = ("stride", "strides"), ("pad", "padding", "pads")
# What makes a convolution another one, unless it is 1.
OTHERS = ("dilation", "dilations", "dilate", "groups", "group")


def windows(x: np.ndarray, size: Sequence[int], stride: int, step: int = 0) -> np.ndarray:
    """The windows of x (N, C, *space), (N, C, *places, *size). As many as there are places in steps
    of `stride`; but they begin every `step`, if that is given."""
    places = [(n - k) // stride + 1 for n, k in zip(x.shape[2:], size, strict=True)]
    if min(places, default=0) < 1:
        raise Inapplicable(f"windows {tuple(size)} do not fit into {x.shape[2:]}")
    found = np.empty((*x.shape[:2], *places, *size))
    for at in np.ndindex(*places):
        start = [i * (step or stride) for i in at]
        cut = (slice(i, i + k) for i, k in zip(start, size, strict=True))
        found[(slice(None), slice(None), *at)] = x[(slice(None), slice(None), *cut)]
    return found


def padded(x: np.ndarray, before: int, after: int, **how: Any) -> np.ndarray:
    """x (N, C, *space) with so many more entries on both sides of every axis of space."""
    return np.pad(x, [(0, 0), (0, 0), *[(before, after)] * (x.ndim - 2)], **how)


def correlated(x: np.ndarray, w: np.ndarray, stride: int, step: int = 0) -> np.ndarray:
    """Σ over c and u of w[f, c, u] x[n, c, i · stride + u]: (N, F, *places)."""
    space = range(2, w.ndim)
    found = windows(x, w.shape[2:], stride, step)
    axes = ([1, *range(w.ndim, 2 * w.ndim - 2)], [1, *space])
    return np.moveaxis(np.tensordot(found, w, axes), -1, 1)


@dataclass(frozen=True, eq=False)
class Conv:
    """A convolution with channels first: x (N, C, *space), w (F, C, *size), b (1, F, 1, …)."""

    x: np.ndarray
    w: np.ndarray
    b: np.ndarray
    stride: int
    pad: int
    last: bool = False  # whether the channels of the output stand last

    def out(self, x: Any = None, w: Any = None, b: Any = None, step: int = 0) -> np.ndarray:
        """The output, with something else in the place of x and its border, of w, b or the step."""
        x = padded(self.x, self.pad, self.pad) if x is None else x
        out = correlated(x, self.w if w is None else w, self.stride, step)
        out += self.b if b is None else b
        return np.moveaxis(out, 1, -1) if self.last else out


def steps(call: Call, size: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Stride and padding as the layer tells them; where it does not, all that are usual."""
    for name in OTHERS:
        if call.setting(name, default=1.0) != 1:
            raise Inapplicable(f"the layer's {name} is no part of it")
    stride, pad = (int(call.setting(*names, default=-1.0)) for names in (STRIDE, PAD))
    strides = (stride,) if stride > 0 else range(1, max(*size, 4) + 1)
    yield from product(strides, (pad,) if pad >= 0 else range(max(size)))


def is_told(call: Call) -> bool:
    return min(call.setting(*names, default=-1.0) for names in (STRIDE, PAD)) >= 0


def convs(call: Call) -> Iterator[Conv]:
    """The convolutions that the layer may be, with channels first or last; where it does not tell
    its stride and padding, those whose output has the shape of the layer's."""
    parts = call.roles(ROLES, "x w")
    x, w = parts["x"], parts["w"]
    if x.ndim != w.ndim or x.ndim < 3 or not x.size:
        raise Inapplicable(f"x of shape {x.shape} and w of shape {w.shape} do not fit")
    for last in (False, True):
        image = np.moveaxis(x, -1, 1) if last else x
        kernel = np.moveaxis(w, (-1, -2), (0, 1)) if last else w
        b = parts.get("b", np.zeros(len(kernel)))
        if kernel.shape[1] != image.shape[1] or b.size != len(kernel):
            continue
        for stride, pad in steps(call, kernel.shape[2:]):
            sizes = zip(image.shape[2:], kernel.shape[2:], strict=True)
            places = [(n + 2 * pad - k) // stride + 1 for n, k in sizes]
            shape = (len(x), *places, len(kernel)) if last else (len(x), len(kernel), *places)
            fits = shape in call.shapes[:1] or (is_told(call) and not last)
            if fits and min(places) > 0:
                columns = b.reshape(-1, *[1] * (x.ndim - 2))
                yield Conv(image, kernel, columns, stride, pad, last)


def conv(call: Call) -> np.ndarray:
    for way in convs(call):
        return way.out()
    raise Inapplicable("the shapes fit no usual stride and padding")


def conv_mistakes(call: Call) -> Said:
    for way in convs(call):
        yield from kernel_mistakes(way)
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


def border_mistakes(way: Conv) -> Said:
    """What can go wrong with the border and the stride."""
    p, s = way.pad, way.stride
    starts = "windows begin at i, not at i · stride: the stride only makes the output smaller"
    if s > 1:
        yield starts, way.out(step=1)
    for side, by in {"before": (2 * p, 0), "behind": (0, 2 * p)}.items() if p else ():
        text = f"all the padding stands on one side, {side} the image: {p} belong on each side"
        yield text, way.out(padded(way.x, *by))
    for mode, what in {"edge": "repeated", "reflect": "mirrored", "wrap": "wrapped"}.items():
        text = f"the image is {what} at its border, and not padded with zeros"
        if p:
            yield text, way.out(padded(way.x, p, p, mode=mode)), CONVENTION
    for stride, pad in product(range(1, 5), range(max(way.w.shape[2:]) + 1)):
        text = f"the stride is {stride}, not {s}" * (stride != s)
        text += " and " * (stride != s and pad != p) + f"the padding is {pad}, not {p}" * (pad != p)
        if text:
            other = replace(way, stride=stride, pad=pad)
            yield from working({text: other.out})


def scattered(
    x: np.ndarray, w: np.ndarray, stride: int, add: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> np.ndarray:
    """Each entry x[n, c, i] times w[c, f] at the place i · stride of the output (N, F, *space)."""
    sizes = [(n - 1) * stride + k for n, k in zip(x.shape[2:], w.shape[2:], strict=True)]
    out = np.zeros((len(x), w.shape[1], *sizes))
    for at in np.ndindex(*x.shape[2:]):
        cut = tuple(slice(i * stride, i * stride + k) for i, k in zip(at, w.shape[2:], strict=True))
        place = (slice(None), slice(None), *cut)
        out[place] = add(out[place], np.tensordot(x[(slice(None), slice(None), *at)], w, 1))
    return out


def cut_off(out: np.ndarray, pad: int) -> np.ndarray:
    """`out` without `pad` entries at both ends of each axis of space."""
    inner = (slice(pad, n - pad) for n in out.shape[2:])
    return out[(slice(None), slice(None), *inner)]


def transposed_ways(call: Call) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, int, int]]:
    """x, w, b, stride and padding as the layer may mean them."""
    parts = call.roles(ROLES, "x w")
    x, w = parts["x"], parts["w"]
    b = parts.get("b", np.zeros(w.shape[1] if w.ndim > 1 else 0))
    if x.ndim != w.ndim or x.ndim < 3 or x.shape[1] != len(w) or b.size != w.shape[1]:
        raise Inapplicable(f"x of shape {x.shape} and w of shape {w.shape} do not fit")
    for stride, pad in steps(call, w.shape[2:]):
        sizes = zip(x.shape[2:], w.shape[2:], strict=True)
        places = [(n - 1) * stride + k - 2 * pad for n, k in sizes]
        if min(places) > 0 and (is_told(call) or (len(x), w.shape[1], *places) in call.shapes[:1]):
            yield x, w, b.reshape(-1, *[1] * (x.ndim - 2)), stride, pad


def transposed(call: Call) -> np.ndarray:
    for x, w, b, stride, pad in transposed_ways(call):
        return cut_off(scattered(x, w, stride, np.add), pad) + b
    raise Inapplicable("the shapes fit no usual stride and padding")


def transposed_equals(call: Call) -> Iterator[np.ndarray]:
    for x, w, b, stride, pad in transposed_ways(call):
        yield cut_off(scattered(x, w, stride, np.add), pad) + b


def transposed_mistakes(call: Call) -> Said:
    for x, w, b, stride, pad in transposed_ways(call):
        out = cut_off(scattered(x, w, stride, np.add), pad)
        yield "the bias is missing", out
        text = "where windows overlap the last one overwrites the others: they add up"
        yield text, cut_off(scattered(x, w, stride, lambda _, new: new), pad) + b
        turned = np.flip(w, tuple(range(2, w.ndim)))
        text = "the kernel is turned round"
        yield text, cut_off(scattered(x, turned, stride, np.add), pad) + b


CONVOLUTIONS = (
    Reference(
        "conv",
        "Σ w[f, c, u] x[n, c, i · stride + u] + b[f]",
        conv,
        conv_mistakes,
        lambda call: (way.out() for way in convs(call)),
        settings=(*STRIDE, *PAD),
        by_roles=True,
    ),
    Reference(
        "convtranspose",
        "w[c, f, u] x[n, c, i] added up at i · stride + u, + b[f]",
        transposed,
        transposed_mistakes,
        transposed_equals,
        settings=(*STRIDE, *PAD),
        by_roles=True,
    ),
)
