import re

import numpy as np
import pytest

from chainrule.layers import MatMul


def test_the_example_of_the_lecture_has_the_gradients_of_the_lecture(dtype):
    X = np.array([[2, 1, -3], [-3, 4, 2]], dtype)
    W = np.array([[3, 2, 1, -1], [2, 1, 3, 2], [3, 2, 1, -2]], dtype)
    Y, cache = MatMul().forward(X, W)
    (dX, dW), _ = MatMul().backward(np.array([[2, 3, -3, 9], [-8, 1, 4, 6]], dtype), cache)
    np.testing.assert_array_equal(Y, [[-1, -1, 2, 6], [5, 2, 11, 7]])
    np.testing.assert_array_equal(dX, [[0, 16, -9], [-24, 9, -30]])
    np.testing.assert_array_equal(dW, [[28, 3, -18, 0], [-30, 7, 13, 33], [-22, -7, 17, -15]])


@pytest.mark.parametrize(
    ("a", "b", "out", "dout", "da", "db"),
    [
        ([1, 2, 3], [4, 5, 6], 32, 2, [8, 10, 12], [2, 4, 6]),
        ([[1, 2], [3, 4]], [5, 6], [17, 39], [1, 10], [[5, 6], [50, 60]], [31, 42]),
        ([5, 6], [[1, 3], [2, 4]], [17, 39], [1, 10], [31, 42], [[5, 50], [6, 60]]),
    ],
    ids=["vector, vector", "matrix, vector", "vector, matrix"],
)
def test_a_vector_counts_as_one_row_or_one_column(a, b, out, dout, da, db):
    got, cache = MatMul().forward(np.array(a, float), np.array(b, float))
    gradients, _ = MatMul().backward(np.array(dout, float), cache)
    np.testing.assert_array_equal(got, out)
    np.testing.assert_array_equal(gradients[0], da)
    np.testing.assert_array_equal(gradients[1], db)


def test_a_matrix_that_meets_a_whole_stack_collects_a_gradient_from_each_product():
    stack, column = np.array([[[1.0, 2]], [[3, 4]]]), np.array([[5.0], [6]])
    out, cache = MatMul().forward(stack, column)
    (da, db), _ = MatMul().backward(np.array([[[1.0]], [[10]]]), cache)
    np.testing.assert_array_equal(out, [[[17]], [[39]]])
    np.testing.assert_array_equal(da, [[[5, 6]], [[50, 60]]])
    np.testing.assert_array_equal(db, [[31], [42]])


@pytest.mark.parametrize(
    ("a", "b"), [((2, 3), (2, 3)), ((3,), (2,)), ((2, 1, 3), (4, 3, 5)), ((), (3,))]
)
def test_shapes_that_do_not_multiply_are_refused(a, b):
    message = f"MatMul(): a has shape {a} and b has {b}, expected (…, N, K) and (…, K, M)"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        MatMul().forward(np.zeros(a), np.zeros(b))


def test_inputs_of_two_dtypes_are_refused():
    with pytest.raises(TypeError, match=r"^MatMul\(\): a has dtype float32 but b has float64"):
        MatMul().forward(np.zeros((2, 2), np.float32), np.zeros((2, 2)))
