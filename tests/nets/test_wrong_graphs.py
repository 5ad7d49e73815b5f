"""Graphs and calls that are wrong, and the sentences that say so."""

import numpy as np
import pytest

from chainrule.layers import MSE, Add, Affine, Layer, Multiply, ReLU, Scale, Square, Tanh
from chainrule.nets import Graph, Sequential, maximum, minimum


def product():
    g = Graph()
    x, y, z = g.input("x"), g.input("y"), g.input("z")
    g.add("f", Scale(2), (x + y) * z)
    return g.output("f")


def test_a_cycle():
    g = Graph()
    g.input("x")
    g.add("a", Add(), "x", "c")
    g.add("b", Tanh(), "a")
    g.add("c", Tanh(), "b")
    with pytest.raises(ValueError, match=r"(a → b → c → a|b → c → a → b|c → a → b → c) is a cycle"):
        g.output("c")


def test_an_unknown_name():
    g = Graph()
    g.input("weight")
    g.add("f", Square(), "wieght")
    with pytest.raises(
        ValueError,
        match=r"f reads 'wieght', but no node has that name; did you mean 'weight'\?",
    ):
        g.output("f")


def test_an_unknown_output():
    g = Graph()
    g.input("x") ** 2
    with pytest.raises(ValueError, match=r"an output is 'qqq', but .* the nodes are x, square1"):
        g.output("qqq")


def test_a_name_used_twice():
    g = Graph()
    g.add("f", Square(), "x")
    with pytest.raises(ValueError, match=r"name 'f' is used twice; it is f = Square\(\)\(x\)"):
        g.input("f")
    g.input("x")
    with pytest.raises(ValueError, match="name 'x' is used twice; it is x = input → f"):
        g.nodes["f"].named("x")


def test_an_input_left_over():
    g = Graph()
    x, _ = g.input("x"), g.input("y")
    with pytest.raises(ValueError, match="no output depends on input y; the outputs are f"):
        g.output((x**2).named("f"))


def test_an_unused_node():
    g = Graph()
    x = g.input("x")
    lonely = (x + x).named("lonely")
    Tanh()(lonely).named("lonelier")
    with pytest.raises(ValueError, match="no output depends on lonely, lonelier; the outputs"):
        g.output((x**2).named("f"))


@pytest.mark.parametrize("sources", [("x",), ("x", "x", "x"), ()])
def test_a_wrong_number_of_inputs(sources):
    g = Graph()
    g.input("x")
    g.add("f", Add(), *sources)
    got = rf"got {len(sources)} \({', '.join(sources)}\)"
    with pytest.raises(ValueError, match=rf"f = Add\(\) takes 2 inputs \(a, b\), {got}"):
        g.output("f")


def test_a_wrong_number_of_inputs_of_a_graph_within():
    g = Graph()
    g.input("x")
    g.add("f", product(), "x", "x")
    with pytest.raises(ValueError, match=r"f = Graph\(.*takes 3 inputs \(x, y, z\), got 2"):
        g.output("f")


@pytest.mark.parametrize("outputs", [0, 2])
def test_a_graph_within_that_has_not_one_output(outputs):
    inner = Graph()
    x = inner.input("x")
    if outputs:
        inner.output(x + 1, x + 2)
    g = Graph()
    g.add("f", inner, g.input("x"))
    with pytest.raises(ValueError, match=f"has {outputs} outputs, expected one"):
        g.output("f")


def test_no_output_or_one_named_twice():
    g = Graph()
    x = g.input("x")
    with pytest.raises(ValueError, match=r"output\(\) expected one or more nodes"):
        g.output()
    with pytest.raises(ValueError, match=r"output\(x, x\) expected .* each named once"):
        g.output(x, "x")


def test_a_node_of_another_graph():
    x, y = Graph().input("x"), Graph().input("y")
    with pytest.raises(ValueError, match=r"Add\(\) reads y, a node of another graph"):
        x + y


def test_targets_before_what_has_a_gradient():
    g = Graph()
    y, x = g.input("y"), g.input("x")
    with pytest.raises(ValueError, match=r"input y has no gradient, .*write it after the inputs"):
        g.output(MSE()(x, y))


def test_an_array_in_the_place_of_a_node():
    x = Graph().input("x")
    with pytest.raises(TypeError, match=r"Multiply\(\)\(…\) joins nodes.*got array.*parameter"):
        Multiply()(x, np.ones(3))
    with pytest.raises(TypeError, match="got array"):
        Add()(np.ones(3), x)
    with pytest.raises(TypeError, match="joins nodes of a graph, got none"):
        ReLU()()
    with pytest.raises(TypeError, match=r"Square\(\) reads 3, expected a node or the name"):
        Graph().add("f", Square(), 3)


@pytest.mark.parametrize("other", ["1", None, 1j, [None], np.array(["a"]), {}])
@pytest.mark.parametrize(
    "write",
    [
        lambda x, other: x + other,
        lambda x, other: other - x,
        lambda x, other: x / other,
        lambda x, other: other / x,
        lambda x, other: maximum(other, x),
        lambda x, other: minimum(x, other),
    ],
)
def test_what_is_neither_a_node_nor_numbers(write, other):
    g = Graph()
    with pytest.raises(TypeError, match=r"stands beside x, expected a node, a number or an array"):
        write(g.input("x"), other)
    assert list(g.nodes) == ["x"]


def test_a_masked_constant():
    masked = np.ma.masked_array([1.0, 2.0], mask=[True, False])
    with pytest.raises(TypeError, match="a constant is a masked array"):
        Graph().input("x") + masked


def test_a_maximum_without_a_node():
    with pytest.raises(TypeError, match=r"Max\(\) of 0 and 1, expected a node among them"):
        maximum(0, 1)


def test_what_is_not_a_layer():
    with pytest.raises(TypeError, match="operation of f is the class ReLU; make a layer"):
        Graph().add("f", ReLU, "x")
    with pytest.raises(TypeError, match="an operation is 'relu', which is not a layer"):
        Graph().add(None, "relu", "x")


def test_another_power():
    with pytest.raises(TypeError, match=r"x\*\*2 is the only power that a graph has a gate for"):
        Graph().input("x") ** 3


@pytest.mark.parametrize("name", ["", "a.b", 3, None, " a", "a\n", "\0"])
def test_a_name_that_is_no_word(name):
    with pytest.raises(ValueError, match="expected a word without a dot"):
        Graph().input(name)


def test_a_parameter_that_is_not_of_floats():
    with pytest.raises(TypeError, match="w has dtype int64"):
        Graph().param("w", np.array([1, 2]))


def test_writing_after_the_end():
    g = product()
    with pytest.raises(RuntimeError, match=r"finished by output\(f\), so 'v' comes too late"):
        g.input("v")
    with pytest.raises(RuntimeError, match=r"finished already, by output\(f\)"):
        g.output("q")


def test_running_before_the_end():
    g = Graph()
    g.input("x")
    with pytest.raises(RuntimeError, match="not finished; name its outputs"):
        g.forward(1.0)


def test_a_graph_can_be_mended_after_an_error():
    g = Graph()
    g.input("x")
    g.add("f", Add(), "x", "y")
    with pytest.raises(ValueError, match="no node has that name"):
        g.output("f")
    g.input("y")
    assert g.output("f").forward(1.0, 2.0)[0] == 3


def test_wrong_calls_are_named():
    g = product()
    with pytest.raises(TypeError, match=r"expected 3 inputs \(x, y, z\), got 2"):
        g.forward(1.0, 2.0)
    with pytest.raises(TypeError, match="x has dtype int64"):
        g.forward(1, 2.0, 3.0)
    _, cache = g.forward(1.0, 2.0, 3.0)
    with pytest.raises(ValueError, match=r"Graph.*dout has shape \(2,\), expected \(\)"):
        g.backward(np.ones(2), cache)
    two = Graph()
    x = two.input("x")
    two.output(x + 1, x + 2)
    _, cache = two.forward(1.0)
    with pytest.raises(TypeError, match=r"a tuple of 2, .* outputs shift1, shift2"):
        two.backward(1.0, cache)


def test_a_loss_of_ones_own_that_forgets_to_say_so_is_named():
    class Distance:
        params, state = {}, {}

        def forward(self, x, target, *, train=True):
            return np.sum((x - target) ** 2), (x, target)

        def backward(self, dout, cache):
            x, target = cache
            return 2 * (x - target) * dout, {}

        def param_grads(self, dout, cache):
            return {}

    def graph(op):
        g = Graph()
        g.add("loss", op, g.input("x"), g.input("target"))
        return g.output("loss")

    _, cache = graph(Distance()).forward(1.0, 3.0)
    with pytest.raises(
        ValueError, match=r"returned 1 gradients instead of 2; .*differentiable = 1"
    ):
        graph(Distance()).backward(1.0, cache)
    op = Distance()
    op.differentiable = 1
    g = graph(op)
    assert g.backward(1.0, g.forward(1.0, 3.0)[1]) == (-4, {})


def test_an_output_that_is_no_node():
    g = Graph()
    x, y = g.input("x"), g.input("y")
    with pytest.raises(TypeError, match=r"an output is \[x = .*expected a node or the name of one"):
        g.output([x, y])
    with pytest.raises(TypeError, match="an output is 3, expected a node"):
        g.output(3, 3)
    with pytest.raises(ValueError, match="an output is x, a node of another graph"):
        g.output(x + y, Graph().input("x"))


def test_a_division_by_zero():
    with pytest.raises(ZeroDivisionError, match="x / 0: expected a number other than 0"):
        Graph().input("x") / 0


@pytest.mark.parametrize("value", [3, "abc", None, np.ones(2, np.float16)])
def test_a_parameter_of_another_kind(value):
    with pytest.raises(TypeError, match=r"the parameter w has dtype .*expected an array"):
        Graph().param("w", value)


def test_parameters_of_two_dtypes():
    g = Graph()
    x, w, b = g.input("x"), g.param("w", np.ones(3)), g.param("b", np.ones(3, np.float32))
    with pytest.raises(TypeError, match="Graph: w has float64 but b has float32; expected one"):
        g.output(x * w + b)
    with pytest.raises(TypeError, match=r"Sequential: affine1.b has float32 but affine2.b has"):
        Sequential(Affine(2, 3, dtype=np.float32), Affine(3, 2))


class TestTargets:
    """A gradient that would miss the way through the targets of a loss is refused."""

    def test_a_parameter_as_targets(self):
        g = Graph()
        x, w = g.input("x"), g.param("w", np.ones(3))
        with pytest.raises(ValueError, match="w is among the targets of loss or computes them"):
            g.output(MSE()(x, w * 2).named("loss"))

    def test_a_layer_with_parameters_before_the_targets(self):
        g = Graph()
        x, y = g.input("x"), g.input("y")
        with pytest.raises(ValueError, match="affine1 is among the targets of mse1"):
            g.output(MSE()(x, Affine(3, 3)(y)))

    def test_an_input_on_both_sides(self):
        g = Graph()
        x, y = g.input("x"), g.input("y")
        with pytest.raises(ValueError, match=r"y is among .*expected them to come from an input"):
            g.output(MSE()(x * y, y))

    def test_an_input_on_both_sides_of_two_losses(self):
        g = Graph()
        x, y = g.input("x"), g.input("y")
        with pytest.raises(ValueError, match="x is among the targets of mse2"):
            g.output(MSE()(x, y), MSE()(y, x))


class Wrong(Layer):
    """A layer whose passes return what they are told to."""

    def __init__(self, out=None, back=None):
        super().__init__()
        self.out, self.back = out, back

    def forward(self, x, *, train=True):
        return (x if self.out is None else self.out), x.shape

    def backward(self, dout, cache):
        return self.back


class TestLayersThatBreakTheContract:
    def run(self, layer):
        g = Graph()
        g.output(layer(g.input("x") * 2.0).named("wrong"))
        out, cache = g.forward(np.ones(3))
        return g.backward(np.ones_like(out), cache)

    def test_an_output_that_is_no_array(self):
        with pytest.raises(TypeError, match=r"wrong = Wrong.* returned a float, expected an array"):
            self.run(Wrong(out=3.0))

    def test_a_gradient_of_another_shape(self):
        with pytest.raises(
            ValueError,
            match=r"wrong = Wrong.* sent scale1 back a gradient of shape \(7,\), expected an array "
            r"of shape \(3,\), that of scale1",
        ):
            self.run(Wrong(back=(np.ones(7), {})))

    def test_a_gradient_that_would_be_broadcast_at_a_fork(self):
        g = Graph()
        x = g.input("x")
        g.output((x + Wrong(back=(np.ones(()), {}))(x)).named("f"))
        _, cache = g.forward(np.ones(3))
        with pytest.raises(ValueError, match=r"sent x back a gradient of shape \(\), expected"):
            g.backward(np.ones(3), cache)

    def test_a_gradient_that_is_a_list(self):
        with pytest.raises(ValueError, match=r"sent scale1 back a gradient of \[1.0, 2.0, 3.0\]"):
            self.run(Wrong(back=([1.0, 2.0, 3.0], {})))

    def test_the_gradient_of_a_parameter_that_it_lacks(self):
        with pytest.raises(ValueError, match=r"gradients of wrong = .* are W, expected .* none"):
            self.run(Wrong(back=(np.ones(3), {"W": np.ones(3)})))
