"""The page's own arithmetic, run by node, against the layers."""

import inspect
import json
import math
import shutil
import subprocess

import numpy as np
import pytest

from chainrule import layers
from chainrule.layers import ELU, LeakyReLU, Scale, Shift
from chainrule.nets import Graph, maximum
from chainrule.nets.picture.page import ELEMENTARY, elementary, read
from chainrule.nets.trace import brief
from chainrule.nets.wiring import ordered

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")

# Both sides of every kink and the kinks themselves, small, large, and beyond where eˣ overflows.
GRID = [-800.0, -30.0, -2.0, -1.0, -1e-3, -1e-9, 0.0, 1e-9, 1e-3, 0.5, 1.0, 2.0, 30.0, 800.0]
SETTINGS = {"Scale": Scale(-2.5), "Shift": Shift(0.75)}
SETTINGS |= {"LeakyReLU": LeakyReLU(0.1), "ELU": ELU(1.5)}


def run(expression, *arguments):
    """What an expression in JavaScript gives for arguments a0, a1, …; infinities and NaN become
    strings on the way."""
    given = ", ".join(f"a{k}" for k in range(len(arguments)))
    script = f"""{read("gates.js")}
        const special = (key, x) =>
          typeof x === "number" && !Number.isFinite(x) ? `${{x}}` : x;
        const [{given}] = {json.dumps(arguments)};
        console.log(JSON.stringify({expression}, special));"""
    done = subprocess.run(["node", "-"], input=script, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def circuit(graph, *inputs, dout=1.0):
    """The trace of a graph, with what the page gets to know of it."""
    nodes = ordered(graph.nodes, graph.outputs)
    trace = graph.trace(*inputs, dout=dout)
    names = graph.outputs
    upstream = dict(zip(names, dout if len(names) > 1 else (dout,), strict=True))
    return trace, elementary(nodes, trace, upstream)


def one_gate(name):
    op = SETTINGS[name] if name in SETTINGS else getattr(layers, name)()
    count = len(inspect.signature(op.forward).parameters) - 1
    g = Graph()
    return g.output(op(*(g.input(f"x{k}") for k in range(count)))), count


def test_the_page_knows_the_gates_that_python_says_it_knows():
    assert set(run("Object.keys(GATES)")) == set(ELEMENTARY)


@pytest.mark.parametrize("name", ELEMENTARY)
def test_values_and_gradients_are_those_of_the_layer(name):
    graph, count = one_gate(name)
    traces, cases = [], []
    for k, x in enumerate(GRID):
        inputs = [x, *(GRID[(k + shift) % len(GRID)] for shift in (0, 5)[: count - 1])]
        for case in [inputs, [*inputs[1:], 0.25]] if count > 1 else [inputs]:
            try:
                with np.errstate(all="ignore"):
                    trace, found = circuit(graph, *case, dout=1.5)
            except ValueError:
                continue
            if found and math.isfinite(trace["x0"].gradient):
                traces.append(trace)
                cases.append(found)
    assert len(cases) >= 5
    for trace, numbers in zip(traces, run("a0.map(([n, d]) => passes(n, d))", cases), strict=True):
        for k, traced in enumerate(trace[node] for node in (*graph.inputs, graph.outputs[0])):
            close = {"rel": 1e-12, "abs": 1e-12}
            assert numbers[f"v{k}"] == pytest.approx(float(traced.value), **close)
            assert numbers[f"g{k}"] == pytest.approx(float(traced.gradient), **close)


def test_the_grid_leaves_out_only_what_a_layer_refuses():
    # Of one input; 0 and, for the logarithm, all below.
    refused = {}
    for name in ELEMENTARY:
        graph, count = one_gate(name)
        if count == 1:
            for x in GRID:
                try:
                    with np.errstate(all="ignore"):
                        graph.forward(np.array(x))
                except ValueError:
                    refused.setdefault(name, []).append(x)
    assert refused == {"Reciprocal": [0.0], "Log": [x for x in GRID if x <= 0]}
    for name, points in refused.items():
        assert run(f"a0.map((x) => GATES.{name}.value(x))", points) == ["NaN"] * len(points)


def test_forks_add_up_and_outputs_have_their_own_gradients():
    g = Graph()
    x, y = g.input("x"), g.input("y")
    q = (x * y).named("q")
    g.output(q, (q * x + q).named("r"), (y - 2).named("s"))
    trace, found = circuit(g, 3.0, -2.0, dout=(2.0, 0.5, None))
    numbers = run("passes(a0, a1)", *found)
    names = [node["name"] for node in found[0]]
    # r = x²y + xy: dr/dx = 2xy + y = -14, dr/dy = x² + x = 12; dq = (-2, 3).
    assert numbers[f"g{names.index('x')}"] == 2 * -2 + 0.5 * -14
    assert numbers[f"g{names.index('y')}"] == 2 * 3 + 0.5 * 12
    assert f"g{names.index('s')}" not in numbers
    assert (numbers["d0"], numbers["d1"]) == (2, 0.5)
    assert "d2" not in numbers
    for k, name in enumerate(names):
        for port, (sent, local) in enumerate(zip(trace[name].sent, trace[name].local, strict=True)):
            assert numbers[f"s{k}.{port}"] == float(sent)
            assert numbers[f"l{k}.{port}"] == float(local)


def test_constants_stay_where_they_are():
    g = Graph()
    g.output(layers.Tanh()(maximum(g.input("x"), 0.5)))
    trace, (nodes, dout) = circuit(g, 2.0)
    numbers = run("passes(a0, a1)", nodes, dout)
    place = {node["name"]: k for k, node in enumerate(nodes)}
    assert [node["name"] for node in nodes if node.get("slides")] == ["x"]
    assert numbers[f"v{place['constant1']}"] == 0.5
    assert numbers[f"g{place['x']}"] == pytest.approx(float(trace["x"].gradient), rel=1e-15)


def test_nothing_comes_back_from_where_there_is_no_value():
    g = Graph()
    x, y = g.input("x"), g.input("y")
    g.output(layers.Log()(x) + y)
    _, (nodes, dout) = circuit(g, 1.0, 2.0)
    for node in nodes:
        if node["name"] == "x":
            node["value"] = -1.0
    numbers = run("passes(a0, a1)", nodes, dout)
    names = [node["name"] for node in nodes]
    assert numbers[f"v{names.index('y')}"] == 2
    assert {numbers[f"g{names.index(name)}"] for name in "xy"} == {"NaN"}


def test_numbers_are_written_as_python_writes_them():
    rng = np.random.default_rng(0)
    ties = [0.125, 0.375, 0.625, 0.875, 2.125, 99999.125, 0.0625, 105000.0, 115000.0, 1.25e17]
    edges = [0.095, 0.0949999, 0.001, 0.00099999, 0.0096, 0.00995, 99999.49, 99999.5, 0.995]
    edges += [1e5, 9.96e-5, 9.95e-4, 5e-324, 1.7e308, 1e-100, 1e100]
    spread = [*10 ** rng.uniform(-12, 12, 1000), *(1 + np.arange(2000)) / 1000]
    numbers = [0.0, *(float(sign * x) for x in [*ties, *edges, *spread] for sign in (1, -1))]
    assert run("a0.map(brief)", numbers) == [brief(x) for x in numbers]
    assert run("[1 / 0, -1 / 0, 0 / 0].map(brief)") == ["inf", "-inf", "nan"]
    assert max(len(brief(x)) for x in numbers) == len("-99999.49")


class Stranger(layers.Tanh):
    """A gate that the page has not heard of."""


@pytest.mark.parametrize("dout", [(np.nan, 1.0), (None, np.inf), (-np.inf, None)])
def test_a_gradient_without_end_is_left_to_python(dout):
    g = Graph()
    x = g.input("x")
    g.output(x + 1, x * 2)
    assert circuit(g, 3.0, dout=(2.0, None))[1] is not None
    assert circuit(g, 3.0, dout=dout)[1] is None


@pytest.mark.parametrize(
    ("write", "inputs"),
    [
        (lambda x: layers.Tanh()(x), [np.ones(3)]),
        (lambda x: layers.Exp()(x), [800.0]),
        (lambda x: Stranger()(x), [1.0]),
        (lambda x: layers.Tanh()(x), [1e301]),
    ],
    ids=["an array", "a number without end", "a stranger's gate", "more than a slider moves"],
)
def test_other_graphs_are_left_to_python(write, inputs):
    g = Graph()
    g.output(write(g.input("x")))
    assert circuit(g, *inputs, dout=np.ones(np.shape(inputs[0])))[1] is None
