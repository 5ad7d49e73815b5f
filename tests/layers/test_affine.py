import re

import numpy as np
import pytest

from chainrule.layers import Affine


def worked_example(dtype):
    layer = Affine(3, 2, dtype=dtype)
    layer.params["W"][...] = [[1, -1], [0, 2], [3, 1]]
    layer.params["b"][...] = [10, -20]
    return layer, np.array([[1, 2, 3], [4, 5, 6]], dtype), np.array([[1, 2], [3, -1]], dtype)


def test_out_and_gradients_are_the_hand_worked_ones(dtype):
    layer, x, dout = worked_example(dtype)
    out, cache = layer.forward(x)
    dx, grads = layer.backward(dout, cache)
    np.testing.assert_array_equal(out, [[20, -14], [32, -8]])
    np.testing.assert_array_equal(dx, [[-1, 4, 5], [4, -2, 8]])
    np.testing.assert_array_equal(grads["W"], [[13, -2], [17, -1], [21, 0]])
    np.testing.assert_array_equal(grads["b"], [4, 1])


def test_images_are_flattened_to_rows_and_their_gradient_has_the_shape_of_the_images():
    layer, x, dout = worked_example(np.float64)
    out, cache = layer.forward(x.reshape(2, 1, 3, 1))
    dx, grads = layer.backward(dout, cache)
    np.testing.assert_array_equal(out, [[20, -14], [32, -8]])
    np.testing.assert_array_equal(dx, np.reshape([[-1, 4, 5], [4, -2, 8]], (2, 1, 3, 1)))
    np.testing.assert_array_equal(grads["W"], [[13, -2], [17, -1], [21, 0]])


def test_W_is_drawn_by_init_with_the_fans_rng_and_dtype_and_b_starts_at_zero():
    seen = {}

    def init(fan_in, fan_out, *, rng, dtype):
        seen.update(fans=(fan_in, fan_out), rng=rng, dtype=dtype)
        return np.full((fan_in, fan_out), 7, dtype)

    layer = Affine(3, 2, init=init, rng=11, dtype=np.float32)
    drawn_by = seen.pop("rng").bit_generator.state
    assert drawn_by == np.random.default_rng(11).bit_generator.state
    assert seen == {"fans": (3, 2), "dtype": np.float32}
    np.testing.assert_array_equal(layer.params["W"], [[7, 7], [7, 7], [7, 7]])
    np.testing.assert_array_equal(layer.params["b"], [0, 0])
    assert layer.params["b"].dtype == np.float32


def test_by_default_W_has_variance_one_over_in_features():
    W = Affine(400, 500, rng=0).params["W"]
    # The variance of 200,000 normal numbers is off by 0.3 % (one standard deviation).
    assert W.var() == pytest.approx(1 / 400, rel=0.016)


def test_x_with_the_wrong_number_of_features_is_refused_in_one_clear_line():
    message = "Affine(784 → 100): x has 783 features (shape (64, 783)), expected 784"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Affine(784, 100).forward(np.zeros((64, 783)))
    with pytest.raises(ValueError, match=r"x has 12 features \(shape \(2, 3, 4\)\), expected 3"):
        Affine(3, 2).forward(np.zeros((2, 3, 4)))


def test_a_single_example_without_a_batch_axis_is_refused_with_advice():
    with pytest.raises(ValueError, match=r"Affine\(3 → 2\): x has shape \(3,\).*x\[np\.newaxis\]"):
        Affine(3, 2).forward(np.zeros(3))


@pytest.mark.parametrize("bad", [0, -1, 2.0, True, "3"])
def test_sizes_that_are_not_positive_integers_are_refused_by_name(bad):
    expected = f"must be a whole number of at least 1, got {bad!r}"
    with pytest.raises(ValueError, match=f"Affine: in_features {re.escape(expected)}"):
        Affine(bad, 2)
    with pytest.raises(ValueError, match=f"Affine: out_features {re.escape(expected)}"):
        Affine(3, bad)
