"""Correct layers on data that is hard to judge on."""

from typing import Any

import numpy as np

from benchmarks.mistakes.activations import (
    ELU,
    LeakyReLU,
    Maxout,
    PReLU,
    ReLU,
    Sigmoid,
    Softplus,
    Tanh,
)
from benchmarks.mistakes.affine import Affine
from benchmarks.mistakes.batchnorm import BatchNorm
from benchmarks.mistakes.dropout import Dropout
from benchmarks.mistakes.gates import Add, Max
from benchmarks.mistakes.losses import MSE, Hinge, SoftmaxCrossEntropy
from benchmarks.mistakes.networks import TwoLayerNet


class ReLUOneAtZero(ReLU):
    """Takes the slope at 0 to be 1, which is as right as 0."""

    def backward(self, dout, cache):
        return np.where(cache >= 0, dout, 0), {}


class ReLUHalfAtZero(ReLU):
    """Takes the slope at 0 to be 1/2."""

    def backward(self, dout, cache):
        return np.heaviside(cache, 0.5) * dout, {}


class MaxShares(Max):
    """Gives each of two equal inputs half of the gradient."""

    def backward(self, dout, cache):
        a, b = cache
        share = np.heaviside(a - b, 0.5)
        return (share * dout, (1 - share) * dout), {}


class SigmoidOfExp(Sigmoid):
    """Lets exp overflow on its way to the right result."""

    def forward(self, x, *, train=True):
        out = 1 / (1 + np.exp(-x))
        return out, out


class LossAsFloat(SoftmaxCrossEntropy):
    """Returns a Python float."""

    def forward(self, scores, targets, *, train=True):
        loss, cache = super().forward(scores, targets, train=train)
        return float(loss), cache


class DropoutInState(Dropout):
    """Keeps its generator in `state`."""

    state: dict[str, Any]

    def __init__(self, keep=0.6, rng=0):
        super().__init__(keep)
        self.state["generator"] = np.random.default_rng(rng)
        del self.rng

    def forward(self, x, *, train=True):
        if not train:
            return x.copy(), 1.0
        kept = self.state["generator"].random(x.shape) < self.keep
        mask = kept.astype(x.dtype) / self.keep
        return mask * x, mask


class DropoutOfSeed(Dropout):
    """Drops the same entries in every call."""

    def __init__(self, keep=0.6, rng=0):
        super().__init__(keep)
        self.seed = int(np.random.default_rng(rng).integers(1000))
        del self.rng

    def forward(self, x, *, train=True):
        if not train:
            return x.copy(), 1.0
        kept = np.random.default_rng(self.seed).random(x.shape) < self.keep
        mask = kept.astype(x.dtype) / self.keep
        return mask * x, mask


class DropoutOfTheModule(Dropout):
    """Draws from the generator of the module np.random, as old code does."""

    def __init__(self, keep=0.6, rng=0):
        super().__init__(keep)
        del self.rng

    def forward(self, x, *, train=True):
        if not train:
            return x.copy(), 1.0
        kept = np.random.rand(*x.shape) < self.keep  # noqa: NPY002
        mask = kept.astype(x.dtype) / self.keep
        return mask * x, mask


class AddPassesOn(Add):
    """Returns dout itself, twice."""

    def backward(self, dout, cache):
        return (dout, dout), {}


class AffineInColumns(Affine):
    """Returns gradients in Fortran order."""

    def backward(self, dout, cache):
        dx, grads = super().backward(dout, cache)
        return np.asfortranarray(dx), {name: np.asfortranarray(g) for name, g in grads.items()}


class AffineAndMore(Affine):
    """Has a parameter that it does not use."""

    def __init__(self, D, M, rng=0):
        super().__init__(D, M, rng)
        self.params["spare"] = np.ones(3)

    def backward(self, dout, cache):
        dx, grads = super().backward(dout, cache)
        return dx, grads | {"spare": np.zeros_like(self.params["spare"])}


def grid(rng, *shape):
    """Small whole numbers, with many zeros and ties among them."""
    return rng.integers(-2, 3, shape).astype(float)


def read_only(x):
    x.flags.writeable = False
    return x


def with_constant_feature(x):
    x[:, -1] = 2
    return x


def hard_twins(rng):
    """Yields `(name, layer, *inputs)`."""
    normal = rng.normal
    labels = rng.integers(0, 4, 6)

    # Kinks and ties, where more than one gradient is right.
    yield "relu on zeros, slope 0", ReLU(), grid(rng, 5, 4)
    yield "relu on zeros, slope 1", ReLUOneAtZero(), grid(rng, 5, 4)
    yield "relu on zeros, slope 1/2", ReLUHalfAtZero(), grid(rng, 5, 4)
    yield "relu next to its kink", ReLU(), 1e-6 * normal(size=(5, 4))
    yield "relu, dead", ReLU(), -abs(normal(size=(5, 4)))
    yield "leaky relu on zeros", LeakyReLU(), grid(rng, 5, 4)
    yield "prelu on zeros", PReLU(4, rng), grid(rng, 5, 4)
    yield "elu on zeros", ELU(), grid(rng, 5, 4)
    yield "max on ties, the first wins", Max(), grid(rng, 5, 4), grid(rng, 5, 4)
    yield "max on ties, split", MaxShares(), grid(rng, 5, 4), grid(rng, 5, 4)
    yield "maxout of zeros", Maxout(3, 4, 2, rng), np.zeros((5, 4))
    yield "hinge with margins of zero", Hinge(), grid(rng, 6, 4), labels

    # Gradients that are tiny, zero or nearly discontinuous.
    yield "sigmoid, saturated", Sigmoid(), 30 * normal(size=(5, 4))
    yield "sigmoid, overflowing", SigmoidOfExp(), 800 * normal(size=(5, 4))
    yield "tanh, saturated", Tanh(), 20 * normal(size=(5, 4))
    yield "softplus, sharp", Softplus(beta=200), normal(size=(5, 4))
    yield "cross-entropy, saturated", SoftmaxCrossEntropy(), 50 * normal(size=(6, 4)), labels
    yield "cross-entropy, huge", SoftmaxCrossEntropy(), 1e4 * normal(size=(6, 4)), labels
    yield "cross-entropy, uniform", SoftmaxCrossEntropy(), np.zeros((6, 4)), labels
    yield "cross-entropy, a float", LossAsFloat(), normal(size=(6, 4)), labels
    yield "squared error of nothing", MSE(), np.ones((6, 3)), np.ones((6, 3))

    # Normalisation, where x - mean cancels.
    yield "batchnorm of one", BatchNorm(4, rng), normal(size=(1, 4))
    yield "batchnorm of two", BatchNorm(4, rng), normal(size=(2, 4))
    yield "batchnorm, variance below eps", BatchNorm(4, rng), 1e-3 * normal(size=(6, 4))
    constant = with_constant_feature(normal(size=(6, 4)))
    yield "batchnorm, a constant feature", BatchNorm(4, rng), constant
    yield "batchnorm, far from zero", BatchNorm(4, rng), normal(size=(6, 4)) + 1e5

    # Sizes, dtypes and layouts.
    yield "affine, large", Affine(4, 3, rng), 1e6 * normal(size=(5, 4))
    yield "affine, small", Affine(4, 3, rng), 1e-6 * normal(size=(5, 4))
    single = normal(size=(6, 4)).astype(np.float32)
    yield "affine in float32", Affine(4, 3, rng).astype(np.float32), single
    yield "batchnorm in float32", BatchNorm(4, rng).astype(np.float32), single
    yield "cross-entropy in float32", SoftmaxCrossEntropy(), single, labels
    yield "affine, strided", Affine(4, 3, rng), normal(size=(4, 10)).T[::2]
    yield "affine, read-only", Affine(4, 3, rng), read_only(normal(size=(5, 4)))
    yield "affine, one row many times", Affine(4, 3, rng), np.broadcast_to(normal(size=4), (5, 4))
    yield "affine of none", Affine(4, 3, rng), np.empty((0, 4))
    yield "affine of one", Affine(4, 3, rng), normal(size=(1, 4))
    yield "affine in columns", AffineInColumns(4, 3, rng), normal(size=(5, 4))
    yield "affine and more", AffineAndMore(4, 3, rng), normal(size=(5, 4))
    yield "add passes on", AddPassesOn(), normal(size=(5, 4)), normal(size=(5, 4))

    # Generators.
    yield "dropout, generator in state", DropoutInState(rng=rng.spawn(1)[0]), normal(size=(5, 4))
    yield "dropout of a seed", DropoutOfSeed(rng=rng), normal(size=(5, 4))
    yield "dropout of np.random", DropoutOfTheModule(), normal(size=(5, 4))
    yield "dropout of zeros", Dropout(rng=rng.spawn(1)[0]), grid(rng, 5, 4)
    yield "network of zeros", TwoLayerNet(4, 5, 4, rng), np.zeros((6, 4)), labels
