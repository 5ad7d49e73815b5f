"""The three sums of a convolution, each in its plain form and in the one that is fast.

`correlate` is the forward pass, `spread` its transpose, which gives dx, and `weight_sum` gives dW.
x (N, C, H, W); kernels W (F, C / G, kh, kw) for G groups of channels; out, dout (N, F, H', W').

The fast forms are products of images that are unrolled block by block (`layers.unrolled`), or
transformed (`layers.winograd`). A backward pass unrolls dout alone: dx is a sum over its pieces,
and dW one over the same pieces, which saves a tenth of the time, and a third for one kernel per
channel.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from chainrule.layers import winograd
from chainrule.layers.annotations import Floats
from chainrule.layers.unrolled import BLOCK, LEAST, Unrolled, cut
from chainrule.layers.windows import Windows

#: dx is a correlation of dout with the kernels turned round where dout has at most so many times
#: the channels of x; more take longer to unroll than the parts of dx take to be added up.
WIDER = 2


def correlate_plain(x: Floats, W: Floats, windows: Windows) -> Floats:
    """out[n, f, i, j] = Σ over c, u, v of W[f, c, u, v] · x[n, c, i s + u d - p, j s + v d - p]."""
    groups = x.shape[1] // W.shape[1]
    out = np.zeros((len(x), len(W), *windows.places(x.shape[2:])), x.dtype)
    for u, v, part in windows.entries(windows.padded(x)):
        one = W[:, :, u, v].reshape(groups, -1, W.shape[1])
        by_group(out, groups)[...] += np.einsum("gfc,ngchw->ngfhw", one, by_group(part, groups))
    return out


def correlate(x: Floats, W: Floats, windows: Windows) -> Floats:
    """The same, fast."""
    if winograd.suits(x, W, windows):
        return winograd.correlate(x, W, windows)
    out = np.empty((len(x), len(W), *windows.places(x.shape[2:])), x.dtype)
    for way, channels, filters in ways(windows, x.shape, W.shape):
        kernels = way.kernels(W[filters])
        for images, rows, matrices in way.unrolled(x, channels, out):
            out[images, filters, rows] = way.narrowed(sum_of_products(kernels, matrices))
    return out


def spread_plain(
    dout: Floats, W: Floats, windows: Windows, image: tuple[int, int], groups: int
) -> Floats:
    """Every entry of dout times the kernel that made it, added up where that lay on the images:
    (N, C, H, W) for images (H, W)."""
    dx = np.zeros((len(dout), groups * W.shape[1], *windows.around(image)), dout.dtype)
    for u, v, part in windows.entries(dx):
        one = W[:, :, u, v].reshape(groups, -1, W.shape[1])
        sent = np.einsum("gfc,ngfhw->ngchw", one, by_group(dout, groups))
        part += sent.reshape(part.shape)
    return windows.inner(dx, image)


def spread(
    dout: Floats, W: Floats, windows: Windows, image: tuple[int, int], groups: int
) -> Floats:
    """The same, fast: with a stride of 1, the correlation of dout with the kernels turned round."""
    transposed = windows.transposed()
    if transposed is not None and len(W) <= WIDER * groups * W.shape[1]:
        return correlate(dout, turned(W, groups), transposed)
    dx = np.empty((len(dout), groups * W.shape[1], *image), dout.dtype)
    for way, channels, filters in ways(windows, dx.shape, W.shape):
        kernels = np.ascontiguousarray(way.kernels(W[filters]).swapaxes(2, 3))
        some, bands, buffer = way.blocks(dx, dout)
        for images in some:
            around = np.zeros((*dx[images, channels].shape[:2], *windows.around(image)), dx.dtype)
            for rows in bands:
                sent = way.widened(dout[images, filters, rows])
                for part, piece in way.roll_back(kernels, sent, around, rows, buffer):
                    piece += part
            dx[images, channels] = windows.inner(around, image)
    return dx


def weight_sum_plain(x: Floats, dout: Floats, windows: Windows, groups: int) -> Floats:
    """dW[f, c, u, v] = Σ over n, i, j of dout[n, f, i, j] x[n, c, i s + u d - p, j s + v d - p]."""
    dW = np.empty((dout.shape[1], x.shape[1] // groups, *windows.size), x.dtype)
    dout = by_group(dout, groups)
    for u, v, part in windows.entries(windows.padded(x)):
        one = np.einsum("ngfhw,ngchw->gfc", dout, by_group(part, groups))
        dW[:, :, u, v] = one.reshape(dW.shape[:2])
    return dW


def weight_sum(x: Floats, dout: Floats, windows: Windows, groups: int) -> Floats:
    """The same, fast."""
    dW = np.empty((dout.shape[1], x.shape[1] // groups, *windows.size), x.dtype)
    if winograd.suits(x, dW, windows):
        return winograd.weight_sum(x, dout, windows)
    for way, channels, filters in ways(windows, x.shape, dW.shape):
        total = np.zeros_like(way.kernels(dW[filters]))
        for images, rows, matrices in way.unrolled(x, channels, dout):
            add_products(total, way.widened(dout[images, filters, rows]), matrices)
        dW[filters] = way.gathered(total)
    return dW


def correlate_and_sum(
    x: Floats, W: Floats, dout: Floats, windows: Windows
) -> tuple[Floats, Floats]:
    """Both, `correlate(x, W, windows)` and the `weight_sum` of x and dout, from images that are
    unrolled once."""
    if winograd.suits(x, W, windows):
        return winograd.correlate_and_sum(x, W, dout, windows)
    out, dW = np.empty(dout.shape, x.dtype), np.empty(W.shape, x.dtype)
    for way, channels, filters in ways(windows, x.shape, W.shape):
        kernels = way.kernels(W[filters])
        total = np.zeros_like(kernels)
        for images, rows, matrices in way.unrolled(x, channels, out):
            out[images, filters, rows] = way.narrowed(sum_of_products(kernels, matrices))
            add_products(total, way.widened(dout[images, filters, rows]), matrices)
        dW[filters] = way.gathered(total)
    return out, dW


def spread_and_sum(
    dout: Floats, W: Floats, x: Floats, windows: Windows, groups: int
) -> tuple[Floats, Floats]:
    """dx and dW: `spread` of dout, and `weight_sum` of x and dout. Where dx is a correlation of
    dout, dW turned round is that of the same pieces of dout with x."""
    transposed = shared(dout, W, x, windows)
    if transposed is None:
        dx = spread(dout, W, windows, (x.shape[2], x.shape[3]), groups)
        return dx, weight_sum(x, dout, windows, groups)
    dx, dW = correlate_and_sum(dout, turned(W, groups), x, transposed)
    return dx, np.ascontiguousarray(turned(dW, groups))


def sum_alone(dout: Floats, W: Floats, x: Floats, windows: Windows, groups: int) -> Floats:
    """The dW of `spread_and_sum`, to the bit, without dx."""
    transposed = shared(dout, W, x, windows)
    if transposed is None:
        return weight_sum(x, dout, windows, groups)
    return np.ascontiguousarray(turned(weight_sum(dout, x, transposed, groups), groups))


def shared(dout: Floats, W: Floats, x: Floats, windows: Windows) -> Windows | None:
    """The windows on dout whose pieces dx and dW are both sums of. None where there are none, or
    many more filters than channels, or kernels that outweigh the images: these take dx and dW one
    after the other, lest both be in memory at once."""
    both = 2 * W.size * (winograd.GROWTH if winograd.suits(x, W, windows) else 1)
    if len(W) > WIDER * x.shape[1] or both > x.size + dout.size:
        return None
    return windows.transposed()


def sum_of_products(kernels: Floats, matrices: Sequence[Floats]) -> Floats:
    """Σ kernel · matrix."""
    total = np.matmul(kernels[0], matrices[0])
    for kernel, matrix in zip(kernels[1:], matrices[1:], strict=True):
        total += kernel @ matrix
    return total


def add_products(total: Floats, sent: Floats, matrices: Sequence[Floats]) -> None:
    """Adds sent · matrixᵀ, over all images, to each part of total."""
    for sums, matrix in zip(total, matrices, strict=True):
        for some in cut(len(sent), max(LEAST // sums.size, 1)):
            products = sent[some] @ matrix[some].swapaxes(2, 3)
            sums += products[0] if len(products) == 1 else products.sum(axis=0)


def ways(
    windows: Windows, x: tuple[int, ...], W: tuple[int, ...]
) -> Iterator[tuple[Unrolled, slice, slice]]:
    """Divides the groups of channels of x (N, C, H, W) and kernels W (F, C / G, kh, kw), given by
    their shapes, so that what one image unrolls to stays small, and yields how to unroll them, with
    the channels and the filters."""
    groups, filters = x[1] // W[1], W[0] // (x[1] // W[1])
    rows, width = windows.places(x[2:])[0], windows.around(x[2:])[1]
    one = Unrolled.of(windows, width, W[1], 1)
    for some in cut(groups, max(BLOCK // max(one.size(rows), 1), 1)):
        way = Unrolled.of(windows, width, (some.stop - some.start) * W[1], some.stop - some.start)
        channels = slice(some.start * W[1], some.stop * W[1])
        yield way, channels, slice(some.start * filters, some.stop * filters)


def turned(W: Floats, groups: int) -> Floats:
    """The kernels (C, F / G, kh, kw) of the transposed convolution: turned round, and with inputs
    and outputs exchanged in each group."""
    by_group = W.reshape(groups, -1, *W.shape[1:])[..., ::-1, ::-1].swapaxes(1, 2)
    return by_group.reshape(-1, len(W) // groups, *W.shape[2:])


def by_group(x: Floats, groups: int) -> Floats:
    """(N, G C', …) → (N, G, C', …)."""
    return x.reshape(len(x), groups, x.shape[1] // groups, *x.shape[2:])
