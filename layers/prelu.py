"""The rectified linear unit whose slope for negative inputs is learned."""

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.init import he_normal
from chainrule.layers.kernels import times_slope, two_sided
from chainrule.layers.layer import Layer, sum_to


class PReLU(Layer):
    """out = x where x > 0, else alpha x, with alpha learned.

    x (N, …); alpha (1,), one for all, or (C,), one for each feature of rows (N, C) or for each
    channel of images (N, C, H, W); out has the shape of x.
    dx = dout where x > 0, else alpha dout    dalpha = Σ dout min(x, 0), over all that share it
    At the kink, x = 0, the slope is taken as alpha. At x = -inf dalpha is infinite, or nan where
    dout is 0.

    `features` is C, or None for one alpha; `alpha` is where it starts.
    Source: He et al., "Delving Deep into Rectifiers", 2015, section 2.1.
    """

    weight_init = staticmethod(he_normal)

    def __init__(
        self, features: int | None = None, *, alpha: float = 0.25, dtype: DTypeLike = np.float64
    ) -> None:
        super().__init__()
        dtype = self.float_dtype(dtype)
        self.features = None if features is None else self.positive("features", features)
        self.alpha = self.number("alpha", alpha)
        self.params["alpha"] = np.full(features or 1, alpha, dtype)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        alpha = self.params["alpha"]
        if self.features is not None:
            self.check_features(x, self.features)
            alpha = alpha.reshape(-1, *[1] * (x.ndim - 2))  # (C, 1, 1) for images
        slope = two_sided(x, alpha)
        return times_slope(x, slope, alpha), (x, slope, alpha.shape)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        x, slope, shape = cache
        dout = self.upstream(dout, x.shape, x.dtype)
        negative = x.clip(-np.inf, 0)
        negative *= dout
        return dout * slope, {"alpha": sum_to(negative, shape).reshape(-1)}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows, one alpha", cls(), rng.standard_normal((5, 4))
        yield "rows, alpha per feature", cls(4, alpha=0.1), rng.standard_normal((5, 4))
        yield "images, alpha per channel", cls(3, alpha=1.5), rng.standard_normal((2, 3, 2, 2))
        yield "on kinks", cls(3), np.array([[-1.0, 0.0, 2.0], [0.0, -0.0, 0.5]])
