"""The maxout unit: the largest of several affine pieces."""

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads, Scheme, Seed
from chainrule.layers.init import generator, lecun_normal
from chainrule.layers.layer import Layer, flatten


class Maxout(Layer):
    """out = max over k of z_k,  z_k = x W_k + b_k.

    x (N, D), or (N, d1, …, dk) flattened to D;  W (D, K, M) holds W_k (D, M) as W[:, k];
    b (K, M);  z (N, K, M);  out (N, M).
    dz_k = dout where piece k is the largest (the first of equals), else 0
    dx = Σₖ dz_k W_kᵀ    dW_k = xᵀ dz_k    db_k = Σₙ dz_k

    `init` is a scheme of `layers.init`, drawn for each piece with `rng`; b starts at 0.
    Source: Goodfellow et al., "Maxout Networks", 2013.
    """

    weights = ("W",)  # b is a matrix too, but of biases

    def __init__(
        self,
        in_features: int,
        out_features: int,
        pieces: int = 2,
        *,
        init: Scheme = lecun_normal,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        dtype = self.float_dtype(dtype)
        self.in_features = self.positive("in_features", in_features)
        self.out_features = self.positive("out_features", out_features)
        self.pieces = self.positive("pieces", pieces)
        if pieces < 2:
            raise ValueError(f"Maxout: pieces must be at least 2, got {pieces}")
        rng = generator("Maxout", rng)
        each = [
            self.drawn(init, in_features, out_features, rng=rng, dtype=dtype) for _ in range(pieces)
        ]
        self.params["W"] = np.stack(each, axis=1)
        self.params["b"] = np.zeros((pieces, out_features), dtype)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        W, b = self.params["W"], self.params["b"]
        self.check_features(x, self.in_features, axis=None)
        z = (flatten(x) @ flatten(W)).reshape(len(x), *b.shape)  # (N, K, M), in one product
        z += b
        out, winner = z[:, 0], np.zeros((len(x), self.out_features), np.int16)
        for k in range(1, self.pieces):  # faster than max and argmax over a short axis
            np.maximum(winner, k * (z[:, k] > out), out=winner)
            out = np.maximum(out, z[:, k])
        return out, (x, W, winner)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        x, W, _ = cache
        dz = self.spread(dout, cache)
        return (dz @ flatten(W).T).reshape(x.shape), self.weight_grads(dz, cache)

    def param_grads(self, dout: Floats, cache: Cache) -> Grads:
        return self.weight_grads(self.spread(dout, cache), cache)

    def spread(self, dout: Floats, cache: Cache) -> Floats:
        """dz (N, K · M): dout for the winning piece of each unit, 0 for the others."""
        _, W, winner = cache  # winner (N, M)
        dout = self.upstream(dout, winner.shape, W.dtype)
        dz = np.empty((len(dout), self.pieces, self.out_features), dout.dtype)
        for k in range(self.pieces):
            np.multiply(dout, winner == k, out=dz[:, k])
        return flatten(dz)

    def weight_grads(self, dz: Floats, cache: Cache) -> Grads:
        x, W, _ = cache
        dW = (flatten(x).T @ dz).reshape(W.shape)
        return {"W": dW, "b": dz.sum(axis=0).reshape(W.shape[1:])}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "two pieces", cls(4, 3, rng=rng), rng.standard_normal((5, 4))
        yield "three pieces", cls(12, 5, 3, rng=rng), rng.standard_normal((2, 3, 2, 2))
        tied = cls(3, 2, 2, rng=rng)
        tied.params["W"][:, 1] = tied.params["W"][:, 0]
        yield "on kinks", tied, rng.standard_normal((5, 3))

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.in_features} → {self.out_features}, pieces={self.pieces})"
        )
