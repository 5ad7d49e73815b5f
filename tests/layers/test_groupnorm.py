import re

import numpy as np
import pytest

from chainrule.layers import GroupNorm


def ulps(dtype):
    return 8 * np.finfo(dtype).eps


def worked_example(dtype=np.float64):
    """The first group of two channels holds [0, 2, 4, 2], with mean 2 and biased variance 2, so
    that √(var + eps) is 2; the second is constant."""
    layer = GroupNorm(4, 2, eps=2, dtype=dtype)
    layer.params["gamma"][...] = [2, 4, 1, 1]
    layer.params["beta"][...] = [10, 20, 30, 40]
    return layer, np.array([[[[0, 2]], [[4, 2]], [[5, 5]], [[5, 5]]]], dtype)


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("offset", [0, 1e4])
def test_out_and_gradients_are_the_hand_worked_ones_in_both_passes_and_at_any_offset(
    dtype, train, offset
):
    layer, x = worked_example(dtype)
    out, cache = layer.forward(x + dtype(offset), train=train)
    np.testing.assert_allclose(
        out, [[[[8, 10]], [[24, 20]], [[30, 30]], [[40, 40]]]], rtol=ulps(dtype)
    )
    # g = (4, 0, 0, 8) in the first group, with mean 3; g x̂ = (-4, 0, 0, 0), with mean -1.
    dout = np.array([[[[2, 0]], [[0, 2]], [[1, 3]], [[1, 3]]]], dtype)
    dx, grads = layer.backward(dout, cache)
    r = 2**-0.5
    np.testing.assert_allclose(
        dx,
        [[[[0, -1.5]], [[-1, 2.5]], [[-r, r]], [[-r, r]]]],
        rtol=ulps(dtype),
        atol=ulps(dtype),
    )
    np.testing.assert_allclose(grads["gamma"], [-2, 0, 0, 0], rtol=ulps(dtype), atol=ulps(dtype))
    np.testing.assert_array_equal(grads["beta"], [2, 2, 4, 4])


def test_the_statistics_that_cs231n_prints():
    """Assignment 2, ConvolutionalNetworks.ipynb: before and after, of 2 examples and 2 groups."""
    x = 4 * np.random.RandomState(231).randn(2, 6, 4, 5) + 10
    groups = x.reshape(4, -1)
    np.testing.assert_allclose(
        groups.mean(axis=1), [9.72505327, 8.51114185, 8.9147544, 9.43448077], atol=5e-9
    )
    out = GroupNorm(6, 2).forward(x)[0].reshape(4, -1)
    np.testing.assert_allclose(out.mean(axis=1), 0, atol=1e-15)
    np.testing.assert_allclose(
        out.std(axis=1), [0.99999963, 0.99999948, 0.99999973, 0.99999968], atol=5e-9
    )


@pytest.mark.parametrize(
    ("shape", "groups"),
    [((5, 6), 2), ((4, 6, 3), 3), ((2, 6, 4, 5), 1), ((3, 8, 40, 41), 4), ((2, 3, 2, 3, 4), 3)],
)
def test_out_and_gradients_are_pytorchs(shape, groups):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, dout = 3 + 2 * rng.standard_normal((2, *shape))
    layer, theirs = GroupNorm(shape[1], groups), torch.nn.GroupNorm(groups, shape[1]).double()
    for name, param in {"gamma": theirs.weight, "beta": theirs.bias}.items():
        layer.params[name][...] = rng.uniform(-2, 2, shape[1])
        param.data = torch.tensor(layer.params[name])
    x_there = torch.tensor(x, requires_grad=True)
    want = theirs(x_there)
    want.backward(torch.tensor(dout))
    out, cache = layer.forward(x)
    dx, grads = layer.backward(dout, cache)
    np.testing.assert_allclose(out, want.detach().numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(dx, x_there.grad.numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(grads["gamma"], theirs.weight.grad.numpy(), rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(grads["beta"], theirs.bias.grad.numpy(), rtol=1e-12, atol=1e-11)


def laid_out(x):
    """The same numbers in every memory layout."""
    yield np.ascontiguousarray(x)
    yield np.asfortranarray(x)
    yield np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    yield np.repeat(x, 2, axis=0)[::2]


def exact(x, groups):
    rows = x.astype(np.float64).reshape(len(x), groups, -1)
    rows -= rows.mean(axis=-1, keepdims=True)
    rows /= np.sqrt(np.square(rows).mean(axis=-1, keepdims=True) + 1e-5)
    return rows.reshape(x.shape)


@pytest.mark.parametrize("shape", [(3, 4), (5, 4, 9), (4, 6, 5, 5), (2, 4, 150, 150)])
@pytest.mark.parametrize("mean", [0, 1e3, 1e5, 1e6, -1e6])
def test_float32_is_right_for_means_of_up_to_a_million_deviations(shape, mean):
    x = (mean + np.random.default_rng(0).standard_normal(shape)).astype(np.float32)
    for given in laid_out(x):
        out, _ = GroupNorm(shape[1], 2, dtype=np.float32).forward(given)
        np.testing.assert_allclose(out, exact(x, 2), atol=1e-3)


@pytest.mark.parametrize("far", [-1e4, 1e4])
@pytest.mark.parametrize("where", [0, (slice(None), slice(None), slice(20))], ids=["one", "rows"])
def test_entries_far_from_the_others_cost_no_digits(far, where):
    x = np.random.default_rng(0).standard_normal((2, 2, 50, 50)).astype(np.float32)
    x[(0, 0, 0, 0) if where == 0 else where] += far
    layer = GroupNorm(2, 2, dtype=np.float32)
    out, cache = layer.forward(x)
    np.testing.assert_allclose(out, exact(x, 2), atol=1e-3)
    dout = np.random.default_rng(1).standard_normal(x.shape)
    dx, grads = layer.backward(dout, cache)
    wide = layer.astype(np.float64)
    want_dx, want = wide.backward(dout, wide.forward(x.astype(np.float64))[1])
    np.testing.assert_allclose(dx, want_dx, rtol=1e-4, atol=1e-5 * abs(want_dx).max())
    np.testing.assert_allclose(grads["gamma"], want["gamma"], rtol=1e-4)


@pytest.mark.parametrize("value", [10000.3, 1.7e9, 1e10, -1e30])
@pytest.mark.parametrize("shape", [(100, 6), (4, 6, 5, 5), (1, 6, 200, 200)])
def test_a_constant_is_normalised_to_0_in_every_layout(value, shape, dtype):
    for x in laid_out(np.full(shape, value, dtype)):
        np.testing.assert_array_equal(GroupNorm(6, 3, dtype=dtype).forward(x)[0], 0)


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e20), (np.float64, 1e160)])
def test_a_variance_beyond_the_dtype_is_an_error_and_not_zeros(dtype, size, train):
    x = np.array([[1, -1, size, -size]], dtype)
    with (
        np.errstate(over="ignore"),
        pytest.raises(FloatingPointError, match=r"GroupNorm.*1 of 2 variances .* too large for"),
    ):
        GroupNorm(4, 2, dtype=dtype).forward(x, train=train)


def test_a_variance_beyond_the_dtype_is_an_error_where_the_mean_of_many_is_too(dtype):
    x = np.random.default_rng(0).standard_normal((2, 2, 1000)).astype(dtype)
    x[1] *= np.finfo(dtype).max / 100
    with (
        np.errstate(over="ignore"),
        pytest.raises(FloatingPointError, match=r"GroupNorm.*2 of 4 variances .* too large for"),
    ):
        GroupNorm(2, 2, dtype=dtype).forward(x)


def test_one_value_per_group_is_refused_in_training_since_it_is_its_own_mean():
    message = (
        "GroupNorm(channels=2, groups=2, eps=1e-05): expected more than one value per group in "
        "training, and one at least in inference, got 1 (x has shape (3, 2)); one alone is its own "
        "mean, and normalises to beta whatever it is"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        GroupNorm(2, 2).forward(np.ones((3, 2)))
    np.testing.assert_array_equal(GroupNorm(2, 2).forward(np.ones((3, 2)), train=False)[0], 0)


@pytest.mark.parametrize("train", [True, False])
def test_images_without_pixels_are_refused_and_no_images_are_not(train):
    with pytest.raises(ValueError, match=r"GroupNorm.*per group.*got 0 \(x has shape \(2, 4, 0"):
        GroupNorm(4, 2).forward(np.zeros((2, 4, 0, 3)), train=train)
    layer = GroupNorm(4, 2)
    out, cache = layer.forward(np.zeros((0, 4, 2, 2)), train=train)
    dx, grads = layer.backward(out, cache)
    assert out.shape == dx.shape == (0, 4, 2, 2)
    np.testing.assert_array_equal(grads["gamma"], np.zeros(4))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"channels": 0}, "GroupNorm: channels must be a whole number of at least 1, got 0"),
        ({"groups": 0}, "GroupNorm: groups must be a whole number of at least 1, got 0"),
        (
            {"groups": 4},
            "GroupNorm: groups=4 does not divide channels=6; expected one of 1, 2, 3, 6",
        ),
        ({"eps": -1}, "GroupNorm: eps must be a finite number of at least 0, got -1"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        GroupNorm(**{"channels": 6, "groups": 2} | settings)


def test_x_with_the_wrong_number_of_channels_is_refused():
    message = (
        "GroupNorm(channels=6, groups=2, eps=1e-05): x has 4 features (shape (2, 4, 3, 3)), "
        "expected 6"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        GroupNorm(6, 2).forward(np.zeros((2, 4, 3, 3)))


@pytest.mark.parametrize("where", [np.s_[..., 0], np.s_[..., 0, 0]])
def test_a_bright_border_that_the_sample_is_taken_from_costs_no_digits(where):
    x = np.random.default_rng(0).standard_normal((2, 2, 512, 512))
    x[1][where] = 1e4
    x = x.astype(np.float32)
    layer = GroupNorm(2, 1, dtype=np.float32)
    out, cache = layer.forward(x)
    rows = x.astype(np.float64).reshape(2, -1)
    sd = np.sqrt(rows.var(axis=1) + layer.eps)[:, np.newaxis]
    expected = (rows - rows.mean(axis=1, keepdims=True)) / sd
    np.testing.assert_allclose(out.reshape(2, -1), expected, rtol=1e-4, atol=1e-4)
    dout = rows[::-1].reshape(x.shape).astype(np.float32)
    dx, _ = layer.backward(dout, cache)
    g = dout.astype(np.float64).reshape(2, -1)
    mean_g, mean_gx = g.mean(axis=1), (g * expected).mean(axis=1)
    wanted = (g - mean_g[:, np.newaxis] - mean_gx[:, np.newaxis] * expected) / sd
    np.testing.assert_allclose(dx.reshape(2, -1), wanted, atol=1e-4 * abs(wanted).max())
    np.testing.assert_array_equal(layer.forward(x[:1])[0], out[:1])
