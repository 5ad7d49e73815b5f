"""Scales, shifts and smooth activations, and mistakes in them."""

import numpy as np

from benchmarks.mistakes.mistake import Mistake
from chainrule.layers import Layer


class Scale(Layer):
    """x · s with a factor s (D,) per feature."""

    def __init__(self, D, rng=0):
        super().__init__()
        self.params["s"] = np.random.default_rng(rng).uniform(0.5, 2, D)

    def forward(self, x, *, train=True):
        s = self.params["s"]
        out = s * x
        return out, (x, s)

    def backward(self, dout, cache):
        x, s = cache
        dx = s * dout
        ds = np.sum(x * dout, axis=0)
        return dx, {"s": ds}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, rng), rng.normal(size=(5, 4))
        yield "square", cls(4, rng), rng.normal(size=(4, 4))


class Shift(Layer):
    """x + t with t (C, 1, 1) per channel of images (N, C, H, W)."""

    def __init__(self, C, rng=0):
        super().__init__()
        self.params["t"] = np.random.default_rng(rng).normal(size=(C, 1, 1))

    def forward(self, x, *, train=True):
        out = x + self.params["t"]
        return out, x.shape

    def backward(self, dout, cache):
        dx = dout.copy()
        dt = dout.sum(axis=(0, 2, 3))
        dt = dt[:, None, None]
        return dx, {"t": dt}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(3, rng), rng.normal(size=(2, 3, 4, 5))


class SiLU(Layer):
    """x sigmoid(x)."""

    def forward(self, x, *, train=True):
        s = 0.5 + 0.5 * np.tanh(0.5 * x)
        out = x * s
        return out, (x, s)

    def backward(self, dout, cache):
        x, s = cache
        slope = s
        slope = slope + x * s * (1 - s)
        dx = dout * slope
        return dx, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4))


class GELU(Layer):
    """x (1 + tanh u) / 2 with u = √(2/π) (x + 0.044715 x³)."""

    def forward(self, x, *, train=True):
        c = float(np.sqrt(2 / np.pi))
        t = np.tanh(c * (x + 0.044715 * x**3))
        out = 0.5 * x * (1 + t)
        return out, (x, t, c)

    def backward(self, dout, cache):
        x, t, c = cache
        du = c * (1 + 3 * 0.044715 * x**2)
        slope = 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * du
        dx = dout * slope
        return dx, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4))


X = ("x",)
OUT = ("out", "x")
SILU_SLOPE = "slope = slope + x * s * (1 - s)"
GELU_SLOPE = "slope = 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * du"
GELU_DU = "du = c * (1 + 3 * 0.044715 * x**2)"

MISTAKES = [
    Mistake(
        "scale-ds-no-x",
        Scale,
        "missing-term",
        ("s",),
        {"ds = np.sum(x * dout, axis=0)": "ds = np.sum(dout, axis=0)"},
        "ds leaves out x, as if s were added.",
    ),
    Mistake(
        "scale-ds-mean",
        Scale,
        "scale",
        ("s",),
        {"ds = np.sum(x * dout, axis=0)": "ds = np.mean(x * dout, axis=0)"},
        "ds is averaged over the batch.",
    ),
    Mistake(
        "scale-ds-over-features",
        Scale,
        "axis",
        ("s",),
        {"ds = np.sum(x * dout, axis=0)": "ds = np.sum(x * dout, axis=1)"},
        "ds is summed over the features.",
        case="square",
    ),
    Mistake(
        "scale-ds-keepdims",
        Scale,
        "shape",
        ("s",),
        {"ds = np.sum(x * dout, axis=0)": "ds = np.sum(x * dout, axis=0, keepdims=True)"},
        "ds is a row (1, D) where s is (D,).",
    ),
    Mistake(
        "scale-ds-not-summed",
        Scale,
        "shape",
        ("s",),
        {"ds = np.sum(x * dout, axis=0)": "ds = x * dout"},
        "ds is not summed over the examples.",
    ),
    Mistake(
        "scale-dx-by-x",
        Scale,
        "swapped",
        X,
        {"dx = s * dout": "dx = x * dout"},
        "dx is multiplied by x instead of s.",
    ),
    Mistake(
        "scale-dx-divided",
        Scale,
        "swapped",
        X,
        {"dx = s * dout": "dx = dout / s"},
        "dx is divided by s.",
        also=("missing-term", "scale"),
    ),
    Mistake(
        "scale-ds-half-precision",
        Scale,
        "dtype",
        ("s",),
        {"ds = np.sum(x * dout, axis=0)": "ds = np.sum(x * dout, axis=0, dtype=np.float32)"},
        "ds is summed in float32.",
        shows="dtype",
    ),
    Mistake(
        "scale-step-inside",
        Scale,
        "mutation",
        ("s", "x"),
        {
            "dx = s * dout": "",
            "ds = np.sum(x * dout, axis=0)": (
                "ds = np.sum(x * dout, axis=0)\ns -= 0.1 * ds\ndx = s * dout"
            ),
        },
        "backward updates s, and uses it afterwards.",
    ),
    Mistake(
        "shift-dt-squeezed",
        Shift,
        "shape",
        ("t",),
        {"dt = dt[:, None, None]": ""},
        "dt has lost the axes of length 1.",
    ),
    Mistake(
        "shift-dt-mean",
        Shift,
        "scale",
        ("t",),
        {"dt = dout.sum(axis=(0, 2, 3))": "dt = dout.mean(axis=(0, 2, 3))"},
        "dt is averaged over examples and pixels.",
    ),
    Mistake(
        "shift-dt-one-image",
        Shift,
        "missing-term",
        ("t",),
        {"dt = dout.sum(axis=(0, 2, 3))": "dt = dout[0].sum(axis=(1, 2))"},
        "dt is that of the first image.",
        also=("axis",),
    ),
    Mistake(
        "shift-dt-mean-of-images",
        Shift,
        "scale",
        ("t",),
        {"dt = dout.sum(axis=(0, 2, 3))": "dt = dout.sum(axis=(2, 3)).mean(axis=0)"},
        "dt is averaged over the images.",
    ),
    Mistake(
        "silu-gate-only",
        SiLU,
        "missing-term",
        X,
        {SILU_SLOPE: ""},
        "The part that comes through the sigmoid is missing.",
        also=("overwrite",),
    ),
    Mistake(
        "silu-overwrites",
        SiLU,
        "overwrite",
        X,
        {SILU_SLOPE: "slope = x * s * (1 - s)"},
        "The part through the sigmoid replaces the direct part.",
        also=("missing-term",),
    ),
    Mistake(
        "silu-minus",
        SiLU,
        "sign",
        X,
        {SILU_SLOPE: "slope = slope - x * s * (1 - s)"},
        "The part through the sigmoid is subtracted.",
    ),
    Mistake(
        "silu-no-x",
        SiLU,
        "missing-term",
        X,
        {SILU_SLOPE: "slope = slope + s * (1 - s)"},
        "The part through the sigmoid lacks its factor x.",
    ),
    Mistake(
        "silu-float64",
        SiLU,
        "dtype",
        OUT,
        {"s = 0.5 + 0.5 * np.tanh(0.5 * x)": "s = 0.5 + np.float64(0.5) * np.tanh(0.5 * x)"},
        "A float64 constant makes everything float64.",
        shows="float32",
    ),
    Mistake(
        "silu-naive",
        SiLU,
        "stability",
        OUT,
        {"s = 0.5 + 0.5 * np.tanh(0.5 * x)": "s = np.exp(x) / (1 + np.exp(x))"},
        "The exponential overflows, and inf / inf is nan.",
        shows="large",
    ),
    Mistake(
        "gelu-no-three",
        GELU,
        "scale",
        X,
        {GELU_DU: "du = c * (1 + 0.044715 * x**2)"},
        "The 3 of the cube's derivative is missing.",
        also=("missing-term",),
    ),
    Mistake(
        "gelu-no-inner",
        GELU,
        "missing-term",
        X,
        {GELU_DU: "du = c"},
        "The derivative of the cubic term is missing.",
    ),
    Mistake(
        "gelu-direct-only",
        GELU,
        "missing-term",
        X,
        {GELU_SLOPE: "slope = 0.5 * (1 + t)"},
        "What comes through tanh is missing.",
        also=("overwrite",),
    ),
    Mistake(
        "gelu-tanh-unsquared",
        GELU,
        "missing-term",
        X,
        {GELU_SLOPE: "slope = 0.5 * (1 + t) + 0.5 * x * (1 - t) * du"},
        "tanh is not squared.",
    ),
    Mistake(
        "gelu-numpy-constant",
        GELU,
        "dtype",
        OUT,
        {"c = float(np.sqrt(2 / np.pi))": "c = np.sqrt(2 / np.pi)"},
        "The constant is a NumPy float64, which turns float32 into float64.",
        shows="float32",
    ),
]
