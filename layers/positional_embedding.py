"""A vector for each place in a sequence, which is learned."""

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads, Scheme, Seed
from chainrule.layers.init import plain_normal
from chainrule.layers.layer import Layer


class PositionalEmbedding(Layer):
    """out = x + P, the same P[t] at step t of every sequence.

    x and out (N, T, D), T at most `length`;  P (length, D).
    dx = dout    dP[t] = Σₙ dout[n, t], 0 where t is beyond T

    `init` is a scheme of `layers.init` for P, drawn with `rng`, by default of deviation 0.02. P is
    no weight to an L2 penalty.
    """

    weights = ()

    def __init__(
        self,
        length: int,
        features: int,
        *,
        init: Scheme = plain_normal(0.02),
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        dtype = self.float_dtype(dtype)
        self.length = self.positive("length", length)
        self.features = self.positive("features", features)
        self.params["P"] = self.drawn(init, length, features, rng=rng, dtype=dtype)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x, P = self.floats(x), self.params["P"]
        if x.ndim != 3 or x.shape[1] > self.length or x.shape[2] != self.features:
            raise ValueError(
                f"{self!r}: x has shape {x.shape}, expected (N, T, {self.features}), T at most "
                f"{self.length}"
            )
        return x + P[: x.shape[1]], (x.shape, P.dtype, P.shape)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        shape, dtype, places = cache
        dout = self.upstream(dout, shape, dtype)
        dP = np.zeros(places, dtype)
        dP[: shape[1]] = dout.sum(axis=0)
        return dout, {"P": dP}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "as long as it may be", cls(4, 3, rng=rng), rng.standard_normal((2, 4, 3))
        yield "shorter", cls(4, 3, rng=rng), rng.standard_normal((3, 2, 3))
