import re

import numpy as np
import pytest

from chainrule.layers import Affine, Maxout, PReLU, ReLU


def worked_example(dtype):
    """z₀ = [[3, 1], [2, 2]] and z₁ = [[1, 2], [2, 1]]: a tie in the first unit of row 1."""
    layer = Maxout(2, 2, dtype=dtype)
    layer.params["W"][:, 0] = [[1, 0], [0, 1]]
    layer.params["W"][:, 1] = [[0, 1], [1, 0]]
    layer.params["b"][...] = [[0, 0], [0, -1]]
    return layer, np.array([[3, 1], [2, 2]], dtype), np.array([[1, 10], [100, 1000]], dtype)


def test_each_unit_takes_its_largest_piece_and_a_tie_sends_the_gradient_to_the_first(dtype):
    layer, x, dout = worked_example(dtype)
    out, cache = layer.forward(x)
    dx, grads = layer.backward(dout, cache)
    np.testing.assert_array_equal(out, [[3, 2], [2, 2]])
    np.testing.assert_array_equal(dx, [[11, 0], [100, 1000]])
    np.testing.assert_array_equal(grads["W"][:, 0], [[203, 2000], [201, 2000]])
    np.testing.assert_array_equal(grads["W"][:, 1], [[0, 30], [0, 10]])
    np.testing.assert_array_equal(grads["b"], [[101, 1000], [0, 10]])
    np.testing.assert_array_equal(layer.param_grads(dout, cache)["W"], grads["W"])


def test_images_are_flattened_to_rows_and_their_gradient_has_the_shape_of_the_images():
    layer, x, dout = worked_example(np.float64)
    out, cache = layer.forward(x.reshape(2, 1, 2))
    dx, _ = layer.backward(dout, cache)
    np.testing.assert_array_equal(out, [[3, 2], [2, 2]])
    np.testing.assert_array_equal(dx, [[[11, 0]], [[100, 1000]]])


def test_two_opposite_pieces_make_the_absolute_value():
    layer = Maxout(1, 1)
    layer.params["W"][...] = [[[1], [-1]]]
    out, cache = layer.forward(np.array([[-3.0], [2.0]]))
    dx, _ = layer.backward(np.array([[1.0], [1.0]]), cache)
    np.testing.assert_array_equal(out, [[3], [2]])
    np.testing.assert_array_equal(dx, [[-1], [1]])


def test_the_pieces_0_and_z_make_a_relu_of_an_affine_layer():
    rng = np.random.default_rng(0)
    affine, relu, maxout = Affine(4, 3, rng=rng), ReLU(), Maxout(4, 3)
    affine.params["b"][...] = rng.standard_normal(3)
    maxout.params["W"][:, 0], maxout.params["W"][:, 1] = 0, affine.params["W"]
    maxout.params["b"][1] = affine.params["b"]
    x, dout = rng.standard_normal((20, 4)), rng.standard_normal((20, 3))
    z, of_affine = affine.forward(x)
    out, of_relu = relu.forward(z)
    dz, _ = relu.backward(dout, of_relu)
    dx, grads = affine.backward(dz, of_affine)
    got, cache = maxout.forward(x)
    got_dx, got_grads = maxout.backward(dout, cache)
    np.testing.assert_allclose(got, out, atol=1e-13)
    np.testing.assert_allclose(got_dx, dx, atol=1e-13)
    np.testing.assert_allclose(got_grads["W"][:, 1], grads["W"], atol=1e-13)
    np.testing.assert_allclose(got_grads["b"][1], grads["b"], atol=1e-13)


def test_the_pieces_alpha_z_and_z_make_a_prelu_of_an_affine_layer():
    rng = np.random.default_rng(0)
    affine, prelu, maxout = Affine(4, 3, rng=rng), PReLU(3), Maxout(4, 3)
    affine.params["b"][...] = rng.standard_normal(3)
    prelu.params["alpha"][...] = alpha = np.array([0.25, -0.5, 0.9])  # at most 1, or min is meant
    W, b = affine.params["W"], affine.params["b"]
    maxout.params["W"][:, 0], maxout.params["W"][:, 1] = alpha * W, W
    maxout.params["b"][...] = alpha * b, b
    x, dout = rng.standard_normal((20, 4)), rng.standard_normal((20, 3))
    z, of_affine = affine.forward(x)
    out, of_prelu = prelu.forward(z)
    dz, dalpha = prelu.backward(dout, of_prelu)
    dx, grads = affine.backward(dz, of_affine)
    got, cache = maxout.forward(x)
    got_dx, got_grads = maxout.backward(dout, cache)
    dW, db = got_grads["W"], got_grads["b"]
    np.testing.assert_allclose(got, out, atol=1e-13)
    np.testing.assert_allclose(got_dx, dx, atol=1e-13)
    # W, b and alpha act on both pieces or on one: what comes back to these adds up.
    np.testing.assert_allclose(alpha * dW[:, 0] + dW[:, 1], grads["W"], atol=1e-13)
    np.testing.assert_allclose(alpha * db[0] + db[1], grads["b"], atol=1e-13)
    np.testing.assert_allclose((dW[:, 0] * W).sum(axis=0) + db[0] * b, dalpha["alpha"], atol=1e-13)


def test_every_piece_is_drawn_afresh_with_variance_one_over_in_features_and_b_starts_at_0():
    layer = Maxout(400, 500, 3, rng=0)
    W = layer.params["W"]
    assert W.shape == (400, 3, 500)
    for piece in range(3):
        # The variance of 200,000 normal numbers is off by 0.3 % (one standard deviation).
        assert W[:, piece].var() == pytest.approx(1 / 400, rel=0.016)
        assert not np.isin(W[:, piece], W[:, piece - 1]).any()
    np.testing.assert_array_equal(layer.params["b"], np.zeros((3, 500)))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((2, 3, 1), "Maxout: pieces must be at least 2, got 1"),
        ((2, 3, 0), "Maxout: pieces must be a whole number of at least 1, got 0"),
        ((0, 3), "Maxout: in_features must be a whole number of at least 1, got 0"),
        ((2, -1), "Maxout: out_features must be a whole number of at least 1, got -1"),
    ],
)
def test_sizes_that_make_no_maxout_are_refused_by_name(sizes, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Maxout(*sizes)


def test_x_with_the_wrong_number_of_features_is_refused():
    message = "Maxout(2 → 3, pieces=2): x has 4 features (shape (5, 4)), expected 2"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Maxout(2, 3).forward(np.zeros((5, 4)))
