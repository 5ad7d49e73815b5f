"""Layers of two inputs and the square, and mistakes in them."""

import numpy as np

from benchmarks.mistakes.mistake import Mistake
from chainrule.layers import Layer


def collect(grad, shape):
    """Sums `grad` over the axes along which an array of `shape` was broadcast."""
    extra = grad.ndim - len(shape)
    grad = grad.sum(axis=tuple(range(extra)))
    stretched = tuple(axis for axis, length in enumerate(shape) if length == 1)
    return grad.sum(axis=stretched, keepdims=True)


class Add(Layer):
    """a + b, broadcast."""

    def forward(self, a, b, *, train=True):
        out = a + b
        return out, (a.shape, b.shape)

    def backward(self, dout, cache):
        a_shape, b_shape = cache
        da = collect(dout, a_shape)
        db = collect(dout, b_shape)
        return (da, db), {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4)), rng.normal(size=(4,))
        yield "same", cls(), rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
        yield "row", cls(), rng.normal(size=(5, 4)), rng.normal(size=(1, 4))
        yield "column", cls(), rng.normal(size=(4, 4)), rng.normal(size=(4, 1))


class Subtract(Layer):
    """a - b, broadcast."""

    def forward(self, a, b, *, train=True):
        out = a - b
        return out, (a.shape, b.shape)

    def backward(self, dout, cache):
        a_shape, b_shape = cache
        da = collect(dout, a_shape)
        db = -collect(dout, b_shape)
        return (da, db), {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4)), rng.normal(size=(5, 4))


class Multiply(Layer):
    """a b elementwise, broadcast."""

    def forward(self, a, b, *, train=True):
        out = a * b
        return out, (a, b)

    def backward(self, dout, cache):
        a, b = cache
        da = collect(b * dout, a.shape)
        db = collect(a * dout, b.shape)
        return (da, db), {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
        yield "row", cls(), rng.normal(size=(5, 4)), rng.normal(size=(4,))


class Max(Layer):
    """The larger of a and b; a wins ties."""

    def forward(self, a, b, *, train=True):
        out = np.maximum(a, b)
        return out, (a, b)

    def backward(self, dout, cache):
        a, b = cache
        da = np.where(a >= b, dout, 0)
        db = np.where(a < b, dout, 0)
        return (da, db), {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4)), rng.normal(size=(5, 4))


class MatMul(Layer):
    """A B; A may have batch axes that B lacks."""

    def forward(self, A, B, *, train=True):
        out = A @ B
        return out, (A, B)

    def backward(self, dout, cache):
        A, B = cache
        dA = dout @ B.swapaxes(-1, -2)
        dB = A.swapaxes(-1, -2) @ dout
        dB = dB.sum(axis=tuple(range(dB.ndim - B.ndim)))
        return (dA, dB), {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4)), rng.normal(size=(4, 3))
        yield "square", cls(), rng.normal(size=(4, 4)), rng.normal(size=(4, 4))
        yield "batched", cls(), rng.normal(size=(2, 5, 4)), rng.normal(size=(4, 3))
        yield "cube", cls(), rng.normal(size=(3, 3, 3)), rng.normal(size=(3, 3, 3))


class Square(Layer):
    """x x, a product whose two factors are the same array."""

    def forward(self, x, *, train=True):
        left = x
        right = x
        return left * right, (left, right)

    def backward(self, dout, cache):
        left, right = cache
        dleft = dout * right
        dright = dout * left
        dx = dleft + dright
        return dx, {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4))
        yield "image", cls(), rng.normal(size=(2, 3, 2, 2))


MISTAKES = [
    Mistake(
        "add-no-unbroadcast",
        Add,
        "shape",
        ("b",),
        {"db = collect(dout, b_shape)": "db = 1 * dout"},
        "db has the shape of the output, not of the row that was added to every example.",
    ),
    Mistake(
        "add-unbroadcast-mean",
        Add,
        "scale",
        ("b",),
        {"db = collect(dout, b_shape)": "db = np.mean(dout, axis=0)"},
        "db is averaged over the axis of the broadcast instead of summed.",
    ),
    Mistake(
        "add-wrong-axis",
        Add,
        "axis",
        ("b",),
        {"db = collect(dout, b_shape)": "db = np.sum(dout, axis=0).reshape(b_shape)"},
        "A column was broadcast along the features, and db is summed over the examples.",
        case="column",
    ),
    Mistake(
        "sub-both-minus",
        Subtract,
        "sign",
        ("a",),
        {"da = collect(dout, a_shape)": "da = -collect(dout, a_shape)"},
        "The minus of b is given to a as well.",
    ),
    Mistake(
        "mul-as-add",
        Multiply,
        "missing-term",
        ("a", "b"),
        {
            "da = collect(b * dout, a.shape)": "da = 1 * dout",
            "db = collect(a * dout, b.shape)": "db = 1 * dout",
        },
        "Both inputs get dout, as in a sum, without the other factor.",
    ),
    Mistake(
        "mul-a-inplace",
        Multiply,
        "mutation",
        ("a", "b"),
        {"out = a * b": "a *= b\nout = a.copy()"},
        "forward writes the product into its input a.",
    ),
    Mistake(
        "mul-row-not-summed",
        Multiply,
        "shape",
        ("b",),
        {"db = collect(a * dout, b.shape)": "db = dout * a"},
        "db is not summed over the examples that shared b.",
        case="row",
    ),
    Mistake(
        "max-both",
        Max,
        "mask",
        ("a", "b"),
        {
            "da = np.where(a >= b, dout, 0)": "da = np.array(dout)",
            "db = np.where(a < b, dout, 0)": "db = np.array(dout)",
        },
        "Both inputs get the gradient, the smaller one too.",
    ),
    Mistake(
        "max-swapped",
        Max,
        "swapped",
        ("a", "b"),
        {
            "da = np.where(a >= b, dout, 0)": "da = np.where(a < b, dout, 0)",
            "db = np.where(a < b, dout, 0)": "db = np.where(a >= b, dout, 0)",
        },
        "The gradient goes to the smaller input.",
        also=("mask",),
    ),
    Mistake(
        "max-tie-double",
        Max,
        "mask",
        ("b", "a"),
        {"db = np.where(a < b, dout, 0)": "db = np.where(a <= b, dout, 0)"},
        "Where a and b are equal, both get the whole gradient.",
        shows="ties",
    ),
    Mistake(
        "max-tie-none",
        Max,
        "mask",
        ("a", "b"),
        {"da = np.where(a >= b, dout, 0)": "da = np.where(a > b, dout, 0)"},
        "Where a and b are equal, neither gets any gradient.",
        shows="ties",
    ),
    Mistake(
        "matmul-no-transposes",
        MatMul,
        "transpose",
        ("A", "B"),
        {
            "dA = dout @ B.swapaxes(-1, -2)": "dA = dout @ B",
            "dB = A.swapaxes(-1, -2) @ dout": "dB = A @ dout",
        },
        "Neither factor is transposed on the way back.",
        case="square",
    ),
    Mistake(
        "matmul-db-order",
        MatMul,
        "transpose",
        ("B",),
        {"dB = A.swapaxes(-1, -2) @ dout": "dB = dout.swapaxes(-1, -2) @ A"},
        "dB has its factors in the wrong order, which gives the transpose.",
        case="square",
    ),
    Mistake(
        "matmul-swapped",
        MatMul,
        "swapped",
        ("A", "B"),
        {"return (dA, dB), {}": "return (dB, dA), {}"},
        "The two gradients are returned in the wrong order.",
        case="square",
    ),
    Mistake(
        "matmul-batch-not-summed",
        MatMul,
        "shape",
        ("B",),
        {"dB = dB.sum(axis=tuple(range(dB.ndim - B.ndim)))": ""},
        "dB keeps the batch axis over which B was shared.",
        case="batched",
    ),
    Mistake(
        "matmul-T-on-3d",
        MatMul,
        "transpose",
        ("A",),
        {"dA = dout @ B.swapaxes(-1, -2)": "dA = dout @ B.T"},
        "B.T turns all three axes round where only the last two are to be exchanged.",
        case="cube",
    ),
    Mistake(
        "square-one-path",
        Square,
        "overwrite",
        ("x",),
        {"dx = dleft + dright": "dx = dleft"},
        "x is used twice, and the gradient of one use is dropped.",
        also=("scale",),
    ),
]
