"""Layers taken apart into gates, for their pages: circuits that compute what the layer computes.

Each function returns a graph, the inputs that it is drawn at, the upstream gradient, and the output
of the layer itself there, which the tests compare with the graph's. Where an upstream gradient of
ones would cancel, as behind a normalisation, it is 1 at the first output alone.
"""

import numpy as np

from chainrule import layers
from chainrule.nets import Graph
from chainrule.nets.node import exp, log, maximum

ROWS = np.array([[1.0, -2.0], [0.5, 3.0], [2.0, 0.0]])  # x (3, 2) of the layers of rows
COLUMN = np.array([1.0, 2.0, 4.0, 5.0])  # a feature of a batch of four, or an example of four


class Mean(layers.Sum):
    """out = Σ x / n over all n entries;  dx = dout / n in each."""

    def forward(self, x, *, train=True):
        out, cache = super().forward(x)
        return out / x.size, (*cache, x.size)

    def backward(self, dout, cache):
        *cache, n = cache
        return super().backward(dout / n, cache)


class Rsqrt(layers.Layer):
    """out = 1 / √(x + eps);  dx = -½ out³ dout."""

    def __init__(self, eps):
        super().__init__()
        self.eps = eps

    def forward(self, x, *, train=True):
        out = 1 / np.sqrt(x + self.eps)
        return out, out

    def backward(self, dout, cache):
        return -0.5 * cache**3 * dout, {}


def inputs_of(graph, names):
    """The handles of inputs of these names."""
    return [graph.input(name) for name in names.split()]


def affine():
    """A product of matrices, to whose rows the bias is added."""
    graph, layer = Graph(), layers.Affine(2, 2, rng=0)
    x, W, b = inputs_of(graph, "x W b")
    graph.output((x @ W + b).named("out"))
    return graph, (ROWS, *layer.params.values()), None, layer.forward(ROWS)[0]


def maxout():
    """The larger of two affine pieces, unit by unit."""
    graph, layer = Graph(), layers.Maxout(2, 2, rng=0)
    x, W1, b1, W2, b2 = inputs_of(graph, "x W1 b1 W2 b2")
    z1, z2 = (x @ W1 + b1).named("z1"), (x @ W2 + b2).named("z2")
    graph.output(maximum(z1, z2).named("out"))
    W, b = layer.params.values()
    return graph, (ROWS, W[:, 0], b[0], W[:, 1], b[1]), None, layer.forward(ROWS)[0]


def normalisation(layer, x):
    """A column of a batch, or a row, in the hands of its own mean and variance."""
    graph, first = Graph(), np.zeros(x.shape)
    first.flat[0] = 1
    (x_,) = inputs_of(graph, "x")
    centred = (x_ - Mean()(x_).named("mean")).named("x - mean")
    var = Mean()(centred**2).named("var")
    rstd = Rsqrt(layer.eps)(var).named("1/std")
    graph.output((centred * rstd).named("x̂"))
    return graph, (x,), first, layer.forward(x)[0]


def batchnorm():
    """One feature of a batch of four, with gamma 1 and beta 0. The mean and the variance depend on
    all four, so that three paths lead from each of them to each output."""
    return normalisation(layers.BatchNorm(1), COLUMN[:, np.newaxis])


def layernorm():
    """One example of four features, with gamma 1 and beta 0. The mean and the variance depend on
    all four, so that three paths lead from each of them to each output."""
    return normalisation(layers.LayerNorm(4), COLUMN[np.newaxis])


def dropout():
    """A unit that is kept with probability ½: the mask is 1 for it, and 0 for one that is not."""
    graph, layer = Graph(), layers.Dropout(0.5, rng=0)
    x = np.array([3.0])
    while not (out := layer.forward(x)[0]).any():  # until the unit is kept
        pass
    x_, mask = inputs_of(graph, "x mask")
    graph.output(layers.Scale(2.0)(x_ * mask).named("out"))
    return graph, (x, np.ones(1)), None, out


def prelu():
    """The larger of x and alpha x, for an alpha of at most 1."""
    graph, layer, x = Graph(), layers.PReLU(), np.array([[-4.0]])
    x_, alpha = inputs_of(graph, "x alpha")
    graph.output(maximum(x_, alpha * x_).named("out"))
    return graph, (x, *layer.params.values()), None, layer.forward(x)[0]


def softmax():
    """Two scores: the sum is a fork, by which each probability depends on both."""
    graph, scores = Graph(), np.array([[2.0, 1.0]])
    z1, z2 = inputs_of(graph, "z1 z2")
    e1, e2 = exp(z1).named("e1"), exp(z2).named("e2")
    share = 1 / (e1 + e2).named("sum")
    graph.output((e1 * share).named("p1"), (e2 * share).named("p2"))
    first = (np.ones(()), np.zeros(()))
    return graph, (2.0, 1.0), first, layers.Softmax().forward(scores)[0]


def cross_entropy():
    """One example: only the probability of its own class counts."""
    graph, p = Graph(), np.array([[0.2, 0.8]])
    (p1,) = inputs_of(graph, "p1")
    graph.output((-log(p1)).named("loss"))
    return graph, (0.2,), None, layers.CrossEntropy().forward(p, np.array([0]))[0]


def softmax_cross_entropy():
    """Two scores, the first that of the true class: what arrives at them is p - t."""
    graph, scores = Graph(), np.array([[2.0, 3.0]])
    z1, z2 = inputs_of(graph, "z1 z2")
    graph.output((log(exp(z1) + exp(z2)) - z1).named("loss"))
    loss, _ = layers.SoftmaxCrossEntropy().forward(scores, np.array([0]))
    return graph, (2.0, 3.0), None, loss


def sigmoid_cross_entropy():
    """One score and its target: what arrives at the score is σ(s) - t."""
    graph, score = Graph(), np.array([[2.0]])
    s, t = inputs_of(graph, "s t")
    graph.output((layers.Softplus()(s) - t * s).named("loss"))
    loss, _ = layers.SigmoidCrossEntropy().forward(score, np.array([[1.0]]))
    return graph, (2.0, 1.0), None, loss


def hinge():
    """Two scores, the first that of the true class: it is not ahead of the other by 1."""
    graph, scores = Graph(), np.array([[2.0, 1.5]])
    s1, s2 = inputs_of(graph, "s1 s2")
    margin = layers.Shift(1.0)(s2 - s1).named("margin")
    graph.output(layers.ReLU()(margin).named("loss"))
    return graph, (2.0, 1.5), None, layers.Hinge().forward(scores, np.array([0]))[0]


TAKEN_APART = {
    "Affine": affine,
    "BatchNorm": batchnorm,
    "CrossEntropy": cross_entropy,
    "Dropout": dropout,
    "Hinge": hinge,
    "LayerNorm": layernorm,
    "Maxout": maxout,
    "PReLU": prelu,
    "SigmoidCrossEntropy": sigmoid_cross_entropy,
    "Softmax": softmax,
    "SoftmaxCrossEntropy": softmax_cross_entropy,
}
