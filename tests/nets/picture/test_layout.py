"""What is drawn where: read from the SVG itself, with nothing of the code that placed it."""

import re
import sys
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.layers import Add, LeakyReLU, Max, Min, Multiply, ReLU, Scale, Square, Subtract, Tanh
from chainrule.nets import Graph, circuits, maximum, sigmoid
from chainrule.nets.picture import Picture

SVG = "{http://www.w3.org/2000/svg}"
GATES = [Add(), Subtract(), Multiply(), Max(), ReLU(), Tanh(), Square(), Scale(-0.25), LeakyReLU()]
GATES += [Min()]


def text_box(element):
    """Left, top, right, bottom of a text in a monospaced font, of one line or several."""
    lines = element.findall(f"{SVG}tspan")
    x, y = float((lines or [element])[0].get("x")), float(element.get("y"))
    rises = [float(line.get("dy")) for line in lines] or [0.0]
    size = float(element.get("font-size", 12))
    wide = 0.6 * size * max(len(line.text) for line in lines or [element])
    left = x - {"start": 0, "middle": wide / 2, "end": wide}[element.get("text-anchor", "start")]
    return left, y + rises[0] - 0.8 * size, left + wide, y + sum(rises) + 0.2 * size


def read(svg):
    """The boxes of gates and of other texts, and the wires as points, of a picture."""
    root = ElementTree.fromstring(svg)
    gates, texts = [], []
    for gate in root.iter(f"{SVG}g"):
        if gate.get("data-node") is not None:
            rect = gate.find(f"{SVG}rect")
            x, y, w, h = (float(rect.get(name)) for name in ("x", "y", "width", "height"))
            gates.append((x, y, x + w, y + h))
            inner = gate.find(f"{SVG}text")
            inner.set("text-anchor", "middle")
            left, top, right, bottom = text_box(inner)
            assert x < left
            assert right < x + w
            assert y < top
            assert bottom < y + h
        elif gate.get("font-style") == "italic":
            for name in gate:
                name.set("text-anchor", "middle")
                texts.append(text_box(name))
    texts += [text_box(e) for e in root.iter(f"{SVG}text") if e.get("data-key")]
    wires = [points(e.get("d")) for e in root.iter(f"{SVG}path") if "z" not in e.get("d")]
    return root, gates, texts, wires


def points(data):
    """Points along a path of moves, level lines and cubic curves."""
    found = []
    for letter, numbers in re.findall(r"([MHC])([^MHC]*)", data):
        values = [float(one) for one in re.split("[ ,]", numbers.strip())]
        if letter == "M":
            found = [tuple(values)]
        elif letter == "H":
            x, y = found[-1]
            found += [(one, y) for one in np.linspace(x, values[0], 60)]
        else:
            p = np.array([found[-1], *np.reshape(values, (3, 2))])
            for t in np.linspace(0, 1, 60):
                found.append(
                    tuple(p.T @ [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3])
                )
    return np.array(found)


def overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def assert_nothing_lies_on_anything(svg):
    root, gates, texts, wires = read(svg)
    for one, other in combinations(gates + texts, 2):
        assert not overlap(one, other), (one, other)
    wide, high = float(root.get("width")), float(root.get("height"))
    for left, top, right, bottom in gates + texts:
        assert left >= 0
        assert top >= 0
        assert right <= wide
        assert bottom <= high
    left, top, right, bottom = np.array(gates + texts).T + np.array([[0.2], [0.2], [-0.2], [-0.2]])
    for wire in wires:
        x, y = wire.T[:, :, np.newaxis]
        inside = (x > left) & (x < right) & (y > top) & (y < bottom)
        assert not inside[:, len(gates) :].any()
        for gate in np.flatnonzero(inside.any(axis=0)):
            # A wire ends at its own gate, whose sides are round, and touches no other.
            assert inside[-1, gate]
            assert np.all(x[inside[:, gate], 0] < left[gate] + 20)


def random_graph(number, seed):
    """A graph of so many nodes or a few more, with its inputs."""
    rng = np.random.default_rng(seed)
    g = Graph()
    nodes = [g.input(name) for name in ("x", "a <long> & 'quoted' name", "z")[: rng.integers(1, 4)]]
    nodes += [g.param(name, np.array(0.5)) for name in ("w", "bias")[: rng.integers(3)]]
    unused = list(nodes)
    while len(nodes) < number:
        op = GATES[rng.integers(len(GATES))]
        pick = [unused[rng.integers(len(unused))], nodes[rng.integers(len(nodes))]]
        sources = pick if isinstance(op, (Add, Subtract, Multiply, Max, Min)) else pick[:1]
        if len(unused) > 4:
            op, sources = Add(), unused[:2]
        node = op(*sources)
        if rng.random() < 0.4:
            node.named("name" * rng.integers(1, 5) + str(len(nodes)))
        unused = [one for one in unused if one not in sources] + [node]
        nodes.append(node)
    more = [nodes[k] for k in rng.integers(len(nodes), size=rng.integers(3))]
    return g.output(*dict.fromkeys([*unused, *more])), list(rng.uniform(-3, 3, len(g.inputs)))


graphs = st.builds(random_graph, st.integers(3, 40), st.integers(0, 2**32))


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(graphs)
def test_no_label_lies_on_a_label_a_gate_or_a_wire(case):
    graph, inputs = case
    assert_nothing_lies_on_anything(Picture(graph).svg)
    assert_nothing_lies_on_anything(Picture(graph, inputs).svg)


SHAPES = [(), (3,), (4, 1), (1, 3), (4, 3)]  # which all go together, and are written out


@settings(deadline=None, max_examples=15)
@given(graphs, st.integers(0, 2**32))
def test_no_matrix_lies_on_anything(case, seed):
    graph, inputs = case
    rng = np.random.default_rng(seed)
    arrays = [x * np.ones(SHAPES[rng.integers(len(SHAPES))]) for x in inputs]
    assert_nothing_lies_on_anything(Picture(graph, arrays).svg)


@pytest.mark.parametrize("name", circuits.GALLERY)
def test_in_the_circuits_of_the_lectures_nothing_lies_on_anything(name):
    graph, inputs = circuits.GALLERY[name]()
    assert_nothing_lies_on_anything(graph.draw(*inputs, dout=circuits.UPSTREAM.get(name)).svg)


@pytest.fixture(scope="module")
def page_of(tmp_path_factory):
    """The SVG within the page of a picture."""

    def svg(picture):
        path = tmp_path_factory.mktemp("page") / "page.html"
        picture.save(path)
        return re.search(r"<svg.*</svg>", path.read_text(encoding="utf-8"), re.S)[0]

    return svg


@settings(deadline=None, max_examples=20)
@given(case=graphs)
def test_in_a_page_there_is_room_for_the_longest_number_everywhere(case, page_of):
    svg = page_of(Picture(case[0], case[1]))
    assert_nothing_lies_on_anything(re.sub(r"(data-key[^>]*>)[^<]*", r"\g<1>-99999.49", svg))


def test_arrays_layers_and_many_inputs_fit_too():
    class Three(Add):
        def forward(self, a, b, c, *, train=True):
            return a + b + c, None

        def backward(self, dout, cache):
            return (dout, dout, dout), {}

    rng = np.random.default_rng(0)
    g = Graph()
    x = g.input("x")
    h = sigmoid(x @ g.param("a long name for W", rng.standard_normal((4, 4))))
    g.output(Three()(x, h, (x * h).named("a longer name than its gate")))
    svg = Picture(g, [rng.standard_normal((100, 4))]).svg
    assert_nothing_lies_on_anything(svg)
    assert ">Three<" in svg
    assert ">100×4 ‖" in svg


def calls_of(function):
    """How many calls of Python functions `function` makes, which unlike its time is always the
    same."""
    count = 0

    def profile(_frame, event, _argument):
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


def test_a_large_circuit_is_drawn_with_bounded_work_and_nothing_lies_on_anything():
    # 100 wires of x pass through up to 150 columns, which makes 8000 places to put in order. It
    # takes 3 million calls, and with the thorough search that a small circuit gets 9 million.
    rng = np.random.default_rng(1)
    g = Graph()
    nodes = [g.input("x")]
    for k in range(150):
        other = nodes[0] if k < 100 else nodes[rng.integers(len(nodes))]
        nodes.append(GATES[rng.integers(4)](nodes[-1], other))
    picture = Picture(g.output(nodes[-1]))
    assert calls_of(lambda: picture.layout) < 4_500_000
    assert_nothing_lies_on_anything(picture.svg)


def test_an_input_of_many_gates_is_drawn_with_bounded_work():
    g = Graph()
    x = g.input("x")
    picture = Picture(g.output(*(Tanh()(x) for _ in range(500))))
    assert calls_of(lambda: picture.layout) < 6_000_000


def centre(svg, node):
    root = ElementTree.fromstring(svg)
    (gate,) = [g for g in root.iter(f"{SVG}g") if g.get("data-node") == node]
    text = gate.find(f"{SVG}text")
    return float(text.get("x")), float(text.get("y"))


def test_a_chain_is_drawn_with_straight_wires():
    g = Graph()
    g.output(sigmoid(Tanh()(g.input("x") ** 2)))
    assert all("C" not in d for d in re.findall(r'<path d="(.*?)"', Picture(g, [1.0]).svg))


def test_an_input_stands_just_before_its_first_consumer():
    graph, inputs = circuits.sum_times()
    svg = Picture(graph, inputs).svg
    assert centre(svg, "z")[0] == centre(svg, "q")[0]
    assert centre(svg, "x")[0] == centre(svg, "y")[0] < centre(svg, "q")[0]
    assert centre(svg, "q")[0] < centre(svg, "f")[0]


def crossings(svg):
    """How often the wires of a picture cross."""
    wires = read(svg)[3]
    count = 0
    for one, other in combinations(wires, 2):
        x = np.linspace(max(one[0, 0], other[0, 0]), min(one[-1, 0], other[-1, 0]), 2000)
        if x[0] < x[-1]:
            gap = np.interp(x, *one.T) - np.interp(x, *other.T)
            gap = gap[abs(gap) > 0.5]
            count += int((np.sign(gap[1:]) != np.sign(gap[:-1])).sum())
    return count


def test_wires_that_need_not_cross_do_not():
    g = Graph()
    a, b, c, d = (g.input(name) for name in "abcd")
    # Written in an order that crosses everything.
    g.output((d + a).named("p"), (c * b).named("q"), (b - d).named("r"), a**2)
    assert crossings(Picture(g, [1.0, 2.0, 3.0, 4.0]).svg) == 0


def test_the_inputs_of_a_difference_keep_their_order_and_those_of_a_sum_need_not():
    def drawn(write):
        g = Graph()
        g.output(*write(g.input("a"), g.input("b")))
        return crossings(Picture(g, [1.0, 2.0]).svg)

    # Two wires to each of two gates cross once at least, and once more for the twisted pair.
    assert drawn(lambda a, b: (a + b, b + a)) == 1
    assert drawn(lambda a, b: (a - b, b - a)) == 2


def test_circuits_that_nothing_joins_stand_close_together():
    g = Graph()
    for name in "abcdefgh":
        g.input(name)
    g.output(*(g.add(f"f{name}", Tanh(), name) for name in "abcdefgh"))
    heights = sorted(centre(Picture(g).svg, name)[1] for name in "abcdefgh")
    assert np.all(np.diff(heights) < 70)


def test_a_double_edge_is_drawn_as_two_wires_each_with_what_it_sends_back():
    g = Graph()
    x = g.input("x")
    g.output(x * x)
    svg = Picture(g, [3.0]).svg
    assert len(re.findall(r">3\.00<", svg)) == 3  # the value, and back along either wire
    assert len(re.findall(r">6\.00<", svg)) == 1
    assert len(re.findall(r"\dC\d", svg)) == 1


def test_parameters_look_different_from_inputs():
    g = Graph()
    g.output(g.input("x") * g.param("w", np.array(1.0)))
    x, w = re.findall(r"<rect [^>]*(rx=.*?)/>", Picture(g).svg)[1:3]
    assert x != w


def test_a_constant_is_a_number_in_a_box_without_a_label():
    g = Graph()
    g.output(maximum(0.5, g.input("x")))
    root = ElementTree.fromstring(Picture(g, [1.0]).svg)
    assert "0.5" in [text.text for text in root.iter(f"{SVG}text") if not text.get("data-key")]
    assert len([text for text in root.iter(f"{SVG}text") if text.get("data-key")]) == 4


def test_a_matrix_has_a_line_for_each_row_its_value_above_the_wire_and_its_gradient_below():
    graph, inputs = circuits.matrix_product()
    root = ElementTree.fromstring(graph.draw(*inputs, dout=circuits.DY).svg)
    found = {text.get("data-key"): text for text in root.iter(f"{SVG}text")}
    wire = float(root.find(f".//{SVG}g[@data-node='X']/{SVG}rect").get("y")) + 13  # half of it
    value, gradient = (
        [line.text.replace("\N{NO-BREAK SPACE}", " ") for line in found[key]]
        for key in ("v0", "g0")
    )
    assert value == ["[ 2, 1, -3]", "[-3, 4,  2]"]
    assert gradient == ["[  0, 16,  -9]", "[-24,  9, -30]"]
    assert text_box(found["v0"])[3] < wire < text_box(found["g0"])[1]
