"""The scaling gate."""

from chainrule.layers.layer import Layer


class Scale(Layer):
    """out = a x, with a fixed number a.

    x and out have any shape.
    dx = a dout
    """

    def __init__(self, a):
        super().__init__()
        self.a = self.number("a", a)

    def forward(self, x, *, train=True):
        x = self.floats(x)
        return self.a * x, x

    def backward(self, dout, cache):
        x = cache
        return self.a * self.upstream(dout, x.shape, x.dtype), {}

    @classmethod
    def examples(cls, rng):
        yield "rows", cls(-2.5), rng.standard_normal((5, 4))
        yield "images", cls(0.5), rng.standard_normal((2, 3, 2, 2))
