"""Dropout, with its random numbers from six places."""

import numpy as np

from benchmarks.idioms.idiom import Idiom, normal

KEEP = 0.7
KEPT = np.random.default_rng(4).random((5, 4)) < KEEP


def masked_backward(dout, cache):
    return dout * cache


def global_forward(x):
    mask = (np.random.rand(*x.shape) < KEEP) / KEEP  # noqa: NPY002
    return x * mask, mask


def generator_forward(x, rng):
    mask = (rng.random(x.shape) < KEEP) / KEEP
    return x * mask, mask


def dropout_forward(x, dropout_param):
    """The dict tells the mode, and the seed where a check wants the same mask again."""
    p, mode = dropout_param["p"], dropout_param["mode"]
    if "seed" in dropout_param:
        np.random.seed(dropout_param["seed"])  # noqa: NPY002
    mask = None
    if mode == "train":
        mask = (np.random.rand(*x.shape) < p) / p  # noqa: NPY002
        out = x * mask
    else:
        out = x
    return out.astype(x.dtype, copy=False), (dropout_param, mask)


def dropout_backward(dout, cache):
    dropout_param, mask = cache
    return dout * mask if dropout_param["mode"] == "train" else dout


class Dropout:
    """Draws from a generator of its own."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def forward(self, x, train=True):
        mask = (self.rng.random(x.shape) < KEEP) / KEEP if train else np.ones(x.shape)
        return x * mask, mask

    def backward(self, dout, cache):
        return dout * cache, {}


class AlwaysDropout:
    """Has no argument `train`, and drops whenever it is called."""

    def __init__(self):
        self.rng = np.random.RandomState(0)

    def forward(self, x):
        mask = self.rng.binomial(1, KEEP, x.shape) / KEEP
        return x * mask, mask

    def backward(self, dout, cache):
        return dout * cache, {}


def argument_forward(x, mask):
    return np.where(mask, x / KEEP, 0), mask


def argument_backward(dout, cache):
    return np.where(cache, dout / KEEP, 0)


def precomputed_forward(x):
    return x * KEPT / KEEP, None


def precomputed_backward(dout, cache):
    return dout * KEPT / KEEP


def with_generator(rng):
    return rng.normal(size=(5, 4)), np.random.default_rng(3)


def with_seed(rng):
    return rng.normal(size=(5, 4)), {"p": KEEP, "mode": "train", "seed": 123}


def with_mask(rng):
    return rng.normal(size=(5, 4)), rng.random((5, 4)) < KEEP


IDIOMS = [
    Idiom("dropout of np.random", normal((5, 4)), global_forward, masked_backward),
    Idiom("dropout of a generator as argument", with_generator, generator_forward, masked_backward),
    Idiom("dropout of a seed in a dict", with_seed, dropout_forward, dropout_backward),
    Idiom("dropout of a generator on the layer", normal((5, 4)), layer=Dropout),
    Idiom("dropout without an argument train", normal((5, 4)), layer=AlwaysDropout),
    Idiom("dropout of a mask as argument", with_mask, argument_forward, argument_backward),
    Idiom("dropout of a mask made once", normal((5, 4)), precomputed_forward, precomputed_backward),
]
