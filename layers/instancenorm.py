"""Instance normalisation."""

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Examples
from chainrule.layers.groupnorm import GroupNorm


class InstanceNorm(GroupNorm):
    """out = gamma x̂ + beta,  x̂ = (x - mean) / √(var + eps), per example and channel.

    x (N, C, H, W), or (N, C, …);  gamma, beta (C,);  out has the shape of x. This is group
    normalisation with as many groups as channels, and has its gradients: with g = gamma dout and
    the means over one channel of one example,

    dx = (g - mean(g) - x̂ mean(g x̂)) / √(var + eps)

    Raises ValueError in training for channels of one value, FloatingPointError where a variance is
    beyond the dtype.

    Source: Ulyanov et al., "Instance Normalization: The Missing Ingredient for Fast Stylization",
    2016.
    """

    def __init__(self, channels: int, *, eps: float = 1e-5, dtype: DTypeLike = np.float64) -> None:
        super().__init__(channels, channels, eps=eps, dtype=dtype)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        for name, shape in {"sequences": (3, 2, 5), "images": (2, 3, 2, 3)}.items():
            layer = cls(shape[1])
            for array in layer.params.values():
                array[...] = rng.uniform(0.5, 2, array.shape)
            yield name, layer, rng.standard_normal(shape)
