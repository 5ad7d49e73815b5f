"""Batch normalisation."""

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.kernels import sum_of_products, sum_of_rows
from chainrule.layers.layer import Layer
from chainrule.layers.minibatch import over_batch


class BatchNorm(Layer):
    """out = gamma x̂ + beta,  x̂ = (x - mean) / √(var + eps), per feature or channel.

    x (N, C), or images (N, C, H, W);  gamma, beta, running_mean, running_var (C,);  out like x.
    Training takes the mean and the (biased) variance over the m entries of each column or
    channel in the batch, and moves the running statistics towards them:
    running = momentum running + (1 - momentum) batch. Inference takes the running statistics.

    dbeta = Σ dout    dgamma = Σ dout x̂, each over the m entries
    training:   dx = gamma / √(var + eps) · (dout - dbeta / m - x̂ dgamma / m)
    inference:  dx = gamma / √(var + eps) · dout

    Raises ValueError in training for a batch of 0, which has no mean, and of 1 (one row, or one
    image of one pixel), which is its mean; FloatingPointError where the variance is beyond the
    dtype. x̂ is exact for means of up to a million deviations, but in inference only as exact as
    running_mean, which keeps 7 digits in float32.
    The terms in dbeta and dgamma are the paths through the batch mean and the batch variance; the
    sixth notebook derives them wire by wire.
    Source: Ioffe and Szegedy, "Batch Normalization", 2015.
    """

    min_rows = 2

    def __init__(
        self,
        features: int,
        *,
        momentum: float = 0.9,
        eps: float = 1e-5,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        dtype = self.float_dtype(dtype)
        self.features = self.positive("features", features)
        self.momentum = self.number("momentum", momentum, 0, 1)
        self.eps = self.number("eps", eps, 0, np.inf)
        self.params["gamma"] = np.ones(features, dtype)
        self.params["beta"] = np.zeros(features, dtype)
        self.state["running_mean"] = np.zeros(features, dtype)
        self.state["running_var"] = np.ones(features, dtype)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        self.check_features(x, self.features)
        column = (-1, *[1] * (x.ndim - 2))  # (C,) → (C, 1, 1) for images
        mean, var = self.state["running_mean"], self.state["running_var"]
        if train:
            if x.size == 0:
                raise ValueError(
                    f"{self!r}: the batch is empty (shape {x.shape}) and has no mean; pass at "
                    f"least two examples, or train=False"
                )
            running_mean, running_var = mean, var
            # Differences to one of the rows first: they are exact where the mean is large, and 0
            # in a constant channel. Then the mean is that row plus the mean of the differences.
            row = x[0].reshape(self.features, -1)[:, 0]  # (C,)
            m, parts, row = over_batch(x.size // self.features, 1, row)
            if m == 1:
                raise ValueError(
                    f"{self!r}: expected more than one value per channel in training, got x of "
                    f"shape {x.shape}, which normalises to beta whatever it is"
                )
            row = row / parts
            centred = x - row.reshape(column)
            (total,) = over_batch(sum_of_rows(centred))
            offset = total / m
            centred -= offset.reshape(column)
            mean = row + offset
            (squares,) = over_batch(sum_of_products(centred, centred))
            var = squares / m
            self.check_variance(var)
            for running, batch in ((running_mean, mean), (running_var, var)):
                running *= self.momentum
                running += (1 - self.momentum) * batch
        else:
            m = None
            centred = x - mean.reshape(column)
        rstd = 1 / np.sqrt(var + self.eps)
        out = centred * (self.params["gamma"] * rstd).reshape(column)
        out += self.params["beta"].reshape(column)
        return out, (centred, rstd, self.params["gamma"], m)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        centred, rstd, gamma, m = cache  # x̂ = centred · rstd; m is None in inference
        dout = self.upstream(dout, centred.shape, centred.dtype)
        column = (-1, *[1] * (dout.ndim - 2))
        dbeta = sum_of_rows(dout)
        dgamma = rstd * sum_of_products(dout, centred)
        scale = (gamma * rstd).reshape(column)
        grads = {"gamma": dgamma, "beta": dbeta}
        if m is None:
            return scale * dout, grads
        dgamma, dbeta = over_batch(dgamma, dbeta)
        dx = centred * (rstd * dgamma / m).reshape(column)  # x̂ dgamma / m
        np.subtract(dout, dx, out=dx)
        dx -= (dbeta / m).reshape(column)
        dx *= scale
        return dx, grads

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        for name, shape in {"rows": (5, 4), "images": (2, 3, 4, 5)}.items():
            layer = cls(shape[1], momentum=0.8)
            for array in (*layer.params.values(), *layer.state.values()):
                array[...] = rng.uniform(0.5, 2, array.shape)
            yield name, layer, rng.standard_normal(shape)
