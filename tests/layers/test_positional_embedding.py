import numpy as np
import pytest

from chainrule.layers import PositionalEmbedding


def test_each_place_has_its_vector_and_its_gradient():
    layer = PositionalEmbedding(3, 2)
    layer.params["P"][...] = [[1, 2], [3, 4], [5, 6]]
    out, cache = layer.forward(np.zeros((2, 2, 2)))
    np.testing.assert_array_equal(out, [[[1, 2], [3, 4]]] * 2)
    dout = np.arange(8.0).reshape(2, 2, 2)
    dx, grads = layer.backward(dout, cache)
    np.testing.assert_array_equal(dx, dout)
    np.testing.assert_array_equal(grads["P"], [[4, 6], [8, 10], [0, 0]])


def test_a_sequence_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match=r"x has shape \(1, 4, 2\), expected \(N, T, 2\), T at mo"):
        PositionalEmbedding(3, 2).forward(np.ones((1, 4, 2)))
