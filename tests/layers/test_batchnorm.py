import re

import numpy as np
import pytest

from chainrule.layers import BatchNorm


def ulps(dtype):
    return 8 * np.finfo(dtype).eps


def worked_example(dtype=np.float64):
    """On [[0], [2], [4]] the mean is 2 and the biased variance 8/3, so that √(var + eps) is 2."""
    layer = BatchNorm(1, eps=4 / 3, dtype=dtype)
    layer.params["gamma"][...] = 3
    layer.params["beta"][...] = 1
    return layer, np.array([[0], [2], [4]], dtype)


def test_out_and_gradients_in_training_are_the_hand_worked_ones(dtype):
    layer, x = worked_example(dtype)
    out, cache = layer.forward(x)
    dx, grads = layer.backward(np.array([[1], [0], [2]], dtype), cache)
    np.testing.assert_allclose(out, [[-2], [1], [4]], rtol=ulps(dtype))
    np.testing.assert_allclose(dx, [[0.5], [-1.5], [1]], rtol=ulps(dtype))
    np.testing.assert_allclose(grads["gamma"], [1], rtol=ulps(dtype))
    np.testing.assert_array_equal(grads["beta"], [3])


def test_inference_uses_the_running_statistics_and_leaves_them_alone(dtype):
    layer, _ = worked_example(dtype)
    layer.state["running_mean"][...] = 1
    layer.state["running_var"][...] = 8 / 3
    kept = {name: array.copy() for name, array in layer.state.items()}
    out, cache = layer.forward(np.array([[5], [-3]], dtype), train=False)
    dx, grads = layer.backward(np.array([[1], [10]], dtype), cache)
    np.testing.assert_allclose(out, [[7], [-5]], rtol=ulps(dtype))
    np.testing.assert_allclose(dx, [[1.5], [15]], rtol=ulps(dtype))
    np.testing.assert_allclose(grads["gamma"], [-18], rtol=ulps(dtype))
    np.testing.assert_array_equal(grads["beta"], [11])
    for name, array in kept.items():
        np.testing.assert_array_equal(layer.state[name], array)


def test_running_statistics_move_a_tenth_of_the_way_to_the_biased_batch_statistics(dtype):
    layer, x = worked_example(dtype)
    layer.forward(x)
    np.testing.assert_allclose(layer.state["running_mean"], [0.2], rtol=ulps(dtype))
    np.testing.assert_allclose(layer.state["running_var"], [7 / 6], rtol=ulps(dtype))
    layer.forward(x)
    np.testing.assert_allclose(layer.state["running_mean"], [0.38], rtol=ulps(dtype))
    np.testing.assert_allclose(layer.state["running_var"], [79 / 60], rtol=ulps(dtype))


@pytest.mark.parametrize(("momentum", "mean", "var"), [(0, 3, 1), (1, 0, 1), (0.5, 1.5, 1)])
def test_momentum_is_the_share_that_stays(momentum, mean, var):
    layer = BatchNorm(1, momentum=momentum)
    layer.forward(np.array([[2.0], [4.0]]))
    np.testing.assert_array_equal(layer.state["running_mean"], [mean])
    np.testing.assert_array_equal(layer.state["running_var"], [var])


def test_it_starts_with_gamma_1_beta_0_mean_0_and_variance_1():
    layer = BatchNorm(2)
    np.testing.assert_array_equal(layer.params["gamma"], [1, 1])
    np.testing.assert_array_equal(layer.params["beta"], [0, 0])
    np.testing.assert_array_equal(layer.state["running_mean"], [0, 0])
    np.testing.assert_array_equal(layer.state["running_var"], [1, 1])
    x = np.array([[3.0, -5.0]])
    np.testing.assert_allclose(layer.forward(x, train=False)[0], x, rtol=1e-5)


@pytest.mark.parametrize("train", [True, False])
def test_images_are_normalised_per_channel_like_the_rows_of_their_pixels(train):
    def pixels(images):
        return images.transpose(0, 2, 3, 1).reshape(-1, 3)

    rng = np.random.default_rng(0)
    x, dout = rng.standard_normal((2, 4, 3, 5, 2))
    on_images, on_rows = BatchNorm(3), BatchNorm(3)
    for layer in (on_images, on_rows):
        layer.params["gamma"][...] = [1, 2, 3]
        layer.params["beta"][...] = [4, 5, 6]
        layer.state["running_mean"][...] = [-1, 0, 1]
    out, cache = on_images.forward(x, train=train)
    dx, grads = on_images.backward(dout, cache)
    want, cache = on_rows.forward(pixels(x), train=train)
    want_dx, want_grads = on_rows.backward(pixels(dout), cache)
    np.testing.assert_allclose(pixels(out), want, rtol=1e-12)
    np.testing.assert_allclose(pixels(dx), want_dx, atol=1e-12)
    for name in ("gamma", "beta"):
        np.testing.assert_allclose(grads[name], want_grads[name], rtol=1e-12)
    for name in ("running_mean", "running_var"):
        np.testing.assert_allclose(on_images.state[name], on_rows.state[name], rtol=1e-12)


def test_a_constant_added_to_a_feature_changes_nothing(dtype):
    layer, x = worked_example(dtype)
    out, cache = layer.forward(x + dtype(1e4))
    dx, _ = layer.backward(np.array([[1], [0], [2]], dtype), cache)
    np.testing.assert_allclose(out, [[-2], [1], [4]], rtol=ulps(dtype))
    np.testing.assert_allclose(dx, [[0.5], [-1.5], [1]], rtol=ulps(dtype))


def test_the_input_gradient_sums_to_0_over_the_batch():
    rng = np.random.default_rng(0)
    layer = BatchNorm(3)
    out, cache = layer.forward(rng.standard_normal((6, 3)))
    dx, _ = layer.backward(rng.standard_normal(out.shape), cache)
    assert np.abs(dx).max() > 0.1
    np.testing.assert_allclose(dx.sum(axis=0), [0, 0, 0], atol=1e-14)


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1, 1)])
def test_one_value_per_channel_is_refused_in_training_and_leaves_no_trace(shape):
    layer, x = BatchNorm(3), np.full(shape, 5.0)
    with pytest.raises(ValueError, match=r"BatchNorm\(features=3.*more than one value per channel"):
        layer.forward(x)
    np.testing.assert_array_equal(layer.state["running_mean"], [0, 0, 0])
    np.testing.assert_array_equal(layer.state["running_var"], [1, 1, 1])
    np.testing.assert_allclose(layer.forward(x, train=False)[0], x, rtol=1e-5)


def test_one_image_of_several_pixels_is_a_batch():
    out, _ = BatchNorm(1, eps=0).forward(np.array([[[[1.0, 3.0]]]]))
    np.testing.assert_array_equal(out, [[[[-1, 1]]]])


def laid_out(x):
    """The same numbers in every memory layout."""
    yield np.ascontiguousarray(x)
    yield np.asfortranarray(x)
    yield np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    yield np.repeat(x, 2, axis=0)[::2]


SHAPES = [(2, 1), (100, 3), (10_000, 3), (128, 40), (4, 3, 5, 5), (30, 2, 20, 20)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mean", [0, 1e3, 1e5, 1e6, -1e6])
def test_float32_is_right_for_means_of_up_to_a_million_deviations(shape, mean):
    x = (mean + np.random.default_rng(0).standard_normal(shape)).astype(np.float32)
    axes = (0, *range(2, x.ndim))
    exact = x.astype(np.float64)
    exact -= exact.mean(axis=axes, keepdims=True)
    exact /= np.sqrt(np.square(exact).mean(axis=axes, keepdims=True) + 1e-5)
    for given in laid_out(x):
        out, _ = BatchNorm(shape[1], dtype=np.float32).forward(given)
        np.testing.assert_allclose(out, exact, atol=1e-3)


@pytest.mark.parametrize("first", [-1e4, 1e4])
def test_a_first_row_far_from_the_others_costs_no_digits(first):
    x = np.random.default_rng(0).standard_normal((1000, 2)).astype(np.float32)
    x[0] = first
    exact = x.astype(np.float64)
    exact = (exact - exact.mean(axis=0)) / np.sqrt(exact.var(axis=0) + 1e-5)
    np.testing.assert_allclose(BatchNorm(2, dtype=np.float32).forward(x)[0], exact, atol=1e-3)


@pytest.mark.parametrize("value", [10000.3, 1.7e9, 1e10, -1e30])
@pytest.mark.parametrize("shape", [(100, 3), (4, 3, 5, 5)])
def test_a_constant_is_normalised_to_0_in_every_layout(value, shape, dtype):
    for x in laid_out(np.full(shape, value, dtype)):
        out, _ = BatchNorm(3, dtype=dtype).forward(x)
        np.testing.assert_array_equal(out, 0)


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e20), (np.float64, 1e160)])
def test_a_variance_beyond_the_dtype_is_an_error_and_not_zeros(dtype, size):
    layer = BatchNorm(2, dtype=dtype)
    x = np.array([[1, 1], [-1, 2]], dtype) * np.array([1, size], dtype)
    with (
        np.errstate(over="ignore"),
        pytest.raises(FloatingPointError, match=r"BatchNorm.*1 of 2 variances .* too large for"),
    ):
        layer.forward(x)
    np.testing.assert_array_equal(layer.state["running_var"], [1, 1])


def test_an_empty_batch_has_no_mean_in_training_and_an_empty_output_in_inference():
    layer = BatchNorm(3)
    with pytest.raises(ValueError, match=r"BatchNorm\(features=3.*batch is empty \(shape \(0, 3\)"):
        layer.forward(np.zeros((0, 3)))
    np.testing.assert_array_equal(layer.state["running_mean"], [0, 0, 0])
    out, cache = layer.forward(np.zeros((0, 3)), train=False)
    assert out.shape == (0, 3)
    assert layer.backward(out, cache)[0].shape == (0, 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"features": 0}, "BatchNorm: features must be a whole number of at least 1, got 0"),
        ({"momentum": 1.5}, "BatchNorm: momentum must be a finite number in [0, 1], got 1.5"),
        ({"eps": -1}, "BatchNorm: eps must be a finite number of at least 0, got -1"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        BatchNorm(**{"features": 3} | settings)


@pytest.mark.parametrize("shape", [(2, 4), (2, 4, 3, 3)])
def test_x_with_the_wrong_number_of_channels_is_refused(shape):
    message = (
        f"BatchNorm(features=3, momentum=0.9, eps=1e-05): x has 4 features (shape {shape}), "
        f"expected 3"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        BatchNorm(3).forward(np.zeros(shape))


def test_inference_of_no_images_has_a_backward_pass():
    bn = BatchNorm(3)
    out, cache = bn.forward(np.zeros((0, 3, 2, 2)), train=False)
    dx, grads = bn.backward(out, cache)
    assert dx.shape == (0, 3, 2, 2)
    np.testing.assert_array_equal(grads["gamma"], np.zeros(3))
