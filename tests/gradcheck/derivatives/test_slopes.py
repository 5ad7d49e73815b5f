"""Slopes with their own error bars: steps and noise follow from what the output does."""

import numpy as np
import pytest

from chainrule.gradcheck.derivatives.point import (
    FIRST_STEP,
    Point,
    entry_line,
    rows_are_independent,
    units,
)
from chainrule.gradcheck.derivatives.slopes import allowed, measure
from chainrule.gradcheck.subject.layer import of_layer


class Map:
    params, state = {}, {}

    def __init__(self, f):
        self.f = f

    def forward(self, x):
        return self.f(x), None

    def backward(self, dout, cache):
        return dout, {}


def point(f, x):
    subject = of_layer(Map(f), (x,))
    done = subject.run(True)
    done.douts = [np.ones_like(o, np.float64) for o in done.outs]
    return Point(subject, True, done, [subject.inputs[0]], np.random.default_rng(0))


def slope(f, x, split=""):
    where = point(f, np.asarray(x, float))
    array = where.moving[0]
    return where, measure(where, entry_line(array, np.arange(array.size)), split)


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize(
    ("f", "df"),
    [
        (np.sin, np.cos),
        (np.square, lambda x: 2 * x),
        (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    ],
    ids=["sin", "square", "tanh"],
)
def test_a_slope_lies_within_its_error_bar_which_is_small(f, df, size):
    x = np.full((1, 1), 0.7 * size)
    _, found = slope(f, x)
    want, scale = df(x).item(), max(abs(df(x).item()), 1e-3)
    assert abs(found.value[0] - want) <= 2 * found.error[0] + 1e-14 * scale
    assert found.error[0] <= 1e-6 * scale
    assert not found.kink[0]


@pytest.mark.parametrize(("dtype", "digits"), [(np.float32, 1e-4), (np.float16, 5e-2)])
def test_steps_grow_with_the_noise_of_what_is_computed_in_few_digits(dtype, digits):
    fine, _ = slope(np.tanh, [[0.3]])
    assert fine.step < 2 * FIRST_STEP
    coarse, found = slope(lambda x: np.tanh(x.astype(dtype)), [[0.3]])
    assert coarse.step > 4 * FIRST_STEP
    assert coarse.noise > 100 * fine.noise
    want = 1 - np.tanh(0.3) ** 2
    assert abs(found.value[0] - want) <= digits * want


@pytest.mark.parametrize("digits", [6, 4, 3])
def test_an_output_that_is_rounded_has_the_slope_of_what_it_rounds(digits):
    x = np.linspace(-1, 1, 6).reshape(1, 6)
    where, found = slope(lambda x: np.round(np.sin(x), digits), x)
    moved = units(x)  # together, each in its own units
    want = (np.cos(x) * moved).sum() / moved[0, 0]
    assert where.noise >= 0.1 * 10.0**-digits
    assert abs(found.value[0] - want) <= 2 * found.error[0]
    assert abs(found.value[0] - want) <= 0.05 * want


@pytest.mark.parametrize("x", [0.3, -1.7, 123.4])
def test_a_stair_is_flat_between_its_steps(x):
    where, found = slope(np.floor, [[x]])
    assert where.step == FIRST_STEP
    assert found.value[0] == 0
    assert not found.kink[0]


def test_a_kink_has_two_slopes_and_those_between_are_allowed():
    where, found = slope(np.abs, [[0.0]])
    assert found.kink[0]
    np.testing.assert_allclose([found.left[0], found.right[0]], [-1, 1], atol=1e-9)
    line = entry_line(where.moving[0], np.array([0]))
    for claim, holds in ((-1, True), (0.3, True), (1, True), (1.01, False), (-2, False)):
        assert allowed(where, line, claim, 1e-7) is holds


def test_a_kink_that_is_close_by_is_stepped_over():
    for gap in (1e-4, 1e-6, 1e-8):
        _, found = slope(np.abs, [[gap]])
        assert not found.kink[0]
        assert abs(found.value[0] - 1) <= 1e-6


def test_entries_are_moved_in_their_own_units_but_not_far():
    np.testing.assert_array_equal(units(np.array([0.0, 100.0])), [1.0, 100.0])
    np.testing.assert_array_equal(units(np.zeros(3)), np.ones(3))
    small = units(np.array([1e-3, 1e-3]))
    np.testing.assert_allclose(small, 1e-3)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("f", "independent"),
    [
        (np.tanh, True),
        (lambda x: x / np.sqrt(np.square(x).sum(axis=1, keepdims=True)), True),
        (lambda x: x - x.mean(axis=0), False),
        (lambda x: x * (x / np.sqrt(np.square(x).sum(axis=1, keepdims=True))).sum(axis=0), False),
        (lambda x: x + x[::-1] / np.linalg.norm(x[::-1], axis=1, keepdims=True), False),
        (lambda x: np.cumsum(x, axis=0), False),
        (lambda x: x * (x / np.linalg.norm(x)).sum(), False),
    ],
    ids=["each", "directions", "centred", "cosines", "of the row opposite", "cumulative", "norm"],
)
def test_rows_are_independent_where_no_row_sees_another_not_even_its_direction(
    f, independent, seed
):
    x = np.random.default_rng(seed).uniform(1, 5, (5, 4))
    where = point(f, x)
    assert rows_are_independent(where, where.moving[0]) is independent
    np.testing.assert_array_equal(where.moving[0], x)
