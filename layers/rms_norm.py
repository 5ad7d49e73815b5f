"""Root mean square normalisation."""

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer


class RMSNorm(Layer):
    """out = gamma x̂,  x̂ = x / √(mean(x²) + eps), each row by itself: `LayerNorm` without the mean.

    x (N, D), or (N, …, D);  gamma (D,);  out has the shape of x. The mean is over the last axis.

    dgamma = Σ dout x̂, over all rows;  g = gamma dout
    dx = (g - x̂ mean(g x̂)) / √(mean(x²) + eps)

    Raises FloatingPointError where a mean square is beyond the dtype.

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
    """

    def __init__(self, features: int, *, eps: float = 1e-6, dtype: DTypeLike = np.float64) -> None:
        super().__init__()
        dtype = self.float_dtype(dtype)
        self.features = self.positive("features", features)
        self.eps = self.number("eps", eps, 0, np.inf)
        self.params["gamma"] = np.ones(features, dtype)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x, gamma = self.floats(x), self.params["gamma"]
        self.check_features(x, self.features, axis=-1)
        with np.errstate(over="ignore"):
            square = np.square(x).mean(axis=-1, keepdims=True)
        self.check_variance(square)
        scale = 1 / np.sqrt(square + self.eps)
        xhat = x * scale
        return gamma * xhat, (xhat, scale, gamma)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        xhat, scale, gamma = cache
        dout = self.upstream(dout, xhat.shape, xhat.dtype)
        g = gamma * dout
        dx = scale * (g - xhat * (g * xhat).mean(axis=-1, keepdims=True))
        return dx, {"gamma": (dout * xhat).sum(axis=tuple(range(xhat.ndim - 1)))}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        for name, shape in {"rows": (5, 4), "sequences": (2, 3, 5)}.items():
            layer = cls(shape[-1])
            layer.params["gamma"][...] = rng.uniform(0.5, 2, shape[-1])
            yield name, layer, rng.standard_normal(shape)
