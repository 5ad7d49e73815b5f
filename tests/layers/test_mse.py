import re

import numpy as np
import pytest

from chainrule.layers import MSE


@pytest.mark.parametrize(
    ("reduction", "dout", "loss", "doutputs"),
    [
        ("mean", 1, 3.5, [[0.5, 0], [-1, 1.5]]),
        ("sum", 1, 14, [[2, 0], [-4, 6]]),
        ("mean", -4, 3.5, [[-2, 0], [4, -6]]),
    ],
)
def test_the_loss_averages_over_all_elements_and_is_the_hand_worked_one(
    dtype, reduction, dout, loss, doutputs
):
    layer = MSE(reduction)
    out, cache = layer.forward(np.array([[1, 2], [3, 4]], dtype), [[0, 2], [5, 1]])
    np.testing.assert_array_equal(out, loss)
    np.testing.assert_array_equal(layer.backward(dout, cache)[0], doutputs)


@np.errstate(over="raise", divide="raise", invalid="raise")
def test_errors_of_ten_thousand_are_squared_exactly(dtype):
    layer = MSE()
    out, cache = layer.forward(np.array([1e4, -1e4], dtype), np.array([0, 0], dtype))
    np.testing.assert_array_equal(out, 1e8)
    np.testing.assert_array_equal(layer.backward(1, cache)[0], [1e4, -1e4])


def test_a_column_of_outputs_is_compared_with_a_vector_of_targets_and_not_broadcast(dtype):
    layer = MSE()
    out, cache = layer.forward(np.array([[1], [2], [3]], dtype), [1.0, 0, 6])
    np.testing.assert_allclose(out, 13 / 3, rtol=8 * np.finfo(dtype).eps)
    dscores, _ = layer.backward(3, cache)
    np.testing.assert_allclose(dscores, [[0], [4], [-6]], rtol=8 * np.finfo(dtype).eps)


def test_labels_ask_for_1_in_the_column_of_the_class_and_for_0_elsewhere(dtype):
    layer = MSE("sum")
    out, cache = layer.forward(np.array([[3, 1], [0.5, 1]], dtype), [0, 1])
    np.testing.assert_array_equal(out, 5.25)  # errors 2, 1 and 1/2, 0
    np.testing.assert_array_equal(layer.backward(1, cache)[0], [[4, 2], [1, 0]])


def test_labels_that_name_no_class_are_refused():
    with pytest.raises(ValueError, match=r"^MSE.*targets\[1\] is 2, expected a label from 0 to 1$"):
        MSE().forward(np.zeros((2, 2)), [0, 2])


@pytest.mark.parametrize("shape", [(2,), (1, 3), (3, 2), (3, 1, 1), ()])
def test_targets_of_another_shape_are_refused_not_broadcast(shape):
    message = (
        f"MSE(reduction='mean'): targets has shape {shape}, expected (3, 1), the shape of what"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        MSE().forward(np.zeros((3, 1)), np.zeros(shape))


def test_outputs_that_are_no_floats_are_refused_by_their_own_name():
    with pytest.raises(TypeError, match=r"outputs has dtype int64.*outputs\.astype"):
        MSE().forward(np.array([1, 2]), np.array([1.0, 2.0]))


def test_the_mean_over_rows_without_columns_is_refused_too():
    with pytest.raises(ValueError, match="mean over an empty batch"):
        MSE().forward(np.zeros((3, 0)), np.zeros((3, 0)))
