"""Convolution with 3 × 3 kernels in a quarter of the multiplications.

An output tile of 4 × 4 takes 144 products of an input and a kernel's entry. Seen as polynomials,
both can be evaluated at points, where 36 products do, and the output read off from these: out =
Aᵀ [(G W Gᵀ) ⊙ (B x Bᵀ)] A for tiles x (6 × 6) that overlap by two. The products over all channels
are 36 matrix products, one for each pair of points. As in `layers.unrolled`, a block of tiles at a
time is transformed, so that memory does not grow with the batch.

The points 0, ±¾, ±1½ and infinity keep the numbers close to one another: in float32 the error is
about 5 times that of a direct sum, 1e-6 of the size of the outputs. An input that is not finite
makes its whole tiles nan. The gain over unrolled products grows with the channels: 1.3 for 64, 1.8
for 128 and 256.

Source: Winograd, "Arithmetic Complexity of Computations", 1980; Lavin and Gray, "Fast Algorithms
for Convolutional Neural Networks", 2016. The transform of dW is the transpose of that of out.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Floats
from chainrule.layers.unrolled import block_size, cut
from chainrule.layers.windows import Windows

POINTS = (0, 0.75, -0.75, 1.5, -1.5)  # and infinity
TILE, SIDE = 4, 6  # sides of the tiles of an output, and of those of an image
GROWTH = 4  # numbers of a transformed kernel, 36, over those of a kernel
CHANNELS, IMAGES = 64, 8  # at least so many, of fewer the transforms take longer than they save


def suits(x: Floats, W: Floats, windows: Windows) -> bool:
    """Whether x (N, C, H, W) and kernels W are better transformed."""
    H, W_ = windows.places(x.shape[2:])
    filled = H * W_ / (-(-H // TILE) * -(-W_ // TILE) * TILE**2) if H * W_ else 0
    return (
        windows.size == (3, 3)
        and windows.stride == windows.dilation == (1, 1)
        and x.shape[1] == W.shape[1]
        and min(W.shape[:2]) >= CHANNELS
        and len(x) >= IMAGES
        and filled > 0.6
        and x.dtype == np.float32
    )


def transforms(dtype: DTypeLike) -> tuple[Floats, Floats, Floats]:
    """The matrices A ⊗ A (36, 16), B ⊗ B (36, 36) and G ⊗ G (36, 9): rows are pairs of points."""
    A, B, G = np.zeros((SIDE, TILE)), np.zeros((SIDE, SIDE)), np.zeros((SIDE, 3))
    for row, point in enumerate(POINTS):
        others = [other for other in POINTS if other != point]
        A[row] = point ** np.arange(TILE)
        B[row, : SIDE - 1] = polynomial.polyfromroots(others)
        G[row] = point ** np.arange(3) / np.prod([point - other for other in others])
    A[-1, -1] = G[-1, -1] = 1  # at infinity a polynomial is its last coefficient
    B[-1] = polynomial.polyfromroots(POINTS)
    A, B, G = (np.kron(one, one).astype(dtype) for one in (A, B, G))
    return A, B, G


def correlate(x: Floats, W: Floats, windows: Windows) -> Floats:
    """What `convolution.correlate` computes."""
    A, B, G = transforms(x.dtype)
    kernels = transformed(W, G)
    out = np.empty((len(x), len(W), *windows.places(x.shape[2:])), x.dtype)
    for images, rows in blocks(x, out):
        points = evaluated(x[images], B, rows, windows)
        write(A.T @ (kernels @ points).reshape(len(A), -1), out[images, :, rows])
    return out


def weight_sum(x: Floats, dout: Floats, windows: Windows) -> Floats:
    """What `convolution.weight_sum` computes."""
    A, B, G = transforms(x.dtype)
    total = np.zeros((len(A), dout.shape[1], x.shape[1]), x.dtype)
    for images, rows in blocks(x, dout):
        points = evaluated(x[images], B, rows, windows)
        add_products(total, evaluated(dout[images], A, rows, Windows((1, 1))), points)
    return read_off(total, G)


def correlate_and_sum(
    x: Floats, W: Floats, dout: Floats, windows: Windows
) -> tuple[Floats, Floats]:
    """What `convolution.correlate_and_sum` computes."""
    A, B, G = transforms(x.dtype)
    kernels = transformed(W, G)
    out, total = np.empty(dout.shape, x.dtype), np.zeros_like(kernels)
    for images, rows in blocks(x, out):
        points = evaluated(x[images], B, rows, windows)
        write(A.T @ (kernels @ points).reshape(len(A), -1), out[images, :, rows])
        add_products(total, evaluated(dout[images], A, rows, Windows((1, 1))), points)
    return out, read_off(total, G)


def transformed(W: Floats, G: Floats) -> Floats:
    """Kernels (F, C, 3, 3) at the points: (36, F, C)."""
    F, C = W.shape[:2]
    return (G @ W.reshape(F * C, -1).T).reshape(-1, F, C)


def evaluated(x: Floats, T: Floats, rows: slice, windows: Windows) -> Floats:
    """The tiles of some rows at the points, by B of images, by A of dout: (36, C, tiles)."""
    side = math.isqrt(T.shape[1])
    return (T @ tiles(x, side, rows, windows)).reshape(len(T), x.shape[1], -1)


def add_products(total: Floats, sent: Floats, points: Floats) -> None:
    """Adds sent · pointsᵀ to total, one pair of points at a time: all in one product would need the
    memory of `total` again."""
    for sums, one, other in zip(total, sent, points, strict=True):
        sums += one @ other.T


def read_off(total: Floats, G: Floats) -> Floats:
    """dW (F, C, 3, 3) from what it is at the points, (36, F, C)."""
    return np.ascontiguousarray((G.T @ total.reshape(len(G), -1)).T).reshape(*total.shape[1:], 3, 3)


def blocks(x: Floats, out: Floats) -> Iterator[tuple[slice, slice]]:
    """Divides a batch into blocks: yields images, and rows of the output."""
    down, across = (-(-side // TILE) for side in out.shape[2:])
    row = SIDE**2 * across * max(x.shape[1], out.shape[1])  # numbers of one image's row of tiles
    least = 2 * IMAGES
    most = block_size(x, out)
    high = min(max(most // (row * least), 1), down)
    for images in cut(len(x), max(most // (row * high), least)):
        for rows in cut(down, high):
            yield images, slice(rows.start * TILE, min(rows.stop * TILE, out.shape[2]))


def tiles(x: Floats, side: int, rows: slice, windows: Windows) -> Floats:
    """The tiles (side², C · tiles · n) of images x (n, C, H, W) that some rows of the output, in
    tiles of 4 × 4, are made of; zero outside. The images stand last, so that what is copied is
    contiguous."""
    n, C, H, W = x.shape
    (top, _), (left, _) = windows.pad
    down = -(-(rows.stop - rows.start) // TILE)
    across = -(-windows.places((H, W))[1] // TILE) if side == SIDE else -(-W // TILE)
    first = rows.start - top
    around = np.zeros((C, TILE * (down - 1) + side, TILE * (across - 1) + side, n), x.dtype)
    reached = slice(max(first, 0), max(first + around.shape[1], 0))  # rows of x; none in the border
    inside = x[:, :, reached, : around.shape[2] - left]
    above = max(-first, 0)
    into = around[:, above : above + inside.shape[2], left : left + inside.shape[3]]
    into[...] = inside.transpose(1, 2, 3, 0)
    found = np.empty((side, side, C, down, across, n), x.dtype)
    for a, b in np.ndindex(side, side):
        found[a, b] = around[:, a : a + TILE * down : TILE, b : b + TILE * across : TILE]
    return found.reshape(side**2, -1)


def write(found: Floats, out: Floats) -> None:
    """Writes tiles (16, F · tiles · n) to out (n, F, H', W')."""
    n, F, H, W = out.shape
    down, across = -(-H // TILE), -(-W // TILE)
    image = found.reshape(TILE, TILE, F, down, across, n).transpose(5, 2, 3, 0, 4, 1)
    if H % TILE or W % TILE:
        out[...] = image.reshape(n, F, down * TILE, across * TILE)[:, :, :H, :W]
    else:
        out.reshape(n, F, down, TILE, across, TILE)[...] = image
