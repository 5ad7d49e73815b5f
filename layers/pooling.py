"""What the layers that pool share: sums over windows, and maxima in a plain and a fast form."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.layers.annotations import Floats
from chainrule.layers.windows import Sides, Windows, described, said, sides

#: For each window the place of its maximum, counted row by row within the window.
Winner = NDArray[np.unsignedinteger]


def maxima_plain(x: Floats, windows: Windows) -> tuple[Floats, Winner]:
    """The maximum of x (N, C, H, W) in each window, and its place: the first of equals, or the
    first nan, and never one in the border."""
    shape = (*x.shape[:2], *windows.places(x.shape[2:]))
    parts = [part for _, _, part in windows.entries(windows.padded(x, -np.inf))]
    out = np.full(shape, -np.inf, x.dtype)
    for part in parts:
        np.maximum(out, part, out=out)
    winner = np.zeros(shape, place_type(windows))
    image = windows.padded(np.ones(x.shape[2:]))
    inside = [part == 1 for _, _, part in windows.entries(image)]
    for k in reversed(range(len(parts))):
        winner[((parts[k] == out) | np.isnan(parts[k])) & inside[k]] = k
    return out, winner


def maxima_fast(x: Floats, windows: Windows) -> tuple[Floats, Winner]:
    """The same: first the maxima along the rows, of windows of one row, then over these rows.

    That takes kh + kw steps instead of kh kw; and with a width that is a multiple of the stride,
    one loop over all images, since windows that run over the end of a row do no harm: they are
    left out in the end. 2 to 10 times as fast as the plain form.
    """
    (kh, kw), (sh, sw) = windows.size, windows.stride
    N, C, *image = x.shape
    padded = folded(x, windows)
    number = place_type(windows)
    flat = padded.reshape(-1)
    row, column = flat[::sw].copy(), np.zeros(flat[::sw].shape, number)
    for v in range(1, kw):
        keep_larger(row, column, flat[v::sw], number(v))
    Hp, Wp = padded.shape[2:]
    rows = row.reshape(-1, sh, Wp // sw)  # (N · C · Hp / sh, sh, Wp / sw)
    columns = column.reshape(rows.shape)
    out, winner = rows[:, 0].copy(), columns[:, 0].copy()
    for u in range(1, kh):
        below, at = divmod(u, sh)
        keep_larger(out, winner, rows[below:, at], columns[below:, at] + number(u * kw))
    H, W = windows.places(image)
    found = (a.reshape(N, C, Hp // sh, Wp // sw)[:, :, :H, :W] for a in (out, winner))
    out, winner = map(np.ascontiguousarray, found)
    # Comparisons know no nan, and where all is -∞ the first may lie in the border.
    return (out, winner) if out.min(initial=0) > -np.inf else maxima_plain(x, windows)


def keep_larger(largest: Floats, place: Winner, part: Floats, at: Any) -> None:
    """Writes the entries of `part` that are larger into the beginning of `largest`, and where they
    stand, `at`, into `place`. These rise from call to call."""
    largest, place = largest[: len(part)], place[: len(part)]
    np.maximum(place, (part > largest) * at, out=place)
    np.maximum(largest, part, out=largest)


def folded(x: Floats, windows: Windows) -> Floats:
    """x with its border of -∞, and as many more below and on the right as make height and width
    multiples of the stride."""
    pad = [
        (before, after + -(n + before + after) % step)
        for n, (before, after), step in zip(x.shape[2:], windows.pad, windows.stride, strict=True)
    ]
    larger = replace(windows, pad=(pad[0], pad[1]))
    return np.ascontiguousarray(larger.padded(x, -np.inf))


def to_winners(dout: Floats, winner: Winner, windows: Windows, image: Sequence[int]) -> Floats:
    """Images (N, C, H, W) with every entry of dout (N, C, H', W') added where its window has its
    maximum."""
    (kh, kw), (sh, sw), ((top, _), (left, _)) = windows.size, windows.stride, windows.pad
    N, C, rows, columns = dout.shape
    H, W = image
    within = (np.arange(kh)[:, np.newaxis] * W + np.arange(kw)).reshape(-1)
    begins = (np.arange(rows) * sh - top)[:, np.newaxis] * W + np.arange(columns) * sw - left
    places = within[winner]
    places += begins
    places += np.arange(0, N * C * H * W, H * W).reshape(N, C, 1, 1)
    dx = np.zeros(N * C * H * W, dout.dtype)
    np.add.at(dx, places.reshape(-1), dout.reshape(-1))
    return dx.reshape(N, C, H, W)


def total(x: Floats, windows: Windows) -> Floats:
    """The sum of x (N, C, H, W) over each window, none of them in a border."""
    parts = windows.entries(x)
    _, _, first = next(parts)
    out = first.copy()
    for _, _, part in parts:
        out += part
    return out


def to_all(dout: Floats, windows: Windows, shape: tuple[int, ...]) -> Floats:
    """Images of this shape with every entry of dout added all over its window: the gradient of
    `total`."""
    dx = np.zeros(shape, dout.dtype)
    for _, _, part in windows.entries(dx):
        part += dout
    return dx


def place_type(windows: Windows) -> type[np.unsignedinteger]:
    """The smallest integers that tell the places within a window apart."""
    kh, kw = windows.size
    return np.min_scalar_type(kh * kw - 1).type


def windows_of(who: str, size: Sides, stride: Sides, pad: Sides) -> Windows:
    """The windows that a layer's constructor is asked for. Raises ValueError, which begins with
    `who`, also for a pad of more than half the size, where a window could hold no entry."""
    sides(who, "pad", pad, 0)
    windows = Windows.of(who, size, stride, pad)
    for side, k, (p, _) in zip(("height", "width"), windows.size, windows.pad, strict=True):
        if p > k // 2:
            raise ValueError(
                f"{who}: pad is {p} for a size of {k} in {side}, expected at most half the size, "
                f"{k // 2}, since a window could hold nothing but border"
            )
    return windows


def check_images(who: object, x: Floats, windows: Windows) -> None:
    """Raises ValueError unless `x` is a batch of images with room for a window, none empty."""
    windows.check(who, x)
    if 0 in x.shape[2:]:
        raise ValueError(f"{who!r}: x has shape {x.shape}, expected images of at least 1 × 1")


def settings(windows: Windows) -> tuple[Sides, Sides, Sides]:
    """Size, stride and pad as a layer keeps them."""
    (top, _), (left, _) = windows.pad
    return said(windows.size), said(windows.stride), said((top, left))


def called(layer: Any) -> str:
    """What a layer that pools says of itself: "MaxPool(2 × 2)"."""
    text = described(layer.size)
    text += f", stride={layer.stride}" if layer.stride != layer.size else ""
    text += f", pad={layer.pad}" if layer.pad != 0 else ""
    return f"{type(layer).__name__}({text})"
