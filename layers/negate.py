"""The negation gate."""

from chainrule.layers.layer import Layer


class Negate(Layer):
    """out = -x.

    x and out have any shape.
    dx = -dout
    """

    def forward(self, x, *, train=True):
        x = self.floats(x)
        return -x, x

    def backward(self, dout, cache):
        x = cache
        return -self.upstream(dout, x.shape, x.dtype), {}

    @classmethod
    def examples(cls, rng):
        yield "rows", cls(), rng.standard_normal((5, 4))
        yield "images", cls(), rng.standard_normal((2, 3, 2, 2))
