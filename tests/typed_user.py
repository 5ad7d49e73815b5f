"""What a user writes, in types: checked by mypy and pyright in test_types.py, and run there."""

import tempfile
from pathlib import Path
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

from chainrule import nets
from chainrule.data import Dataset, load_digits
from chainrule.gradcheck import Report, assert_correct, check
from chainrule.layers import Add, Affine, BatchNorm, Dropout, Layer, SoftmaxCrossEntropy, Sum, Tanh
from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.nets import MLP, Classifier, Graph, Regressor, Sequential, maximum, minimum
from chainrule.nets.node import Node
from chainrule.solvers import Adam, Cosine, Solver

rng = np.random.default_rng(0)
x = rng.standard_normal((5, 4))

# Layers of one input, of two, and of scores and targets.
layer = Affine(4, 3, rng=rng, dtype=np.float64)
out, cache = layer.forward(x)
dx, grads = layer.backward(out, cache)
assert_type(out, Floats)
assert_type(dx, Floats)
assert_type(grads["W"], Floats)
assert_type(layer.params, dict[str, Floats])
total, cache = Add().forward(x, x[0])
(da, db), _ = Add().backward(total, cache)
assert_type(da, Floats)
value, cache = SoftmaxCrossEntropy().forward(out, [0, 1, 2, 0, 1])
assert_type(value, np.floating)
dscores, _ = SoftmaxCrossEntropy().backward(1.0, cache)
assert_type(dscores, Floats)


class Gain(Layer):
    """out = x g, feature by feature."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = self.positive("features", features)
        self.params["g"] = np.ones(features)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        g = self.params["g"]
        return x * g, (x, g)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        x, g = cache
        return dout * g, {"g": (dout * x).sum(axis=0)}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(4), rng.standard_normal((5, 4))


class Distance(Layer):
    """out = a - b: two inputs, under names of its own."""

    def forward(self, a: Floats, b: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        return a - b, None

    def backward(self, dout: Floats, cache: Cache) -> tuple[tuple[Floats, Floats], Grads]:
        return (dout, -dout), {}


# Whatever is handed on as a layer has a forward pass of any inputs.
for name, example, *inputs in Gain.examples(rng):
    assert_type(name, str)
    example.forward(*inputs, train=False)
for one in (Gain(4), Distance(), Sum(), Dropout(0.5, rng=0)):
    assert_type(one, Gain | Distance | Sum | Dropout)

report = check(Gain(4), x)
assert_type(report, Report)
assert_type(bool(report), bool)
assert_correct(Distance(), x, x + 1)

# A network, its loss, its training.
digits = load_digits(seed=1)
assert_type(digits, Dataset)
net = MLP([64, 20, 10], activation=Tanh(), norm=BatchNorm, keep=0.9, rng=0)
model = Classifier(net, l2=1e-4)
loss, grads = model.loss(digits.x_test, digits.y_test)
assert_type(loss, float)
assert_type(grads, dict[str, Floats])
assert_type(model.predict(digits.x_train), NDArray[np.intp])
assert_type(model.score(digits.x_test, digits.y_test), float)
assert_type(Regressor(net).predict(digits.x_test), Floats)
solver = Solver(model, Adam(lr=2e-3), digits, epochs=1, schedule=Cosine(epochs=1), progress=False)
history = solver.train()
assert_type(history.loss, list[float])
assert_type(history.val_score, list[float | None])
own = Sequential(Gain(64), net, Affine(10, 2, rng=1))
assert_type(own.summary((64,)), str)
assert_type(own.astype(np.float32), Sequential)

# Graphs give nodes, and a network comes back from its file.
g = Graph()
a, b = g.input("a"), g.input("b")
f = Distance()(Tanh()(2 * a @ b + 1), a @ b).named("f")
assert_type(f, Node)
clipped = maximum(0, minimum(f + np.eye(5), 1))
assert_type(clipped, Node)
assert_type(g.output(x @ b - clipped), Graph)
assert_type(g.trace(x, x.T)["f"].value, np.ndarray)
with tempfile.TemporaryDirectory() as folder:
    own.save(Path(folder) / "own.safetensors")
    again = nets.load(Path(folder) / "own.safetensors", layers=[Gain], rng=0)
assert_type(again.params, dict[str, Floats])
