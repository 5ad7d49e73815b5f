"""Other functions of one input, and mistakes in them."""

import numpy as np

from benchmarks.mistakes.mistake import Mistake
from chainrule.layers import Layer


class Softmax(Layer):
    """eˣ / Σ eˣ over the last axis."""

    def forward(self, x, *, train=True):
        z = x - x.max(axis=-1, keepdims=True)
        e = np.exp(z)
        p = e / e.sum(axis=-1, keepdims=True)
        return p, p

    def backward(self, dout, cache):
        p = cache
        mean = np.sum(p * dout, axis=-1, keepdims=True)
        dx = p * (dout - mean)
        return dx, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4))
        yield "square", cls(), rng.normal(size=(4, 4))


class Exp(Layer):
    """eˣ."""

    def forward(self, x, *, train=True):
        grown = np.exp(x)
        return grown, grown

    def backward(self, dout, cache):
        dx = dout * cache
        return dx, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4))


class Log(Layer):
    """log x."""

    def forward(self, x, *, train=True):
        out = np.log(x)
        return out, x

    def backward(self, dout, cache):
        x = cache
        dx = dout / x
        return dx, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.uniform(0.5, 2, (5, 4))


class Reciprocal(Layer):
    """1 / x."""

    def forward(self, x, *, train=True):
        inverse = 1 / x
        return inverse, inverse

    def backward(self, dout, cache):
        inverse = cache
        dx = -dout * inverse**2
        return dx, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.uniform(0.5, 2, (5, 4))


class Clip(Layer):
    """x, held between -1 and 1."""

    def forward(self, x, *, train=True):
        out = np.clip(x, -1, 1)
        return out, x

    def backward(self, dout, cache):
        inside = np.abs(cache) < 1
        dx = np.where(inside, dout, 0)
        return dx, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), 1.5 * rng.normal(size=(5, 4))


X = ("x",)
OUT = ("out", "x")
SOFTMAX_DX = "dx = p * (dout - mean)"
SOFTMAX_MEAN = "mean = np.sum(p * dout, axis=-1, keepdims=True)"

MISTAKES = [
    Mistake(
        "softmax-diagonal",
        Softmax,
        "missing-term",
        X,
        {SOFTMAX_DX: "dx = p * (1 - p) * dout"},
        "Only the diagonal of the Jacobian is used.",
    ),
    Mistake(
        "softmax-no-mean",
        Softmax,
        "missing-term",
        X,
        {SOFTMAX_DX: "dx = p * dout"},
        "The part that comes through the normaliser is missing.",
    ),
    Mistake(
        "softmax-plus-mean",
        Softmax,
        "sign",
        X,
        {SOFTMAX_DX: "dx = p * (dout + mean)"},
        "The part that comes through the normaliser has the wrong sign.",
    ),
    Mistake(
        "softmax-mean-over-batch",
        Softmax,
        "axis",
        X,
        {SOFTMAX_MEAN: "mean = np.sum(p * dout, axis=0)"},
        "The weighted sum runs over the batch instead of the classes.",
    ),
    Mistake(
        "softmax-unweighted-mean",
        Softmax,
        "missing-term",
        X,
        {SOFTMAX_MEAN: "mean = np.mean(dout, axis=-1, keepdims=True)"},
        "The mean of dout is not weighted by the probabilities.",
        also=("scale",),
    ),
    Mistake(
        "softmax-overflows",
        Softmax,
        "stability",
        OUT,
        {"z = x - x.max(axis=-1, keepdims=True)": "z = x"},
        "The exponential of a large score overflows.",
        shows="large",
    ),
    Mistake(
        "softmax-p-in-place",
        Softmax,
        "mutation",
        ("cache", "x"),
        {SOFTMAX_DX: "p *= dout - mean\ndx = p"},
        "backward multiplies the cached probabilities in place.",
        shows="second backward",
    ),
    Mistake(
        "softmax-normalises-columns",
        Softmax,
        "forward-bug",
        OUT,
        {"p = e / e.sum(axis=-1, keepdims=True)": "p = e / e.sum(axis=0)"},
        "forward normalises over the batch, backward over the classes.",
        also=("axis",),
    ),
    Mistake(
        "exp-of-out",
        Exp,
        "swapped",
        X,
        {"dx = dout * cache": "dx = dout * np.exp(cache)"},
        "The exponential is taken of the output.",
        also=("missing-term",),
    ),
    Mistake(
        "exp-power-rule",
        Exp,
        "missing-term",
        X,
        {"return grown, grown": "return grown, x * np.exp(x - 1)"},
        "The power rule is applied to eˣ.",
    ),
    Mistake(
        "exp-in-place",
        Exp,
        "mutation",
        X,
        {"grown = np.exp(x)": "np.exp(x, out=x)\ngrown = x.copy()"},
        "forward writes the exponential into its input.",
        shows="mutation",
    ),
    Mistake(
        "exp-no-dout",
        Exp,
        "missing-term",
        X,
        {"dx = dout * cache": "dx = cache.copy()"},
        "dx is the slope alone, whatever comes from upstream.",
    ),
    Mistake(
        "log-times-x",
        Log,
        "swapped",
        X,
        {"dx = dout / x": "dx = dout * x"},
        "dout is multiplied by x instead of divided.",
        also=("missing-term",),
    ),
    Mistake(
        "log-divides-by-out",
        Log,
        "swapped",
        X,
        {"return out, x": "return out, out"},
        "dout is divided by the logarithm.",
        also=("missing-term",),
    ),
    Mistake(
        "log-guarded-forward",
        Log,
        "stability",
        OUT,
        {"out = np.log(x)": "out = np.log(x + 1e-3)"},
        "forward adds a guard to x which backward does not know.",
        shows="small",
        also=("forward-bug", "missing-term"),
    ),
    Mistake(
        "log-base-ten",
        Log,
        "forward-bug",
        OUT,
        {"out = np.log(x)": "out = np.log10(x)"},
        "forward takes the decimal logarithm.",
        also=("scale",),
    ),
    Mistake(
        "reciprocal-no-minus",
        Reciprocal,
        "sign",
        X,
        {"dx = -dout * inverse**2": "dx = dout * inverse**2"},
        "The minus is missing.",
    ),
    Mistake(
        "reciprocal-no-square",
        Reciprocal,
        "missing-term",
        X,
        {"dx = -dout * inverse**2": "dx = -dout * inverse"},
        "One of the two factors 1/x is missing.",
    ),
    Mistake(
        "reciprocal-x-squared",
        Reciprocal,
        "swapped",
        X,
        {"dx = -dout * inverse**2": "dx = -dout / inverse**2"},
        "dout is divided by what it should be multiplied by.",
        also=("missing-term",),
    ),
    Mistake(
        "reciprocal-remembers",
        Reciprocal,
        "stale-cache",
        X,
        {
            "inverse = 1 / x": "inverse = 1 / x\nself.inverse = inverse",
            "inverse = cache": "inverse = self.inverse",
        },
        "backward uses what the latest forward pass left on the layer.",
        shows="interleaved",
    ),
    Mistake(
        "clip-inverted",
        Clip,
        "mask",
        X,
        {"dx = np.where(inside, dout, 0)": "dx = np.where(inside, 0, dout)"},
        "The gradient passes outside and not inside.",
    ),
    Mistake(
        "clip-one-side",
        Clip,
        "mask",
        X,
        {"inside = np.abs(cache) < 1": "inside = cache < 1"},
        "The lower bound is forgotten.",
    ),
    Mistake(
        "clip-passes-all",
        Clip,
        "mask",
        X,
        {"dx = np.where(inside, dout, 0)": "dx = dout.copy()"},
        "The gradient passes outside, too.",
        also=("missing-term",),
    ),
    Mistake(
        "clip-mask-of-out",
        Clip,
        "mask",
        X,
        {"inside = np.abs(cache) < 1": "inside = np.abs(np.clip(cache, -1, 1)) <= 1"},
        "The mask is taken from the output with ≤, which holds everywhere.",
    ),
    Mistake(
        "clip-memory-order",
        Clip,
        "transpose",
        X,
        {
            "inside = np.abs(cache) < 1": (
                'flat = cache.ravel(order="K")\ninside = (np.abs(flat) < 1).reshape(cache.shape)'
            )
        },
        "The mask is read in the order of memory, which for Fortran arrays is another.",
        shows="fortran",
        also=("axis", "mask", "shape"),
    ),
    Mistake(
        "clip-wrong-bound",
        Clip,
        "forward-bug",
        OUT,
        {"out = np.clip(x, -1, 1)": "out = np.clip(x, 0, 1)"},
        "forward clips at 0, backward at -1.",
        also=("mask",),
    ),
]
