"""The circuits that lectures on backpropagation draw, with their published numbers, and with our
own where a lecture has letters alone.

Each function returns a graph and the inputs at which the lectures evaluate it:

    graph, inputs = circuits.sum_times()
    print(graph.trace(*inputs))
    graph.draw(*inputs)

CS231n below is "Backpropagation, Intuitions" and lecture 4 of Stanford's course CS231n, C147 is
UCLA's course on neural networks.
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
from chainrule.nets.node import Node, exp, log, maximum, minimum, sigmoid

#: A graph, and the inputs at which it is evaluated.
Circuit: TypeAlias = tuple[Graph, tuple[float | Floats, ...]]


def inputs_of(g: Graph, names: str) -> list[Node]:
    """The handles of new inputs of `g`, called by the words of `names`."""
    return [g.input(name) for name in names.split()]


def sum_times() -> Circuit:
    """f = (x + y) z at x = -2, y = 5, z = -4.

    q = 3 and f = -12; the gradients are df/dx = df/dy = z = -4, df/dz = q = 3 (CS231n).
    They are forces on the wires: a step of 0.01 along them, to (-2.04, 4.96, -3.97), brings f to
    -11.592, and the slopes foretell -12 + 0.01 (16 + 16 + 9) = -11.59.
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

    f = 4 + 1 + 4 = 9; df/dx = 2 (x - h) = (-4, 2, 4), df/dh = -df/dx (C147, without numbers).
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


def vector_relu() -> Circuit:
    """f = ReLU(x), entry by entry, at x = (1, -2, 3, -1).

    f = (1, 0, 3, 0), and the Jacobian is diag(1, 0, 1, 0). With df = (4, -1, 5, 9) (`DF`), what
    comes back is (4, 0, 5, 0): where x was cut off nothing does (CS231n, lecture 4).
    """
    g = Graph()
    x = g.input("x")
    return g.output(ReLU()(x).named("f")), (np.array([1.0, -2.0, 3.0, -1.0]),)


#: The upstream gradient with which the lecture goes back through `vector_relu`.
DF = np.array([4.0, -1.0, 5.0, 9.0])


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


def three_factors() -> Circuit:
    """f = a b c at a = 2, b = 3, c = 5.

    f = 30. Each factor gets the product of the others: df/da = bc = 15, df/db = ac = 10,
    df/dc = ab = 6, the smallest factor the largest gradient (CS231n, without numbers).
    """
    g = Graph()
    a, b, c = inputs_of(g, "a b c")
    return g.output((a * b * c).named("f")), (2.0, 3.0, 5.0)


def squared_sum() -> Circuit:
    """f = (x + y)² at x = -2, y = 5.

    q = x + y = 3 and f = 9; df/dq = 2 q = 6 goes on to both, df/dx = df/dy = 6.
    """
    g = Graph()
    x, y = inputs_of(g, "x y")
    q = (x + y).named("q")
    return g.output((q**2).named("f")), (-2.0, 5.0)


def quadratic_form() -> Circuit:
    """f = a x² + b x y + c y² with weights a = 1, b = 2, c = 3, at the inputs x = 4, y = 5.

    f = 16 + 40 + 75 = 131. The gradients of the weights are what they are multiplied by, x² = 16,
    x y = 20, y² = 25, and those of the inputs 2 a x + b y = 18, b x + 2 c y = 38. Training steps
    along the first three and leaves the inputs as they are.
    """
    g = Graph()
    a, b, c = (g.param(name, np.array(k)) for name, k in zip("abc", (1.0, 2.0, 3.0), strict=True))
    x, y = inputs_of(g, "x y")
    f = a * x**2 + b * (x * y) + c * y**2
    return g.output(f.named("f")), (4.0, 5.0)


def perceptron() -> Circuit:
    """loss = max(0, -s), s = w0 x0 + w1 x1 + b, at w = (2, -1), b = 0 and x = (1, 3) of class 1.

    s = -1 is on the wrong side, so that the loss is 1. The gradient of w is -x = (-1, -3), that of
    b is -1, that of x is -w = (-2, 1): a step against it adds a part of x to w, which is
    Rosenblatt's rule. Where s > 0 the loss is 0, and nothing comes back.
    """
    g = Graph()
    w0, x0, w1, x1, b = inputs_of(g, "w0 x0 w1 x1 b")
    s = (w0 * x0 + w1 * x1 + b).named("s")
    return g.output(maximum(0, -s).named("loss")), (2.0, 1.0, -1.0, 3.0, 0.0)


def dot_product_neuron() -> Circuit:
    """f = σ(wᵀx) at w = (2, -3, -3), x = (-1, -2, 1).

    `sigmoid_neuron` with its weights in one vector, the last of them the bias, whose input is 1.
    The score is 1 and f = 0.73; df/dw = σ (1 - σ) x = (-0.20, -0.39, 0.20), and
    df/dx = σ (1 - σ) w = (0.39, -0.59, -0.59) (C147 has the formulas, CS231n the numbers).
    """
    g = Graph()
    w, x = inputs_of(g, "w x")
    score = (w @ x).named("score")
    return g.output(sigmoid(score).named("f")), (
        np.array([2.0, -3.0, -3.0]),
        np.array([-1.0, -2.0, 1.0]),
    )


def clipped_output() -> Circuit:
    """f = max(0, min(1, z)) at z = -0.5: a number made a probability by force.

    f = 0 and df/dz = 0, as for all z outside (0, 1), where a wrong answer would never be mended;
    between 0 and 1 the slope is 1. C147 asks why an output of two classes is not this, but σ(z).
    """
    g = Graph()
    z = g.input("z")
    return g.output(maximum(0, minimum(1, z)).named("f")), (-0.5,)


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


def convolution() -> Circuit:
    """f = y0 y1, where the kernel w = (2, -1) slides over x = (1, 3, 2).

    y0 = w0 x0 + w1 x1 = -1 and y1 = w0 x1 + w1 x2 = 4, so that f = -4, and the gradients of y0 and
    y1 are 4 and -1. Each weight is used at both places, and what comes back from them adds up:
    dw0 = 1 · 4 + 3 · (-1) = 1, dw1 = 3 · 4 + 2 · (-1) = 10. So does what comes back to x1, which
    lies in both windows: dx = (8, -4 - 2, 1) = (8, -6, 1).
    """
    g = Graph()
    w0, x0, w1, x1, x2 = inputs_of(g, "w0 x0 w1 x1 x2")
    y0 = (w0 * x0 + w1 * x1).named("y0")
    y1 = (w0 * x1 + w1 * x2).named("y1")
    return g.output((y0 * y1).named("f")), (2.0, 1.0, -1.0, 3.0, 2.0)


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
        vector_relu,
        matrix_product,
        dot_product_neuron,
        perceptron,
        clipped_output,
        three_factors,
        squared_sum,
        quadratic_form,
        add_gate,
        multiply_gate,
        max_gate,
        used_twice,
        scaled_input,
        convolution,
    )
}

#: The upstream gradients with which they are drawn, by name, where it is not one of ones.
UPSTREAM = {"vector_relu": DF, "matrix_product": DY}


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
            picture = graph.draw(*inputs, dout=UPSTREAM.get(name))
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
