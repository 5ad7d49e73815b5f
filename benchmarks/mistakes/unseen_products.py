"""Other layers that use an array twice, and mistakes in them."""

import numpy as np

from benchmarks.mistakes.mistake import Mistake
from chainrule.layers import Layer


class BilinearGate(Layer):
    """The numbers a_n W b_n, one per example."""

    def __init__(self, D, E, rng=0):
        super().__init__()
        self.params["W"] = np.random.default_rng(rng).normal(size=(D, E))

    def forward(self, a, b, *, train=True):
        W = self.params["W"]
        out = np.sum((a @ W) * b, axis=1)
        return out, (a, b, W)

    def backward(self, dout, cache):
        a, b, W = cache
        d = dout[:, None]
        da = d * (b @ W.T)
        db = d * (a @ W)
        dW = (d * a).T @ b
        return (da, db), {"W": dW}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, 3, rng), rng.normal(size=(5, 4)), rng.normal(size=(5, 3))
        yield "square", cls(4, 4, rng), rng.normal(size=(4, 4)), rng.normal(size=(4, 4))


class SelfMix(Layer):
    """x W xᵀ: every example against every other."""

    def __init__(self, D, rng=0):
        super().__init__()
        self.params["W"] = np.random.default_rng(rng).normal(size=(D, D))

    def forward(self, x, *, train=True):
        W = self.params["W"]
        out = x @ W @ x.T
        return out, (x, W)

    def backward(self, dout, cache):
        x, W = cache
        dx = dout @ x @ W.T
        dx += dout.T @ x @ W
        dW = x.T @ dout @ x
        return dx, {"W": dW}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, rng), rng.normal(size=(5, 4))
        yield "square", cls(4, rng), rng.normal(size=(4, 4))


class Recurrent(Layer):
    """tanh(tanh(x W) W): the same W twice."""

    def __init__(self, D, rng=0):
        super().__init__()
        self.params["W"] = np.random.default_rng(rng).normal(size=(D, D)) / 2

    def forward(self, x, *, train=True):
        W = self.params["W"]
        h1 = np.tanh(x @ W)
        h2 = np.tanh(h1 @ W)
        return h2, (x, W, h1, h2)

    def backward(self, dout, cache):
        x, W, h1, h2 = cache
        dz2 = dout * (1 - h2**2)
        dW = h1.T @ dz2
        dz1 = (dz2 @ W.T) * (1 - h1**2)
        dW += x.T @ dz1
        dx = dz1 @ W.T
        return dx, {"W": dW}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, rng), rng.normal(size=(5, 4))


class Linear(Layer):
    """x W."""

    def __init__(self, D, M, rng=0):
        super().__init__()
        self.params["W"] = np.random.default_rng(rng).normal(size=(D, M))

    def forward(self, x, *, train=True):
        W = self.params["W"]
        return x @ W, (x, W)

    def backward(self, dout, cache):
        x, W = cache
        return dout @ W.T, {"W": x.T @ dout}


class Parallel(Layer):
    """first(x) + second(x), for two linear layers."""

    def __init__(self, D, M, rng=0):
        super().__init__()
        rng = np.random.default_rng(rng)
        self.layers = {"first": Linear(D, M, rng), "second": Linear(D, M, rng)}
        for name, layer in self.layers.items():
            W = layer.params["W"]
            self.params[f"{name}.W"] = W

    def forward(self, x, *, train=True):
        left, left_cache = self.layers["first"].forward(x, train=train)
        right, right_cache = self.layers["second"].forward(x, train=train)
        return left + np.tanh(right), (left_cache, right_cache, np.tanh(right))

    def backward(self, dout, cache):
        left_cache, right_cache, t = cache
        dx, left = self.layers["first"].backward(dout, left_cache)
        dright = dout * (1 - t**2)
        other, right = self.layers["second"].backward(dright, right_cache)
        dx += other
        dfirst = left["W"]
        dsecond = right["W"]
        return dx, {"first.W": dfirst, "second.W": dsecond}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, 3, rng), rng.normal(size=(5, 4))


AB = ("a", "b")

MISTAKES = [
    Mistake(
        "bilinear-da-no-transpose",
        BilinearGate,
        "transpose",
        ("a",),
        {"da = d * (b @ W.T)": "da = d * (b @ W)"},
        "da goes through W, not its transpose.",
        case="square",
    ),
    Mistake(
        "bilinear-dw-transposed",
        BilinearGate,
        "transpose",
        ("W",),
        {"dW = (d * a).T @ b": "dW = b.T @ (d * a)"},
        "dW is the transpose of what it should be.",
        case="square",
    ),
    Mistake(
        "bilinear-db-transposed",
        BilinearGate,
        "transpose",
        ("b",),
        {"db = d * (a @ W)": "db = d * (a @ W.T)"},
        "db goes through the transpose of W.",
        case="square",
    ),
    Mistake(
        "bilinear-swapped",
        BilinearGate,
        "swapped",
        AB,
        {'return (da, db), {"W": dW}': 'return (db, da), {"W": dW}'},
        "da and db are returned in the wrong order.",
        case="square",
    ),
    Mistake(
        "bilinear-dw-no-dout",
        BilinearGate,
        "missing-term",
        ("W",),
        {"dW = (d * a).T @ b": "dW = a.T @ b"},
        "dW leaves out dout.",
    ),
    Mistake(
        "bilinear-dw-mean",
        BilinearGate,
        "scale",
        ("W",),
        {"dW = (d * a).T @ b": "dW = (d * a).T @ b / len(a)"},
        "dW is averaged over the batch.",
    ),
    Mistake(
        "bilinear-summed-dout",
        BilinearGate,
        "axis",
        ("a", "b", "W"),
        {"d = dout[:, None]": "d = np.full((len(a), 1), dout.mean())"},
        "Every example gets the mean of dout.",
    ),
    Mistake(
        "mix-left-only",
        SelfMix,
        "overwrite",
        ("x",),
        {"dx += dout.T @ x @ W": ""},
        "x is used twice, and the second use is forgotten.",
        also=("missing-term",),
    ),
    Mistake(
        "mix-right-only",
        SelfMix,
        "overwrite",
        ("x",),
        {"dx += dout.T @ x @ W": "dx = dout.T @ x @ W"},
        "The second use of x overwrites the first.",
        also=("missing-term",),
    ),
    Mistake(
        "mix-doubled",
        SelfMix,
        "transpose",
        ("x",),
        {"dx += dout.T @ x @ W": "dx += dout @ x @ W.T"},
        "The first use is counted twice, as if W and dout were symmetric.",
        also=("missing-term", "swapped"),
    ),
    Mistake(
        "mix-dout-not-transposed",
        SelfMix,
        "transpose",
        ("x",),
        {"dx += dout.T @ x @ W": "dx += dout @ x @ W"},
        "dout is not transposed for the second use of x.",
        also=("missing-term",),
    ),
    Mistake(
        "mix-dw-transposed",
        SelfMix,
        "transpose",
        ("W",),
        {"dW = x.T @ dout @ x": "dW = x.T @ dout.T @ x"},
        "dW is the transpose of what it should be.",
    ),
    Mistake(
        "mix-forward-transposed",
        SelfMix,
        "forward-bug",
        ("out", "x", "W"),
        {"out = x @ W @ x.T": "out = x @ W.T @ x.T"},
        "forward transposes W, backward does not.",
        also=("transpose",),
    ),
    Mistake(
        "mix-w-in-place",
        SelfMix,
        "mutation",
        ("W", "x"),
        {"dx = dout @ x @ W.T": "W *= 0.9\ndx = dout @ x @ W.T"},
        "backward shrinks W and goes on with it.",
    ),
    Mistake(
        "rnn-last-step",
        Recurrent,
        "missing-term",
        ("W",),
        {"dW += x.T @ dz1": ""},
        "dW leaves out the first use of W.",
        also=("overwrite",),
    ),
    Mistake(
        "rnn-first-step",
        Recurrent,
        "overwrite",
        ("W",),
        {"dW += x.T @ dz1": "dW = x.T @ dz1"},
        "The first use of W overwrites the second.",
        also=("missing-term",),
    ),
    Mistake(
        "rnn-wrong-state",
        Recurrent,
        "swapped",
        ("x", "W"),
        {"dz1 = (dz2 @ W.T) * (1 - h1**2)": "dz1 = (dz2 @ W.T) * (1 - h2**2)"},
        "The slope of the first tanh is taken at the second.",
    ),
    Mistake(
        "rnn-no-transpose",
        Recurrent,
        "transpose",
        ("x",),
        {"dx = dz1 @ W.T": "dx = dz1 @ W"},
        "dx goes through W, not its transpose.",
    ),
    Mistake(
        "rnn-average",
        Recurrent,
        "scale",
        ("W",),
        {"dW += x.T @ dz1": "dW = (dW + x.T @ dz1) / 2"},
        "The two uses of W are averaged.",
    ),
    Mistake(
        "rnn-accumulates",
        Recurrent,
        "stale-cache",
        ("W",),
        {"dW += x.T @ dz1": 'dW += x.T @ dz1\nself.dW = getattr(self, "dW", 0) + dW\ndW = self.dW'},
        "dW goes on growing from call to call.",
        shows="second backward",
    ),
    Mistake(
        "parallel-one-branch",
        Parallel,
        "overwrite",
        ("x",),
        {"dx += other": "dx = other"},
        "The gradient of the second branch replaces that of the first.",
        also=("missing-term",),
    ),
    Mistake(
        "parallel-same-dout",
        Parallel,
        "missing-term",
        ("x", "second.W"),
        {"dright = dout * (1 - t**2)": "dright = dout"},
        "The second branch gets dout without the slope of tanh.",
    ),
    Mistake(
        "parallel-swapped",
        Parallel,
        "swapped",
        ("first.W", "second.W"),
        {
            'dfirst = left["W"]': 'dfirst = right["W"]',
            'dsecond = right["W"]': 'dsecond = left["W"]',
        },
        "The gradients of the two layers are exchanged.",
    ),
    Mistake(
        "parallel-copies",
        Parallel,
        "stale-cache",
        ("first.W", "second.W"),
        {'self.params[f"{name}.W"] = W': 'self.params[f"{name}.W"] = 1 * W'},
        "params holds copies, so that training changes nothing.",
    ),
    Mistake(
        "parallel-dx-in-dout",
        Parallel,
        "mutation",
        ("dout",),
        {"dright = dout * (1 - t**2)": "dright = dout\ndright *= 1 - t**2"},
        "backward multiplies the caller's dout in place.",
        shows="mutation",
    ),
]
