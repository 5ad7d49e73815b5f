"""The fast sums of a convolution against the plain ones, block sizes and borders of all kinds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.layers import convolution, unrolled, winograd
from chainrule.layers.windows import Windows


@st.composite
def convolutions(draw):
    """A batch, kernels, windows and groups."""

    def sides(least, most):
        return draw(st.integers(least, most)), draw(st.integers(least, most))

    groups = draw(st.integers(1, 3))
    C, F = (groups * side for side in sides(1, 6))
    pad = draw(st.sampled_from(["same", 0, 1, (2, 1), (0, 3)]))
    windows = Windows.of("Conv", sides(1, 4), sides(1, 3), pad, sides(1, 2))
    least = (max(reach, 1) for reach in windows.extent)
    H, W = (side + draw(st.integers(0, 9)) for side in least)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.standard_normal((draw(st.integers(1, 5)), C, H, W))
    return x, rng.standard_normal((F, C // groups, *windows.size)), windows, groups


@settings(deadline=None, max_examples=150)
@given(convolutions(), st.sampled_from([1, 60, 1000, 2**19]), st.sampled_from([1, 8, 99]))
def test_products_of_unrolled_blocks_are_the_plain_sums(case, block, short):
    x, W, windows, groups = case
    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((convolution, "BLOCK"), (unrolled, "BLOCK"), (unrolled, "LEAST")):
            patch.setattr(module, name, block)
        patch.setattr(unrolled, "SHORT", short)
        patch.setattr(convolution, "WIDER", short % 5)
        out = convolution.correlate(x, W, windows)
        dout = np.random.default_rng(0).standard_normal(out.shape)
        dx = convolution.spread(dout, W, windows, x.shape[2:], groups)
        dW = convolution.weight_sum(x, dout, windows, groups)
        both = convolution.correlate_and_sum(x, W, dout, windows)
        gradients = convolution.spread_and_sum(dout, W, x, windows, groups)
        alone = convolution.sum_alone(dout, W, x, windows, groups)
    np.testing.assert_array_equal(alone, gradients[1])
    plain = convolution.spread_plain(dout, W, windows, x.shape[2:], groups)
    plain_dW = convolution.weight_sum_plain(x, dout, windows, groups)
    for one in (out, both[0]):
        np.testing.assert_allclose(one, convolution.correlate_plain(x, W, windows), atol=1e-12)
    for one in (dx, gradients[0]):
        np.testing.assert_allclose(one, plain, atol=1e-12)
    for one in (dW, both[1], gradients[1]):
        np.testing.assert_allclose(one, plain_dW, atol=1e-11)


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(*[st.integers(1, 20)] * 2, *[st.integers(3, 19)] * 2),
    st.sampled_from([0, 1, (2, 0)]),
    st.sampled_from([1, 2000, 2**19]),
)
def test_transformed_products_are_the_plain_sums(shape, pad, block):
    rng, windows = np.random.default_rng(1), Windows.of("Conv", 3, 1, pad)
    x, W = rng.standard_normal(shape), rng.standard_normal((4, shape[1], 3, 3))
    out = convolution.correlate_plain(x, W, windows)
    dout = rng.standard_normal(out.shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unrolled, "BLOCK", block)
        found = winograd.correlate(x, W, windows)
        dW = winograd.weight_sum(x, dout, windows)
        both = winograd.correlate_and_sum(x, W, dout, windows)
    plain_dW = convolution.weight_sum_plain(x, dout, windows, 1)
    for one in (found, both[0]):
        np.testing.assert_allclose(one, out, atol=1e-11)
    for one in (dW, both[1]):
        np.testing.assert_allclose(one, plain_dW, atol=1e-10)


@pytest.mark.parametrize("pad", [7, 8, (13, 2), (2, 13)])
def test_tiles_that_lie_in_the_border_alone_are_zeros(pad, monkeypatch):
    monkeypatch.setattr(unrolled, "BLOCK", 1)  # a row of tiles at a time
    monkeypatch.setattr(unrolled, "LEAST", 1)
    rng, windows = np.random.default_rng(3), Windows.of("Conv", 3, 1, pad)
    x, W = rng.standard_normal((2, 3, 5, 6)), rng.standard_normal((2, 3, 3, 3))
    out = convolution.correlate_plain(x, W, windows)
    dout = rng.standard_normal(out.shape)
    dW = convolution.weight_sum_plain(x, dout, windows, 1)
    np.testing.assert_allclose(winograd.correlate(x, W, windows), out, atol=1e-11)
    np.testing.assert_allclose(winograd.weight_sum(x, dout, windows), dW, atol=1e-10)


def test_many_channels_are_transformed_in_float32_alone_and_their_error_stays_small():
    rng, windows = np.random.default_rng(2), Windows.of("Conv", 3, 1, 1)
    x, W = rng.standard_normal((8, 64, 8, 8)), rng.standard_normal((64, 64, 3, 3))
    assert not winograd.suits(x, W, windows)
    out = convolution.correlate_plain(x, W, windows)
    x, W = x.astype(np.float32), W.astype(np.float32)
    assert winograd.suits(x, W, windows)
    error = convolution.correlate(x, W, windows) - out
    assert np.sqrt(np.square(error).mean()) < 2e-6 * out.std()
    assert abs(error).max() < 2e-5 * out.std()


def test_an_infinite_pixel_reaches_the_windows_that_hold_it_and_no_other():
    x = np.zeros((1, 1, 6, 6))
    x[0, 0, 2, 2] = np.inf
    out = convolution.correlate(x, np.ones((1, 1, 3, 3)), Windows.of("Conv", 3))
    expected = np.pad(np.full((3, 3), np.inf), ((0, 1), (0, 1)))
    np.testing.assert_array_equal(out[0, 0], expected)
