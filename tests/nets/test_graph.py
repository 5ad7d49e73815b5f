import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.gradcheck import check
from chainrule.layers import (
    ELU,
    LSTM,
    MSE,
    Add,
    Affine,
    BatchNorm,
    LSTMStep,
    Max,
    Min,
    Multiply,
    Negate,
    ReLU,
    Scale,
    Shift,
    Sigmoid,
    SoftmaxCrossEntropy,
    Softplus,
    Square,
    Subtract,
    Sum,
    Tanh,
)
from chainrule.nets import (
    MLP,
    Classifier,
    Graph,
    Sequential,
    exp,
    load,
    log,
    maximum,
    minimum,
    sigmoid,
)
from chainrule.solvers import SGD


def by_name():
    g = Graph()
    for name in ("x", "y", "z"):
        g.input(name)
    g.add("q", Add(), "x", "y")
    g.add("f", Multiply(), "q", "z")
    return g.output("f")


def by_arithmetic():
    g = Graph()
    x, y, z = g.input("x"), g.input("y"), g.input("z")
    q = (x + y).named("q")
    return g.output((q * z).named("f"))


def by_name_in_another_order():
    g = Graph()
    g.add("f", Multiply(), "q", "z")
    g.add("q", Add(), "x", "y")
    for name in ("x", "y", "z"):
        g.input(name)
    return g.output("f")


def wires(g):
    return {name: (repr(node.op), node.inputs) for name, node in g.nodes.items()}


@pytest.mark.parametrize("write", [by_name, by_arithmetic, by_name_in_another_order])
def test_all_ways_to_write_a_graph_give_the_same_graph(write):
    g = write()
    assert wires(g) == {
        "x": ("None", []),
        "y": ("None", []),
        "z": ("None", []),
        "q": ("Add()", ["x", "y"]),
        "f": ("Multiply()", ["q", "z"]),
    }
    assert (g.inputs, g.outputs) == (("x", "y", "z"), ("f",))
    out, cache = g.forward(-2.0, 5.0, -4.0)
    assert out == -12
    assert g.backward(np.float64(1), cache) == ((-4, -4, 3), {})


def test_a_node_shows_its_inputs_and_its_consumers():
    g = by_name()
    assert g.nodes["q"].inputs == ["x", "y"]
    assert g.nodes["q"].consumers == ["f"]
    assert repr(g.nodes["x"]) == "x = input → q"
    assert repr(g.nodes["q"]) == "q = Add()(x, y) → f"
    assert repr(g.nodes["f"]) == "f = Multiply()(q, z) → output"
    assert repr(g) == "Graph(x, y, z → f: q, f)"
    assert repr(Graph().param("w", np.ones(2))) == "w = parameter (2,) → nothing"


@pytest.mark.parametrize(
    ("write", "value", "gradients"),
    [
        (lambda x, y: x + y, 5, (1, 1)),
        (lambda x, y: x - y, -1, (1, -1)),
        (lambda x, y: x * y, 6, (3, 2)),
        (lambda x, y: x / y, 2 / 3, (1 / 3, -2 / 9)),
        (lambda x, y: -x * y, -6, (-3, -2)),
        (lambda x, y: x**2 * y, 12, (12, 4)),
        (lambda x, y: (x + 3) * (4 + y), 35, (7, 5)),
        (lambda x, y: (x - 1) * (5 - y), 2, (2, -1)),
        (lambda x, y: (2 * x) * (y * 0.5), 6, (3, 2)),
        (lambda x, y: (x / 4) * (1 / y), 1 / 6, (1 / 12, -1 / 18)),
        (lambda x, y: 6 / x + y, 6, (-1.5, 1)),
        (lambda x, y: maximum(x, y), 3, (0, 1)),
        (lambda x, y: minimum(x, y) + y, 5, (1, 1)),
        (lambda x, y: maximum(x, 2.5) + minimum(2.5, y), 5, (0, 0)),
        (lambda x, y: maximum(1, x) + minimum(y, 4), 5, (1, 1)),
        (lambda x, y: log(exp(x)) + y, 5, (1, 1)),
        (lambda x, y: sigmoid(x - x) * y, 1.5, (0, 0.5)),
        (lambda x, y: ReLU()(x) * Tanh()(y - y), 0, (0, 0)),
    ],
)
def test_arithmetic_means_what_it_says(write, value, gradients):
    g = Graph()
    x, y = g.input("x"), g.input("y")
    g.output(write(x, y))
    trace = g.trace(2, 3)
    assert trace[g.outputs[0]].value == pytest.approx(value, rel=1e-15)
    assert (trace["x"].gradient, trace["y"].gradient) == pytest.approx(gradients, rel=1e-15)


def test_a_matrix_product_may_be_written_from_either_side():
    W = np.arange(6.0).reshape(2, 3)
    g = Graph()
    x = g.input("x")
    g.output(g.param("W", W) @ x)
    np.testing.assert_array_equal(g.forward(np.array([1.0, 0, 2]))[0], [4, 13])


CONSTANT = np.array([[1, 2], [3, -1]])  # x is (1, 4) below, and dout is ones
WITH_ARRAYS = {
    "x + A": (lambda x: x + CONSTANT, [[2, 6], [4, 3]], [2, 2]),
    "A + x": (lambda x: CONSTANT + x, [[2, 6], [4, 3]], [2, 2]),
    "x - A": (lambda x: x - CONSTANT, [[0, 2], [-2, 5]], [2, 2]),
    "A - x": (lambda x: CONSTANT - x, [[0, -2], [2, -5]], [-2, -2]),
    "x * A": (lambda x: x * CONSTANT, [[1, 8], [3, -4]], [4, 1]),
    "A * x": (lambda x: CONSTANT * x, [[1, 8], [3, -4]], [4, 1]),
    "x / A": (lambda x: x / CONSTANT, [[1, 2], [1 / 3, -4]], [4 / 3, -1 / 2]),
    "A / x": (lambda x: CONSTANT / x, [[1, 1 / 2], [3, -1 / 4]], [-4, -1 / 16]),
    "x @ A": (lambda x: x @ CONSTANT, [13, -2], [3, 2]),
    "A @ x": (lambda x: CONSTANT @ x, [9, -1], [4, 1]),
    "maximum(x, A)": (lambda x: maximum(x, CONSTANT), [[1, 4], [3, 4]], [1, 2]),
    "maximum(A, x)": (lambda x: maximum(CONSTANT, x), [[1, 4], [3, 4]], [0, 2]),
    "minimum(x, A)": (lambda x: minimum(x, CONSTANT), [[1, 2], [1, -1]], [2, 0]),
    "minimum(A, x)": (lambda x: minimum(CONSTANT, x), [[1, 2], [1, -1]], [1, 0]),
    "maximum(list, x)": (lambda x: maximum([1, 2], x), [1, 4], [0, 1]),
}


@pytest.mark.parametrize("case", WITH_ARRAYS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_array_is_a_constant(case, dtype, tmp_path):
    write, value, gradient = WITH_ARRAYS[case]
    g = Graph()
    g.output(write(g.input("x")))
    assert (g.params, g.inputs) == ({}, ("x",))
    g.save(tmp_path / "g.safetensors")
    for graph in (g, load(tmp_path / "g.safetensors"), g.astype(np.float32)):
        out, cache = graph.forward(np.array([1, 4], dtype))
        dx, _ = graph.backward(np.ones_like(out), cache)
        np.testing.assert_allclose(out, value, rtol=1e-6)
        np.testing.assert_allclose(dx, gradient, rtol=1e-6)
        assert out.dtype == dx.dtype == dtype


def test_a_constant_is_a_copy_that_no_gradient_goes_into():
    g, c = Graph(), np.ones(2)
    x = g.input("x")
    g.output((x * c).named("f"))
    c[...] = 5
    trace = g.trace(np.array([2.0, 3.0]))
    np.testing.assert_array_equal(trace["f"].value, [2, 3])
    assert trace["constant1"].gradient is None
    assert [node.kind for node in g.nodes.values()] == ["input", "constant", "gate"]
    np.testing.assert_array_equal(c, [5, 5])


def test_an_output_clipped_to_a_probability_has_no_slope_outside():
    g = Graph()
    z = g.input("z")
    g.output(maximum(0, minimum(1, z)).named("p"))
    found = [(t["p"].value, t["z"].gradient) for t in map(g.trace, (-0.5, 0.0, 0.3, 1.0, 1.7))]
    # At 0 and at 1 z ties with the constant, which is written first.
    assert found == [(0, 0), (0, 0), (0.3, 1), (1, 0), (1, 0)]
    assert [repr(g.nodes[f"constant{k}"].op) for k in (1, 2)] == ["constant 1", "constant 0"]


def test_numbers_leave_parameters_of_float32_alone():
    g = Graph()
    g.output(maximum(0, g.input("x") @ g.param("W", np.ones((2, 2), np.float32))))
    assert g.forward(np.array([1, -3], np.float32))[0].dtype == np.float32


def test_a_graph_of_constants_and_parameters_alone_computes():
    g = Graph()
    g.output(maximum(g.param("w", np.array(2.0)), 3))
    out, cache = g.forward()
    assert (out, g.backward(1.0, cache)[1]) == (3, {"w": 0})


def test_numpy_numbers_may_stand_on_the_left():
    g = Graph()
    x = g.input("x")
    g.output(np.float64(3) * x + np.float64(1))
    assert g.forward(2.0)[0] == 7


def bits(*arrays):
    return [(np.shape(a), np.asarray(a).dtype, np.asarray(a).tobytes()) for a in arrays]


def chained(layers):
    g = Graph()
    node = g.input("x")
    for layer in layers:
        node = layer(node)
    return g.output(node)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("train", [True, False])
def test_a_graph_equals_the_same_layers_in_a_row_bit_for_bit(dtype, train):
    net = MLP([6, 8, 8, 3], activation=ELU(), norm=BatchNorm, keep=0.8, rng=3, dtype=dtype)
    graph = chained(copy.deepcopy(net).layers)
    assert list(graph.params) == list(net.params)
    assert list(graph.state) == list(net.state)
    x = np.random.default_rng(0).standard_normal((5, 6)).astype(dtype)
    dout = np.random.default_rng(1).standard_normal((5, 3)).astype(dtype)
    (out, cache), (graph_out, graph_cache) = (
        net.forward(x, train=train),
        graph.forward(x, train=train),
    )
    assert bits(graph_out, *graph.state.values()) == bits(out, *net.state.values())
    (dx, grads), (graph_dx, graph_grads) = (
        net.backward(dout, cache),
        graph.backward(dout, graph_cache),
    )
    assert bits(graph_dx) == bits(dx)
    assert bits(*(graph_grads[name] for name in grads)) == bits(*grads.values())
    alone = graph.param_grads(dout, graph_cache)
    assert bits(*(alone[name] for name in grads)) == bits(*net.param_grads(dout, cache).values())


def test_a_graph_trains_like_the_same_layers_in_a_row_bit_for_bit():
    net = MLP([4, 8, 3], keep=0.9, rng=3)
    graph = chained(copy.deepcopy(net).layers)
    x = np.random.default_rng(0).standard_normal((12, 4))
    y = np.arange(12) % 3
    for model in (Classifier(net, l2=1e-3), Classifier(graph, l2=1e-3)):
        rule = SGD(lr=0.1, momentum=0.9)
        losses = []
        for _ in range(20):
            loss, grads = model.loss(x, y)
            rule.update(model.params, grads)
            losses.append(loss)
        assert losses[-1] < losses[0]
    assert bits(*graph.params.values()) == bits(*net.params.values())


def test_a_graph_nests_in_a_row_and_in_a_graph():
    inner = chained([Affine(3, 3, rng=0), Tanh()])
    row = Sequential(Affine(4, 3, rng=1), inner, Affine(3, 2, rng=2))
    assert list(row.params) == [
        "affine1.W",
        "affine1.b",
        "graph1.affine1.W",
        "graph1.affine1.b",
        "affine2.W",
        "affine2.b",
    ]
    outer = chained([row.layers[0], inner, row.layers[2]])
    x = np.random.default_rng(0).standard_normal((5, 4))
    assert bits(outer.forward(x)[0]) == bits(row.forward(x)[0])


def test_several_outputs_take_an_upstream_gradient_each_or_none():
    g = Graph()
    x, y = g.input("x"), g.input("y")
    total, product = x + y, x * y
    g.output(total, product)
    out, cache = g.forward(3.0, 5.0)
    assert out == (8, 15)
    assert g.backward((1.0, 1.0), cache)[0] == (6, 4)
    assert g.backward((10.0, None), cache)[0] == (10, 10)
    assert g.backward((None, 10.0), cache)[0] == (50, 30)
    assert g.backward((None, None), cache)[0] == (0, 0)
    trace = g.trace(3, 5, dout=(None, 1.0))
    assert trace["add1"].gradient is None
    assert trace["x"].gradient == 5


def test_parameters_without_an_upstream_gradient_get_zeros():
    g = Graph()
    x = g.input("x")
    g.output(x * g.param("a", np.array(2.0)), x * g.param("b", np.array(3.0)))
    _, cache = g.forward(5.0)
    assert g.backward((1.0, None), cache) == (2, {"a": 5, "b": 0})
    assert g.param_grads((1.0, None), cache) == {"a": 5, "b": 0}


def test_an_output_may_be_read_by_other_nodes_too():
    g = Graph()
    x = g.input("x")
    square = x**2
    g.output(square, square + x, x)
    out, cache = g.forward(3.0)
    assert out == (9, 12, 3)
    assert g.backward((1.0, 10.0, 100.0), cache)[0] == 6 + 10 * 7 + 100


def test_a_layer_at_two_nodes_shares_its_parameters_and_their_gradients_add_up():
    shared = Affine(2, 2, rng=0)
    shared.params["W"][...] = [[1, 0], [0, 2]]
    g = Graph()
    x, y = g.input("x"), g.input("y")
    g.output(shared(x) + shared(y))
    assert list(g.params) == ["affine1.W", "affine1.b"]
    _, cache = g.forward(np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]]))
    _, grads = g.backward(np.ones((1, 2)), cache)
    np.testing.assert_array_equal(grads["affine1.W"], [[11, 11], [22, 22]])
    np.testing.assert_array_equal(grads["affine1.b"], [2, 2])


def test_the_same_array_in_two_parameters_is_one_parameter():
    w = np.array(3.0)
    g = Graph()
    x = g.input("x")
    g.output(g.param("w", w) * x + g.param("v", w))
    assert list(g.params) == ["w"]
    _, cache = g.forward(5.0)
    assert g.backward(1.0, cache)[1] == {"w": 6}


def test_param_grads_never_computes_a_gradient_that_nobody_needs():
    def forbidden(*_):
        raise AssertionError("computed a gradient that nobody needs")

    first, square = Affine(3, 1, rng=0), Square()
    first.backward = square.backward = forbidden
    g = Graph()
    x, y = g.input("x"), g.input("y")
    g.output(Negate()(first(x)) * Sum()(square(y)))
    _, cache = g.forward(np.array([[1.0, 2.0, 3.0]]), np.array([1.0, 2.0]))
    grads = g.param_grads(np.array([[10.0]]), cache)
    np.testing.assert_array_equal(grads["affine1.W"], [[-50], [-100], [-150]])
    np.testing.assert_array_equal(grads["affine1.b"], [-50])


def test_targets_have_no_gradient():
    g = Graph()
    x, y = g.input("x"), g.input("y")
    g.output(SoftmaxCrossEntropy()(x, y))
    out, cache = g.forward(np.zeros((2, 4)), np.array([1, 3]))
    assert out == pytest.approx(np.log(4))
    dx, grads = g.backward(1.0, cache)
    assert grads == {}
    np.testing.assert_allclose(dx * 8, [[1, -3, 1, 1], [1, 1, 1, -3]])


@pytest.mark.parametrize("targets", [np.array([1.0, 2, 3]), np.array([1, 2, 3])])
def test_targets_may_be_computed_from_an_input_of_their_own(targets):
    class Halve(Scale):
        def forward(self, x, *, train=True):
            return x / 2, x

    g = Graph()
    x, y = g.input("x"), g.input("y")
    g.output(MSE()(x * 2, Halve(0.5)(y)))
    loss, cache = g.forward(np.ones(3), targets)
    assert loss == pytest.approx(np.mean((2 - targets / 2) ** 2))
    assert g.differentiable == 1
    np.testing.assert_array_equal(g.backward(1.0, cache)[0], 4 * (2 - targets / 2) / 3)


@pytest.mark.parametrize("number", [np.uint8(3), np.float16(3), np.int64(3), 3, 3.0])
def test_numbers_of_any_kind_mean_their_value(number):
    g = Graph()
    x = g.input("x")
    g.output(x - number, number - x, x / number, x * number)
    assert g.forward(12.0)[0] == (9, -9, pytest.approx(4), 36)


def test_numbers_given_to_trace_have_the_dtype_of_the_parameters():
    g = Graph()
    g.output((g.input("x") * g.param("w", np.array(3, np.float32))).named("f"))
    assert g.trace(2.0)["f"].value == 6
    assert g.trace(2)["x"].value.dtype == np.float32


def test_a_layer_with_a_setting_called_inputs_is_no_graph():
    class Dense(Affine):
        def __init__(self, inputs, outputs):
            super().__init__(inputs, outputs)
            self.inputs, self.outputs = inputs, outputs

    g = Graph()
    g.output(Dense(3, 2)(g.input("x")))
    assert g.forward(np.ones((1, 3)))[0].shape == (1, 2)


def test_a_graph_of_parameters_alone_has_no_input_gradient():
    g = Graph()
    g.output(Square()(g.param("w", np.array(3.0))))
    out, cache = g.forward()
    assert out == 9
    assert g.backward(1.0, cache) == ((), {"w": 6})


def test_a_copy_is_another_graph():
    g = by_arithmetic()
    other = g.astype(np.float64)
    assert all(node.graph is other for node in other.nodes.values())
    assert other.forward(1.0, 2.0, 3.0)[0] == 9


def test_a_parameter_that_was_replaced_is_named():
    layer = Affine(2, 2, rng=0)
    g = chained([layer])
    layer.params["W"] = np.ones((2, 2))
    with pytest.raises(RuntimeError, match=r"affine1\.W was replaced"):
        g.forward(np.ones((1, 2)))


GATES = {
    1: [Tanh, Sigmoid, Softplus, Square, Negate, ReLU, lambda: Scale(-1.5), lambda: Shift(0.5)],
    2: [Add, Subtract, Multiply, Max, Min],
}


@st.composite
def random_graphs(draw):
    """2 to 30 nodes, random gates, random forks, one to three outputs more than the loose ends."""
    g = Graph()
    nodes = [g.input(f"x{at}") for at in range(draw(st.integers(1, 3)))]
    if draw(st.booleans()):
        nodes.append(g.param("w", np.array(draw(st.floats(-1, 1)))))
    for _ in range(draw(st.integers(1, 26))):
        arity = draw(st.sampled_from([1, 2, 2]))
        gate = draw(st.sampled_from(GATES[arity]))()
        # Squashed first, so that squares of squares stay of the order of one.
        chosen = [draw(st.sampled_from(nodes)) for _ in range(arity)]
        nodes.append(gate(*(Tanh()(node) if draw(st.booleans()) else node for node in chosen)))
    ends = [node for node in g.nodes.values() if not node.consumers]
    more = draw(st.lists(st.sampled_from(list(g.nodes.values())), max_size=2))
    g.output(*dict.fromkeys([*ends, *more]))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    return g, [rng.uniform(-1, 1, (2, 2)) for _ in g.inputs]


@settings(max_examples=60, deadline=None)
@given(random_graphs())
def test_random_graphs_pass_the_numeric_check(case):
    graph, inputs = case
    report = check(graph, *inputs, effort="quick")
    assert report, f"{[*graph.nodes.values()]}\n{report}"


def lstm_twice():
    """Two steps of an LSTM by hand, the second from the states of the first."""
    g, step = Graph(), LSTMStep(3, 4, rng=0)
    x, y, h, c = (g.input(name) for name in ("x", "y", "h", "c"))
    first = g.add("first", step, x, h, c)
    second = g.add("second", step, y, first[0], first[1])
    return g.output(g.add("sum", Add(), second[0], first[0]), second[1]), step


def test_an_operation_with_several_outputs_is_read_output_by_output(tmp_path):
    g, step = lstm_twice()
    layer = LSTM(3, 4)
    layer.params = step.params
    rng = np.random.default_rng(0)
    x, h, c = rng.standard_normal((2, 2, 3)), *rng.standard_normal((2, 2, 4))
    (total, last_c), cache = g.forward(x[:, 0], x[:, 1], h, c)
    (every, _, end), whole = layer.forward(x, h, c)
    np.testing.assert_allclose(total, every.sum(axis=1), rtol=1e-14)
    np.testing.assert_allclose(last_c, end, rtol=1e-14)
    dtotal, dc = rng.standard_normal((2, 2, 4))
    dout = np.repeat(dtotal[:, np.newaxis], 2, axis=1), None, dc
    (dx, dh0, dc0), grads = layer.backward(dout, whole)
    found, named = g.backward((dtotal, dc), cache)
    for one, expected in zip(found, (dx[:, 0], dx[:, 1], dh0, dc0), strict=True):
        np.testing.assert_allclose(one, expected, rtol=1e-12)
    for name, grad in grads.items():
        np.testing.assert_allclose(named[f"first.{name}"], grad, rtol=1e-12)
    assert check(g, x[:, 0], x[:, 1], h, c)

    g.save(tmp_path / "net.safetensors")
    again = load(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(again.forward(x[:, 0], x[:, 1], h, c)[0][0], total)


def test_wrong_outputs_are_named():
    g = Graph()
    both = LSTMStep(3, 4, rng=0)(*(g.input(name) for name in "xhc"))
    with pytest.raises(TypeError, match=r"\[-1\]: expected the number of an output, from 0"):
        both[-1]
    with pytest.raises(TypeError, match="not iterable"):
        _h, _c = both
    inputs = np.ones((1, 3)), np.ones((1, 4)), np.ones((1, 4))
    with pytest.raises(TypeError, match="output 2 is asked of an operation with 2 outputs"):
        whole(lambda step: step[2], *inputs)
    with pytest.raises(TypeError, match=r"LSTMStep.* has 2 outputs; take one of them, as ls"):
        whole(lambda step: step, *inputs)
    with pytest.raises(TypeError, match="has several outputs, and a trace shows one value"):
        whole(lambda step: step[0], *inputs, trace=True)


def whole(read, *inputs, trace=False):
    """A step of an LSTM, of which `read` takes the output."""
    g = Graph()
    g.output(read(LSTMStep(3, 4, rng=0)(*(g.input(name) for name in "xhc"))))
    return g.trace(*inputs) if trace else g.forward(*inputs)
