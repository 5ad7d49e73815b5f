"""Other layers that differ between training and inference, and mistakes in them."""

import numpy as np

from benchmarks.mistakes.mistake import Mistake
from chainrule.layers import Layer


class Noise(Layer):
    """x (1 + sigma n) with normal n in training, x in inference."""

    def __init__(self, sigma=0.5, rng=0):
        super().__init__()
        self.sigma = sigma
        self.rng = np.random.default_rng(rng)

    def forward(self, x, *, train=True):
        factor = np.ones_like(x)
        if train:
            factor += self.sigma * self.rng.normal(size=x.shape)
        return factor * x, factor

    def backward(self, dout, cache):
        factor = cache
        dx = factor * dout
        return dx, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(rng=rng.spawn(1)[0]), rng.normal(size=(5, 4))


class Centre(Layer):
    """x - the mean of the batch in training, x - the running mean in inference."""

    def __init__(self, D, rng=0, rate=0.1):
        super().__init__()
        self.rate = rate
        self.state["mean"] = np.random.default_rng(rng).normal(size=D)

    def forward(self, x, *, train=True):
        kept = self.state["mean"]
        mean = kept.copy()
        if train:
            mean = x.mean(axis=0)
            kept += self.rate * (mean - kept)
        out = x - mean
        return out, train

    def backward(self, dout, cache):
        dx = dout.copy()
        if cache:
            dx -= dout.mean(axis=0)
        return dx, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, rng), rng.normal(size=(5, 4))


X = ("x",)
FACTOR = "factor += self.sigma * self.rng.normal(size=x.shape)"
UPDATE = "kept += self.rate * (mean - kept)"

MISTAKES = [
    Mistake(
        "noise-in-inference",
        Noise,
        "mode",
        ("out",),
        {"if train:": "if self.sigma:"},
        "Noise is added in inference, too.",
        shows="inference",
    ),
    Mistake(
        "noise-identity",
        Noise,
        "missing-term",
        X,
        {"dx = factor * dout": "dx = dout.copy()"},
        "The gradient passes as if there were no noise.",
        also=("mask",),
    ),
    Mistake(
        "noise-fresh",
        Noise,
        "stale-cache",
        X,
        {"factor = cache": "factor = 1 + self.sigma * self.rng.normal(size=dout.shape)"},
        "backward draws noise of its own.",
        also=("missing-term", "mask"),
    ),
    Mistake(
        "noise-per-row",
        Noise,
        "forward-bug",
        ("out",),
        {FACTOR: "factor += self.sigma * self.rng.normal(size=(len(x), 1))"},
        "All features of an example get the same noise.",
        shows="forward",
        also=("shape",),
    ),
    Mistake(
        "noise-uniform",
        Noise,
        "forward-bug",
        ("out",),
        {FACTOR: "factor += self.sigma * self.rng.random(x.shape)"},
        "The noise is uniform and never negative.",
        shows="forward",
    ),
    Mistake(
        "centre-forgets",
        Centre,
        "missing-term",
        X,
        {"dx -= dout.mean(axis=0)": "dx = dout.copy()"},
        "The mean is taken to be a constant.",
    ),
    Mistake(
        "centre-sum",
        Centre,
        "scale",
        X,
        {"dx -= dout.mean(axis=0)": "dx -= dout.sum(axis=0)"},
        "What comes through the mean is not divided by N.",
    ),
    Mistake(
        "centre-always-train",
        Centre,
        "mode",
        X,
        {"return out, train": "return out, True"},
        "backward takes every call for training.",
        shows="inference",
        also=("missing-term",),
    ),
    Mistake(
        "centre-ignores-train",
        Centre,
        "mode",
        ("out",),
        {"if train:": "if len(x):"},
        "Inference uses the mean of the batch and goes on learning it.",
        shows="inference",
    ),
    Mistake(
        "centre-rate-swapped",
        Centre,
        "mode",
        ("mean",),
        {UPDATE: "kept += (1 - self.rate) * (mean - kept)"},
        "The running mean moves nine tenths of the way at every step.",
        shows="state",
        also=("swapped",),
    ),
    Mistake(
        "centre-rebinds",
        Centre,
        "mode",
        ("mean",),
        {UPDATE: "kept = kept + self.rate * (mean - kept)"},
        "The new running mean goes to a local name.",
        shows="state",
    ),
    Mistake(
        "centre-mode-on-self",
        Centre,
        "stale-cache",
        X,
        {
            "return out, train": "self.train = train\nreturn out, train",
            "if cache:": "if self.train:",
        },
        "backward asks which mode the latest call had.",
        shows="other mode",
        also=("mode",),
    ),
    Mistake(
        "centre-eats-dout",
        Centre,
        "mutation",
        ("dout",),
        {"dx = dout.copy()": "dx = dout"},
        "backward subtracts from the caller's dout.",
        shows="mutation",
    ),
]
