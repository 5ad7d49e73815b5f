import numpy as np
import pytest

from chainrule.layers import Embedding
from tests.layers.beside_torch import grid


def test_it_has_the_numbers_of_the_course():
    """CS231n, RNN_Captioning.ipynb, word_embedding_forward: to 1e-8."""
    layer = Embedding(5, 3)
    layer.params["W"][...] = grid(0, 1, 5, 3)
    out, _ = layer.forward(np.array([[0, 3, 1, 2], [2, 1, 0, 3]]))
    rows = [
        [0.0, 0.07142857, 0.14285714],
        [0.21428571, 0.28571429, 0.35714286],
        [0.42857143, 0.5, 0.57142857],
        [0.64285714, 0.71428571, 0.78571429],
    ]
    expected = [[rows[0], rows[3], rows[1], rows[2]], [rows[2], rows[1], rows[0], rows[3]]]
    np.testing.assert_allclose(out, expected, rtol=1e-7, atol=1e-8)


def test_a_word_that_comes_twice_adds_twice():
    layer = Embedding(4, 2)
    _, cache = layer.forward(np.array([[1, 1, 3]]))
    dx, grads = layer.backward(np.array([[[1.0, 2], [10, 20], [5, 6]]]), cache)
    assert dx == ()
    np.testing.assert_array_equal(grads["W"], [[0, 0], [11, 22], [0, 0], [5, 6]])


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([[0, 4]], ValueError, r"x\[0, 1\] is 4, expected a number from 0 to 3"),
        ([[-1, 0]], ValueError, r"x\[0, 0\] is -1, expected a number from 0 to 3"),
        ([[1.0]], TypeError, r"dtype float64 and shape \(1, 1\), expected integers"),
        (2, TypeError, r"shape \(\), expected integers"),
    ],
)
def test_what_names_no_word_is_refused(x, error, message):
    with pytest.raises(error, match=message):
        Embedding(4, 2).forward(np.array(x))


def test_it_is_no_weight_to_a_penalty():
    assert Embedding(4, 2).weights == ()
