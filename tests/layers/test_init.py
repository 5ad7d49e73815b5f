import numpy as np
import pytest

from chainrule.layers import (
    Affine,
    Conv,
    ConvTranspose,
    Dropout,
    Maxout,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    plain_normal,
)
from chainrule.nets import MLP, ConvNet, LeNet5, ResNet

FAN_IN, FAN_OUT = 500, 400
VARIANCES = {he_normal: 0.004, glorot_normal: 2 / 900, lecun_normal: 0.002, plain_normal(0.1): 0.01}
UNIFORM = {he_uniform: 0.004, glorot_uniform: 2 / 900, lecun_uniform: 0.002}
NAMED = (he_normal, he_uniform, glorot_normal, glorot_uniform, lecun_normal, lecun_uniform)

every_scheme = pytest.mark.parametrize(
    "scheme", [*NAMED, plain_normal(0.1)], ids=[*(one.__name__ for one in NAMED), "plain"]
)
every_named_scheme = pytest.mark.parametrize("scheme", NAMED)


def legacy(seed):
    """A generator of the numbers that np.random.seed(seed) starts."""
    bits = np.random.MT19937()
    bits.state = np.random.RandomState(seed).get_state(legacy=False)
    return np.random.Generator(bits)


@pytest.mark.parametrize(("scheme", "variance"), VARIANCES.items())
def test_the_weights_are_normal_with_mean_0_and_the_stated_variance(scheme, variance):
    W = scheme(FAN_IN, FAN_OUT, rng=0)
    n, std = FAN_IN * FAN_OUT, variance**0.5
    assert W.shape == (FAN_IN, FAN_OUT)
    # Bounds of five standard deviations of each estimate.
    assert abs(W.mean()) < 5 * std / n**0.5
    assert W.var() == pytest.approx(variance, rel=5 * (2 / n) ** 0.5)
    inside = np.mean(np.abs(W) < std)
    assert inside == pytest.approx(0.6827, abs=5 * (0.6827 * 0.3173 / n) ** 0.5)


@pytest.mark.parametrize(("scheme", "variance"), UNIFORM.items())
def test_uniform_weights_fill_their_range_evenly_and_have_the_variance_of_the_normal_ones(
    scheme, variance
):
    W = scheme(FAN_IN, FAN_OUT, rng=0)
    n, bound = FAN_IN * FAN_OUT, (3 * variance) ** 0.5
    assert W.shape == (FAN_IN, FAN_OUT)
    assert abs(W).max() <= bound
    assert abs(W).max() == pytest.approx(bound, rel=1e-4)
    # Bounds of five standard deviations of each estimate.
    assert abs(W.mean()) < 5 * (variance / n) ** 0.5
    assert W.var() == pytest.approx(variance, rel=5 * (0.8 / n) ** 0.5)
    counts, _ = np.histogram(W, bins=10, range=(-bound, bound))
    np.testing.assert_allclose(counts / n, 0.1, atol=5 * (0.09 / n) ** 0.5)


@pytest.mark.parametrize(
    ("scheme", "gain", "row"),
    [
        (he_uniform, 1, [-0.35485414, 1.2748126, 0.65617794, 0.27904832, -0.9729262]),
        (glorot_uniform, 1.5, [-0.32595432, 1.1709901, 0.60273796, 0.25632226, -0.8936898]),
    ],
)
def test_the_first_row_that_cmu_prints_for_three_inputs_and_five_outputs(scheme, gain, row):
    """Deep Learning Systems, homework 2, where they are called Kaiming and Xavier."""
    W = scheme(3, 5, gain=gain, rng=legacy(42), dtype=np.float32)
    np.testing.assert_allclose(W[0], row, rtol=1e-6)


def test_the_sum_of_the_kernels_that_cmu_prints():
    """Homework 4: kernels of 3 by 3, from 16 channels to 8, which come last there."""
    W = he_uniform(16 * 9, 8 * 9, shape=(3, 3, 16, 8), rng=legacy(0))
    assert W.sum() == pytest.approx(-2.5719218, rel=1e-4)


@every_named_scheme
def test_gain_multiplies_the_weights_and_a_shape_only_arranges_them(scheme):
    W = scheme(6, 4, rng=3)
    np.testing.assert_allclose(scheme(6, 4, gain=5 / 3, rng=3), 5 / 3 * W, rtol=1e-15)
    np.testing.assert_array_equal(scheme(6, 4, gain=0, rng=3), np.zeros((6, 4)))
    kernels = scheme(6, 4, shape=(4, 2, 3, 1), rng=3)
    np.testing.assert_array_equal(kernels, W.reshape(4, 2, 3, 1))


@pytest.mark.parametrize(
    ("scheme", "std"), [(he_normal, (2 / 180) ** 0.5), (glorot_normal, (2 / 360) ** 0.5)]
)
def test_the_fans_of_a_kernel_count_what_an_output_reads_and_an_input_reaches(scheme, std):
    """Of 40 channels in two groups, 3 by 3: an output reads 20 · 9 numbers, and an input reaches
    20 · 9 of 40 channels in two groups."""
    W = Conv(40, 40, 3, groups=2, init=scheme, rng=0).params["W"]
    assert W.shape == (40, 20, 3, 3)
    assert W.std() == pytest.approx(std, rel=5 / (2 * W.size) ** 0.5)


def test_lecun_uniform_with_a_gain_is_what_pytorch_starts_with():
    """U(-1 / √fan_in, 1 / √fan_in)."""
    W = lecun_uniform(100, 300, gain=3**-0.5, rng=0)
    assert abs(W).max() == pytest.approx(0.1, rel=1e-3)
    assert abs(W).max() <= 0.1


@every_scheme
def test_the_same_seed_gives_the_same_weights_rounded_where_they_are_float32(scheme):
    W = scheme(30, 20, rng=7)
    assert W.dtype == np.float64
    np.testing.assert_array_equal(scheme(30, 20, rng=np.random.default_rng(7)), W)
    single = scheme(30, 20, rng=7, dtype=np.float32)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, W.astype(np.float32))
    assert (scheme(30, 20, rng=8) != W).any()


@every_scheme
def test_one_generator_gives_new_weights_with_every_call_and_no_seed_gives_new_ones_too(
    scheme,
):
    rng = np.random.default_rng(0)
    assert (scheme(3, 2, rng=rng) != scheme(3, 2, rng=rng)).all()
    assert (scheme(3, 2) != scheme(3, 2)).all()


@pytest.mark.parametrize("std", [1e-200, 1e-3, 1e200])
def test_plain_normal_has_the_given_standard_deviation_however_small_or_large(std):
    W = plain_normal(std)(100, 100, rng=0) / std
    assert W.std() == pytest.approx(1, rel=0.036)  # five standard deviations of the estimate


def test_plain_normal_with_std_0_gives_zeros():
    np.testing.assert_array_equal(plain_normal(0)(2, 3, rng=0), np.zeros((2, 3)))


@pytest.mark.parametrize("std", [-0.5, np.inf, np.nan])
def test_plain_normal_refuses_a_std_that_is_negative_or_not_finite(std):
    with pytest.raises(
        ValueError, match=f"^plain_normal: std must be a finite number of at least 0, got {std}$"
    ):
        plain_normal(std)


def test_plain_normal_refuses_what_is_no_number():
    with pytest.raises(ValueError, match=r"^plain_normal: std must be a finite number .*'a'$"):
        plain_normal("a")


@pytest.mark.parametrize(
    ("made", "who"),
    [
        (lambda init: Affine(3, 2, init=init), "Affine"),
        (lambda init: Conv(3, 2, 3, init=init), "Conv"),
        (lambda init: ConvTranspose(3, 2, 3, init=init), "ConvTranspose"),
        (lambda init: Maxout(3, 2, init=init), "Maxout"),
        (lambda init: MLP([3, 2], init=init), "Affine"),
        (lambda init: ConvNet((1, 4, 4), 2, init=init), "Conv"),
    ],
)
def test_weights_by_the_name_of_a_scheme_are_refused_in_a_sentence(made, who):
    expected = f"^{who}: init is 'he', expected a scheme such as he_normal$"
    with pytest.raises(TypeError, match=expected):
        made("he")


@pytest.mark.parametrize(
    ("made", "who"),
    [
        (lambda rng: Affine(3, 2, rng=rng), "Affine"),
        (lambda rng: Conv(3, 2, 3, rng=rng), "Conv"),
        (lambda rng: Maxout(3, 2, rng=rng), "Maxout"),
        (lambda rng: Dropout(0.5, rng=rng), "Dropout"),
        (lambda rng: MLP([3, 2], rng=rng), "MLP"),
        (lambda rng: ConvNet((1, 4, 4), 2, rng=rng), "ConvNet"),
        (lambda rng: LeNet5((1, 28, 28), 2, rng=rng), "LeNet5"),
        (lambda rng: ResNet((1, 4, 4), 2, rng=rng), "ResNet"),
        (lambda rng: he_normal(3, 2, rng=rng), "layers.init"),
        (lambda rng: he_uniform(3, 2, rng=rng), "layers.init"),
    ],
)
def test_what_is_no_seed_is_refused_in_a_sentence(made, who):
    expected = "expected a Generator, a seed of at least 0, or None$"
    with pytest.raises(TypeError, match=f"^{who}: rng is 'a', {expected}"):
        made("a")
    with pytest.raises(ValueError, match=f"^{who}: rng is -1, {expected}"):
        made(-1)


def test_a_scheme_of_ones_own_needs_no_shape_where_that_is_the_fans():
    def ones(fan_in, fan_out, *, rng, dtype):
        assert isinstance(rng, np.random.Generator)
        return np.ones((fan_in, fan_out), dtype)

    assert Affine(3, 2, init=ones, rng=0).params["W"].shape == (3, 2)
