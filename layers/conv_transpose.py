"""The transposed convolution, also called deconvolution."""

import math

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.conv import Conv
from chainrule.layers.convolution import correlate_and_sum, spread, weight_sum
from chainrule.layers.windows import Windows


class ConvTranspose(Conv):
    """out = b + each entry of x times its kernel, added up where a convolution's windows would lie:
    out[n, f, y, z] = b[f] + Σ W[c, f, u, v] · x[n, c, i, j], over all c, u, v, i, j with
    i s + u d - p = y and j s + v d - p = z

    x (N, C, H, W);  W (C, F, kh, kw), or (C, F / G, kh, kw);  b (F,);  out (N, F, H', W') with
    H' = (H - 1) s + d (kh - 1) + 1 - 2 p, and W' likewise.
    dx = dout ⋆ W, the correlation:
    dx[n, c, i, j] = Σ W[c, f, u, v] · dout[n, f, i s + u d - p, j s + v d - p], over f, u, v
    dW[c, f, u, v] = Σ x[n, c, i, j] · dout[n, f, i s + u d - p, j s + v d - p], over n, i, j
    db[f] = Σ dout[n, f, y, z], over n, y, z

    It is a convolution with the two passes exchanged: forward is the dx of a `Conv` from F to C
    channels with the same W, and dx its forward pass. With a stride s images become s times as
    large; `pad` cuts off what would stand in that convolution's border.

    The settings are those of `Conv`, but that there is no `pad="same"`. The fan for `init` is the
    mean number of entries of x that one of out reads, C · kh · kw / s².
    Raises ValueError for channels that the groups do not divide, and where `pad` leaves nothing.
    Source: Zeiler et al., "Deconvolutional Networks", 2010; Dumoulin and Visin, "A guide to
    convolution arithmetic for deep learning", 2016, section 4.
    """

    def kernels(self) -> tuple[tuple[int, ...], int, int]:
        if self.pad == "same":
            raise ValueError("ConvTranspose: pad must be a number or a pair, got 'same'")
        area, steps = math.prod(self.windows.size), math.prod(self.windows.stride)
        C, F = self.in_channels // self.groups, self.out_channels // self.groups
        shape = (self.in_channels, F, *self.windows.size)
        return shape, max(C * area // steps, 1), F * area

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        Windows((1, 1)).check(self, x, self.in_channels)
        W, image = self.params["W"], self.windows.covered(x.shape[2:])
        if min(image) < 1:
            raise ValueError(
                f"{self!r}: x has images of {x.shape[2]} × {x.shape[3]} (shape {x.shape}), of "
                f"which pad={self.pad} leaves {max(image[0], 0)} × {max(image[1], 0)}; expected a "
                f"smaller pad"
            )
        out = spread(x, W, self.windows, image, self.groups)
        if self.bias:
            out += self.params["b"][:, np.newaxis, np.newaxis]
        return out, (x, W)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        x, W = cache
        dout = self.upstream(dout, self.out_shape(x), W.dtype)
        dx, dW = correlate_and_sum(dout, W, x, self.windows)
        return dx, self.grads(dW, dout)

    def param_grads(self, dout: Floats, cache: Cache) -> Grads:
        x, W = cache
        dout = self.upstream(dout, self.out_shape(x), W.dtype)
        return self.grads(weight_sum(dout, x, self.windows, self.groups), dout)

    def out_shape(self, x: Floats) -> tuple[int, ...]:
        return len(x), self.out_channels, *self.windows.covered(x.shape[2:])

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        x = rng.standard_normal((2, 4, 3, 2))
        yield "twice as large", cls(4, 3, 2, stride=2, rng=rng), x
        yield "3 × 2, overlapping, pad", cls(4, 2, (3, 2), stride=(2, 1), pad=(1, 0), rng=rng), x
        yield "groups, dilation", cls(4, 6, 2, groups=2, dilation=2, bias=False, rng=rng), x
