import numpy as np
import pytest

from chainrule.layers import RotaryEncoding


def test_pairs_turn_by_their_place():
    x = np.array([[[1.0, 0], [1, 0], [0, 1]]])
    out, cache = RotaryEncoding().forward(x)
    expected = [[1, 0], [np.cos(1), np.sin(1)], [-np.sin(2), np.cos(2)]]
    np.testing.assert_allclose(out[0], expected, rtol=1e-15)
    np.testing.assert_allclose(RotaryEncoding().backward(out, cache)[0], x, atol=1e-15)


def test_products_depend_on_the_distance_alone():
    rng = np.random.default_rng(0)
    q, k = np.tile(rng.standard_normal((2, 1, 8)), (1, 6, 1))[:, np.newaxis].swapaxes(1, 2)[:, :, 0]
    layer = RotaryEncoding()
    turned_q, _ = layer.forward(q[np.newaxis])
    turned_k, _ = layer.forward(k[np.newaxis])
    products = (turned_q @ turned_k.swapaxes(1, 2))[0]
    for distance in range(-5, 6):
        diagonal = np.diagonal(products, distance)
        np.testing.assert_allclose(diagonal, diagonal[0], rtol=1e-12)
    assert abs(products[0, 1] - products[0, 2]) > 1e-3


def test_each_head_turns_by_itself():
    x = np.random.default_rng(0).standard_normal((2, 3, 8))
    both, _ = RotaryEncoding(2).forward(x)
    for half in (slice(0, 4), slice(4, 8)):
        alone, _ = RotaryEncoding().forward(np.ascontiguousarray(x[..., half]))
        np.testing.assert_array_equal(both[..., half], alone)


def test_what_has_no_pairs_is_refused():
    with pytest.raises(ValueError, match="D a multiple of 4, pairs for each head"):
        RotaryEncoding(2).forward(np.ones((1, 2, 6)))
