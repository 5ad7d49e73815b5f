import re

import numpy as np
import pytest

from chainrule.layers import Affine, Dropout, Softmax, Sum
from chainrule.nets import Graph, circuits
from chainrule.nets.trace import block, brief


def test_a_trace_prints_what_a_lecture_writes_on_the_board():
    graph, inputs = circuits.sum_times()
    assert str(graph.trace(*inputs)).splitlines() == [
        "node  operation         value   local derivatives  gradient",
        "x     input             -2.00                      -4.00",
        "y     input             5.00                       -4.00",
        "z     input             -4.00                      3.00",
        "q     Add()(x, y)       3.00    1.00, 1.00         -4.00",
        "f     Multiply()(q, z)  -12.00  -4.00, 3.00        1.00",
    ]


def test_arrays_print_by_their_entries_and_large_jacobians_by_their_shape():
    graph, inputs = circuits.relu_regression()
    cells = [re.split("  +", line) for line in str(graph.trace(*inputs)).splitlines()]
    assert cells[1] == ["W", "input", "[[1, -2], [3, 1]]", "[[0, 0], [8, 4]]"]
    assert cells[4] == ["y", "input", "[1, 5]", "none"]
    # ∂(W x)/∂x is W; ∂(W x)/∂W has three axes.
    product = ["matmul1", "MatMul()(W, x)", "[0, 7]", "2×2×2, [[1, -2], [3, 1]]", "[0, 4]"]
    assert cells[5] == product
    assert cells[7] == ["h", "ReLU()(add1)", "[0, 7]", "[[0, 0], [0, 1]]", "[-2, 4]"]


def test_larger_arrays_print_by_shape_and_norm():
    g = Graph()
    g.output(Sum()(g.input("x") ** 2))
    lines = str(g.trace(np.full((4, 4), 2.0))).splitlines()
    assert [re.split("  +", line)[2:] for line in lines[1:]] == [
        ["4×4 ‖8.00‖", "4×4 ‖16.00‖"],
        ["4×4 ‖16.00‖", "4×4×4×4", "4×4 ‖4.00‖"],
        ["64.00", "4×4", "1.00"],
    ]


def test_it_is_a_mapping_in_the_order_of_writing():
    graph, inputs = circuits.sum_times()
    trace = graph.trace(*inputs)
    assert list(trace) == ["x", "y", "z", "q", "f"]
    assert len(trace) == 5
    assert trace["q"].inputs == ["x", "y"]
    assert trace["x"].op is None
    assert "w" not in trace


def test_what_the_branches_send_back_adds_up_at_a_fork():
    graph, inputs = circuits.used_twice()
    trace = graph.trace(*inputs)
    assert (trace["square1"].sent, trace["f"].sent) == ((6,), (1, 1))
    assert trace["x"].gradient == 6 + 1


def test_the_local_derivatives_of_arrays_are_jacobians():
    g = Graph()
    p = Softmax()(g.input("x")).named("p")
    g.output(Sum()(p))
    trace = g.trace(np.log([[1.0, 2.0, 5.0]]))
    share = np.array([1, 2, 5]) / 8
    expected = np.diag(share) - np.outer(share, share)
    np.testing.assert_allclose(trace["p"].local[0].reshape(3, 3), expected, atol=1e-16)
    np.testing.assert_array_equal(trace["sum1"].local[0], np.ones((1, 3)))
    assert trace["x"].local == ()


def test_a_jacobian_beyond_reason_is_refused():
    g = Graph()
    g.output(Affine(200, 200, rng=0)(g.input("x")))
    trace = g.trace(np.ones((20, 200)))
    with pytest.raises(ValueError, match="affine1: its local derivatives have 16,000,000 entries"):
        _ = trace["affine1"].local


def test_the_upstream_gradient_can_be_given():
    graph, inputs = circuits.sum_times()
    trace = graph.trace(*inputs, dout=-2.0)
    assert (trace["x"].gradient, trace["z"].gradient) == (8, -6)


def test_a_trace_looks_at_the_inference_pass_unless_told():
    g = Graph()
    g.output(Dropout(0.5, rng=0)(g.input("x")))
    x = np.ones(100)
    assert g.trace(x)["dropout1"].value.sum() == 100
    assert set(g.trace(x, train=True)["dropout1"].value) == {0, 2}


def test_plain_integers_are_taken_as_numbers():
    graph, _ = circuits.sum_times()
    assert graph.trace(-2, 5, -4)["f"].value == -12


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.00"),
        (-0.0, "0.00"),
        (-12, "-12.00"),
        (0.7310585, "0.73"),
        (-0.19661, "-0.20"),
        (0.0951, "0.10"),
        (0.0949, "0.095"),
        (0.0012345, "0.0012"),
        (-0.00012345, "-1.2e-04"),
        (99999.4, "99999.40"),
        (99999.6, "1.0e+05"),
        (-1e300, "-1.0e+300"),
        (np.inf, "inf"),
        (np.nan, "nan"),
        (np.float32(2.5), "2.50"),
        (np.array([3.0, -0.0]), "[3, 0]"),
        (np.array([3.0, -0.0, 0.25]), "[3.00, 0.00, 0.25]"),
        (np.array([[1, 2], [3, 4]]), "[[1, 2], [3, 4]]"),
        (np.array([1e6, np.inf]), "[1.0e+06, inf]"),
        (np.array([np.nan]), "[nan]"),
        (np.ones(13), "13 ‖3.61‖"),
        (np.ones((1, 2, 2)), "1×2×2 ‖2.00‖"),
        (np.zeros((0, 3)), "0×3 ‖0.00‖"),
    ],
)
def test_values_in_a_few_characters(value, text):
    assert brief(value) == text


def test_a_matrix_stands_in_a_picture_with_its_columns_below_one_another():
    matrix = np.array([[0.0, 16, -9], [-24, 9, -30]])
    assert block(matrix) == "[  0, 16,  -9]\n[-24,  9, -30]"
    assert block(matrix[0]) == "[0, 16, -9]"
    assert block(np.ones((4, 4))) == "4×4 ‖4.00‖"
