"""A border around images."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer
from chainrule.layers.windows import Sides, Windows, said, sides


class Pad(Layer):
    """out = x with a border of `value` around it: out[n, c, i + p, j + p] = x[n, c, i, j].

    x (N, C, H, W);  out (N, C, H + 2 p, W + 2 p).
    dx = dout within the border: dx[n, c, i, j] = dout[n, c, i + p, j + p]

    `pad` p is a number, or a pair for height and width.
    """

    def __init__(self, pad: Sides, value: float = 0) -> None:
        super().__init__()
        rows, columns = sides("Pad", "pad", pad, 0)
        self.pad, self.value = said((rows, columns)), self.number("value", value)
        self.windows = Windows((1, 1), pad=((rows, rows), (columns, columns)))

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        self.windows.check(self, x)
        if abs(self.value) > float(np.finfo(x.dtype).max):
            raise ValueError(f"{self!r}: value is too large for {x.dtype}, the dtype of x")
        out = self.windows.padded(x, self.value)
        return out, (out.shape, x.shape, x.dtype)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        out_shape, shape, dtype = cache
        dout = self.upstream(dout, out_shape, dtype)
        return self.windows.inner(dout, shape[2:]), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        x = rng.standard_normal((2, 3, 2, 4))
        yield "zeros", cls(1), x
        yield "rows and columns", cls((2, 1), value=0.5), x
