"""The affine layer, and mistakes in it."""

import numpy as np

from benchmarks.mistakes.mistake import Mistake
from chainrule.layers import Layer


class Affine(Layer):
    """x W + b."""

    def __init__(self, D, M, rng=0):
        super().__init__()
        rng = np.random.default_rng(rng)
        self.params["W"] = rng.normal(size=(D, M))
        self.params["b"] = rng.normal(size=M)

    def forward(self, x, *, train=True):
        W = self.params["W"]
        b = self.params["b"]
        rows = x.reshape(len(x), len(W))
        out = rows @ W + b
        return out, (x, rows, W)

    def backward(self, dout, cache):
        x, rows, W = cache
        drows = dout @ W.T
        dx = drows.reshape(x.shape)
        dW = rows.T @ dout
        db = dout.sum(axis=0)
        return dx, {"W": dW, "b": db}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, 3, rng), rng.normal(size=(5, 4))
        yield "square", cls(4, 4, rng), rng.normal(size=(4, 4))
        yield "image", cls(12, 5, rng), rng.normal(size=(2, 3, 2, 2))


MISTAKES = [
    Mistake(
        "affine-dx-no-transpose",
        Affine,
        "transpose",
        ("x",),
        {"drows = dout @ W.T": "drows = dout @ W"},
        "dx goes back through W where the way back is Wᵀ.",
        case="square",
    ),
    Mistake(
        "affine-dw-mean",
        Affine,
        "scale",
        ("W",),
        {"dW = rows.T @ dout": "dW = rows.T @ dout / len(x)"},
        "dW is averaged over the batch, but it is the loss that averages.",
    ),
    Mistake(
        "affine-db-sum-all",
        Affine,
        "axis",
        ("b",),
        {"db = dout.sum(axis=0)": "db = np.sum(dout)"},
        "db adds up the features as well as the examples, which leaves one number.",
        also=("shape",),
    ),
    Mistake(
        "affine-db-ignores-dout",
        Affine,
        "missing-term",
        ("b",),
        {"db = dout.sum(axis=0)": "db = np.full(dout.shape[1], 1.0 * len(dout))"},
        "db counts the examples instead of adding up what comes from upstream.",
    ),
    Mistake(
        "affine-dw-ignores-dout",
        Affine,
        "missing-term",
        ("W",),
        {"dW = rows.T @ dout": "dW = rows.T @ np.ones(dout.shape)"},
        "dW is that of a sum of the outputs: the upstream gradient does not enter.",
    ),
    Mistake(
        "affine-dx-flat-shape",
        Affine,
        "shape",
        ("x",),
        {"dx = drows.reshape(x.shape)": "dx = drows"},
        "dx stays flat where the input was a batch of images.",
        case="image",
        shows="shape",
    ),
    Mistake(
        "affine-outer-loop",
        Affine,
        "shape",
        ("W",),
        {
            "dW = rows.T @ dout": (
                "dW = 0\nfor n, row in enumerate(rows):\n    dW = dW + np.outer(row, dout[n])"
            )
        },
        "dW is added up example by example from the number 0, which is all an empty batch gives.",
        shows="empty batch",
    ),
    Mistake(
        "affine-update-in-backward",
        Affine,
        "mutation",
        ("W", "x"),
        {
            "drows = dout @ W.T": "",
            "dx = drows.reshape(x.shape)": "",
            "dW = rows.T @ dout": (
                "dW = rows.T @ dout\nW -= 0.05 * dW\ndx = (dout @ W.T).reshape(x.shape)"
            ),
        },
        "backward takes a step on W itself, and dx goes back through the changed W.",
    ),
    Mistake(
        "affine-accumulates",
        Affine,
        "stale-cache",
        ("W",),
        {
            "dW = rows.T @ dout": (
                'self.total = getattr(self, "total", 0) + rows.T @ dout\ndW = self.total.copy()'
            )
        },
        "dW is added to that of earlier calls, which the layer keeps.",
        shows="second backward",
    ),
    Mistake(
        "affine-float32",
        Affine,
        "dtype",
        ("W",),
        {"dW = rows.T @ dout": 'dW = (rows.T @ dout).astype("float32")'},
        "dW is float32 for a float64 parameter.",
        shows="dtype",
    ),
    Mistake(
        "affine-missing-b",
        Affine,
        "missing-term",
        ("b",),
        {'return dx, {"W": dW, "b": db}': 'return dx, {"W": dW}'},
        "backward computes db and does not return it.",
    ),
    Mistake(
        "affine-grads-swapped",
        Affine,
        "swapped",
        ("W", "b"),
        {'return dx, {"W": dW, "b": db}': 'return dx, {"b": dW, "W": db}'},
        "dW is returned under the name of b, and db under that of W.",
    ),
    Mistake(
        "affine-db-feature-mean",
        Affine,
        "axis",
        ("b",),
        {"db = dout.sum(axis=0)": "db = np.repeat(dout.mean(axis=1).sum(), dout.shape[1])"},
        "db is averaged over the features, so that all its entries are the same.",
    ),
    Mistake(
        "affine-db-from-dw",
        Affine,
        "swapped",
        ("b",),
        {"db = dout.sum(axis=0)": "db = np.sum(dW, axis=0)"},
        "db adds up the rows of dW, which carry x, where those of dout belong.",
    ),
    Mistake(
        "affine-shape-inplace",
        Affine,
        "mutation",
        ("x",),
        {"rows = x.reshape(len(x), len(W))": "rows = x\nrows.shape = (len(x), len(W))"},
        "forward flattens the caller's array itself.",
        case="image",
        shows="mutation",
    ),
]
