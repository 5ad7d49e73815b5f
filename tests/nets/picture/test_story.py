"""Both passes a step at a time, against the circuits of the lectures."""

import re

import numpy as np
import pytest

from chainrule.layers import MSE, Affine, Sigmoid
from chainrule.nets import Graph, circuits, sigmoid


def labels(svg):
    return dict(re.findall(r'data-key="(.*?)"[^>]*>(.*?)<', svg))


def caption(svg):
    """The sentence below a picture."""
    lines = re.findall(r"<text[^>]*>(.*?)</text>", svg.rpartition("<g fill")[2])
    return " ".join(lines)


def captions(picture):
    return [caption(picture.at(step)) for step in range(picture.steps + 1)]


@pytest.fixture
def sum_times():
    graph, inputs = circuits.sum_times()
    return graph.draw(*inputs)


def test_every_step_says_what_happens(sum_times):
    assert captions(sum_times) == [
        "Forward, from the left: each gate computes its value.",
        "q = x + y = 3.00",
        "f = q × z = -12.00",
        "Backward, from the outputs: f gets 1.00.",
        "f sends back gradient × local derivative = 1.00 × -4.00 = -4.00 to q, "
        "1.00 × 3.00 = 3.00 to z.",
        "q sends back gradient × local derivative = -4.00 × 1.00 = -4.00 to x, "
        "-4.00 × 1.00 = -4.00 to y.",
    ]


def test_numbers_show_when_they_are_known(sum_times):
    shown = [sorted(labels(sum_times.at(step)).values()) for step in range(6)]
    assert shown[0] == ["-2.00", "-4.00", "5.00"]
    assert shown[1] == sorted([*shown[0], "3.00"])
    assert shown[2] == sorted([*shown[1], "-12.00"])
    assert shown[3] == sorted([*shown[2], "1.00"])
    assert shown[4] == sorted([*shown[3], "-4.00", "3.00"])
    assert shown[5] == sorted([*shown[4], "-4.00", "-4.00"])
    assert labels(sum_times.at(5)) == labels(sum_times.svg)


def test_the_gate_at_work_stands_out(sum_times):
    fills = [
        dict(re.findall(r'data-node="(\w)".*?fill="(.*?)"', sum_times.at(k))) for k in range(6)
    ]
    at_rest = fills[0]
    assert fills[3] == at_rest
    changed = [{n for n in at_rest if fill[n] != at_rest[n]} for fill in fills]
    assert changed == [set(), {"q"}, {"f"}, set(), {"f"}, {"q"}]
    assert fills[1]["q"] != fills[5]["q"]  # forward and backward


def test_a_picture_does_not_move_from_step_to_step(sum_times):
    def still(svg):
        return re.findall(
            r'<svg.*?>|<rect [^/]*?rx="\d+"|<path.*?>', re.sub(r' fill=".*?"', "", svg)
        )

    assert len({tuple(still(sum_times.at(step))) for step in range(6)}) == 1


def test_a_fork_adds_up_what_comes_back():
    g = Graph()
    x = g.input("x")
    picture = g.output(x**2 + x).draw(3.0)
    told = captions(picture)
    assert told[1] == "x × x = 9.00"
    assert told[2] == "9.00 + x = 12.00"
    assert told[-2].startswith("The + gate sends back gradient × local derivative = 1.00 × 1.00 = ")
    assert told[-2].endswith("1.00 to the x² gate, 1.00 × 1.00 = 1.00 to x.")
    assert told[-1] == (
        "The x² gate sends back gradient × local derivative = 1.00 × 6.00 = 6.00 to x. "
        "At the fork of x: 1.00 + 6.00 = 7.00."
    )
    # Back along one branch 1, along the other 6; the gradient shows once both have come.
    assert "7.00" not in labels(picture.at(picture.steps - 1)).values()
    assert sorted(labels(picture.svg).values()) == sorted(
        ["3.00", "7.00", "1.00", "6.00", "9.00", "1.00", "12.00", "1.00"]
    )


def test_an_output_that_others_read_collects_its_own_gradient_too():
    g = Graph()
    x = g.input("x")
    q = (2 * x).named("q")
    picture = g.output(q, (3 * q).named("r")).draw(5.0, dout=(10.0, 1.0))
    told = captions(picture)
    assert told[1:3] == ["q = 2 × x = 10.00", "r = 3 × q = 30.00"]
    assert told[3] == "Backward, from the outputs: q gets 10.00, r gets 1.00."
    assert told[4].endswith("1.00 × 3.00 = 3.00 to q. At the fork of q: 10.00 + 3.00 = 13.00.")
    assert sorted(labels(picture.svg).values()) == sorted(
        ["5.00", "26.00", "10.00", "13.00", "10.00", "3.00", "30.00", "1.00"]
    )


def test_an_output_without_an_upstream_gradient_sends_nothing_back():
    g = Graph()
    x = g.input("x")
    picture = g.output((x + 1).named("p"), (x + 2).named("q")).draw(5.0, dout=(None, 1.0))
    assert captions(picture)[3:] == [
        "Backward, from the outputs: q gets 1.00.",
        "q sends back gradient × local derivative = 1.00 × 1.00 = 1.00 to x.",
    ]
    assert sorted(labels(picture.svg).values()) == ["1.00", "1.00", "1.00", "5.00", "6.00", "7.00"]


def test_without_any_upstream_gradient_the_turn_says_so():
    g = Graph()
    x = g.input("x")
    picture = g.output((x + 1).named("p"), (x + 2).named("q")).draw(5.0, dout=(None, None))
    assert captions(picture)[3:] == ["Backward, from the outputs: none of them gets a gradient."]
    assert sorted(labels(picture.svg).values()) == ["5.00", "6.00", "7.00"]


@pytest.mark.parametrize(
    ("write", "words", "gate"),
    [
        (lambda x: x - 1, "x − 1", "−1"),
        (lambda x: x + -0.25, "x − 0.25", "−0.25"),
        (lambda x: x + 1.5, "x + 1.5", "+1.5"),
        (lambda x: x - 1e-5, "x − 1e−05", "−1e−05"),
    ],
)
def test_a_shift_down_is_told_and_drawn_as_a_subtraction(write, words, gate):
    g = Graph()
    picture = g.output(write(g.input("x")).named("f")).draw(2.0)
    assert captions(picture)[1].startswith(f"f = {words} = ")
    assert f">{gate}<" in picture.svg


def test_arrays_are_told_by_shape_and_norm():
    g = Graph()
    x, y = g.input("x"), g.input("y")
    hidden = Affine(4, 4, rng=0)(x)
    picture = g.output(MSE()(Sigmoid()(hidden), y).named("loss")).draw(np.eye(4), np.ones((4, 4)))
    told = captions(picture)
    assert told[1].startswith("affine1 = Affine(x) = 4×4 ‖")
    assert told[2].startswith("sigmoid1 = σ(affine1) = 4×4 ‖")
    assert told[3].startswith("loss = MSE(sigmoid1, y) = 0.")
    assert told[-1].startswith("The Affine gate sends back 4×4 ‖")
    assert told[-1].endswith(" to x.")
    # The targets have a value, 4×4 of norm 4, and no gradient.
    assert "4×4 ‖4.00‖" in labels(picture.svg).values()
    assert len(labels(picture.svg)) == 2 * 5 - 1


def test_small_arrays_are_told_by_their_entries():
    graph, inputs = circuits.matrix_product()
    told = captions(graph.draw(*inputs, dout=circuits.DY))
    assert told[1] == "Y = X @ W = [[-1, -1, 2, 6], [5, 2, 11, 7]]"
    assert told[2].endswith("Y gets [[2, 3, -3, 9], [-8, 1, 4, 6]].")
    assert told[3].startswith("Y sends back [[0, 16, -9], [-24, 9, -30]] to X, [[28, 3, -18, 0], ")


def test_a_constant_is_told_as_its_number_and_gets_nothing_back():
    graph, _ = circuits.clipped_output()
    picture = graph.draw(0.25)
    assert captions(picture) == [
        "Forward, from the left: each gate computes its value.",
        "min(1, z) = 0.25",
        "f = max(0, 0.25) = 0.25",
        "Backward, from the outputs: f gets 1.00.",
        "f sends back gradient × local derivative = 1.00 × 1.00 = 1.00 to the min gate.",
        "The min gate sends back gradient × local derivative = 1.00 × 1.00 = 1.00 to z.",
    ]
    assert sorted(labels(picture.svg).values()) == ["0.25"] * 3 + ["1.00"] * 3
    assert {">0<", ">1<"} <= set(re.findall(r">[01]<", picture.svg))


def test_a_long_caption_is_broken_into_lines():
    g = Graph()
    picture = g.output((g.input("x") * g.input("y")).named("a name that takes room")).draw(2.0, 3.0)
    svg = picture.at(picture.steps)
    wide = float(re.search(r'width="(\d+)"', svg)[1])
    lines = re.findall(r"<text[^>]*>(.*?)</text>", svg.rpartition("<g fill")[2])
    assert len(lines) > 1
    assert all(16 + 7.2 * len(line) < wide for line in lines)


@pytest.mark.parametrize("step", [-1, 6, 1.0, "1", None])
def test_a_step_that_does_not_exist_is_refused(sum_times, step):
    with pytest.raises(ValueError, match=r"step is .*, expected an integer, 0 … 5"):
        sum_times.at(step)


def test_without_inputs_there_are_no_steps():
    picture = circuits.sum_times()[0].draw()
    assert labels(picture.svg) == {}
    for ask in (lambda: picture.steps, lambda: picture.at(0)):
        with pytest.raises(ValueError, match="draw the graph with its inputs"):
            ask()


def test_names_of_ones_own_show_and_made_up_ones_do_not():
    g = Graph()
    x = g.input("x")
    g.output(sigmoid((x + 1).named("add_one") * 2))
    svg = g.draw().svg
    assert ">add_one<" in svg
    assert "add1<" not in svg
    assert "sigmoid1<" not in svg


def test_a_strangers_class_is_called_by_its_name():
    class Scale(Sigmoid):
        """Not the library's, and without its setting."""

    g = Graph()
    x = g.input("x")
    picture = g.output(Scale()(x)).draw(0.0)
    assert ">Scale<" in picture.svg
    assert captions(picture)[1] == "Scale(x) = 0.50"
