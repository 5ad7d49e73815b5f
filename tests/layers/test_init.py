import numpy as np
import pytest

from chainrule.layers import glorot_normal, he_normal, lecun_normal, plain_normal

FAN_IN, FAN_OUT = 500, 400
VARIANCES = {he_normal: 0.004, glorot_normal: 2 / 900, lecun_normal: 0.002, plain_normal(0.1): 0.01}

every_scheme = pytest.mark.parametrize("scheme", VARIANCES, ids=["he", "glorot", "lecun", "plain"])


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
