import re

import numpy as np
import pytest

from chainrule.layers import LayerNorm


def ulps(dtype):
    return 8 * np.finfo(dtype).eps


def worked_example(dtype=np.float64):
    """[0, 2, 4] has mean 2 and biased variance 8/3, so that √(var + eps) is 2; [5, 5, 5] has
    variance 0."""
    layer = LayerNorm(3, eps=4 / 3, dtype=dtype)
    layer.params["gamma"][...] = [1, 2, 3]
    layer.params["beta"][...] = [10, 20, 30]
    return layer, np.array([[0, 2, 4], [5, 5, 5]], dtype)


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("offset", [0, 1e4])
def test_out_and_gradients_are_the_hand_worked_ones_in_both_passes_and_at_any_offset(
    dtype, train, offset
):
    layer, x = worked_example(dtype)
    out, cache = layer.forward(x + dtype(offset), train=train)
    dx, grads = layer.backward(np.array([[3, 3, 2], [1, 1, 1]], dtype), cache)
    half_root_3 = 0.8660254037844386
    np.testing.assert_allclose(out, [[9, 20, 33], [10, 20, 30]], rtol=ulps(dtype))
    np.testing.assert_allclose(
        dx, [[-0.5, 0.5, 0], [-half_root_3, 0, half_root_3]], rtol=ulps(dtype), atol=ulps(dtype)
    )
    np.testing.assert_allclose(grads["gamma"], [-3, 0, 2], rtol=ulps(dtype))
    np.testing.assert_array_equal(grads["beta"], [4, 4, 3])


def test_every_row_of_a_sequence_is_normalised_by_itself():
    layer, _ = worked_example()
    out, cache = layer.forward(np.array([[[0, 2, 4]], [[4, 2, 0]]], float))
    dx, grads = layer.backward(np.array([[[3, 3, 2]], [[0, 0, 0]]], float), cache)
    np.testing.assert_allclose(out, [[[9, 20, 33]], [[11, 20, 27]]], rtol=1e-15)
    np.testing.assert_allclose(dx, [[[-0.5, 0.5, 0]], [[0, 0, 0]]], atol=1e-15)
    np.testing.assert_allclose(grads["gamma"], [-3, 0, 2], rtol=1e-15)


def test_the_input_gradient_sums_to_0_over_every_row():
    rng = np.random.default_rng(0)
    layer, _ = worked_example()
    out, cache = layer.forward(rng.standard_normal((5, 3)))
    dx, _ = layer.backward(rng.standard_normal(out.shape), cache)
    assert np.abs(dx).max() > 0.1
    np.testing.assert_allclose(dx.sum(axis=-1), np.zeros(5), atol=1e-14)


def test_it_starts_with_gamma_1_and_beta_0():
    layer = LayerNorm(2)
    np.testing.assert_array_equal(layer.params["gamma"], [1, 1])
    np.testing.assert_array_equal(layer.params["beta"], [0, 0])


@pytest.mark.parametrize("shape", [(3, 2), (5, 10_000), (2, 3, 40), (2, 3, 4, 50)])
@pytest.mark.parametrize("mean", [0, 1e3, 1e5, 1e6, -1e6])
def test_float32_is_right_for_means_of_up_to_a_million_deviations(shape, mean):
    x = (mean + np.random.default_rng(0).standard_normal(shape)).astype(np.float32)
    exact = x.astype(np.float64)
    exact -= exact.mean(axis=-1, keepdims=True)
    exact /= np.sqrt(np.square(exact).mean(axis=-1, keepdims=True) + 1e-5)
    for given in (x, np.asfortranarray(x), np.repeat(x, 2, axis=-1)[..., ::2]):
        out, _ = LayerNorm(shape[-1], dtype=np.float32).forward(given)
        np.testing.assert_allclose(out, exact, atol=1e-3)


@pytest.mark.parametrize("value", [10000.3, 1.7e9, 1e10, -1e30])
def test_a_constant_row_is_normalised_to_0(value, dtype):
    for x in (np.full((3, 97), value, dtype), np.full((97, 3), value, dtype).T):
        np.testing.assert_array_equal(LayerNorm(97, dtype=dtype).forward(x)[0], 0)


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e20), (np.float64, 1e160)])
def test_a_variance_beyond_the_dtype_is_an_error_and_not_zeros(dtype, size, train):
    x = np.array([[1, -1], [size, -size]], dtype)
    with (
        np.errstate(over="ignore"),
        pytest.raises(FloatingPointError, match=r"LayerNorm.*1 of 2 variances .* too large for"),
    ):
        LayerNorm(2, dtype=dtype).forward(x, train=train)


def test_a_single_feature_is_refused_in_training_since_it_is_its_own_mean():
    with pytest.raises(ValueError, match=r"LayerNorm\(features=1.*more than one feature"):
        LayerNorm(1).forward(np.ones((3, 1)))
    np.testing.assert_array_equal(LayerNorm(1).forward(np.ones((3, 1)), train=False)[0], 0)


def test_settings_and_inputs_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"^LayerNorm: features must be a whole number .*, got 0"):
        LayerNorm(0)
    with pytest.raises(
        ValueError, match=r"^LayerNorm: eps must be a finite number of at least 0, got nan$"
    ):
        LayerNorm(3, eps=np.nan)
    message = "LayerNorm(features=3, eps=1e-05): x has 4 features (shape (2, 3, 4)), expected 3"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        LayerNorm(3).forward(np.zeros((2, 3, 4)))
