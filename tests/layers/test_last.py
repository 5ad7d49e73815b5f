import numpy as np
import pytest

from chainrule.layers import Last

X = np.arange(12.0).reshape(2, 3, 2)


def test_the_last_step_or_that_of_each_length_comes_out_and_gets_the_gradient():
    out, cache = Last().forward(X)
    np.testing.assert_array_equal(out, [[4, 5], [10, 11]])
    dx, _ = Last().backward(np.ones((2, 2)), cache)
    np.testing.assert_array_equal(dx[:, :2], 0)
    np.testing.assert_array_equal(dx[:, 2], 1)
    out, cache = Last().forward(X, np.array([1, 3]))
    np.testing.assert_array_equal(out, [[0, 1], [10, 11]])
    dx, _ = Last().backward(np.ones((2, 2)), cache)
    np.testing.assert_array_equal(dx.sum(axis=2), [[2, 0, 0], [0, 0, 2]])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([np.ones((2, 3))], r"x has shape \(2, 3\), expected \(N, T, D\), T at least 1"),
        ([np.ones((2, 0, 3))], r"x has shape \(2, 0, 3\)"),
        ([X, np.array([1, 4])], r"lengths\[1\] is 4, expected a number from 1 to 3"),
        ([X, np.array([0, 1])], r"lengths\[0\] is 0"),
        ([X, np.array([1.0, 2.0])], r"dtype float64, expected integers of shape \(2,\)"),
        ([X, np.array([1])], r"lengths has shape \(1,\)"),
    ],
)
def test_what_does_not_fit_is_refused(inputs, message):
    with pytest.raises(ValueError, match=message):
        Last().forward(*inputs)
