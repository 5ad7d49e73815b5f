"""Schemes for the first values of weights, each a function `(fan_in, fan_out)`.

A scheme draws W with mean 0 and a variance chosen so that the size of the numbers neither grows nor
shrinks from layer to layer.

shape   of W, (fan_in, fan_out) where it is left out. The fans of a kernel (F, C, kh, kw) count all
        entries that one output reads, C · kh · kw, and all that one input goes to, F · kh · kw
gain    what the standard deviation is multiplied by: `partial(glorot_uniform, gain=5 / 3)`
rng     a `numpy.random.Generator` or a seed; the same seed gives the same weights, rounded where
        `dtype` is float32

A normal scheme and a uniform one of the same name have the same variance; the uniform one draws
from [-√3 std, √3 std].
"""

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Floats, Scheme, Seed
from chainrule.layers.validation import number


def he_normal(
    fan_in: int,
    fan_out: int,
    *,
    shape: tuple[int, ...] | None = None,
    gain: float = 1.0,
    rng: Seed = None,
    dtype: DTypeLike = np.float64,
) -> Floats:
    """Variance 2 / fan_in: keeps the scale through ReLU, which zeroes half of what it gets.

    Source: He et al., "Delving Deep into Rectifiers", 2015, equation 10.
    """
    return _normal(shape or (fan_in, fan_out), gain * (2 / fan_in) ** 0.5, rng, dtype)


def he_uniform(
    fan_in: int,
    fan_out: int,
    *,
    shape: tuple[int, ...] | None = None,
    gain: float = 1.0,
    rng: Seed = None,
    dtype: DTypeLike = np.float64,
) -> Floats:
    """Variance 2 / fan_in, as `he_normal`."""
    return _uniform(shape or (fan_in, fan_out), gain * (2 / fan_in) ** 0.5, rng, dtype)


def glorot_normal(
    fan_in: int,
    fan_out: int,
    *,
    shape: tuple[int, ...] | None = None,
    gain: float = 1.0,
    rng: Seed = None,
    dtype: DTypeLike = np.float64,
) -> Floats:
    """Variance 2 / (fan_in + fan_out), also called Xavier: a compromise between the forward pass
    and the backward pass, for activations that are symmetric about 0 such as tanh.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010, equation 12.
    """
    return _normal(shape or (fan_in, fan_out), gain * (2 / (fan_in + fan_out)) ** 0.5, rng, dtype)


def glorot_uniform(
    fan_in: int,
    fan_out: int,
    *,
    shape: tuple[int, ...] | None = None,
    gain: float = 1.0,
    rng: Seed = None,
    dtype: DTypeLike = np.float64,
) -> Floats:
    """Variance 2 / (fan_in + fan_out), as `glorot_normal`.

    Source: Glorot and Bengio, 2010, equation 16.
    """
    return _uniform(shape or (fan_in, fan_out), gain * (2 / (fan_in + fan_out)) ** 0.5, rng, dtype)


def lecun_normal(
    fan_in: int,
    fan_out: int,
    *,
    shape: tuple[int, ...] | None = None,
    gain: float = 1.0,
    rng: Seed = None,
    dtype: DTypeLike = np.float64,
) -> Floats:
    """Variance 1 / fan_in: keeps the scale through a layer with no activation behind it.

    Source: LeCun et al., "Efficient BackProp", 1998, section 4.6.
    """
    return _normal(shape or (fan_in, fan_out), gain * (1 / fan_in) ** 0.5, rng, dtype)


def lecun_uniform(
    fan_in: int,
    fan_out: int,
    *,
    shape: tuple[int, ...] | None = None,
    gain: float = 1.0,
    rng: Seed = None,
    dtype: DTypeLike = np.float64,
) -> Floats:
    """Variance 1 / fan_in, as `lecun_normal`. With gain=1 / √3 it is what PyTorch starts its affine
    and convolutional layers with.
    """
    return _uniform(shape or (fan_in, fan_out), gain * (1 / fan_in) ** 0.5, rng, dtype)


def plain_normal(std: float) -> Scheme:
    """A scheme with the given standard deviation whatever the fans: `init=plain_normal(1e-3)`.

    Raises ValueError where `std` is negative or not finite.
    """
    std = number("plain_normal", "std", std, 0)

    def init(
        fan_in: int,
        fan_out: int,
        *,
        shape: tuple[int, ...] | None = None,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> Floats:
        return _normal(shape or (fan_in, fan_out), std, rng, dtype)

    return init


def generator(who: str, rng: Seed) -> np.random.Generator:
    """The generator that `rng` is, or is the seed of. Raises TypeError or ValueError, which begins
    with `who`, where it is neither."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"{who}: rng is {rng!r}, expected a Generator, a seed of at least 0, or None"
        ) from None


def _normal(shape: tuple[int, ...], std: float, rng: Seed, dtype: DTypeLike) -> Floats:
    W = generator("layers.init", rng).standard_normal(shape)
    W *= float(std)
    return W.astype(dtype, copy=False)


def _uniform(shape: tuple[int, ...], std: float, rng: Seed, dtype: DTypeLike) -> Floats:
    W = generator("layers.init", rng).uniform(-1, 1, shape)
    W *= 3**0.5 * float(std)
    return W.astype(dtype, copy=False)
