import numpy as np
import pytest

from chainrule.layers import MeanOverTime

X = np.arange(12.0).reshape(2, 3, 2)


def test_all_steps_or_those_of_the_mask_count():
    out, cache = MeanOverTime().forward(X)
    np.testing.assert_allclose(out, [[2, 3], [8, 9]])
    dx, _ = MeanOverTime().backward(np.ones((2, 2)), cache)
    np.testing.assert_allclose(dx, np.full((2, 3, 2), 1 / 3))
    mask = np.array([[True, False, True], [False, True, False]])
    out, cache = MeanOverTime().forward(X, mask)
    np.testing.assert_allclose(out, [[2, 3], [8, 9]])
    dx, _ = MeanOverTime().backward(np.ones((2, 2)), cache)
    np.testing.assert_allclose(dx[..., 0], [[0.5, 0, 0.5], [0, 1, 0]])


def test_what_is_masked_does_not_matter_even_where_it_is_nan():
    x, mask = X.copy(), np.array([[True, True, False]] * 2)
    x[:, 2] = np.nan
    np.testing.assert_array_equal(MeanOverTime().forward(x, mask)[0], X[:, :2].mean(axis=1))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([np.ones((2, 3))], r"x has shape \(2, 3\), expected \(N, T, D\)"),
        ([X, np.ones((2, 3))], r"mask has shape \(2, 3\) and dtype float64, expected booleans"),
        ([X, np.ones((3, 2), bool)], r"mask has shape \(3, 2\)"),
        ([X, np.array([[True] * 3, [False] * 3])], "expected a step in every row"),
    ],
)
def test_what_does_not_fit_is_refused(inputs, message):
    with pytest.raises(ValueError, match=message):
        MeanOverTime().forward(*inputs)
