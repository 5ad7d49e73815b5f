"""The shift gate."""

from chainrule.layers.layer import Layer


class Shift(Layer):
    """out = x + c, with a fixed number c.

    x and out have any shape.
    dx = dout
    """

    def __init__(self, c):
        super().__init__()
        self.c = self.number("c", c)

    def forward(self, x, *, train=True):
        x = self.floats(x)
        return x + self.c, x

    def backward(self, dout, cache):
        x = cache
        return self.upstream(dout, x.shape, x.dtype), {}

    @classmethod
    def examples(cls, rng):
        yield "rows", cls(-2.5), rng.standard_normal((5, 4))
        yield "images", cls(0.5), rng.standard_normal((2, 3, 2, 2))
