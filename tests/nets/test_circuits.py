"""The circuits of the lectures give the numbers of the lectures."""

import math
from pathlib import Path

import numpy as np
import pytest

from chainrule.gradcheck import check
from chainrule.layers import Softplus
from chainrule.nets import circuits


def run(circuit, dout=None):
    graph, inputs = circuit()
    return graph.trace(*inputs, dout=dout)


def numbers(trace, names, what="gradient"):
    return [float(getattr(trace[name], what)) for name in names.split()]


def test_sum_times():
    trace = run(circuits.sum_times)
    assert numbers(trace, "q f", "value") == [3, -12]
    assert numbers(trace, "x y z q f") == [-4, -4, 3, -4, 1]
    assert trace["f"].local == (-4, 3)
    assert trace["q"].local == (1, 1)


def test_a_step_along_the_gradient_does_what_the_slopes_foretell():
    graph, inputs = circuits.sum_times()
    moved = [x + 0.01 * force for x, force in zip(inputs, (-4, -4, 3), strict=True)]
    assert moved == pytest.approx([-2.04, 4.96, -3.97], rel=1e-15)
    # 2.92 · -3.97, where the slopes say -12 + 0.01 (16 + 16 + 9) = -11.59.
    assert graph.forward(*moved)[0] == pytest.approx(-11.5924, rel=1e-14)


SLOPE = 0.19661193324148185  # σ(1) (1 - σ(1)), to 17 digits
NEURON = [-SLOPE, 2 * SLOPE, -2 * SLOPE, -3 * SLOPE, SLOPE]


@pytest.mark.parametrize("circuit", [circuits.sigmoid_neuron, circuits.staged_sigmoid_neuron])
def test_the_sigmoid_neuron_of_one_gate_and_of_five(circuit):
    trace = run(circuit)
    assert numbers(trace, "score f", "value") == pytest.approx([1, 0.7310585786300049], rel=1e-15)
    found = numbers(trace, "w0 x0 w1 x1 w2")
    assert found == pytest.approx(NEURON, rel=1e-14)
    assert [round(number, 2) for number in found] == [-0.20, 0.39, -0.39, -0.59, 0.20]
    assert trace["score"].gradient == pytest.approx(SLOPE, rel=1e-14)


def test_the_staged_neuron_on_its_way_back():
    graph, inputs = circuits.staged_sigmoid_neuron()
    trace = graph.trace(*inputs)
    chain = ["negate1", "exp1", "shift1", "f"]
    assert [round(float(trace[name].value), 2) for name in chain] == [-1, 0.37, 1.37, 0.73]
    assert [round(float(trace[name].gradient), 2) for name in chain] == [-0.2, -0.53, -0.53, 1]


def test_the_long_expression():
    trace = run(circuits.long_expression)
    assert trace["f"].value == pytest.approx(1.5456448841066441, rel=1e-15)
    assert numbers(trace, "x y") == pytest.approx(
        [2.0595697955721652, 1.5922327514838093], rel=1e-14
    )
    assert trace["num"].value == pytest.approx(3 + 1 / (1 + math.exp(4)), rel=1e-15)


def test_softplus_has_the_sigmoid_for_a_slope():
    trace = run(circuits.softplus)
    assert trace["f"].value == pytest.approx(1.3132616875182228, rel=1e-15)
    assert trace["x"].gradient == pytest.approx(0.7310585786300049, rel=1e-15)


def test_squared_distance():
    trace = run(circuits.squared_distance)
    assert trace["f"].value == 9
    np.testing.assert_array_equal(trace["x"].gradient, [-4, 2, 4])
    np.testing.assert_array_equal(trace["h"].gradient, [4, -2, -4])


def test_relu_regression():
    trace = run(circuits.relu_regression)
    assert trace["loss"].value == 5
    np.testing.assert_array_equal(trace["h"].value, [0, 7])
    np.testing.assert_array_equal(trace["W"].gradient, [[0, 0], [8, 4]])
    np.testing.assert_array_equal(trace["x"].gradient, [12, 4])
    np.testing.assert_array_equal(trace["b"].gradient, [0, 4])
    assert trace["y"].gradient is None


def test_matrix_product():
    trace = run(circuits.matrix_product, dout=circuits.DY)
    np.testing.assert_array_equal(trace["Y"].value, [[-1, -1, 2, 6], [5, 2, 11, 7]])
    np.testing.assert_array_equal(trace["X"].gradient, [[0, 16, -9], [-24, 9, -30]])
    np.testing.assert_array_equal(
        trace["W"].gradient, [[28, 3, -18, 0], [-30, 7, 13, 33], [-22, -7, 17, -15]]
    )


def test_vector_relu():
    trace = run(circuits.vector_relu, dout=circuits.DF)
    np.testing.assert_array_equal(trace["f"].value, [1, 0, 3, 0])
    np.testing.assert_array_equal(trace["f"].gradient, [4, -1, 5, 9])
    np.testing.assert_array_equal(trace["x"].gradient, [4, 0, 5, 0])
    np.testing.assert_array_equal(trace["f"].local[0], np.diag([1, 0, 1, 0]))
    assert str(trace).splitlines()[1].endswith("[4, 0, 5, 0]")  # not -0


def test_the_neuron_of_two_vectors():
    trace = run(circuits.dot_product_neuron)
    assert numbers(trace, "score f", "value") == pytest.approx([1, 0.7310585786300049], rel=1e-15)
    np.testing.assert_allclose(trace["w"].gradient, SLOPE * np.array([-1, -2, 1]), rtol=1e-14)
    np.testing.assert_allclose(trace["x"].gradient, SLOPE * np.array([2, -3, -3]), rtol=1e-14)


def test_the_perceptron_learns_from_its_mistake_alone():
    graph, inputs = circuits.perceptron()
    trace = graph.trace(*inputs)
    assert numbers(trace, "s loss", "value") == [-1, 1]
    assert numbers(trace, "w0 w1 b x0 x1") == [-1, -3, -1, -2, 1]
    right = graph.trace(2.0, 3.0, -1.0, 1.0, 0.0)  # s = 5
    assert right["loss"].value == 0
    assert numbers(right, "w0 w1 b x0 x1") == [0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("z", "value", "slope"), [(-0.5, 0, 0), (1.7, 1, 0), (0.25, 0.25, 1), (0.75, 0.75, 1)]
)
def test_the_clipped_output_has_a_slope_in_the_middle_alone(z, value, slope):
    trace = circuits.clipped_output()[0].trace(z)
    assert (trace["f"].value, trace["z"].gradient) == (value, slope)


def test_three_factors():
    trace = run(circuits.three_factors)
    assert trace["f"].value == 30
    assert numbers(trace, "a b c") == [15, 10, 6]


def test_squared_sum():
    trace = run(circuits.squared_sum)
    assert numbers(trace, "q f", "value") == [3, 9]
    assert numbers(trace, "x y q") == [6, 6, 6]


def test_quadratic_form():
    trace = run(circuits.quadratic_form)
    assert trace["f"].value == 131
    assert numbers(trace, "a b c") == [16, 20, 25]
    assert numbers(trace, "x y") == [18, 38]
    assert list(circuits.quadratic_form()[0].params) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("circuit", "value", "gradients"),
    [
        (circuits.add_gate, -1, [1, 1]),
        (circuits.multiply_gate, -12, [-4, 3]),
        (circuits.max_gate, 3, [1, 0]),
    ],
)
def test_the_gates_alone(circuit, value, gradients):
    trace = run(circuit)
    assert trace["f"].value == value
    assert numbers(trace, "x y") == gradients


def test_an_input_used_twice_collects_from_both_paths():
    trace = run(circuits.used_twice)
    assert trace["f"].value == 12
    assert trace["square1"].sent == (6,)
    assert trace["x"].gradient == 7


def test_a_scaled_input_scales_the_gradient_of_its_weight():
    trace = run(circuits.scaled_input)
    assert trace["f"].value == 6000
    assert numbers(trace, "w x scale1") == [3000, 2000, 2]


def test_the_weights_of_a_convolution_collect_from_all_places():
    trace = run(circuits.convolution)
    assert numbers(trace, "y0 y1 f", "value") == [-1, 4, -4]
    assert numbers(trace, "y0 y1") == [4, -1]
    assert numbers(trace, "w0 w1") == [1, 10]
    assert numbers(trace, "x0 x1 x2") == [8, -6, 1]


@pytest.mark.parametrize("circuit", circuits.GALLERY.values(), ids=circuits.GALLERY)
def test_the_gradient_checker_agrees(circuit):
    graph, inputs = circuit()
    report = check(graph, *map(np.asarray, inputs), effort="quick")
    assert report, str(report)


def test_the_softplus_of_three_gates_overflows_where_the_layer_does_not():
    graph, _ = circuits.softplus()
    with np.errstate(over="ignore"):
        assert graph.forward(800.0)[0] == np.inf
    assert Softplus().forward(800.0)[0] == 800


def test_every_circuit_says_its_numbers():
    for circuit in circuits.GALLERY.values():
        assert circuit.__doc__.startswith(("f = ", "loss = ", "Y = ")), circuit


def test_the_pictures_in_the_readme_are_those_of_today(tmp_path, capsys):
    assert circuits.main([str(tmp_path), "--svg"]) == 0
    assert "21 circuits" in capsys.readouterr().out
    kept = Path(__file__).parents[2] / "docs" / "circuits"
    names = sorted(path.name for path in kept.iterdir())
    assert names == sorted(path.name for path in tmp_path.iterdir())
    for name in names:
        assert (kept / name).read_text("utf-8") == (tmp_path / name).read_text("utf-8"), (
            "write them anew: chainrule circuits --svg docs/circuits"
        )


def test_the_site_counts_them():
    page = Path(__file__).parents[2] / "docs" / "site" / "networks.md"
    assert f"and more, {len(circuits.GALLERY)} circuits of lectures" in page.read_text("utf-8")


def test_pages_come_with_the_pictures(tmp_path):
    assert circuits.main([str(tmp_path / "new")]) == 0
    assert len(list((tmp_path / "new").glob("*.html"))) == len(circuits.GALLERY)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert circuits.main([str(tmp_path / "file" / "new")]) == 1
    assert capsys.readouterr().err.endswith("file/new: cannot be written: Not a directory\n")
