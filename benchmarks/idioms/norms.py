"""Normalisations: of layers, groups, channels, batches, each in the style of its home."""

import numpy as np

from benchmarks.idioms.idiom import Idiom, normal


def normalise(x, axis, eps=1e-5):
    mean, var = x.mean(axis=axis, keepdims=True), x.var(axis=axis, keepdims=True)
    std = np.sqrt(var + eps)
    return (x - mean) / std, std


def through_norm(dnormed, normed, std, axis):
    along = np.mean(dnormed * normed, axis=axis, keepdims=True)
    return (dnormed - dnormed.mean(axis=axis, keepdims=True) - normed * along) / std


def layernorm_forward(x, gamma, beta, ln_param):
    normed, std = normalise(x, 1, ln_param.get("eps", 1e-5))
    return gamma * normed + beta, (normed, std, gamma)


def layernorm_backward(dout, cache):
    normed, std, gamma = cache
    dx = through_norm(dout * gamma, normed, std, 1)
    return dx, np.sum(dout * normed, axis=0), dout.sum(axis=0)


def groupnorm_forward(x, gamma, beta, G, gn_param):
    normed, std = normalise(x.reshape(len(x), G, -1), 2, gn_param.get("eps", 1e-5))
    normed = normed.reshape(x.shape)
    return gamma * normed + beta, (normed, std, gamma, G)


def groupnorm_backward(dout, cache):
    normed, std, gamma, G = cache
    grouped = (len(dout), G, -1)
    dx = through_norm((dout * gamma).reshape(grouped), normed.reshape(grouped), std, 2)
    dgamma = np.sum(dout * normed, axis=(0, 2, 3), keepdims=True)
    return dx.reshape(dout.shape), dgamma, dout.sum(axis=(0, 2, 3), keepdims=True)


def instancenorm_forward(x):
    normed, std = normalise(x, (2, 3))
    return normed, (normed, std)


def instancenorm_backward(dout, cache):
    normed, std = cache
    return through_norm(dout, normed, std, (2, 3))


class RMSNorm:
    """x over the root of its mean square, times a weight."""

    def __init__(self):
        self.params = {"weight": np.random.default_rng(0).normal(size=4)}

    def forward(self, x, train=True):
        r = 1 / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-6)
        return x * r * self.params["weight"], (x, r)

    def backward(self, dout, cache):
        x, r = cache
        d = dout * self.params["weight"]
        dx = r * d - x * r**3 * np.mean(d * x, axis=-1, keepdims=True)
        return dx, {"weight": np.sum(dout * x * r, axis=tuple(range(x.ndim - 1)))}


def batchnorm_forward(x, gamma, beta, bn_param):
    """Keeps running statistics in the dict that tells the mode, and no cache in "test"."""
    mode, eps = bn_param["mode"], bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    running_mean = bn_param.get("running_mean", np.zeros(x.shape[1], x.dtype))
    running_var = bn_param.get("running_var", np.zeros(x.shape[1], x.dtype))
    cache = None
    if mode == "train":
        normed, std = normalise(x, 0, eps)
        running_mean = momentum * running_mean + (1 - momentum) * x.mean(axis=0)
        running_var = momentum * running_var + (1 - momentum) * x.var(axis=0)
        out, cache = gamma * normed + beta, (normed, std, gamma)
    elif mode == "test":
        out = gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta
    else:
        raise ValueError(f"unknown mode {mode!r}")
    bn_param["running_mean"], bn_param["running_var"] = running_mean, running_var
    return out, cache


def batchnorm_backward(dout, cache):
    normed, std, gamma = cache
    dx = through_norm(dout * gamma, normed, std, 0)
    return dx, (dout * normed).sum(axis=0), dout.sum(axis=0)


def moded_forward(x, gamma, beta, mode):
    """In mode "test" it returns the output and nothing else."""
    if mode == "test":
        return gamma * x + beta
    normed, std = normalise(x, 0)
    return gamma * normed + beta, (normed, std, gamma)


def evaluated_forward(x, gamma, beta, param):
    """The same with a dict."""
    return moded_forward(x, gamma, beta, param["mode"])


class BatchNorm:
    """Learns in training, and is told by an attribute when that is."""

    def __init__(self):
        self.params = {"gamma": np.array([1.0, 2.0, 0.5]), "beta": np.array([0.0, 1.0, -1.0])}
        self.running_mean, self.running_var = np.zeros(3), np.ones(3)
        self.training = True

    def forward(self, x):
        if self.training:
            self.running_mean = 0.9 * self.running_mean + 0.1 * x.mean(axis=0)
            self.running_var = 0.9 * self.running_var + 0.1 * x.var(axis=0)
            normed, std = normalise(x, 0)
        else:
            std = np.sqrt(self.running_var + 1e-5)
            normed = (x - self.running_mean) / std
        return self.params["gamma"] * normed + self.params["beta"], (normed, std)

    def backward(self, dout, cache):
        normed, std = cache
        dnormed = dout * self.params["gamma"]
        dx = through_norm(dnormed, normed, std, 0) if self.training else dnormed / std
        return dx, {"gamma": (dout * normed).sum(axis=0), "beta": dout.sum(axis=0)}


def biased_norm_forward(x, w, b):
    """The bias goes with the mean: its gradient is 0, but for rounding."""
    normed, std = normalise(x @ w + b, 0)
    return normed, (x, w, normed, std)


def biased_norm_backward(dout, cache):
    x, w, normed, std = cache
    da = through_norm(dout, normed, std, 0)
    return da @ w.T, x.T @ da, da.sum(axis=0)


def with_dict(**settings):
    return lambda rng: (rng.normal(size=(6, 3)), rng.normal(size=3), rng.normal(size=3), settings)


def grouped(rng):
    gamma, beta = rng.normal(size=(2, 1, 4, 1, 1))
    return rng.normal(size=(2, 4, 3, 3)), gamma, beta, 2, {}


def in_training(rng):
    return rng.normal(size=(6, 3)), rng.normal(size=3), rng.normal(size=3), "train"


IDIOMS = [
    Idiom("layer norm with a dict", with_dict(eps=1e-5), layernorm_forward, layernorm_backward),
    Idiom("group norm with weights (1, C, 1, 1)", grouped, groupnorm_forward, groupnorm_backward),
    Idiom("instance norm", normal((2, 3, 3, 3)), instancenorm_forward, instancenorm_backward),
    Idiom("RMS norm", normal((5, 4)), layer=RMSNorm),
    Idiom(
        "batch norm that keeps statistics in a dict",
        with_dict(mode="train"),
        batchnorm_forward,
        batchnorm_backward,
    ),
    Idiom("batch norm with a mode in words", in_training, moded_forward, batchnorm_backward),
    Idiom(
        "batch norm without a cache in mode test",
        with_dict(mode="train"),
        evaluated_forward,
        batchnorm_backward,
    ),
    Idiom("batch norm with an attribute training", normal((6, 3)), layer=BatchNorm),
    Idiom(
        "a bias before batch norm",
        normal((6, 4), (4, 3), 3),
        biased_norm_forward,
        biased_norm_backward,
    ),
]
