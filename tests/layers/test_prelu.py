import numpy as np
import pytest

from chainrule.layers import PReLU

X = [[-2, -3], [4, 0], [-6, 5]]
DOUT = [[1, 2], [3, 4], [5, 6]]


def test_one_alpha_for_all_collects_its_gradient_from_every_negative_entry(dtype):
    layer = PReLU(alpha=0.5, dtype=dtype)
    out, cache = layer.forward(np.array(X, dtype))
    dx, grads = layer.backward(np.array(DOUT, dtype), cache)
    np.testing.assert_array_equal(out, [[-1, -1.5], [4, 0], [-3, 5]])
    np.testing.assert_array_equal(dx, [[0.5, 1], [3, 2], [2.5, 6]])
    np.testing.assert_array_equal(grads["alpha"], [-38])


def test_each_feature_has_its_own_alpha(dtype):
    layer = PReLU(2, dtype=dtype)
    layer.params["alpha"][...] = [0.5, 2]
    out, cache = layer.forward(np.array(X, dtype))
    dx, grads = layer.backward(np.array(DOUT, dtype), cache)
    np.testing.assert_array_equal(out, [[-1, -6], [4, 0], [-3, 5]])
    np.testing.assert_array_equal(dx, [[0.5, 4], [3, 8], [2.5, 6]])  # 8: alpha at the kink
    np.testing.assert_array_equal(grads["alpha"], [-32, -6])


def test_each_channel_of_images_has_its_own_alpha(dtype):
    layer = PReLU(2, dtype=dtype)
    layer.params["alpha"][...] = [0.5, 2]
    out, cache = layer.forward(np.array([[[[-1, 2]], [[-3, -4]]]], dtype))
    dx, grads = layer.backward(np.array([[[[1, 1]], [[10, 100]]]], dtype), cache)
    np.testing.assert_array_equal(out, [[[[-0.5, 2]], [[-6, -8]]]])
    np.testing.assert_array_equal(dx, [[[[0.5, 1]], [[20, 200]]]])
    np.testing.assert_array_equal(grads["alpha"], [-1, -430])


def test_one_alpha_serves_an_input_without_features():
    layer = PReLU(alpha=0.5)
    out, cache = layer.forward(np.array([-2.0, 4.0]))
    dx, grads = layer.backward(np.array([10.0, 1.0]), cache)
    np.testing.assert_array_equal(out, [-1, 4])
    np.testing.assert_array_equal(dx, [5, 1])
    np.testing.assert_array_equal(grads["alpha"], [-20])


def test_alpha_starts_at_a_quarter_unless_told():
    np.testing.assert_array_equal(PReLU().params["alpha"], [0.25])
    np.testing.assert_array_equal(PReLU(3, alpha=-1).params["alpha"], [-1, -1, -1])


def test_settings_and_inputs_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"^PReLU: features must be a whole number .*, got 0$"):
        PReLU(0)
    with pytest.raises(ValueError, match=r"^PReLU: alpha must be a finite number, got nan$"):
        PReLU(alpha=np.nan)
    with pytest.raises(ValueError, match=r"x has 4 features \(shape \(2, 4\)\), expected 3"):
        PReLU(3).forward(np.zeros((2, 4)))
