"""Other layers of two inputs, and mistakes in them."""

import numpy as np

from benchmarks.mistakes.mistake import Mistake
from chainrule.layers import Layer


class WeightedSum(Layer):
    """w a + (1 - w) b with a weight w (D,) per feature."""

    def __init__(self, D, rng=0):
        super().__init__()
        self.params["w"] = np.random.default_rng(rng).uniform(0.1, 0.9, D)

    def forward(self, a, b, *, train=True):
        w = self.params["w"]
        out = w * a + (1 - w) * b
        return out, (a, b, w)

    def backward(self, dout, cache):
        a, b, w = cache
        da = w * dout
        db = (1 - w) * dout
        dw = np.sum((a - b) * dout, axis=0)
        return (da, db), {"w": dw}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, rng), rng.normal(size=(5, 4)), rng.normal(size=(5, 4))


class CosineSimilarity(Layer):
    """The cosine of the angle between a_n and b_n."""

    def forward(self, a, b, *, train=True):
        la = np.sqrt(np.sum(a**2, axis=1, keepdims=True))
        lb = np.sqrt(np.sum(b**2, axis=1, keepdims=True))
        cos = np.sum(a * b, axis=1, keepdims=True) / (la * lb)
        return cos, (a, b, la, lb, cos)

    def backward(self, dout, cache):
        a, b, la, lb, cos = cache
        da = dout * (b / lb - cos * a / la) / la
        db = dout * (a / la - cos * b / lb) / lb
        return (da, db), {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4)), rng.normal(size=(5, 4))


class Divide(Layer):
    """a / b for b of the shape of a."""

    def forward(self, a, b, *, train=True):
        out = a / b
        return out, (b, out)

    def backward(self, dout, cache):
        b, out = cache
        da = dout / b
        db = -dout * out / b
        return (da, db), {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4)), rng.uniform(0.5, 2, (5, 4))


class Min(Layer):
    """The smaller of a and b; a wins ties."""

    def forward(self, a, b, *, train=True):
        out = np.minimum(a, b)
        return out, a <= b

    def backward(self, dout, cache):
        first = cache
        da = dout * first
        db = dout * ~first
        return (da, db), {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4)), rng.normal(size=(5, 4))


class Concatenate(Layer):
    """a and b side by side."""

    def forward(self, a, b, *, train=True):
        out = np.concatenate([a, b], axis=1)
        return out, a.shape[1]

    def backward(self, dout, cache):
        da = dout[:, :cache].copy()
        db = dout[:, cache:].copy()
        return (da, db), {}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(), rng.normal(size=(5, 4)), rng.normal(size=(5, 3))
        yield "same", cls(), rng.normal(size=(5, 3)), rng.normal(size=(5, 3))


COS = "cos = np.sum(a * b, axis=1, keepdims=True) / (la * lb)"
AB = ("a", "b")
COS_DA = "da = dout * (b / lb - cos * a / la) / la"

MISTAKES = [
    Mistake(
        "ws-same-weight",
        WeightedSum,
        "swapped",
        ("b",),
        {"db = (1 - w) * dout": "db = w * dout"},
        "b gets the weight of a.",
        also=("missing-term",),
    ),
    Mistake(
        "ws-swapped",
        WeightedSum,
        "swapped",
        AB,
        {'return (da, db), {"w": dw}': 'return (db, da), {"w": dw}'},
        "da and db are returned in the wrong order.",
    ),
    Mistake(
        "ws-dw-only-a",
        WeightedSum,
        "missing-term",
        ("w",),
        {"dw = np.sum((a - b) * dout, axis=0)": "dw = np.sum(a * dout, axis=0)"},
        "dw leaves out that 1 - w multiplies b.",
    ),
    Mistake(
        "ws-dw-sign",
        WeightedSum,
        "sign",
        ("w",),
        {"dw = np.sum((a - b) * dout, axis=0)": "dw = np.sum((b - a) * dout, axis=0)"},
        "dw has the wrong sign.",
    ),
    Mistake(
        "ws-dw-sum-sign",
        WeightedSum,
        "sign",
        ("w",),
        {"dw = np.sum((a - b) * dout, axis=0)": "dw = np.sum((a + b) * dout, axis=0)"},
        "What comes through 1 - w has the wrong sign.",
        also=("missing-term",),
    ),
    Mistake(
        "ws-dw-missing",
        WeightedSum,
        "missing-term",
        ("w",),
        {'return (da, db), {"w": dw}': "return (da, db), {}"},
        "dw is computed and not returned.",
    ),
    Mistake(
        "ws-dw-one-number",
        WeightedSum,
        "axis",
        ("w",),
        {"dw = np.sum((a - b) * dout, axis=0)": "dw = np.sum((a - b) * dout)"},
        "dw is one number, summed over everything.",
        also=("shape",),
    ),
    Mistake(
        "ws-forward-weights",
        WeightedSum,
        "forward-bug",
        ("out", "b", "w"),
        {"out = w * a + (1 - w) * b": "out = w * a + (1 + w) * b"},
        "forward adds w where it should subtract it.",
        also=("sign",),
    ),
    Mistake(
        "cos-no-projection",
        CosineSimilarity,
        "missing-term",
        ("a",),
        {COS_DA: "da = dout * b / lb / la"},
        "The length of a is taken to be a constant.",
    ),
    Mistake(
        "cos-plus",
        CosineSimilarity,
        "sign",
        ("a",),
        {COS_DA: COS_DA.replace("- cos", "+ cos")},
        "What comes through the length of a has the wrong sign.",
    ),
    Mistake(
        "cos-wrong-length",
        CosineSimilarity,
        "swapped",
        ("a",),
        {COS_DA: COS_DA.replace(") / la", ") / lb")},
        "da is divided by the length of b.",
        also=("missing-term", "scale"),
    ),
    Mistake(
        "cos-guard",
        CosineSimilarity,
        "stability",
        ("out", "a", "b"),
        {COS: COS.replace("(la * lb)", "(la * lb + 1e-8)")},
        "A guard in the denominator matters for short vectors and is unknown to backward.",
        shows="small",
        also=("forward-bug", "missing-term"),
    ),
    Mistake(
        "cos-squeezes",
        CosineSimilarity,
        "shape",
        AB,
        {COS_DA: COS_DA + "\nda = da.squeeze()"},
        "A batch of one loses its axis.",
        shows="batch of one",
    ),
    Mistake(
        "divide-no-minus",
        Divide,
        "sign",
        ("b",),
        {"db = -dout * out / b": "db = dout * out / b"},
        "The minus is missing.",
    ),
    Mistake(
        "divide-db-as-da",
        Divide,
        "missing-term",
        ("b",),
        {"db = -dout * out / b": "db = -dout / b"},
        "db leaves out the quotient.",
    ),
    Mistake(
        "divide-da-times",
        Divide,
        "swapped",
        ("a",),
        {"da = dout / b": "da = dout * b"},
        "da is multiplied by b.",
        also=("missing-term",),
    ),
    Mistake(
        "divide-a-in-place",
        Divide,
        "mutation",
        ("a",),
        {"out = a / b": "a /= b\nout = a.copy()"},
        "forward writes the quotient into a.",
        shows="mutation",
    ),
    Mistake(
        "divide-last-quotient",
        Divide,
        "stale-cache",
        ("b",),
        {
            "return out, (b, out)": "self.out = out\nreturn out, (b, out)",
            "db = -dout * out / b": "db = -dout * self.out / b",
        },
        "db uses the quotient of the latest call.",
        shows="interleaved",
    ),
    Mistake(
        "min-as-max",
        Min,
        "mask",
        AB,
        {"return out, a <= b": "return out, a >= b"},
        "The gradient goes to the larger input.",
        also=("swapped",),
    ),
    Mistake(
        "min-both",
        Min,
        "mask",
        ("b",),
        {"db = dout * ~first": "db = dout.copy()"},
        "b gets the gradient even where a is smaller.",
    ),
    Mistake(
        "min-mask-of-dout",
        Min,
        "mask",
        ("a",),
        {"da = dout * first": "da = dout * (dout > 0)"},
        "The mask is taken from dout.",
    ),
    Mistake(
        "min-ties-lost",
        Min,
        "mask",
        AB,
        {
            "return out, a <= b": "return out, np.sign(b - a)",
            "da = dout * first": "da = dout * (first > 0)",
            "db = dout * ~first": "db = dout * (first < 0)",
        },
        "Where a and b are equal, neither gets the gradient.",
        shows="ties",
    ),
    Mistake(
        "concat-swapped",
        Concatenate,
        "swapped",
        AB,
        {"return (da, db), {}": "return (db, da), {}"},
        "The two halves are returned in the wrong order.",
        case="same",
    ),
    Mistake(
        "concat-off-by-one",
        Concatenate,
        "shape",
        AB,
        {
            "da = dout[:, :cache].copy()": "da = dout[:, : cache - 1].copy()",
            "db = dout[:, cache:].copy()": "db = dout[:, cache - 1 :].copy()",
        },
        "The cut is one column too early.",
    ),
    Mistake(
        "concat-same-half",
        Concatenate,
        "swapped",
        ("b",),
        {"db = dout[:, cache:].copy()": "db = dout[:, :cache].copy()"},
        "b gets the half of a.",
        case="same",
        also=("missing-term", "overwrite"),
    ),
]
