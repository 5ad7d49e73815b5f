"""Every idiom is right: its gradients are what differences in float64 say, without a checker."""

import functools
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.idioms import IDIOMS, Function

SIXTH_ORDER = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}  # f(x + kh) - f(x - kh), by its weight

seeds = pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2))]
)
smooth = pytest.mark.parametrize(
    "idiom", [idiom for idiom in IDIOMS if not idiom.on_kinks], ids=lambda idiom: idiom.name
)
on_kinks = pytest.mark.parametrize(
    "idiom", [idiom for idiom in IDIOMS if idiom.on_kinks], ids=lambda idiom: idiom.name
)


def made(idiom, seed=0):
    return Function(idiom, np.random.default_rng(seed))


def in_double(arrays):
    return [array.astype(np.float64) for array in arrays]


def slope(f, arrays, direction, h, weights=SIXTH_ORDER):
    """The derivative of every output along a direction, by central differences."""

    def at(step):
        moved = zip(arrays, direction, strict=True)
        return f.exact(*(array + step * h * along for array, along in moved))

    return sum(c * (at(k) - at(-k)) for k, c in weights.items()) / h


@functools.cache
def gradients_of(idiom, seed=0):
    """The gradients that backward gives for a random dout, and those that differences give."""
    f = made(idiom, seed)
    out, gradients = f(*f.arrays)
    dout = np.random.default_rng(7).normal(size=out.shape).astype(out.dtype)
    arrays = in_double(f.arrays)
    numeric = in_double(map(np.zeros_like, arrays))
    for at, array in enumerate(arrays):
        h = 1e-4 * max(1, np.abs(array).max(initial=0))
        for index in np.ndindex(array.shape):
            direction = [np.zeros_like(other) for other in arrays]
            direction[at][index] = 1
            numeric[at][index] = np.sum(dout * slope(f, arrays, direction, h))
    return gradients(dout), numeric


def agree(analytic, numeric, rounding):
    """Up to the rounding, relative to the largest gradient."""
    largest = max(np.abs(array).max() for array in numeric)
    return all(
        one.shape == other.shape and np.abs(one - other).max() <= rounding * largest
        for one, other in zip(analytic, numeric, strict=True)
    )


def rounding_of(idiom):
    """Of differences, and of the dtype in which it computes."""
    return max(1e-9, 16 * np.finfo(idiom.precision).eps)


@seeds
@smooth
def test_gradients_are_what_differences_say(idiom, seed):
    assert agree(*gradients_of(idiom, seed), rounding_of(idiom))


@smooth
def test_a_gradient_that_is_off_by_little_would_be_seen(idiom):
    analytic, numeric = gradients_of(idiom)
    off = 1 + 4 * rounding_of(idiom)
    if any(np.abs(gradient).max() > 1e-13 for gradient in analytic):
        assert not agree([off * gradient for gradient in analytic], numeric, rounding_of(idiom))


@seeds
@smooth
def test_the_output_is_that_of_the_exact_formula(idiom, seed):
    f = made(idiom, seed)
    out, _ = f(*f.arrays)
    exact = f.exact(*in_double(f.arrays))
    assert np.abs(out - exact).max() <= 8 * np.finfo(idiom.precision).eps * np.abs(exact).max()


def lie_between_nearby_slopes(f, t=1e-4):
    """Along every axis, along all axes of an array at once and along some random directions each
    output changes, by its gradient, at a rate between the least and the largest of those at points
    nearby: ahead, behind, and all around.

    At a kink any mixture of the gradients nearby is right (the generalised gradient), and this is
    what holds for all of them. Ahead and behind are the slopes on the two sides.
    """
    rng = np.random.default_rng(5)
    out, gradients = f(*f.arrays)
    rows = []  # of the Jacobian, one for each output
    for index in np.ndindex(out.shape):
        dout = np.zeros_like(out)
        dout[index] = 1
        rows.append(np.concatenate([np.ravel(array) for array in gradients(dout)]))
    sizes = [array.size for array in f.arrays]
    wholes = np.repeat(np.eye(len(sizes)), sizes, axis=1)
    directions = [*np.eye(sum(sizes)), *wholes, *rng.normal(size=(10, sum(sizes)))]

    def shaped(flat):
        parts = np.split(flat, np.cumsum(sizes)[:-1])
        return [part.reshape(x.shape) for part, x in zip(parts, f.arrays, strict=True)]

    around = rng.normal(size=(24, sum(sizes)))
    for direction in directions:
        ways = [*(sign * direction + 0.01 * way for sign in (1, -1) for way in around[:3]), *around]
        slopes = []
        for way in ways:
            nearby = [x + t * step for x, step in zip(f.arrays, shaped(way), strict=True)]
            slopes.append(np.ravel(slope(f, nearby, shaped(direction), 1e-5 * t, {1: 0.5})))
        ours = np.array([row @ direction for row in rows])
        slack = 1e-3 * np.abs(slopes).max()
        low, high = np.min(slopes, axis=0) - slack, np.max(slopes, axis=0) + slack
        if not np.all((low <= ours) & (ours <= high)):
            return False
    return True


@seeds
@on_kinks
def test_on_kinks_gradients_lie_between_the_slopes_nearby(idiom, seed):
    assert lie_between_nearby_slopes(made(idiom, seed))


def every_tie(dout, cache):
    return dout[:, None] * (cache == cache.max(axis=1, keepdims=True))


def named(name):
    (found,) = (idiom for idiom in IDIOMS if idiom.name == name)
    return found


@pytest.mark.parametrize(
    ("name", "backward"),
    [
        ("row maxima, shared", every_tie),
        ("relu of zeros, slope 1", lambda dout, x: dout * np.where(x == 0, 1.1, x > 0)),
        ("abs of zeros", lambda dout, x: dout * np.where(x == 0, -1.5, np.sign(x))),
        ("a stable sort of equal entries", lambda dout, _: dout),
        ("the larger of equal ones", lambda dout, first: (dout * first, dout)),
    ],
)
def test_a_wrong_gradient_on_a_kink_would_be_seen(name, backward):
    assert not lie_between_nearby_slopes(made(replace(named(name), backward=backward)))


@on_kinks
def test_inputs_that_are_said_to_sit_on_kinks_do(idiom):
    """A step ahead and one behind change something at different rates."""
    f = made(idiom)
    here = f.exact(*f.arrays)

    def bend(at, index, h):
        moved = np.zeros_like(f.arrays[at])
        moved[index] = h
        shifted = (
            [x + s * moved if k == at else x for k, x in enumerate(f.arrays)] for s in (1, -1)
        )
        return np.abs(sum(f.exact(*arrays) for arrays in shifted) - 2 * here).max() / h

    entries = [(at, index) for at, x in enumerate(f.arrays) for index in np.ndindex(x.shape)]
    bends = [bend(*entry, 1e-4) for entry in entries]
    if idiom.name == "a Huber loss at its bends":  # where the slope has a kink
        assert 1e-7 < max(bends) < 1e-4
    else:
        assert max(bends) > 1e-2


def test_there_are_many_and_each_has_a_name_of_its_own():
    assert len(IDIOMS) >= 150
    assert len({idiom.name for idiom in IDIOMS}) == len(IDIOMS)
    assert {idiom.how for idiom in IDIOMS} == {"functions", "layer"}
