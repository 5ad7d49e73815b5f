"""The softmax."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.kernels import differences
from chainrule.layers.layer import Layer


class Softmax(Layer):
    """out_j = exp(x_j) / Σₖ exp(x_k), over the last axis.

    x (N, C), or (…, C); out has the shape of x, and its rows sum to 1.
    dx = out (dout - Σₖ dout_k out_k)

    The row's largest entry is subtracted first; it cancels, and nothing overflows. In front of a
    cross-entropy, `SoftmaxCrossEntropy` does both at once and is exact where this rounds to 0.
    Entries that are equal get the same, also infinite ones: those at +inf share the 1, and a row
    of -inf is uniform.
    """

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        if x.ndim == 0 or x.shape[-1] == 0:
            raise ValueError(f"{self!r}: x has shape {x.shape}, expected (N, C) with C at least 1")
        out = np.exp(differences(x, x.max(axis=-1, keepdims=True)))
        out /= out.sum(axis=-1, keepdims=True)
        return out, out

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        out = cache
        dout = self.upstream(dout, out.shape, out.dtype)
        return out * (dout - (dout * out).sum(axis=-1, keepdims=True)), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(), rng.standard_normal((5, 4))
        yield "sequences", cls(), rng.standard_normal((2, 3, 4))
