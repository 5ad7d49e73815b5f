"""The normal distribution, which NumPy has not: its density and the weight of its tail.

The tail Φ(-t) falls like exp(-t² / 2) / t. Its quotient by the exponential, Mills' ratio, is smooth
and slow, and a quotient of two polynomials comes as close to it as the dtype can tell. All of their
coefficients are positive, so nothing cancels. They are those with which the quotient meets the
ratio at the Chebyshev points of a / (a + t) for 0 ≤ t ≤ the FURTHEST t that gives no 0, with a = 3
in float32 and 4 in float64; it is off by 8e-9 and 1e-16 of itself at most.

Like this, and not from 1 + erf(x / √2), the tail keeps its digits down to the smallest number.
Source of the form: Cody, "Rational Chebyshev Approximations for the Error Function", 1969, where
the exponent is taken in two parts, too.
"""

import math

import numpy as np

from chainrule.layers.annotations import Floats

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
DENSITY_AT_0 = 1 / math.sqrt(2 * math.pi)

#: Beyond it exp(-t² / 2) is 0.
FURTHEST = {SINGLE: 15.0, DOUBLE: 40.0}

#: Coefficients of the two polynomials, from that of the highest power of t down to that of 1.
NUMERATOR = {
    SINGLE: (
        *(0.004122528203069215, 0.04070006147737858, 0.18347186143016864, 0.43867425738206206),
        0.5000000021756479,
    ),
    DOUBLE: (
        *(1.412006087028076e-06, 3.786351803240895e-05, 0.0004972730660831567),
        *(0.00413752114872265, 0.023852521829217956, 0.09846131519083871, 0.2910478703813179),
        *(0.5964708193378727, 0.7765641397907815, 0.5),
    ),
}
DENOMINATOR = {
    SINGLE: (
        *(0.01033353410301861, 0.10202606508008999, 0.4700843052336978, 1.2035824337408796),
        *(1.6752334168384364, 1.0),
    ),
    DOUBLE: (
        *(3.5393743817034457e-06, 9.490976487536711e-05, 0.0012500181021993545),
        *(0.010466137253814498, 0.0610288059825763, 0.2569873142590225, 0.7868808831123079),
        *(1.7221395351506155, 2.5687784862680085, 2.3510128403844215, 1.0),
    ),
}

#: Of a number's bits, those that stay when the lower half of its digits is set to 0.
UPPER_HALF = {SINGLE: np.int32(-(1 << 12)), DOUBLE: np.int64(-(1 << 27))}
INTEGER = {SINGLE: np.int32, DOUBLE: np.int64}


def tail(t: Floats) -> tuple[Floats, Floats]:
    """Φ(-t), the probability of less than -t, and exp(-t² / 2), for 0 ≤ t ≤ FURTHEST."""
    e = half_square_exp(t)
    out = polynomial(NUMERATOR[t.dtype], t)
    out /= polynomial(DENOMINATOR[t.dtype], t)
    out *= e
    return out, e


def polynomial(coefficients: tuple[float, ...], t: Floats) -> Floats:
    """c₀ tⁿ + c₁ tⁿ⁻¹ + … + cₙ."""
    first, *others = coefficients
    out = t * first
    for c in others[:-1]:
        out += c
        out *= t
    out += others[-1]
    return out


def half_square_exp(t: Floats) -> Floats:
    """exp(-t² / 2), to the last digits.

    t² rounded to its own digits makes the exponential wrong by up to t² / 2 ulp, 100 in float32.
    What rounding takes away is s² - t² + (t - s) (t + s), where s, which has the upper half of the
    digits of t, has a square without any rounding.
    """
    s = (t.view(INTEGER[t.dtype]) & UPPER_HALF[t.dtype]).view(t.dtype)
    square = t * t
    rest = t - s
    rest *= t + s
    s *= s
    s -= square
    rest += s
    square *= -0.5
    e = np.exp(square, out=square)
    rest *= 0.5
    rest *= e
    e -= rest
    return e
