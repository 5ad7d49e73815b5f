import math

import numpy as np
import pytest

from chainrule.layers import Softmax


def ulps(dtype):
    return 8 * np.finfo(dtype).eps


def test_out_and_gradient_are_the_hand_worked_ones(dtype):
    out, cache = Softmax().forward(np.array([[0, math.log(2), math.log(5)]], dtype))
    dx, _ = Softmax().backward(np.array([[8, 0, 0]], dtype), cache)
    np.testing.assert_allclose(out, [[1 / 8, 2 / 8, 5 / 8]], rtol=ulps(dtype))
    np.testing.assert_allclose(dx, [[7 / 8, -2 / 8, -5 / 8]], rtol=ulps(dtype))


def test_it_runs_over_the_last_axis_of_sequences():
    out, _ = Softmax().forward(np.array([[[0, 0]], [[0, math.log(3)]]]))
    np.testing.assert_allclose(out, [[[0.5, 0.5]], [[0.25, 0.75]]], rtol=1e-15)


@np.errstate(over="raise", divide="raise", invalid="raise")
def test_at_ten_thousand_nothing_overflows_and_rows_sum_to_1(dtype):
    out, cache = Softmax().forward(np.array([[1e4, -1e4], [-1e4, -1e4], [1e4, 1e4]], dtype))
    dx, _ = Softmax().backward(np.array([[1, 0]] * 3, dtype), cache)
    np.testing.assert_array_equal(out, [[1, 0], [0.5, 0.5], [0.5, 0.5]])
    np.testing.assert_array_equal(dx, [[0, 0], [0.25, -0.25], [0.25, -0.25]])
    wild = 1e4 * np.random.default_rng(0).standard_normal((20, 1000))
    out, _ = Softmax().forward(np.concatenate([wild, wild / 1e4]).astype(dtype))
    np.testing.assert_allclose(out.sum(axis=1), np.ones(40), rtol=20 * np.finfo(dtype).eps)


def test_a_constant_added_to_a_row_changes_nothing(dtype):
    x = np.array([[0, 1, -2, 3.5]], dtype)
    np.testing.assert_array_equal(Softmax().forward(x)[0], Softmax().forward(x - 4096)[0])


def test_a_tiny_probability_keeps_its_digits(dtype):
    out, _ = Softmax().forward(np.array([[0, -80]], dtype))
    np.testing.assert_allclose(out[0, 1], 1.8048513878454153e-35, rtol=ulps(dtype))


def test_a_dout_that_is_the_same_for_all_classes_gives_no_gradient(dtype):
    _, cache = Softmax().forward(np.array([[1, 2, 3], [-4, 0, 4]], dtype))
    dx, _ = Softmax().backward(np.full((2, 3), 5, dtype), cache)
    np.testing.assert_allclose(dx, np.zeros((2, 3)), atol=ulps(dtype))


def test_no_classes_are_refused():
    with pytest.raises(
        ValueError, match=r"x has shape \(2, 0\), expected \(N, C\) with C at least 1"
    ):
        Softmax().forward(np.zeros((2, 0)))
