"""The affine layer, also called linear, dense or fully connected."""

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads, Scheme, Seed
from chainrule.layers.init import lecun_normal
from chainrule.layers.kernels import times_transposed
from chainrule.layers.layer import Layer, flatten


class Affine(Layer):
    """out = x W + b.

    x (N, D), or (N, d1, …, dk) flattened to D = d1 · … · dk;  W (D, M);  b (M,);  out (N, M).
    dx = dout Wᵀ    dW = xᵀ dout    db = Σₙ dout

    `init` is a scheme of `layers.init`, drawn with `rng`, a Generator or a seed; b starts at 0.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        init: Scheme = lecun_normal,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        dtype = self.float_dtype(dtype)
        self.in_features = self.positive("in_features", in_features)
        self.out_features = self.positive("out_features", out_features)
        self.params["W"] = self.drawn(init, in_features, out_features, rng=rng, dtype=dtype)
        self.params["b"] = np.zeros(out_features, dtype)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        W, b = self.params["W"], self.params["b"]
        self.check_features(x, self.in_features, axis=None)
        out = flatten(x) @ W
        out += b
        return out, (x, W)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        x, W = cache
        dout = self.upstream(dout, (len(x), W.shape[1]), W.dtype)
        dx = times_transposed(dout, W).reshape(x.shape)
        return dx, self.param_grads(dout, cache)

    def param_grads(self, dout: Floats, cache: Cache) -> Grads:
        x, W = cache
        dout = self.upstream(dout, (len(x), W.shape[1]), W.dtype)
        return {"W": flatten(x).T @ dout, "b": dout.sum(axis=0)}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(4, 3, rng=rng), rng.standard_normal((5, 4))
        yield "images", cls(12, 5, rng=rng), rng.standard_normal((2, 3, 2, 2))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_features} → {self.out_features})"
