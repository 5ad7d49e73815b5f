"""Layer normalisation."""

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer


class LayerNorm(Layer):
    """out = gamma x̂ + beta,  x̂ = (x - mean) / √(var + eps), each row by itself.

    x (N, D), or (N, …, D);  gamma, beta (D,);  out has the shape of x. The mean and the (biased)
    variance are taken over the last axis, in training and in inference alike.

    dbeta = Σ dout    dgamma = Σ dout x̂
    g = gamma dout
    dx = (g - mean(g) - x̂ mean(g x̂)) / √(var + eps)

    The sums are over all rows, the means over the last axis. Raises ValueError in training where
    D is 1, FloatingPointError where a variance is beyond the dtype.

    Source: Ba et al., "Layer Normalization", 2016.
    """

    def __init__(self, features: int, *, eps: float = 1e-5, dtype: DTypeLike = np.float64) -> None:
        super().__init__()
        dtype = self.float_dtype(dtype)
        self.features = self.positive("features", features)
        self.eps = self.number("eps", eps, 0, np.inf)
        self.params["gamma"] = np.ones(features, dtype)
        self.params["beta"] = np.zeros(features, dtype)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        gamma, beta = self.params["gamma"], self.params["beta"]
        self.check_features(x, self.features, axis=-1)
        if train and self.features == 1:
            raise ValueError(
                f"{self!r}: expected more than one feature in training, since one alone is its own "
                f"mean, and normalises to beta whatever it is"
            )
        # Differences to the first entry are exact where the mean is large, and 0 in a constant row.
        centred = x - x[..., :1]
        centred -= centred.mean(axis=-1, keepdims=True)
        var = np.square(centred).mean(axis=-1, keepdims=True)
        self.check_variance(var)
        rstd = 1 / np.sqrt(var + self.eps)
        xhat = centred * rstd
        return gamma * xhat + beta, (xhat, rstd, gamma)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        xhat, rstd, gamma = cache
        dout = self.upstream(dout, xhat.shape, xhat.dtype)
        rows = tuple(range(xhat.ndim - 1))
        g = gamma * dout
        mean_g = g.mean(axis=-1, keepdims=True)
        mean_gx = (g * xhat).mean(axis=-1, keepdims=True)
        dx = rstd * (g - mean_g - xhat * mean_gx)
        return dx, {"gamma": (dout * xhat).sum(axis=rows), "beta": dout.sum(axis=rows)}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        for name, shape in {"rows": (5, 4), "sequences": (2, 3, 5)}.items():
            layer = cls(shape[-1])
            for array in layer.params.values():
                array[...] = rng.uniform(0.5, 2, array.shape)
            yield name, layer, rng.standard_normal(shape)
