"""Group normalisation."""

import math

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.kernels import blocks
from chainrule.layers.layer import Layer
from chainrule.layers.windows import check_groups

SAMPLE = 64  # entries of a group, about


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
        m = math.prod(x.shape[1:]) // self.groups
        if m < (2 if train else 1):
            raise ValueError(
                f"{self!r}: expected more than one value per group in training, and one at least "
                f"in inference, got {m} (x has shape {x.shape}); one alone is its own mean, and "
                f"normalises to beta whatever it is"
            )
        rows = self.by_group(x)  # (N G, C / G, H W)
        near = near_means(rows)
        offset, var = np.empty((2, len(rows), 1, 1), x.dtype)  # mean = near + offset
        gamma, beta = (self.per_group(self.params[name], len(x)) for name in ("gamma", "beta"))
        out = np.empty(rows.shape, x.dtype)
        for part in blocks(len(rows), m):
            differences = np.subtract(rows[part], near[part], order="C")
            offset[part], var[part] = moments(differences)
            if np.isinf(var[part]).any():
                continue  # to the error below
            far = 2 * offset[part] ** 2 > var[part]  # the sample was unlike the rest
            if far.any():
                near[part] += np.where(far, offset[part], 0)
                np.subtract(rows[part], near[part], out=differences)
                offset[part], var[part] = moments(differences)
            var[part] -= offset[part] ** 2
            scale = gamma[part] / np.sqrt(var[part] + self.eps)
            np.multiply(differences, scale, out=out[part])
            out[part] += beta[part] - offset[part] * scale
        self.check_variance(var)
        rstd = 1 / np.sqrt(var + self.eps)
        return out.reshape(x.shape), (x, near, offset, rstd, gamma)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        x, near, offset, rstd, gamma = cache
        rows, douts = self.by_group(x), self.by_group(self.upstream(dout, x.shape, x.dtype))
        m = math.prod(rows.shape[1:])
        dx = np.empty(rows.shape, x.dtype)
        sums, products = np.empty((2, *rows.shape[:2], 1), x.dtype)  # Σ dout, Σ dout x̂: per channel
        for part in blocks(len(rows), m):
            differences = rows[part] - near[part]
            sums[part, :, 0] = douts[part] @ np.ones(rows.shape[2], x.dtype)
            products[part, :, 0] = np.vecdot(douts[part], differences)
            products[part] -= offset[part] * sums[part]
            products[part] *= rstd[part]
            mean_g = (gamma[part] * sums[part]).sum(axis=1, keepdims=True) / m
            mean_gx = (gamma[part] * products[part]).sum(axis=1, keepdims=True) / m
            scale = mean_gx * rstd[part]
            differences *= scale * rstd[part]
            differences += (mean_g - offset[part] * scale) * rstd[part]
            np.multiply(douts[part], gamma[part] * rstd[part], out=dx[part])
            dx[part] -= differences
        per_example = len(x), self.channels
        return dx.reshape(x.shape), {
            "gamma": products.reshape(per_example).sum(axis=0),
            "beta": sums.reshape(per_example).sum(axis=0),
        }

    def by_group(self, x: Floats) -> Floats:
        """x (N, C, …) with a row for each group of each example: (N G, C / G, …)."""
        N, C, *pixels = x.shape
        return x.reshape(N * self.groups, C // self.groups, math.prod(pixels))

    def per_group(self, param: Floats, N: int) -> Floats:
        """A parameter (C,) as it belongs to the rows of `by_group`: (N G, C / G, 1)."""
        return np.tile(param, N).reshape(N * self.groups, self.channels // self.groups, 1)

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


def moments(rows: Floats) -> tuple[Floats, Floats]:
    """The means of rows (R, c, S) and of their squares, each (R, 1, 1)."""
    flat = rows.reshape(len(rows), math.prod(rows.shape[1:]))
    m = flat.shape[1]
    means = flat @ np.ones(m, rows.dtype) / m, np.vecdot(flat, flat) / m
    return means[0][:, np.newaxis, np.newaxis], means[1][:, np.newaxis, np.newaxis]


def near_means(rows: Floats) -> Floats:
    """A number near the mean of each row (R, c, S), as (R, 1, 1): that of a sample of its entries,
    and in a constant row their common value. Differences to it are exact where the mean is large,
    and small enough for the variance to be the mean of their squares less the square of theirs."""
    flat = rows.reshape(len(rows), math.prod(rows.shape[1:]))
    first = flat[:, :1]
    sample = flat[:, :: max(flat.shape[1] // SAMPLE, 1)]
    return (first + (sample - first).mean(axis=1, keepdims=True))[:, np.newaxis]
