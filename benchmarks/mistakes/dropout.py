"""Dropout, and mistakes in it."""

import numpy as np

from benchmarks.mistakes.mistake import Mistake
from chainrule.layers import Layer


class Dropout(Layer):
    """Keeps entries with probability `keep`, divided by `keep`; passes everything in inference."""

    def __init__(self, keep=0.6, rng=0):
        super().__init__()
        self.keep = keep
        self.rng = np.random.default_rng(rng)

    def forward(self, x, *, train=True):
        if not train:
            return x.copy(), 1.0
        lucky = self.rng.random(x.shape) < self.keep
        mask = lucky.astype(x.dtype) / self.keep
        out = mask * x
        return out, mask

    def backward(self, dout, cache):
        mask = cache
        dx = mask * dout
        return dx, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(rng=rng.spawn(1)[0]), rng.normal(size=(5, 4))
        yield "image", cls(rng=rng.spawn(1)[0]), rng.normal(size=(2, 3, 2, 2))


MISTAKES = [
    Mistake(
        "dropout-no-mask",
        Dropout,
        "mask",
        ("x",),
        {"dx = mask * dout": "dx = dout / self.keep"},
        "The gradient is scaled like the output but not masked.",
    ),
    Mistake(
        "dropout-no-scale",
        Dropout,
        "scale",
        ("x",),
        {"dx = mask * dout": "dx = np.where(mask != 0, dout, 0)"},
        "The gradient is masked but not divided by keep.",
    ),
    Mistake(
        "dropout-identity",
        Dropout,
        "mask",
        ("x",),
        {"dx = mask * dout": "dx = np.array(dout)"},
        "The gradient passes as if nothing had been dropped.",
        also=("missing-term",),
    ),
    Mistake(
        "dropout-scale-twice",
        Dropout,
        "scale",
        ("x",),
        {"dx = mask * dout": "dx = mask * dout / self.keep"},
        "The gradient is divided by keep twice.",
    ),
    Mistake(
        "dropout-in-inference",
        Dropout,
        "mode",
        ("out",),
        {"if not train:": "if self.keep == 1:"},
        "Entries are dropped in inference, too.",
        shows="inference",
    ),
    Mistake(
        "dropout-divide-by-drop",
        Dropout,
        "forward-bug",
        ("out",),
        {
            "mask = lucky.astype(x.dtype) / self.keep": (
                "mask = lucky.astype(x.dtype) / (1 - self.keep)"
            )
        },
        "What is kept is divided by the probability of being dropped.",
        shows="forward",
        also=("scale",),
    ),
    Mistake(
        "dropout-not-inverted",
        Dropout,
        "forward-bug",
        ("out",),
        {"mask = lucky.astype(x.dtype) / self.keep": "mask = lucky.astype(x.dtype)"},
        "What is kept is not scaled up, so training and inference see different means.",
        shows="forward",
        also=("scale",),
    ),
    Mistake(
        "dropout-randn",
        Dropout,
        "forward-bug",
        ("out",),
        {
            "lucky = self.rng.random(x.shape) < self.keep": (
                "lucky = self.rng.normal(size=x.shape) < self.keep"
            )
        },
        "Normal numbers are compared with a probability, which keeps too many.",
        shows="forward",
    ),
    Mistake(
        "dropout-mask-rows",
        Dropout,
        "forward-bug",
        ("out",),
        {
            "lucky = self.rng.random(x.shape) < self.keep": (
                "lucky = np.repeat(self.rng.random((1, *x.shape[1:])), len(x), axis=0) < self.keep"
            )
        },
        "All examples of the batch lose the same features.",
        shows="forward",
        also=("shape",),
    ),
]
