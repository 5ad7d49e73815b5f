"""The circuits that lectures on backpropagation draw, with their published numbers.

Each function returns a graph and the inputs at which the lectures evaluate it:

    graph, inputs = circuits.sum_times()
    print(graph.trace(*inputs))
    graph.draw(*inputs)

CS231n below is "Backpropagation, Intuitions" and lecture 4 of Stanford's course CS231n.
`chainrule circuits FOLDER` writes the picture of each, and a page to play with.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from chainrule.layers import MSE, ReLU, Sum
from chainrule.layers.annotations import Floats
from chainrule.nets.files import FileError
from chainrule.nets.graph import Graph
from chainrule.nets.node import Node, exp, log, maximum, sigmoid

#: A graph, and the inputs at which it is evaluated.
Circuit: TypeAlias = tuple[Graph, tuple[float | Floats, ...]]


def inputs_of(g: Graph, names: str) -> list[Node]:
    """The handles of new inputs of `g`, called by the words of `names`."""
    return [g.input(name) for name in names.split()]


def sum_times() -> Circuit:
    """f = (x + y) z at x = -2, y = 5, z = -4.

    q = 3 and f = -12; the gradients are df/dx = df/dy = z = -4, df/dz = q = 3 (CS231n).
    """
    g = Graph()
    x, y, z = inputs_of(g, "x y z")
    q = (x + y).named("q")
    return g.output((q * z).named("f")), (-2.0, 5.0, -4.0)


def staged_sigmoid_neuron() -> Circuit:
    """f = 1 / (1 + exp(-(w0 x0 + w1 x1 + w2))), gate by gate, at w = (2, -3, -3), x = (-1, -2).

    The score is 1 and f = 0.73. The gradients, going back: 1, -0.53 before 1/x and before +1,
    -0.20 before exp, 0.20 before the change of sign; -0.20, 0.39, -0.39, -0.59, 0.20 for
    w0, x0, w1, x1, w2 (CS231n, whose pictures round 0.1966 to 0.2 on the way).
    """
    g = Graph()
    w0, x0, w1, x1, w2 = inputs_of(g, "w0 x0 w1 x1 w2")
    score = (w0 * x0 + w1 * x1 + w2).named("score")
    return g.output((1 / (1 + exp(-score))).named("f")), (2.0, -1.0, -3.0, -2.0, -3.0)


def sigmoid_neuron() -> Circuit:
    """f = σ(w0 x0 + w1 x1 + w2), with the sigmoid as one gate, at w = (2, -3, -3), x = (-1, -2).

    The same numbers as `staged_sigmoid_neuron`: the local derivative of the one gate is
    σ (1 - σ) = 0.73 · 0.27 = 0.20 (CS231n).
    """
    g = Graph()
    w0, x0, w1, x1, w2 = inputs_of(g, "w0 x0 w1 x1 w2")
    score = (w0 * x0 + w1 * x1 + w2).named("score")
    return g.output(sigmoid(score).named("f")), (2.0, -1.0, -3.0, -2.0, -3.0)


def long_expression() -> Circuit:
    """f = (x + σ(y)) / (σ(x) + (x + y)²) at x = 3, y = -4.

    f = 1.5456; df/dx = 2.0596, df/dy = 1.5922. Both x and y are used several times, so what comes
    back along each path adds up (CS231n, "staged computation").
    """
    g = Graph()
    x, y = inputs_of(g, "x y")
    num = (x + sigmoid(y)).named("num")
    den = (sigmoid(x) + (x + y) ** 2).named("den")
    return g.output((num / den).named("f")), (3.0, -4.0)


def softplus() -> Circuit:
    """f = log(1 + exp(x)) of three gates, at x = 1.

    f = 1.3133 and df/dx = σ(1) = 0.7311: the chain of 1 / (1 + eˣ), 1 and eˣ is the sigmoid.
    Beyond x = 709 the staged form overflows, which the layer `Softplus` does not.
    """
    g = Graph()
    x = g.input("x")
    return g.output(log(1 + exp(x)).named("f")), (1.0,)


def squared_distance() -> Circuit:
    """f = ‖x - h‖² at x = (1, 2, 3), h = (3, 1, 1).

    f = 4 + 1 + 4 = 9; df/dx = 2 (x - h) = (-4, 2, 4), df/dh = -df/dx.
    """
    g = Graph()
    x, h = inputs_of(g, "x h")
    f = Sum()((x - h) ** 2).named("f")
    return g.output(f), (np.array([1.0, 2.0, 3.0]), np.array([3.0, 1.0, 1.0]))


def relu_regression() -> Circuit:
    """loss = Σ (ReLU(W x + b) - y)² at W = [[1, -2], [3, 1]], x = (2, 1), b = (-1, 0), y = (1, 5).

    W x + b = (-1, 7), so the first unit is off and gets no gradient; loss = 1 + 4 = 5.
    dW = [[0, 0], [8, 4]], dx = (12, 4), db = (0, 4).
    """
    g = Graph()
    W, x, b, y = inputs_of(g, "W x b y")
    hidden = ReLU()(W @ x + b).named("h")
    loss = MSE("sum")(hidden, y).named("loss")
    return g.output(loss), (
        np.array([[1.0, -2.0], [3.0, 1.0]]),
        np.array([2.0, 1.0]),
        np.array([-1.0, 0.0]),
        np.array([1.0, 5.0]),
    )


def matrix_product() -> Circuit:
    """Y = X W for X = [[2, 1, -3], [-3, 4, 2]], W = [[3, 2, 1, -1], [2, 1, 3, 2], [3, 2, 1, -2]].

    Y = [[-1, -1, 2, 6], [5, 2, 11, 7]]. With dY = [[2, 3, -3, 9], [-8, 1, 4, 6]] (`DY`),
    dX = dY Wᵀ = [[0, 16, -9], [-24, 9, -30]] and
    dW = Xᵀ dY = [[28, 3, -18, 0], [-30, 7, 13, 33], [-22, -7, 17, -15]]
    (X, W, Y and dY as in CS231n's lecture 4, which leaves the products to the reader).
    """
    g = Graph()
    X, W = inputs_of(g, "X W")
    return g.output((X @ W).named("Y")), (
        np.array([[2.0, 1.0, -3.0], [-3.0, 4.0, 2.0]]),
        np.array([[3.0, 2.0, 1.0, -1.0], [2.0, 1.0, 3.0, 2.0], [3.0, 2.0, 1.0, -2.0]]),
    )


#: The upstream gradient with which the lecture asks for the gradients of `matrix_product`.
DY = np.array([[2.0, 3.0, -3.0, 9.0], [-8.0, 1.0, 4.0, 6.0]])


def gate_of_two(write: Callable[[Node, Node], Node]) -> Graph:
    g = Graph()
    x, y = inputs_of(g, "x y")
    return g.output(write(x, y).named("f"))


def add_gate() -> Circuit:
    """f = x + y at x = 3, y = -4: f = -1. It distributes: both inputs get the gradient, 1 and 1."""
    return gate_of_two(lambda x, y: x + y), (3.0, -4.0)


def multiply_gate() -> Circuit:
    """f = x y at x = 3, y = -4: f = -12. It switches: each input gets the other, -4 and 3."""
    return gate_of_two(lambda x, y: x * y), (3.0, -4.0)


def max_gate() -> Circuit:
    """f = max(x, y) at x = 3, y = -4: f = 3. It routes: the larger gets all, 1, the other 0."""
    return gate_of_two(maximum), (3.0, -4.0)


def used_twice() -> Circuit:
    """f = x² + x at x = 3: f = 12. The two paths bring 6 and 1, and df/dx = 7 is their sum."""
    g = Graph()
    x = g.input("x")
    return g.output((x**2 + x).named("f")), (3.0,)


def scaled_input() -> Circuit:
    """f = w (1000 x) at w = 2, x = 3: f = 6000.

    dw = 3000, a thousand times what it is for w x, while dx = 2000: the scale of the data is the
    scale of the weights' gradient, which is why data are standardised (CS231n).
    """
    g = Graph()
    w, x = inputs_of(g, "w x")
    return g.output((w * (1000 * x)).named("f")), (2.0, 3.0)


#: All circuits by name.
GALLERY = {
    circuit.__name__: circuit
    for circuit in (
        sum_times,
        staged_sigmoid_neuron,
        sigmoid_neuron,
        long_expression,
        softplus,
        squared_distance,
        relu_regression,
        matrix_product,
        add_gate,
        multiply_gate,
        max_gate,
        used_twice,
        scaled_input,
    )
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the picture of every circuit, and its page, to a folder; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="chainrule circuits", description="Writes pictures and pages of circuits to a folder."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--svg", action="store_true", help="the pictures alone, without the pages")
    options = parser.parse_args(arguments)
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        for name, circuit in GALLERY.items():
            graph, inputs = circuit()
            picture = graph.draw(*inputs)
            for suffix in (".svg",) if options.svg else (".svg", ".html"):
                picture.save(options.folder / f"{name}{suffix}")
    except OSError as error:
        print(f"chainrule: {options.folder}: cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    except FileError as error:
        print(f"chainrule: {error}", file=sys.stderr)
        return 1
    print(f"{options.folder}: {len(GALLERY)} circuits")
    return 0
