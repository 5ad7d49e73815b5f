"""Schemes for the first values of a weight matrix, each a function `(fan_in, fan_out, rng, dtype)`.

A scheme draws W (fan_in, fan_out) with mean 0 and a variance chosen so that the size of the
numbers neither grows nor shrinks from layer to layer. `rng` is a `numpy.random.Generator` or a
seed; the same seed gives the same weights, rounded where `dtype` is float32.
"""

import math
from numbers import Real

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Floats, Scheme, Seed


def he_normal(
    fan_in: int, fan_out: int, *, rng: Seed = None, dtype: DTypeLike = np.float64
) -> Floats:
    """Variance 2 / fan_in: keeps the scale through ReLU, which zeroes half of what it gets.

    Source: He et al., "Delving Deep into Rectifiers", 2015, equation 10.
    """
    return _normal(fan_in, fan_out, (2 / fan_in) ** 0.5, rng, dtype)


def glorot_normal(
    fan_in: int, fan_out: int, *, rng: Seed = None, dtype: DTypeLike = np.float64
) -> Floats:
    """Variance 2 / (fan_in + fan_out), also called Xavier: a compromise between the forward pass
    and the backward pass, for activations that are symmetric about 0 such as tanh.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010, equation 12.
    """
    return _normal(fan_in, fan_out, (2 / (fan_in + fan_out)) ** 0.5, rng, dtype)


def lecun_normal(
    fan_in: int, fan_out: int, *, rng: Seed = None, dtype: DTypeLike = np.float64
) -> Floats:
    """Variance 1 / fan_in: keeps the scale through a layer with no activation behind it.

    Source: LeCun et al., "Efficient BackProp", 1998, section 4.6.
    """
    return _normal(fan_in, fan_out, (1 / fan_in) ** 0.5, rng, dtype)


def plain_normal(std: float) -> Scheme:
    """A scheme with the given standard deviation whatever the fans: `init=plain_normal(1e-3)`.

    Raises ValueError where `std` is negative or not finite.
    """
    if not (is_finite(std) and std >= 0):
        raise ValueError(f"plain_normal: std must be a finite number of at least 0, got {std!r}")

    def init(
        fan_in: int, fan_out: int, *, rng: Seed = None, dtype: DTypeLike = np.float64
    ) -> Floats:
        return _normal(fan_in, fan_out, std, rng, dtype)

    return init


def is_finite(value: object) -> bool:
    """Whether `value` is a real number, neither infinite nor nan."""
    return isinstance(value, Real) and math.isfinite(value)


def _normal(fan_in: int, fan_out: int, std: float, rng: Seed, dtype: DTypeLike) -> Floats:
    W = np.random.default_rng(rng).standard_normal((fan_in, fan_out))
    W *= float(std)
    return W.astype(dtype, copy=False)
