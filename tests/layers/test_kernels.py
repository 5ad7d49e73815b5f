"""Each fast form against its plain form, over the whole range of floats."""

import numpy as np
import pytest

from chainrule.layers.kernels import (
    BLOCK,
    in_blocks,
    sum_of_products,
    sum_of_rows,
    times_transposed,
    two_sided,
)

DTYPES = [np.float32, np.float64]


def ladder(dtype):
    """Both signs of every power of two, 0, the infinities and nan."""
    info = np.finfo(dtype)
    powers = 2.0 ** np.arange(info.minexp - info.nmant, info.maxexp).astype(np.float64)
    with np.errstate(under="ignore"):
        powers = powers.astype(dtype)
    return np.concatenate([-powers, [0, -0.0, np.inf, -np.inf, np.nan], powers]).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("below", [0.0, 0.25, 1.0, 1.3, -0.5])
def test_the_slope_of_two_sides(dtype, below):
    x = ladder(dtype)
    found = two_sided(x, below)
    np.testing.assert_array_equal(found, np.where(x > 0, dtype(1), dtype(below)))
    assert found.dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("below", [[0.1, 0.5, 1], [0.1, 2, -1]])
def test_the_slope_of_two_sides_by_feature(dtype, below):
    below = np.array(below, dtype)
    x = np.array([[-1, 0, 2], [3, -4, -5]], dtype)
    np.testing.assert_array_equal(two_sided(x, below), np.where(x > 0, dtype(1), below))


def numbers(shape, dtype, seed=0):
    """Numbers of all sizes whose sums do not overflow."""
    rng = np.random.default_rng(seed)
    high = 30 if dtype == np.float32 else 250
    return (rng.standard_normal(shape) * 10.0 ** rng.uniform(-high, high, shape)).astype(dtype)


def close(found, plain, size, dtype):
    """Within a few roundings of the largest term."""
    np.testing.assert_array_less(np.abs(found - plain), 64 * np.finfo(dtype).eps * size)
    assert found.dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (600, 500), (3, 4, 5, 6), (90, 30, 12, 12)])
def test_sums_and_sums_of_products_over_all_axes_but_the_channels(shape, dtype):
    x = numbers(shape, dtype)
    axes = (0, *range(2, len(shape)))
    y = np.random.default_rng(1).standard_normal(shape).astype(dtype)
    terms = x.astype(np.longdouble) * y
    exact = x.astype(np.longdouble)
    close(sum_of_rows(x), exact.sum(axis=axes), np.abs(exact).sum(axis=axes), dtype)
    close(sum_of_products(x, y), terms.sum(axis=axes), np.abs(terms).sum(axis=axes), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", [1, 10, 32, 33, 100])
def test_products_with_a_transposed_matrix(columns, dtype):
    dout, W = numbers((6, columns), dtype), np.random.default_rng(1).random((8, columns))
    W = W.astype(dtype)
    exact = dout.astype(np.longdouble) @ W.T
    close(times_transposed(dout, W), exact, np.abs(dout.astype(np.longdouble)) @ W.T, dtype)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_not_lost(value):
    x = np.ones((3, 2))
    x[1, 0] = value
    assert not np.isfinite(sum_of_products(x, x)[0])


@pytest.mark.parametrize("size", [0, 1, BLOCK, 2 * BLOCK + 3])
def test_a_curve_is_computed_in_blocks_of_all_entries_in_order(size, dtype):
    sizes = []

    def curve(x):
        sizes.append(x.nbytes)
        return 2 * x, 3 * x

    x = np.arange(2 * size, dtype=dtype).reshape(size, 2)
    out, slope = in_blocks(curve, x)
    np.testing.assert_array_equal(out, x + x)
    np.testing.assert_array_equal(slope, x + x + x)
    assert sum(sizes) == x.nbytes
    assert max(sizes, default=0) <= 4 * BLOCK
