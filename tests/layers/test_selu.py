import numpy as np
import pytest

from chainrule.layers import SELU


def test_out_and_slope_are_the_hand_worked_ones(dtype):
    """scale 1.0507 and alpha 1.6733, at log(1/2), where eˣ is 1/2."""
    out, cache = SELU().forward(np.array([2, -np.log(2), 0], dtype))
    dx, _ = SELU().backward(np.array([10, 2, 1], dtype), cache)
    np.testing.assert_allclose(out, [2.101402, -0.8790497, 0], atol=1e-6)
    np.testing.assert_allclose(dx, [10.507010, 1.7580993, 1.7580993], atol=1e-5)


def test_normal_numbers_keep_their_mean_and_variance_through_many_layers():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1000, 200))
    for _ in range(20):
        x, _ = SELU().forward(x @ SELU.weight_init(200, 200, rng=rng))
    assert abs(x.mean()) < 0.05
    assert 0.9 < x.var() < 1.1


def test_the_two_numbers_are_a_fixed_point_of_mean_and_variance():
    """∫ selu(z) φ(z) dz = 0 and ∫ selu²(z) φ(z) dz = 1, by the trapezoidal rule."""
    z = np.linspace(-12, 12, 240_001)
    weights = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    out, _ = SELU().forward(z)
    assert abs((weights * out).sum()) < 1e-9
    assert (weights * out**2).sum() == pytest.approx(1, abs=1e-9)
