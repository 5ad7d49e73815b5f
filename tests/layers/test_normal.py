"""The tail of the normal distribution, against mpmath and the mathematics."""

import math

import numpy as np
import pytest

from chainrule.layers.normal import (
    DENOMINATOR,
    FURTHEST,
    NUMERATOR,
    half_square_exp,
    tail,
)

A = {np.float32: 3, np.float64: 4}


def points(dtype):
    """0, everything up to the furthest, and what is denormal."""
    top = FURTHEST[np.dtype(dtype)]
    t = np.concatenate([np.linspace(0, top, 1501), np.geomspace(1e-300, top, 500)])
    return t.astype(dtype)


def ulps(found, exact):
    mpmath = pytest.importorskip("mpmath")
    unit = np.spacing(np.array([float(y) for y in exact], found.dtype)).astype(float)
    return max(
        float(abs(mpmath.mpf(float(one)) - y) / mpmath.mpf(u))
        for one, y, u in zip(found, exact, unit, strict=True)
    )


def test_the_tail_and_the_exponential_are_right_to_a_few_ulp(dtype):
    mpmath = pytest.importorskip("mpmath")
    t = points(dtype)
    below, e = tail(t)
    assert below.dtype == e.dtype == dtype
    with mpmath.workdps(40):
        exact = [mpmath.mpf(float(one)) for one in t]
        assert ulps(e, [mpmath.exp(-(one**2) / 2) for one in exact]) < 4
        assert ulps(below, [mpmath.erfc(one / mpmath.sqrt(2)) / 2 for one in exact]) < 10


def test_it_is_half_of_erfc(dtype):
    t = points(dtype)[:601]
    want = [math.erfc(float(one) / math.sqrt(2)) / 2 for one in t]
    np.testing.assert_allclose(tail(t)[0], want, rtol=1e-6 if dtype == np.float32 else 1e-13)


def test_beyond_the_furthest_there_is_nothing(dtype):
    assert tail(np.array([FURTHEST[np.dtype(dtype)]], dtype)) == (0, 0)
    assert half_square_exp(np.array([0], dtype)) == 1


@pytest.mark.parametrize("t", [1 + 2**-12, 1 + 2**-23, 12.3])
def test_the_square_in_the_exponent_is_not_rounded(t):
    np.testing.assert_allclose(
        half_square_exp(np.array([t], np.float32)),
        np.exp(-(np.float64(np.float32(t)) ** 2) / 2),
        rtol=4 * np.finfo(np.float32).eps,
    )


def test_the_coefficients_are_those_that_the_docstring_tells_of(dtype):
    """The quotient meets Mills' ratio at the Chebyshev points of a / (a + t)."""
    mpmath = pytest.importorskip("mpmath")
    numerator, denominator = (c[np.dtype(dtype)][::-1] for c in (NUMERATOR, DENOMINATOR))
    n, m = len(numerator) - 1, len(denominator) - 1
    with mpmath.workdps(50):
        a, top = mpmath.mpf(A[dtype]), mpmath.mpf(FURTHEST[np.dtype(dtype)])
        count, low = n + m + 1, a / (a + top)
        matrix, right = mpmath.matrix(count, count), mpmath.matrix(count, 1)
        for i in range(count):
            u = (1 + low) / 2 + (1 - low) / 2 * mpmath.cos(mpmath.pi * (2 * i + 1) / (2 * count))
            t = a / u - a
            ratio = mpmath.exp(t * t / 2) * mpmath.erfc(t / mpmath.sqrt(2)) / 2
            for j in range(n + 1):
                matrix[i, j] = t**j
            for j in range(1, m + 1):
                matrix[i, n + j] = -ratio * t**j
            right[i] = ratio
        found = [float(one) for one in mpmath.lu_solve(matrix, right)]
    np.testing.assert_allclose(found[: n + 1], numerator, rtol=1e-14)
    np.testing.assert_allclose([1, *found[n + 1 :]], denominator, rtol=1e-14)
