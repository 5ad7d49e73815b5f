"""Formulas of pooling: over windows, and over whole images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np

from chainrule.gradcheck.formulas.convolution import (
    DILATION,
    PAD,
    STRIDE,
    Sides,
    padded,
    reaches,
    said,
    sides,
    windows,
)
from chainrule.gradcheck.formulas.reference import (
    Call,
    Inapplicable,
    Reference,
    Said,
    by_name,
    working,
)

ROLES = {"x": "x|inputs?|images?|imgs?|aprev|a"}
SIDE = ("kernel_size", "pool_size", "size", "kernel", "window", "k", "f")
HEIGHT = ("pool_height", "pool_h", "height", "kernel_height", "kh", "ph", *SIDE)
WIDTH = ("pool_width", "pool_w", "width", "kernel_width", "kw", "pw", *SIDE)
OF_WINDOWS: dict[str, Callable[..., np.ndarray]] = {
    "the maximum": np.max,
    "the mean": np.mean,
    "the sum": np.sum,
    "the minimum": np.min,
}


@dataclass(frozen=True, eq=False)
class Pool:
    """A pooling with channels first: x (N, C, *space)."""

    x: np.ndarray
    size: Sides
    stride: Sides
    pad: Sides
    dilation: Sides
    last: bool  # whether the channels of the output stand last

    def out(self, what: str, border: float = 0.0, begin: Sides = ()) -> np.ndarray:
        """One of OF_WINDOWS of each window of x, with this number around it."""
        x = padded(self.x, tuple((p, p) for p in self.pad), constant_values=border)
        found = windows(x, self.size, self.stride, self.dilation, begin)
        out = OF_WINDOWS[what](found, axis=tuple(range(-len(self.size), 0)))
        return np.moveaxis(out, 1, -1) if self.last else out

    def inside(self) -> np.ndarray:
        """Which share of each window is x, and not border."""
        return replace(self, x=np.ones_like(self.x)).out("the mean")

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the output; a side of less than 1 has no room for a window."""
        reach = reaches(self.size, self.dilation)
        each = zip(self.x.shape[2:], self.pad, reach, self.stride, strict=True)
        places = [(n + 2 * p - k) // s + 1 for n, p, k, s in each]
        N, C = self.x.shape[:2]
        return (N, *places, C) if self.last else (N, C, *places)


def pools(call: Call) -> Iterator[Pool]:
    """The poolings that the layer may be, with channels first or last; where it does not tell
    window and stride, those whose output has the shape of the layer's."""
    x = call.roles(ROLES, "x")["x"]
    if x.ndim not in (3, 4) or not x.size:
        raise Inapplicable(f"x has shape {x.shape}, which is no batch of images")
    ndim = x.ndim - 2
    each = [int(call.setting(*names, default=-1.0)) for names in (HEIGHT, WIDTH)][-ndim:]
    told = list(sides(call, ndim, *SIDE) if max(each) < 0 else each) or [-1] * ndim
    stride, pad = sides(call, ndim, *STRIDE), sides(call, ndim, *PAD) or (0,) * ndim
    dilation = sides(call, ndim, *DILATION) or (1,) * ndim
    for last in (False, True):
        image = np.moveaxis(x, -1, 1) if last else x
        for size in sizes(image.shape[2:], told):
            # A window is usually as wide as it goes on.
            strides = [size, *((s,) * ndim for s in range(1, max(size) + 1))]
            for s in [stride] if stride else dict.fromkeys(strides):
                way = Pool(image, size, s, pad, dilation, last)
                known = min(told) > 0 and bool(stride) and not last
                if min(way.shape) > 0 and (known or way.shape in call.shapes[:1]):
                    yield way


def sizes(space: Sides, told: list[int]) -> Iterator[Sides]:
    """The windows that the layer may have: as it tells, square ones, and all others."""
    every = [(k,) if k > 0 else range(1, n + 1) for n, k in zip(space, told, strict=True)]
    yield from sorted(product(*every), key=lambda size: len(set(size)))


def pool(what: str, call: Call) -> np.ndarray:
    for way in pools(call):
        return way.out(what, border(what))
    raise Inapplicable("the shapes fit no window and stride")


def border(what: str) -> float:
    """What stands around the image, so that it is never the maximum."""
    return -np.inf if what == "the maximum" else 0.0


def pool_equals(what: str, call: Call) -> Iterator[np.ndarray]:
    """Zeros around the image may count, too."""
    for way in pools(call):
        yield way.out(what, border(what))
        if max(way.pad):
            yield way.out(what) if what == "the maximum" else way.out(what) / way.inside()


def pool_mistakes(what: str, call: Call) -> Said:
    for way in pools(call):
        yield from mistakes_of(way, what)


def mistakes_of(way: Pool, what: str) -> Said:
    right, s, edge = way.out(what, border(what)), way.stride, border(what)
    for other in OF_WINDOWS:
        if other != what:
            yield f"out is {other} of each window, not {what}", way.out(other, border(other))
    if what == "the mean":
        sizes = {
            "the side of the window": way.size[0],
            "the stride": s[0],
            "the stride squared": s[0] * s[0],
        }
        for name, n in by_name(sizes).items():
            text = f"it divides by {n}, which is {name}, not by the window's area"
            yield text, way.out("the sum") / n
    if max(s) > 1:
        text = "windows begin at i, not at i · stride: the stride only makes the output smaller"
        yield text, way.out(what, edge, begin=(1,) * len(s))
    channel = -1 if way.last else 1
    text = "it also goes over the channels, which stay apart"
    over = OF_WINDOWS[what](right, axis=channel, keepdims=True)
    yield text, np.broadcast_to(over, right.shape)
    yield "the largest absolute value is taken", replace(way, x=abs(way.x)).out(what, edge)
    size, ways = f"{way.size[0]} × {way.size[-1]}", {}
    turned = f"height and width of the window are exchanged: it is {size}"
    ways[turned] = replace(way, size=way.size[::-1])
    for n in range(1, 5):
        ways[f"the stride is {n}, not {said(s)}"] = replace(way, stride=(n,) * len(s))
    for n in range(max(way.size)):
        ways[f"the padding is {n}, not {said(way.pad)}"] = replace(way, pad=(n,) * len(s))
    yield from working({text: partial(one.out, what, edge) for text, one in ways.items()})


def wholes(call: Call) -> Iterator[tuple[np.ndarray, tuple[int, ...]]]:
    """x and its axes of space: behind the channels, or before them, as the output's shape says."""
    x = call.roles(ROLES, "x")["x"]
    if x.ndim not in (3, 4) or not x.size:
        raise Inapplicable(f"x has shape {x.shape}, which is no batch of images")
    given = call.shapes[0][:2] if call.shapes else x.shape[:2]
    if given != (len(x), x.shape[-1]) or given == x.shape[:2]:
        yield x, tuple(range(2, x.ndim))
    if given == (len(x), x.shape[-1]):
        yield x, tuple(range(1, x.ndim - 1))


def shaped(call: Call, out: np.ndarray) -> np.ndarray:
    """`out` (N, C) with the axes of length 1 behind it that the layer gives it."""
    given = call.shapes[0] if call.shapes else out.shape
    ones = all(n == 1 for n in given[out.ndim :])
    return out.reshape(given) if ones and given[: out.ndim] == out.shape else out


def global_pools(what: str, call: Call) -> Iterator[np.ndarray]:
    for x, space in wholes(call):
        yield shaped(call, OF_WINDOWS[what](x, axis=space))


def global_mistakes(what: str, call: Call) -> Said:
    x, space = next(wholes(call))
    out, n = OF_WINDOWS[what](x, axis=space), x.shape[space[0]]
    ways = {
        f"out is {other} of each channel, not {what}": function(x, axis=space)
        for other, function in OF_WINDOWS.items()
        if other != what
    }
    if what == "the mean":
        total = x.sum(axis=space)
        sizes = {"the side of the image": n, "the number of channels": out.shape[1]}
        for name, size in by_name(sizes).items():
            ways[f"it divides by {size}, which is {name}, not by the area"] = total / size
        ways[f"it divides by the number of examples, {len(x)}, too"] = out / len(x)
    over = OF_WINDOWS[what](out, axis=0, keepdims=True)
    ways["it goes over all examples, which stay apart"] = np.repeat(over, len(x), axis=0)
    for text, other in ways.items():
        yield text, shaped(call, other)


def reference(name: str, what: str, formula: str) -> Reference:
    """Pooling over windows."""
    return Reference(
        name,
        formula,
        lambda call: pool(what, call),
        lambda call: pool_mistakes(what, call),
        lambda call: pool_equals(what, call),
        settings=(*HEIGHT, *WIDTH, *STRIDE, *PAD, *DILATION, "count_include_pad"),
        by_roles=True,
    )


def of_all(name: str, what: str, formula: str) -> Reference:
    """Pooling over the whole image."""
    return Reference(
        name,
        formula,
        lambda call: next(global_pools(what, call)),
        lambda call: global_mistakes(what, call),
        lambda call: global_pools(what, call),
        by_roles=True,
    )


MAXIMUM = reference("maxpool", "the maximum", "the maximum of each window")
# What is only called pooling may be either.
EITHER = replace(
    MAXIMUM,
    name="pooling",
    equals=lambda call: (
        w for what in ("the maximum", "the mean") for w in pool_equals(what, call)
    ),
    mistakes=lambda _: iter(()),
)
POOLINGS = (
    *(MAXIMUM, EITHER),
    reference("avgpool", "the mean", "the mean of each window"),
    of_all("globalavgpool", "the mean", "the mean of each channel"),
    of_all("globalmaxpool", "the maximum", "the maximum of each channel"),
)
