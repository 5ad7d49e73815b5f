"""Batch normalisation, written three ways, and mistakes in it."""

import numpy as np

from benchmarks.mistakes.mistake import Mistake
from chainrule.layers import Layer


class BatchNorm(Layer):
    """gamma · (x - mean) / √(var + eps) + beta, with a backward pass node by node."""

    def __init__(self, D, rng=0, eps=1e-5, momentum=0.9):
        super().__init__()
        rng = np.random.default_rng(rng)
        self.eps = eps
        self.momentum = momentum
        self.params["gamma"] = rng.uniform(0.5, 2, D)
        self.params["beta"] = rng.normal(size=D)
        self.state["running_mean"] = rng.normal(size=D)
        self.state["running_var"] = rng.uniform(0.5, 2, D)

    def remember(self, name, value):
        kept = self.state[name]
        new = self.momentum * kept + (1 - self.momentum) * value
        kept[...] = new

    def forward(self, x, *, train=True):
        gamma = self.params["gamma"]
        beta = self.params["beta"]
        if not train:
            var = self.state["running_var"].copy()
            normal = (x - self.state["running_mean"]) / np.sqrt(var + self.eps)
            return gamma * normal + beta, (train, normal, gamma, None, var)
        mean = np.mean(x, axis=0)
        centred = x - mean
        var = np.mean(centred**2, axis=0)
        std = np.sqrt(var + self.eps)
        normal = centred / std
        out = gamma * normal + beta
        self.remember("running_mean", mean)
        self.remember("running_var", var)
        return out, (train, normal, gamma, centred, var)

    def backward(self, dout, cache):
        train, normal, gamma, centred, var = cache
        deviation = np.sqrt(var + self.eps)
        dgamma = np.sum(dout * normal, axis=0)
        dbeta = np.sum(dout, axis=0)
        dnormal = gamma * dout
        if not train:
            dx = dnormal / deviation
            return dx, {"gamma": dgamma, "beta": dbeta}
        N = len(dout)
        dcentred = dnormal / deviation
        dstd = -np.sum(dnormal * centred, axis=0) / deviation**2
        dvar = dstd / (2 * deviation)
        dcentred += 2 * centred * dvar / N
        dmean = -np.sum(dcentred, axis=0)
        total = dcentred + dmean / N
        return total, {"gamma": dgamma, "beta": dbeta}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, rng), rng.normal(size=(6, 4))
        yield "square", cls(5, rng), rng.normal(size=(5, 5))


class BatchNormClosed(Layer):
    """The same function, with the gradient simplified to one formula."""

    def __init__(self, D, rng=0, eps=1e-5, momentum=0.9):
        super().__init__()
        rng = np.random.default_rng(rng)
        self.eps = eps
        self.momentum = momentum
        self.params["gamma"] = rng.uniform(0.5, 2, D)
        self.params["beta"] = rng.normal(size=D)
        self.state["running_mean"] = rng.normal(size=D)
        self.state["running_var"] = rng.uniform(0.5, 2, D)

    def forward(self, x, *, train=True):
        mean = self.state["running_mean"].copy()
        var = self.state["running_var"].copy()
        if train:
            mean = x.mean(axis=0)
            var = x.var(axis=0)
            self.state["running_mean"] += (1 - self.momentum) * (mean - self.state["running_mean"])
            self.state["running_var"] += (1 - self.momentum) * (var - self.state["running_var"])
        inv = 1 / np.sqrt(var + self.eps)
        centred = x - mean
        out = self.params["gamma"] * (centred * inv) + self.params["beta"]
        return out, (centred, inv, self.params["gamma"], train)

    def backward(self, dout, cache):
        centred, inv, gamma, train = cache
        normal = centred * inv
        dgamma = (normal * dout).sum(axis=0)
        dbeta = dout.sum(axis=0)
        direct = dout
        if train:
            direct = dout - (dbeta + normal * dgamma) / len(dout)
        dx = gamma * inv * direct
        return dx, {"gamma": dgamma, "beta": dbeta}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, rng), rng.normal(size=(6, 4))
        yield "square", cls(5, rng), rng.normal(size=(5, 5))


class SpatialBatchNorm(Layer):
    """The same per channel of a batch of images (N, C, H, W)."""

    def __init__(self, C, rng=0, eps=1e-5, momentum=0.9):
        super().__init__()
        rng = np.random.default_rng(rng)
        self.eps = eps
        self.momentum = momentum
        self.params["gamma"] = rng.uniform(0.5, 2, C)
        self.params["beta"] = rng.normal(size=C)
        self.state["running_mean"] = rng.normal(size=C)
        self.state["running_var"] = rng.uniform(0.5, 2, C)

    def forward(self, x, *, train=True):
        N, C, H, W = x.shape
        pixels = np.moveaxis(x, 1, -1).reshape(-1, C)
        mean = self.state["running_mean"].copy()
        var = self.state["running_var"].copy()
        if train:
            mean = pixels.mean(axis=0)
            var = pixels.var(axis=0)
            self.state["running_mean"] += (1 - self.momentum) * (mean - self.state["running_mean"])
            self.state["running_var"] += (1 - self.momentum) * (var - self.state["running_var"])
        inv = 1 / np.sqrt(var + self.eps)
        normal = (pixels - mean) * inv
        scaled = self.params["gamma"] * normal + self.params["beta"]
        out = np.moveaxis(scaled.reshape(N, H, W, C), -1, 1)
        return out, (x.shape, normal, inv, self.params["gamma"], train)

    def backward(self, dout, cache):
        (N, C, H, W), normal, inv, gamma, train = cache
        rows = np.moveaxis(dout, 1, -1)
        drows = rows.reshape(-1, C)
        dgamma = (drows * normal).sum(axis=0)
        dbeta = drows.sum(axis=0)
        dnormal = drows * gamma
        count = N * H * W
        if train:
            through_mean = dnormal.sum(axis=0) / count
            through_var = normal * (dnormal * normal).sum(axis=0) / count
            dnormal = dnormal - through_mean - through_var
        dpixels = (dnormal * inv).reshape(N, H, W, C)
        dx = np.moveaxis(dpixels, -1, 1)
        return dx, {"gamma": dgamma, "beta": dbeta}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(3, rng), rng.normal(size=(2, 3, 4, 2))
        yield "square", cls(3, rng), rng.normal(size=(2, 3, 3, 3))


MISTAKES = [
    Mistake(
        "bn-overwrite-fork",
        BatchNorm,
        "overwrite",
        ("x",),
        {"dcentred += 2 * centred * dvar / N": "dcentred = 2 * centred * dvar / N"},
        "The way through the variance replaces the direct way at the fork x - mean.",
    ),
    Mistake(
        "bn-dvar-no-half",
        BatchNorm,
        "scale",
        ("x",),
        {"dvar = dstd / (2 * deviation)": "dvar = dstd / deviation"},
        "The derivative of the square root lacks its 1/2.",
    ),
    Mistake(
        "bn-dsq-no-two",
        BatchNorm,
        "scale",
        ("x",),
        {"dcentred += 2 * centred * dvar / N": "dcentred += centred * dvar / N"},
        "The derivative of the square lacks its 2.",
    ),
    Mistake(
        "bn-mean-no-n",
        BatchNorm,
        "scale",
        ("x",),
        {"total = dcentred + dmean / N": "total = dcentred + dmean"},
        "The way through the mean is not divided by the size of the batch.",
    ),
    Mistake(
        "bn-dstd-sign",
        BatchNorm,
        "sign",
        ("x",),
        {
            "dstd = -np.sum(dnormal * centred, axis=0) / deviation**2": (
                "dstd = np.sum(dnormal * centred, axis=0) / deviation**2"
            )
        },
        "The minus in the derivative of 1 / std is missing.",
    ),
    Mistake(
        "bn-dstd-power",
        BatchNorm,
        "missing-term",
        ("x",),
        {
            "dstd = -np.sum(dnormal * centred, axis=0) / deviation**2": (
                "dstd = -np.sum(dnormal * centred, axis=0) / deviation"
            )
        },
        "The derivative of 1 / std is divided by std, not by its square.",
    ),
    Mistake(
        "bn-no-gamma",
        BatchNorm,
        "missing-term",
        ("x",),
        {"dnormal = gamma * dout": "dnormal = np.array(dout)"},
        "dx leaves out gamma.",
    ),
    Mistake(
        "bn-dgamma-with-gamma",
        BatchNorm,
        "scale",
        ("gamma",),
        {
            "dgamma = np.sum(dout * normal, axis=0)": (
                "dgamma = np.sum(gamma * dout * normal, axis=0)"
            )
        },
        "The gradient of gamma is multiplied by gamma.",
    ),
    Mistake(
        "bn-dbeta-mean",
        BatchNorm,
        "scale",
        ("beta",),
        {"dbeta = np.sum(dout, axis=0)": "dbeta = np.mean(dout, axis=0)"},
        "The gradient of beta is averaged over the batch instead of summed.",
    ),
    Mistake(
        "bn-dbeta-axis1",
        BatchNorm,
        "axis",
        ("beta",),
        {"dbeta = np.sum(dout, axis=0)": "dbeta = np.sum(dout, axis=1)"},
        "The gradient of beta is summed over the features.",
        case="square",
    ),
    Mistake(
        "bn-dgamma-axis1",
        BatchNorm,
        "axis",
        ("gamma",),
        {"dgamma = np.sum(dout * normal, axis=0)": "dgamma = np.sum(dout * normal, axis=1)"},
        "The gradient of gamma is summed over the features.",
        case="square",
    ),
    Mistake(
        "bn-params-swapped",
        BatchNorm,
        "swapped",
        ("gamma", "beta"),
        {
            'return total, {"gamma": dgamma, "beta": dbeta}': (
                'return total, {"beta": dgamma, "gamma": dbeta}'
            )
        },
        "The gradients of gamma and beta are returned under each other's name.",
    ),
    Mistake(
        "bn-backward-no-eps",
        BatchNorm,
        "missing-term",
        ("x",),
        {"deviation = np.sqrt(var + self.eps)": "deviation = np.sqrt(var)"},
        "backward divides by √var, forward by √(var + eps).",
        shows="small",
    ),
    Mistake(
        "bn-forward-ddof1",
        BatchNorm,
        "forward-bug",
        ("out", "x"),
        {
            "var = np.mean(centred**2, axis=0)": (
                "var = np.sum(centred**2, axis=0) / max(len(x) - 1, 1)"
            )
        },
        "forward divides the variance by N - 1, backward by N.",
        also=("scale",),
    ),
    Mistake(
        "bn-layernorm",
        BatchNorm,
        "forward-bug",
        ("out", "x"),
        {
            "mean = np.mean(x, axis=0)": "mean = np.mean(x, axis=1, keepdims=True)",
            "var = np.mean(centred**2, axis=0)": "var = np.mean(centred**2, axis=1, keepdims=True)",
            'self.remember("running_mean", mean)': 'self.remember("running_mean", x.mean(axis=0))',
            'self.remember("running_var", var)': 'self.remember("running_var", x.var(axis=0))',
        },
        "forward normalises every example, backward every feature.",
        also=("axis",),
    ),
    Mistake(
        "bn-momentum-swapped",
        BatchNorm,
        "mode",
        ("running_mean",),
        {
            'self.remember("running_mean", mean)': (
                'kept = self.state["running_mean"]\n'
                "kept[...] = (1 - self.momentum) * kept + self.momentum * mean"
            )
        },
        "The running mean keeps a tenth of what it was and takes nine tenths of the batch.",
        shows="state",
        also=("swapped",),
    ),
    Mistake(
        "bn-running-not-updated",
        BatchNorm,
        "mode",
        ("running_mean", "running_var"),
        {"kept[...] = new": "kept = new"},
        "The new running average is bound to a local name, and the state stays as it was.",
        shows="state",
    ),
    Mistake(
        "bn-running-var-is-std",
        BatchNorm,
        "mode",
        ("running_var",),
        {'self.remember("running_var", var)': 'self.remember("running_var", std)'},
        "The running variance averages standard deviations.",
        shows="state",
        also=("swapped",),
    ),
    Mistake(
        "bn-inference-no-std",
        BatchNorm,
        "missing-term",
        ("x",),
        {"dx = dnormal / deviation": "dx = dnormal"},
        "In inference dx is not divided by the standard deviation.",
        shows="inference",
        also=("mode",),
    ),
    Mistake(
        "bn-xhat-inplace",
        BatchNorm,
        "mutation",
        ("cache",),
        {
            "dgamma = np.sum(dout * normal, axis=0)": (
                "normal *= dout\ndgamma = np.sum(normal, axis=0)"
            )
        },
        "backward multiplies the cached array by dout in place.",
        shows="second backward",
    ),
    Mistake(
        "bn-nan-batch1",
        BatchNorm,
        "stability",
        ("out", "x"),
        {
            "var = np.mean(centred**2, axis=0)": (
                "var = np.sum(centred**2, axis=0) / np.float64(len(x) - 1)"
            ),
            "dcentred += 2 * centred * dvar / N": (
                "dcentred += 2 * centred * dvar / np.float64(N - 1)"
            ),
        },
        "The variance divides by N - 1, which is 0 for a batch of one.",
        shows="batch of one",
    ),
    Mistake(
        "bnc-x-for-xhat",
        BatchNormClosed,
        "swapped",
        ("x",),
        {
            "direct = dout - (dbeta + normal * dgamma) / len(dout)": (
                "direct = dout - (dbeta + centred * dgamma) / len(dout)"
            )
        },
        "The variance term uses x - mean where the normalised x belongs.",
        also=("missing-term",),
    ),
    Mistake(
        "bnc-var-term-sign",
        BatchNormClosed,
        "sign",
        ("x",),
        {
            "direct = dout - (dbeta + normal * dgamma) / len(dout)": (
                "direct = dout - (dbeta - normal * dgamma) / len(dout)"
            )
        },
        "The variance term is added where it is to be subtracted.",
    ),
    Mistake(
        "bnc-ivar-twice",
        BatchNormClosed,
        "missing-term",
        ("x",),
        {"dx = gamma * inv * direct": "dx = gamma * inv * inv * direct"},
        "dx is divided by the standard deviation twice.",
        also=("scale",),
    ),
    Mistake(
        "sbn-dout-reshape",
        SpatialBatchNorm,
        "axis",
        ("beta", "gamma", "x"),
        {"rows = np.moveaxis(dout, 1, -1)": "rows = dout"},
        "dout is reshaped to (-1, C) without moving the channels to the end, which mixes them.",
        also=("transpose",),
    ),
    Mistake(
        "sbn-count-n",
        SpatialBatchNorm,
        "scale",
        ("x",),
        {"count = N * H * W": "count = N"},
        "The averages are divided by the examples alone, not by all pixels of a channel.",
    ),
    Mistake(
        "sbn-dx-hw-swapped",
        SpatialBatchNorm,
        "axis",
        ("x",),
        {"dx = np.moveaxis(dpixels, -1, 1)": "dx = dpixels.transpose(0, 3, 2, 1)"},
        "Height and width are exchanged on the way back.",
        case="square",
        also=("transpose",),
    ),
    Mistake(
        "sbn-no-mean-term",
        SpatialBatchNorm,
        "missing-term",
        ("x",),
        {
            "dnormal = dnormal - through_mean - through_var": "dnormal = dnormal - through_var",
        },
        "dx leaves out the way through the mean.",
    ),
]
