"""Other normalisations, and mistakes in them."""

import numpy as np

from benchmarks.mistakes.mistake import Mistake
from chainrule.layers import Layer


class LayerNorm(Layer):
    """gamma · (x - mean) / std + beta, over the features of each example."""

    def __init__(self, D, rng=0, eps=1e-5):
        super().__init__()
        rng = np.random.default_rng(rng)
        self.eps = eps
        self.params["gamma"] = rng.uniform(0.5, 2, D)
        self.params["beta"] = rng.normal(size=D)

    def forward(self, x, *, train=True):
        gamma = self.params["gamma"]
        mean = x.mean(axis=1, keepdims=True)
        var = x.var(axis=1, keepdims=True)
        rstd = 1 / np.sqrt(var + self.eps)
        n = (x - mean) * rstd
        out = gamma * n + self.params["beta"]
        return out, (n, rstd, gamma)

    def backward(self, dout, cache):
        n, rstd, gamma = cache
        dn = gamma * dout
        dx = dn.copy()
        dx -= dn.mean(axis=1, keepdims=True)
        dx -= n * np.mean(dn * n, axis=1, keepdims=True)
        dx *= rstd
        dgamma = np.sum(n * dout, axis=0)
        dbeta = np.sum(dout, axis=0)
        return dx, {"gamma": dgamma, "beta": dbeta}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, rng), rng.normal(size=(5, 4))
        yield "square", cls(4, rng), rng.normal(size=(4, 4))


class RMSNorm(Layer):
    """g · x / √(mean x² + eps), over the features of each example."""

    def __init__(self, D, rng=0, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.params["g"] = np.random.default_rng(rng).uniform(0.5, 2, D)

    def forward(self, x, *, train=True):
        g = self.params["g"]
        power = np.mean(x**2, axis=1, keepdims=True)
        r = np.sqrt(power + self.eps)
        out = g * x / r
        return out, (x, r, g)

    def backward(self, dout, cache):
        x, r, g = cache
        n = x / r
        dn = g * dout
        along = np.mean(dn * n, axis=1, keepdims=True)
        dx = (dn - n * along) / r
        dg = np.sum(dout * n, axis=0)
        return dx, {"g": dg}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, rng), rng.normal(size=(5, 4))


class GroupNorm(Layer):
    """(x - mean) / std over each of G groups of channels of images (N, C, H, W)."""

    def __init__(self, G, eps=1e-5):
        super().__init__()
        self.G = G
        self.eps = eps

    def forward(self, x, *, train=True):
        rows = x.reshape(len(x), self.G, -1)
        mean = rows.mean(axis=2, keepdims=True)
        std = np.sqrt(rows.var(axis=2, keepdims=True) + self.eps)
        n = (rows - mean) / std
        out = n.reshape(x.shape)
        return out, (n, std)

    def backward(self, dout, cache):
        n, std = cache
        d = dout.reshape(n.shape)
        mean_d = d.mean(axis=2, keepdims=True)
        along = (d * n).mean(axis=2, keepdims=True)
        dx = (d - mean_d - n * along) / std
        return dx.reshape(dout.shape), {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(2), rng.normal(size=(3, 4, 2, 3))


class UnitLength(Layer):
    """x / |x| for each example."""

    def forward(self, x, *, train=True):
        length = np.sqrt(np.sum(x**2, axis=1, keepdims=True))
        u = x / length
        return u, (u, length)

    def backward(self, dout, cache):
        u, length = cache
        radial = np.sum(u * dout, axis=1, keepdims=True)
        dx = (dout - u * radial) / length
        return dx, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4))


X = ("x",)
OUT = ("out", "x")
DMEAN = "dx -= dn.mean(axis=1, keepdims=True)"
DVAR = "dx -= n * np.mean(dn * n, axis=1, keepdims=True)"
DRMS = "dx = (dn - n * along) / r"
ALONG = "along = np.mean(dn * n, axis=1, keepdims=True)"
DGROUP = "dx = (d - mean_d - n * along) / std"
DUNIT = "dx = (dout - u * radial) / length"

MISTAKES = [
    Mistake(
        "ln-no-mean-term",
        LayerNorm,
        "missing-term",
        X,
        {DMEAN: ""},
        "What comes through the mean is missing.",
    ),
    Mistake(
        "ln-no-var-term",
        LayerNorm,
        "missing-term",
        X,
        {DVAR: ""},
        "What comes through the variance is missing.",
    ),
    Mistake(
        "ln-var-sign",
        LayerNorm,
        "sign",
        X,
        {DVAR: DVAR.replace("-=", "+=")},
        "What comes through the variance is added instead of subtracted.",
    ),
    Mistake(
        "ln-mean-not-divided",
        LayerNorm,
        "scale",
        X,
        {DMEAN: "dx -= dn.sum(axis=1, keepdims=True)"},
        "What comes through the mean is not divided by the number of features.",
    ),
    Mistake(
        "ln-over-batch",
        LayerNorm,
        "axis",
        X,
        {DMEAN: "dx -= dn.mean(axis=0)", DVAR: "dx -= n * np.mean(dn * n, axis=0)"},
        "backward takes its means over the batch, as batchnorm does.",
    ),
    Mistake(
        "ln-dgamma-over-features",
        LayerNorm,
        "axis",
        ("gamma",),
        {"dgamma = np.sum(n * dout, axis=0)": "dgamma = np.sum(n * dout, axis=1)"},
        "dgamma is summed over the features.",
        case="square",
    ),
    Mistake(
        "ln-dbeta-keepdims",
        LayerNorm,
        "shape",
        ("beta",),
        {"dbeta = np.sum(dout, axis=0)": "dbeta = np.sum(dout, axis=0, keepdims=True)"},
        "dbeta is a row where beta is (D,).",
    ),
    Mistake(
        "ln-swapped",
        LayerNorm,
        "swapped",
        ("gamma", "beta"),
        {
            'return dx, {"gamma": dgamma, "beta": dbeta}': (
                'return dx, {"gamma": dbeta, "beta": dgamma}'
            )
        },
        "dgamma and dbeta are exchanged.",
    ),
    Mistake(
        "ln-no-gamma",
        LayerNorm,
        "missing-term",
        X,
        {"dn = gamma * dout": "dn = dout"},
        "dx leaves out gamma.",
    ),
    Mistake(
        "ln-n-in-place",
        LayerNorm,
        "mutation",
        ("cache",),
        {"dgamma = np.sum(n * dout, axis=0)": "n *= dout\ndgamma = np.sum(n, axis=0)"},
        "backward changes the cached array.",
        shows="second backward",
    ),
    Mistake(
        "ln-unbiased",
        LayerNorm,
        "forward-bug",
        OUT,
        {"var = x.var(axis=1, keepdims=True)": "var = x.var(axis=1, keepdims=True, ddof=1)"},
        "forward divides by D - 1, backward by D.",
        also=("scale",),
    ),
    Mistake(
        "ln-rstd-squared",
        LayerNorm,
        "missing-term",
        X,
        {"dx *= rstd": "dx *= rstd**2"},
        "dx is divided by the variance.",
        also=("scale",),
    ),
    Mistake(
        "rms-straight",
        RMSNorm,
        "missing-term",
        X,
        {DRMS: "dx = dn / r"},
        "r is taken to be a constant.",
    ),
    Mistake(
        "rms-sum",
        RMSNorm,
        "scale",
        X,
        {ALONG: "along = np.sum(dn * n, axis=1, keepdims=True)"},
        "The mean over the features is a sum.",
    ),
    Mistake(
        "rms-plus",
        RMSNorm,
        "sign",
        X,
        {DRMS: "dx = (dn + n * along) / r"},
        "What comes through r has the wrong sign.",
    ),
    Mistake(
        "rms-x-for-n",
        RMSNorm,
        "swapped",
        X,
        {DRMS: "dx = (dn - x * along) / r"},
        "x stands where the normalised x belongs.",
        also=("missing-term",),
    ),
    Mistake(
        "rms-dg-of-x",
        RMSNorm,
        "swapped",
        ("g",),
        {"dg = np.sum(dout * n, axis=0)": "dg = np.sum(dout * x, axis=0)"},
        "dg uses x instead of the normalised x.",
        also=("missing-term",),
    ),
    Mistake(
        "rms-dg-mean",
        RMSNorm,
        "scale",
        ("g",),
        {"dg = np.sum(dout * n, axis=0)": "dg = np.mean(dout * n, axis=0)"},
        "dg is averaged over the batch.",
    ),
    Mistake(
        "rms-eps-outside",
        RMSNorm,
        "missing-term",
        X,
        {"n = x / r": "r = np.sqrt(np.mean(x**2, axis=1, keepdims=True))\nn = x / r"},
        "backward computes r again, without eps.",
        shows="small",
    ),
    Mistake(
        "rms-last-batch",
        RMSNorm,
        "stale-cache",
        X,
        {
            "return out, (x, r, g)": "self.r = r\nreturn out, (x, r, g)",
            "n = x / r": "r = self.r\nn = x / r",
        },
        "r is that of the latest batch.",
        shows="interleaved",
    ),
    Mistake(
        "rms-float64",
        RMSNorm,
        "dtype",
        ("g",),
        {"dg = np.sum(dout * n, axis=0)": "dg = np.zeros(len(g))\ndg += np.sum(dout * n, axis=0)"},
        "dg is collected in float64 whatever the parameter is.",
        shows="float32",
    ),
    Mistake(
        "group-no-mean",
        GroupNorm,
        "missing-term",
        X,
        {DGROUP: "dx = (d - n * along) / std"},
        "What comes through the mean is missing.",
    ),
    Mistake(
        "group-per-channel",
        GroupNorm,
        "axis",
        X,
        {"mean_d = d.mean(axis=2, keepdims=True)": "mean_d = d.mean(axis=1, keepdims=True)"},
        "The mean runs over the groups instead of within them.",
    ),
    Mistake(
        "group-flat",
        GroupNorm,
        "shape",
        X,
        {"return dx.reshape(dout.shape), {}": "return dx, {}"},
        "dx keeps the shape of the groups.",
    ),
    Mistake(
        "group-times-std",
        GroupNorm,
        "swapped",
        X,
        {DGROUP: "dx = (d - mean_d - n * along) * std"},
        "dx is multiplied by the standard deviation.",
        also=("missing-term",),
    ),
    Mistake(
        "group-reshapes-input",
        GroupNorm,
        "mutation",
        X,
        {
            "rows = x.reshape(len(x), self.G, -1)": (
                "shape = x.shape\nx.shape = (len(x), self.G, -1)\nrows = x"
            ),
            "out = n.reshape(x.shape)": "out = n.reshape(shape)",
        },
        "forward reshapes the caller's array.",
        shows="mutation",
    ),
    Mistake(
        "group-needs-contiguous",
        GroupNorm,
        "shape",
        X,
        {
            "rows = x.reshape(len(x), self.G, -1)": (
                "rows = x.view()\nrows.shape = (len(x), self.G, -1)"
            )
        },
        "forward sets the shape of a view, which an input with gaps does not allow.",
        shows="strided",
    ),
    Mistake(
        "unit-no-projection",
        UnitLength,
        "missing-term",
        X,
        {DUNIT: "dx = dout / length"},
        "The length is taken to be a constant.",
    ),
    Mistake(
        "unit-no-length",
        UnitLength,
        "missing-term",
        X,
        {DUNIT: "dx = dout - u * radial"},
        "dx is not divided by the length.",
    ),
    Mistake(
        "unit-squared-length",
        UnitLength,
        "missing-term",
        X,
        {DUNIT: "dx = (dout - u * radial) / length**2"},
        "dx is divided by the squared length.",
        also=("scale",),
    ),
    Mistake(
        "unit-radial-per-feature",
        UnitLength,
        "axis",
        X,
        {"radial = np.sum(u * dout, axis=1, keepdims=True)": "radial = np.sum(u * dout, axis=0)"},
        "The projection is summed over the batch.",
    ),
]
