"""Larger images, each entry repeated."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer
from chainrule.layers.windows import Sides, Windows, said, sides


class Upsample(Layer):
    """out = x with every entry f times in each direction: out[n, c, i, j] = x[n, c, ⌊i/f⌋, ⌊j/f⌋].

    x (N, C, H, W);  out (N, C, f H, f W).
    dx = Σ of dout over the f² places that an entry was written to

    `factor` f is a number, or a pair for height and width. This takes the nearest entry, and draws
    no line between two.
    Source: Odena et al., "Deconvolution and Checkerboard Artifacts", 2016.
    """

    def __init__(self, factor: Sides) -> None:
        super().__init__()
        pair = sides("Upsample", "factor", factor, 1)
        self.factor = said(pair)
        self.windows = Windows(pair, stride=pair)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        Windows((1, 1)).check(self, x)
        N, C, H, W = x.shape
        fh, fw = self.windows.size
        out = np.empty((N, C, fh * H, fw * W), x.dtype)
        for _, _, part in self.windows.entries(out):
            part[...] = x
        return out, (x.shape, x.dtype)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        (N, C, H, W), dtype = cache
        fh, fw = self.windows.size
        dout = self.upstream(dout, (N, C, fh * H, fw * W), dtype)
        dx = np.zeros((N, C, H, W), dtype)
        for _, _, part in self.windows.entries(dout):
            dx += part
        return dx, {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        x = rng.standard_normal((2, 3, 2, 4))
        yield "twice", cls(2), x
        yield "rows and columns", cls((1, 3)), x
