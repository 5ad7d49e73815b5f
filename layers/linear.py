"""The affine layer over the last axis."""

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads, Scheme, Seed
from chainrule.layers.init import lecun_normal
from chainrule.layers.kernels import times_transposed
from chainrule.layers.layer import Layer


class Linear(Layer):
    """out = x W + b, over the last axis: at each step of a sequence the same.

    x (N, …, D);  W (D, M);  b (M,);  out (N, …, M). `Affine` flattens an example instead.
    dx = dout Wᵀ    dW = Σ xᵀ dout    db = Σ dout, over all axes but the last.

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
        self.check_features(x, self.in_features, axis=-1)
        out = x.reshape(-1, self.in_features) @ W
        out += b
        return out.reshape(*x.shape[:-1], self.out_features), (x, W)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        x, W = cache
        rows = self.upstream(dout, (*x.shape[:-1], W.shape[1]), W.dtype).reshape(-1, W.shape[1])
        dx = times_transposed(rows, W).reshape(x.shape)
        return dx, self.param_grads(dout, cache)

    def param_grads(self, dout: Floats, cache: Cache) -> Grads:
        x, W = cache
        rows = self.upstream(dout, (*x.shape[:-1], W.shape[1]), W.dtype).reshape(-1, W.shape[1])
        return {"W": x.reshape(-1, x.shape[-1]).T @ rows, "b": rows.sum(axis=0)}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(4, 3, rng=rng), rng.standard_normal((5, 4))
        yield "sequences", cls(3, 5, rng=rng), rng.standard_normal((2, 4, 3))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_features} → {self.out_features})"
