"""Group normalisation."""

import math

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer
from chainrule.layers.windows import check_groups


class GroupNorm(Layer):
    """out = gamma x̂ + beta,  x̂ = (x - mean) / √(var + eps), per example and group of channels.

    x (N, C, H, W), or (N, C, …);  gamma, beta (C,);  out has the shape of x. A group is C / groups
    channels that follow one another; the mean and the (biased) variance are taken over the m
    entries of a group in one example, in training and in inference alike.

    dbeta = Σ dout    dgamma = Σ dout x̂
    g = gamma dout
    dx = (g - mean(g) - x̂ mean(g x̂)) / √(var + eps)

    The sums are over all axes but the channels, the means over a group. Raises ValueError for
    channels that the groups do not divide and, in training, where m is 1; FloatingPointError where
    a variance is beyond the dtype. x̂ is exact for means of up to a million deviations.

    Source: Wu and He, "Group Normalization", 2018.
    """

    def __init__(
        self, channels: int, groups: int, *, eps: float = 1e-5, dtype: DTypeLike = np.float64
    ) -> None:
        super().__init__()
        dtype = self.float_dtype(dtype)
        self.channels = self.positive("channels", channels)
        check_groups(type(self).__name__, groups, channels=channels)
        self.groups = groups
        self.eps = self.number("eps", eps, 0, np.inf)
        self.params["gamma"] = np.ones(channels, dtype)
        self.params["beta"] = np.zeros(channels, dtype)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        self.check_features(x, self.channels)
        N, C, *pixels = x.shape
        m = C // self.groups * math.prod(pixels)
        if m < (2 if train else 1):
            raise ValueError(
                f"{self!r}: expected more than one value per group in training, and one at least "
                f"in inference, got {m} (x has shape {x.shape}); one alone is its own mean, and "
                f"normalises to beta whatever it is"
            )
        # Differences to the first entry are exact where the mean is large; equal ones give 0.
        rows = x.reshape(N * self.groups, m)
        centred = rows - rows[:, :1]
        centred -= centred.mean(axis=1, keepdims=True)
        var = np.vecdot(centred, centred) / m
        self.check_variance(var)
        centred = centred.reshape(N, C, m * self.groups // C)
        rstd = self.per_channel(1 / np.sqrt(var + self.eps))
        gamma, beta = self.params["gamma"], self.params["beta"]
        out = centred * (gamma[:, np.newaxis] * rstd)
        out += beta[:, np.newaxis]
        return out.reshape(x.shape), (centred, rstd, gamma, x.shape)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        centred, rstd, gamma, shape = cache  # x̂ = centred · rstd
        dout = self.upstream(dout, shape, centred.dtype).reshape(centred.shape)
        m = math.prod(shape[1:]) // self.groups
        sums = dout @ np.ones(dout.shape[2], dout.dtype)  # (N, C), as those of dout x̂
        products = rstd[..., 0] * np.vecdot(dout, centred)
        mean_g, mean_gx = (
            self.per_channel((gamma * each).reshape(-1, len(gamma) // self.groups).sum(axis=1) / m)
            for each in (sums, products)
        )
        dx = centred * (-rstd * mean_gx)  # - x̂ mean(g x̂)
        dx += gamma[:, np.newaxis] * dout
        dx -= mean_g
        dx *= rstd
        grads = {"gamma": products.sum(axis=0), "beta": sums.sum(axis=0)}
        return dx.reshape(shape), grads

    def per_channel(self, groups: Floats) -> Floats:
        """A number for each group of each example (N G,), for each of its channels: (N, C, 1)."""
        return np.repeat(groups, self.channels // self.groups).reshape(-1, self.channels, 1)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        for name, shape, groups in (
            ("rows", (5, 4), 2),
            ("images", (2, 6, 2, 3), 3),
            ("one group", (2, 3, 4), 1),
        ):
            layer = cls(shape[1], groups)
            for array in layer.params.values():
                array[...] = rng.uniform(0.5, 2, array.shape)
            yield name, layer, rng.standard_normal(shape)
