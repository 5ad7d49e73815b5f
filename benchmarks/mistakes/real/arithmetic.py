"""Rules of single operations and of small formulas."""

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake

P = 3


def rem_forward(a, d):
    """The remainder that has the sign of a."""
    return np.fmod(a, d), (a, d)


def rem_backward(dout, cache):
    a, d = cache
    return dout.copy(), -dout * np.trunc(a / d)


def mixed_signs(rng):
    a = rng.uniform(2, 9, 8) * np.array([1, -1, 1, -1, 1, -1, 1, -1])
    return a, rng.uniform(1.1, 1.9, 8) * np.array([1, 1, -1, -1, 1, 1, -1, -1])


def pow_forward(x):
    out = x**P
    return out, (x, out)


def pow_backward(dout, cache):
    x, _ = cache
    return dout * P * x ** (P - 1)


def with_zeros(rng):
    x = rng.normal(size=(3, 4))
    x[0, 1] = x[2, 3] = 0
    return (x,)


def atan2_forward(y, x):
    return np.arctan2(y, x), (y, x)


def atan2_backward(dout, cache):
    y, x = cache
    r2 = x**2 + y**2
    dy = dout * x / r2
    dx = -dout * y / r2
    return dy, dx


def subtract_forward(a, c):
    return a - c, None


def subtract_backward(dout, _):
    return dout.copy(), -dout


def rosenbrock_forward(x, y):
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2, (x, y)


def rosenbrock_backward(dout, cache):
    x, y = cache
    dx = dout * (-400 * x * (y - x**2) - 2 * (1 - x))
    dy = dout * 200 * (y - x**2)
    return dx, dy


MISTAKES = [
    PairMistake(
        "rem-floor-for-trunc",
        {
            "return dout.copy(), -dout * np.trunc(a / d)": (
                "return dout.copy(), -dout * np.floor(a / d)"
            )
        },
        "floor instead of trunc: wrong for mixed signs",
        "rem truncates towards zero, its rule for the divisor rounded down: wrong by 1 wherever the"
        " signs differ; wide test tolerances had hidden it.",
        "jax-ml/jax#11466, PR 11469 (2022)",
        inputs=mixed_signs,
        forward=rem_forward,
        backward=rem_backward,
    ),
    PairMistake(
        "pow-zero-base",
        {
            "x, _ = cache": "x, out = cache",
            "return dout * P * x ** (P - 1)": "return dout * P * out / x",
        },
        "0/0 at x = 0 (only there)",
        "To save a call the derivative of x^p was p · out / x, which is 0/0 at 0 where the slope of"
        " x² is plainly 0.",
        "roystgnr/MetaPhysicL#49 (2019; also autodiff#39, stanli#150)",
        inputs=with_zeros,
        forward=pow_forward,
        backward=pow_backward,
    ),
    PairMistake(
        "atan2-swapped",
        {"return dy, dx": "return dx, dy"},
        "gradients of the two inputs swapped",
        "The gradients of atan2's two arguments were the wrong way round.",
        "getkeops/keops#155 (2021)",
        inputs=normal(6, 6),
        forward=atan2_forward,
        backward=atan2_backward,
    ),
    PairMistake(
        "subtraction-sign",
        {"return dout.copy(), -dout": "return dout.copy(), dout.copy()"},
        "sign of the second operand",
        "a - b gave +dout to both: copied from the addition.",
        "KhawajaAbaid/micrograd_c#1 (2024; same: DiffSharp#9,"
        " AayushSameerShah/Neural-Net-Zero-to-Hero-with-Andrej#1)",
        inputs=normal((3, 2), (3, 2)),
        forward=subtract_forward,
        backward=subtract_backward,
    ),
    PairMistake(
        "rosenbrock-factor-x",
        {"dy = dout * 200 * (y - x**2)": "dy = dout * 200 * x * (y - x**2)"},
        "a factor x too many",
        "The hand-written gradient of Rosenbrock's function, which all optimisers were tested with,"
        " had a factor x too many in its second component; x is near 1 at the minimum, so it hardly"
        " mattered.",
        "pytorch/pytorch#3881 (2017), the gradient in the optimisers' own test",
        inputs=normal(5, 5),
        forward=rosenbrock_forward,
        backward=rosenbrock_backward,
    ),
]
