"""Elementwise functions and maxout, and mistakes in them."""

import numpy as np

from benchmarks.mistakes.mistake import Mistake
from chainrule.layers import Layer


class ReLU(Layer):
    """max(x, 0)."""

    def forward(self, x, *, train=True):
        out = np.maximum(x, 0)
        kept = x
        return out, kept

    def backward(self, dout, cache):
        x = cache
        open_ = x > 0
        dx = dout * open_
        return dx, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4))
        yield "image", cls(), rng.normal(size=(2, 3, 2, 2))


class LeakyReLU(Layer):
    """x where x > 0, slope · x elsewhere."""

    def __init__(self, slope=0.1):
        super().__init__()
        self.slope = slope

    def forward(self, x, *, train=True):
        out = np.where(x > 0, x, self.slope * x)
        return out, x

    def backward(self, dout, cache):
        factor = np.where(cache > 0, 1.0, self.slope)
        dx = factor.astype(dout.dtype) * dout
        return dx, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4))
        yield "image", cls(), rng.normal(size=(2, 3, 2, 2))


class PReLU(Layer):
    """x where x > 0, slope · x elsewhere; a slope (D,) per feature is learnt."""

    def __init__(self, D, rng=0):
        super().__init__()
        self.params["slope"] = np.random.default_rng(rng).uniform(0.05, 0.5, D)

    def forward(self, x, *, train=True):
        slope = self.params["slope"]
        below = np.minimum(x, 0)
        out = np.maximum(x, 0) + slope * below
        return out, (x, below, slope)

    def backward(self, dout, cache):
        x, below, slope = cache
        dx = np.where(x > 0, dout, slope * dout)
        dslope = (below * dout).sum(axis=0)
        return dx, {"slope": dslope}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, rng), rng.normal(size=(5, 4))


class ELU(Layer):
    """x where x > 0, alpha (eˣ - 1) elsewhere."""

    def __init__(self, alpha=1.3):
        super().__init__()
        self.alpha = alpha

    def forward(self, x, *, train=True):
        bent = self.alpha * np.expm1(np.minimum(x, 0))
        out = np.where(x > 0, x, bent)
        return out, (x, bent)

    def backward(self, dout, cache):
        x, bent = cache
        steep = np.where(x > 0, 1, bent + self.alpha)
        dx = steep * dout
        return dx, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4))
        yield "image", cls(), rng.normal(size=(2, 3, 2, 2))


class Sigmoid(Layer):
    """1 / (1 + e⁻ˣ), by way of tanh, which does not overflow."""

    def forward(self, x, *, train=True):
        out = 0.5 + 0.5 * np.tanh(0.5 * x)
        return out, out

    def backward(self, dout, cache):
        out = cache
        dx = dout * (out * (1 - out))
        return dx, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4))
        yield "image", cls(), rng.normal(size=(2, 3, 2, 2))


class Tanh(Layer):
    """tanh(x)."""

    def forward(self, x, *, train=True):
        out = np.tanh(x)
        return out, out

    def backward(self, dout, cache):
        out = cache
        steep = 1 - out * out
        dx = steep * dout
        return dx, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4))
        yield "image", cls(), rng.normal(size=(2, 3, 2, 2))


class Softplus(Layer):
    """log(1 + exp(beta x)) / beta."""

    def __init__(self, beta=1.5):
        super().__init__()
        self.beta = beta

    def forward(self, x, *, train=True):
        z = self.beta * x
        out = np.logaddexp(z, 0) / self.beta
        return out, z

    def backward(self, dout, cache):
        steep = 0.5 + 0.5 * np.tanh(0.5 * cache)
        dx = steep * dout
        return dx, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4))
        yield "image", cls(), rng.normal(size=(2, 3, 2, 2))


class Maxout(Layer):
    """The largest of K affine pieces: W (K, D, M), b (K, M)."""

    def __init__(self, K, D, M, rng=0):
        super().__init__()
        rng = np.random.default_rng(rng)
        self.params["W"] = rng.normal(size=(K, D, M))
        self.params["b"] = rng.normal(size=(K, M))

    def forward(self, x, *, train=True):
        W = self.params["W"]
        b = self.params["b"]
        z = x @ W + b[:, None]  # (K, N, M)
        out = z.max(axis=0)
        winner = z.argmax(axis=0)
        return out, (x, W, winner)

    def backward(self, dout, cache):
        x, W, winner = cache
        dx = np.zeros_like(x)
        dW = np.zeros_like(W)
        db = np.zeros_like(W[:, 0])
        for k in range(len(W)):
            dz = dout * (winner == k)
            dx += dz @ W[k].T
            dW[k] = x.T @ dz
            db[k] = dz.sum(axis=0)
        return dx, {"W": dW, "b": db}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(3, 4, 2, rng), rng.normal(size=(5, 4))


MISTAKES = [
    Mistake(
        "relu-ignores-dout",
        ReLU,
        "missing-term",
        ("x",),
        {"dx = dout * open_": "dx = 1.0 * open_"},
        "dx is the mask; the upstream gradient is left out.",
    ),
    Mistake(
        "relu-mask-from-out-ge",
        ReLU,
        "mask",
        ("x",),
        {"kept = x": "kept = out", "open_ = x > 0": "open_ = x >= 0"},
        "The mask asks whether the output is at least 0, and it always is.",
    ),
    Mistake(
        "relu-times-value",
        ReLU,
        "swapped",
        ("x",),
        {"dx = dout * open_": "dx = dout * x * open_"},
        "dout is multiplied by the output where the slope belongs.",
        also=("missing-term", "scale"),
    ),
    Mistake(
        "relu-scalar-condition",
        ReLU,
        "mask",
        ("x",),
        {"open_ = x > 0": "open_ = np.sum(x) > 0"},
        "One condition is decided for the whole array instead of one per entry.",
    ),
    Mistake(
        "relu-threshold-one",
        ReLU,
        "mask",
        ("x",),
        {"open_ = x > 0": "open_ = x > 1"},
        "backward opens at 1 where forward opens at 0.",
    ),
    Mistake(
        "relu-self-mask",
        ReLU,
        "stale-cache",
        ("x",),
        {"kept = x": "kept = x\nself.open_ = x > 0", "open_ = x > 0": "open_ = self.open_"},
        "The mask is that of the latest forward pass, not that of the cache.",
        shows="interleaved",
    ),
    Mistake(
        "relu-forward-half-open",
        ReLU,
        "forward-bug",
        ("out", "x"),
        {"out = np.maximum(x, 0)": "out = np.maximum(x, -1)"},
        "forward cuts off at -1, backward at 0.",
        also=("mask",),
    ),
    Mistake(
        "leaky-no-slope",
        LeakyReLU,
        "missing-term",
        ("x",),
        {"factor = np.where(cache > 0, 1.0, self.slope)": "factor = cache > 0"},
        "dx is 0 on the negative side, where the output still has a slope.",
        also=("mask",),
    ),
    Mistake(
        "leaky-slope-everywhere",
        LeakyReLU,
        "mask",
        ("x",),
        {"factor = np.where(cache > 0, 1.0, self.slope)": "factor = self.slope + 0 * cache"},
        "The small slope is applied on both sides.",
        also=("scale",),
    ),
    Mistake(
        "leaky-slope-sign",
        LeakyReLU,
        "sign",
        ("x",),
        {
            "factor = np.where(cache > 0, 1.0, self.slope)": (
                "factor = np.where(cache > 0, 1.0, -self.slope)"
            )
        },
        "The slope of the negative side has the wrong sign.",
    ),
    Mistake(
        "leaky-forward-max-alpha",
        LeakyReLU,
        "forward-bug",
        ("out", "x"),
        {"out = np.where(x > 0, x, self.slope * x)": "out = np.maximum(x, self.slope)"},
        "forward is max(x, slope): the slope is not multiplied by x.",
        also=("mask",),
    ),
    Mistake(
        "prelu-dalpha-mean",
        PReLU,
        "scale",
        ("slope",),
        {"dslope = (below * dout).sum(axis=0)": "dslope = (below * dout).mean(axis=0)"},
        "The gradient of the slope is averaged over the batch instead of summed.",
    ),
    Mistake(
        "elu-nan-large",
        ELU,
        "stability",
        ("x",),
        {
            "steep = np.where(x > 0, 1, bent + self.alpha)": (
                "steep = (x > 0) + self.alpha * np.exp(x) * (x <= 0)"
            )
        },
        "exp(x) overflows on the positive side, and inf times 0 is nan.",
        shows="large",
    ),
    Mistake(
        "elu-mask-inverted",
        ELU,
        "mask",
        ("x",),
        {
            "steep = np.where(x > 0, 1, bent + self.alpha)": (
                "steep = np.where(x > 0, bent + self.alpha, 1)"
            )
        },
        "The slopes of the two sides are exchanged.",
        also=("swapped",),
    ),
    Mistake(
        "sigmoid-twice",
        Sigmoid,
        "swapped",
        ("x",),
        {
            "dx = dout * (out * (1 - out))": (
                "s = 0.5 + 0.5 * np.tanh(0.5 * out)\ndx = dout * (s * (1 - s))"
            )
        },
        "The derivative is taken at the output, as if that were x.",
        also=("missing-term",),
    ),
    Mistake(
        "sigmoid-no-derivative",
        Sigmoid,
        "missing-term",
        ("x",),
        {"dx = dout * (out * (1 - out))": "dx = 1 * dout"},
        "dout is passed on as if the layer were not there.",
    ),
    Mistake(
        "sigmoid-forward-sign",
        Sigmoid,
        "forward-bug",
        ("out", "x"),
        {"out = 0.5 + 0.5 * np.tanh(0.5 * x)": "out = 0.5 - 0.5 * np.tanh(0.5 * x)"},
        "forward falls where it should rise: it computes the sigmoid of -x.",
        also=("sign",),
    ),
    Mistake(
        "tanh-no-square",
        Tanh,
        "missing-term",
        ("x",),
        {"steep = 1 - out * out": "steep = 1 - out"},
        "The square is missing in 1 - tanh².",
    ),
    Mistake(
        "tanh-sigmoid-derivative",
        Tanh,
        "swapped",
        ("x",),
        {"steep = 1 - out * out": "steep = out * (1 - out)"},
        "The slope is that of the sigmoid.",
        also=("missing-term",),
    ),
    Mistake(
        "tanh-cache-inplace",
        Tanh,
        "mutation",
        ("cache",),
        {"steep = 1 - out * out": "np.multiply(out, out, out=out)\nsteep = 1 - out"},
        "backward squares the cached output in place.",
        shows="second backward",
    ),
    Mistake(
        "tanh-square-whole",
        Tanh,
        "missing-term",
        ("x",),
        {"steep = 1 - out * out": "steep = (1 - out) * (1 - out)"},
        "The square is taken of the whole difference instead of tanh alone.",
    ),
    Mistake(
        "softplus-extra-beta",
        Softplus,
        "scale",
        ("x",),
        {"dx = steep * dout": "dx = self.beta * steep * dout"},
        "beta is multiplied in although the division in forward cancels it.",
    ),
    Mistake(
        "maxout-dx-overwrite",
        Maxout,
        "overwrite",
        ("x",),
        {"dx += dz @ W[k].T": "dx = dz @ W[k].T"},
        "Each piece replaces the gradient of the pieces before it.",
    ),
    Mistake(
        "maxout-db-sum-pieces",
        Maxout,
        "axis",
        ("b",),
        {"db[k] = dz.sum(axis=0)": "db += dout[k] * (winner[k] == np.arange(len(W))[:, None])"},
        "db adds up the first rows of the batch as if they were the pieces.",
        also=("missing-term",),
    ),
    Mistake(
        "maxout-dw-unmasked",
        Maxout,
        "mask",
        ("W",),
        {"dW[k] = x.T @ dz": "dW[k] = x.T @ dout"},
        "Every piece gets the gradient, whether it won or not.",
    ),
]
