"""Images unrolled into matrices, block by block, so that a convolution becomes products of these.

A block is some images, or a band of rows of one, whose unrolled matrix is small enough for the
processor's cache. One buffer serves all blocks, so that memory does not grow with the batch. Plain
forms of what is computed here are in `layers.convolution`.

Two ways of unrolling, of which `Unrolled.of` takes one:

rows    for each column v of the kernel a copy of the image, shifted by v. The matrix that row u of
        the kernel meets then is a part of this buffer that begins u rows later, and is not copied.
        A convolution is a sum of as many products as the kernel has rows.
whole   all entries of a kernel, in one product. The copies keep the width of the padded image, so
        that each is a single run of memory; what comes out beyond the last window of a row is left
        out. For kernels whose rows are too short for a product of their own, as those of a first
        layer, or of a depthwise one.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product

import numpy as np

from chainrule.layers.annotations import Floats
from chainrule.layers.windows import Windows

BLOCK, LEAST = 2**19, 2**17  # numbers in an unrolled block, at most; and where there are few
SHORT = 16  # numbers in a kernel's row, over the channels, that make no product of their own


@dataclass(frozen=True)
class Unrolled:
    """How images (C, H, W), with their border, are unrolled for kernels in groups of channels."""

    windows: Windows
    width: int  # of an image with its border
    channels: int
    groups: int
    whole: bool

    @classmethod
    def of(cls, windows: Windows, width: int, channels: int, groups: int) -> "Unrolled":
        """The faster way."""
        kh, kw = windows.size
        whole = kh == 1 or channels // groups * kw < SHORT
        return cls(windows, width, channels, groups, whole)

    @cached_property
    def columns(self) -> int:
        """How many windows lie beside one another."""
        return self.windows.fitting(1, self.width)

    @cached_property
    def is_flat(self) -> bool:
        """Whether the copies keep the width of the image."""
        return self.whole and self.windows.stride == (1, 1)

    @cached_property
    def pitch(self) -> int:
        """How many numbers there are from one row of windows to the next."""
        return self.width if self.is_flat else self.columns

    def row_of(self, u: int) -> tuple[int, int]:
        """Where row u of a kernel begins on an image whose rows are dealt out to as many phases as
        the stride has rows: in which phase, and at which row of it."""
        later, phase = divmod(u * self.windows.dilation[0], self.windows.stride[0])
        return phase, later

    def shape(self, rows: int) -> tuple[int, ...]:
        """The shape of an unrolled image with so many rows of windows."""
        kh, kw = self.windows.size
        if self.whole:
            return self.channels, kh, kw, rows * self.pitch
        phase, later = (max(places) for places in zip(*map(self.row_of, range(kh)), strict=True))
        return self.channels, kw, phase + 1, (rows + later) * self.pitch

    def size(self, rows: int) -> int:
        """How many numbers an image with so many rows of windows unrolls to."""
        return math.prod(self.shape(rows))

    def blocks(self, x: Floats, out: Floats) -> tuple[list[slice], list[slice], Floats]:
        """Divides images (N, C, H, W), and what is made of them (N, F, H', W'): into groups of
        images and, where a single one is large, into bands of rows of out. Returns both, and a
        buffer for any one block."""
        rows, most = out.shape[2], block_size(x, out)
        size = max(self.size(rows), 1)
        images = cut(len(out), max(most // size, 1))
        bands = cut(rows, rows if size <= most else max(rows * most // size, 1))
        largest = [
            max((one.stop - one.start for one in some), default=0) for some in (images, bands)
        ]
        return images, bands, np.empty(largest[0] * self.size(largest[1]), x.dtype)

    def unrolled(
        self, x: Floats, channels: slice, out: Floats
    ) -> Iterator[tuple[slice, slice, list[Floats]]]:
        """Unrolls some channels of x, block by block: yields images, rows of out, and the matrices
        of these, which the next block overwrites."""
        groups, bands, buffer = self.blocks(x, out)
        for images in groups:
            padded = self.windows.padded(x[images, channels])
            for rows in bands:
                yield images, rows, self.unroll(padded, rows, buffer)

    def block(self, buffer: Floats, images: int, rows: slice) -> Floats:
        """Room in a buffer for a band of so many unrolled images."""
        shape = (images, *self.shape(rows.stop - rows.start))
        return buffer[: math.prod(shape)].reshape(shape)

    def pieces(self, block: Floats, images: Floats, rows: slice) -> Iterator[tuple[Floats, Floats]]:
        """Pairs of views: a part of an unrolled block, and the part of the images that belongs
        there."""
        (sh, sw), (dh, dw) = self.windows.stride, self.windows.dilation
        band = images[:, :, rows.start * sh : (rows.stop - 1) * sh + self.windows.extent[0]]
        if self.is_flat:
            flat = band.reshape(*band.shape[:2], -1)
            for u, v in product(*map(range, self.windows.size)):
                part = flat[:, :, u * dh * self.width + v * dw :][:, :, : block.shape[-1]]
                yield block[:, :, u, v, : part.shape[-1]], part
        elif self.whole:
            for u, v, part in self.windows.entries(band):
                yield block[:, :, u, v].reshape(part.shape), part
        else:
            for v in range(self.windows.size[1]):
                columns = slice(v * dw, v * dw + sw * (self.columns - 1) + 1, sw)
                for phase in range(block.shape[3]):
                    into = block[:, :, v, phase].reshape(*block.shape[:2], -1, self.columns)
                    part = band[:, :, phase::sh, columns][:, :, : into.shape[2]]
                    yield into[:, :, : part.shape[2]], part

    def matrices(self, block: Floats, rows: slice) -> list[Floats]:
        """The matrices (n, G, K, P) of an unrolled block, one for each of `kernels`."""
        shape = (len(block), self.groups, -1, (rows.stop - rows.start) * self.pitch)
        if self.whole:
            return [block.reshape(shape)]
        found = []
        for phase, later in map(self.row_of, range(self.windows.size[0])):
            first = later * self.pitch
            found.append(block[:, :, :, phase, first : first + shape[-1]].reshape(shape))
        return found

    def unroll(self, images: Floats, rows: slice, buffer: Floats) -> list[Floats]:
        """The matrices of a band of images with their border."""
        block = self.block(buffer, len(images), rows)
        if self.is_flat:  # the last copies end a few numbers early
            block[..., block.shape[-1] - self.windows.extent[1] + 1 :] = 0
        for into, part in self.pieces(block, images, rows):
            into[...] = part
        return self.matrices(block, rows)

    def roll_back(
        self, kernels: Floats, sent: Floats, images: Floats, rows: slice, buffer: Floats
    ) -> Iterator[tuple[Floats, Floats]]:
        """The transpose of `unroll`: matrices sent (n, G, F / G, P), times each kernel, as parts of
        a block, beside the parts of the images that they are to be added to."""
        block = self.block(buffer, len(images), rows)
        if not self.whole:
            block[...] = 0
        for kernel, matrix in zip(kernels, self.matrices(block, rows), strict=True):
            if self.whole:
                np.matmul(kernel, sent, out=matrix)
            else:
                matrix += kernel @ sent
        return self.pieces(block, images, rows)

    def kernels(self, W: Floats) -> Floats:
        """W (F, C / G, kh, kw) as matrices (U, G, F / G, K), with as many U as `matrices` has."""
        rows = W[np.newaxis] if self.whole else W.transpose(2, 0, 1, 3)
        shape = (len(rows), self.groups, len(W) // self.groups, -1)
        return np.ascontiguousarray(rows).reshape(shape)

    def gathered(self, kernels: Floats) -> Floats:
        """W, from what `kernels` made of it."""
        kh, kw = self.windows.size
        each = self.channels // self.groups
        if self.whole:
            return kernels.reshape(-1, each, kh, kw)
        return kernels.reshape(kh, -1, each, kw).transpose(1, 2, 0, 3)

    def widened(self, dout: Floats) -> Floats:
        """dout (n, F, H', W') as matrices (n, G, F / G, P), with zeros where no window begins."""
        n, F, rows, columns = dout.shape
        shape = (n, self.groups, F // self.groups, rows * self.pitch)
        if self.pitch == columns:
            return dout.reshape(shape)
        wide = np.zeros((n, F, rows, self.pitch), dout.dtype)
        wide[..., :columns] = dout
        return wide.reshape(shape)

    def narrowed(self, wide: Floats) -> Floats:
        """Matrices (n, G, F / G, P) as (n, F, H', W'), without what stands where no window does."""
        filters, rows = wide.shape[1] * wide.shape[2], wide.shape[3] // self.pitch
        return wide.reshape(len(wide), filters, rows, self.pitch)[..., : self.columns]


def block_size(x: Floats, out: Floats) -> int:
    """How many numbers of a block there may be: a quarter of these arrays, so that it does not take
    much of their memory, within bounds."""
    return min(max((x.size + out.size) // 4, LEAST), BLOCK)


def cut(count: int, most: int) -> list[slice]:
    """Slices of at most so many, and of much the same length."""
    pieces = -(-count // most)
    ends = (count * at // pieces for at in range(pieces + 1)) if pieces else ()
    return [slice(*pair) for pair in pairwise(ends)]
