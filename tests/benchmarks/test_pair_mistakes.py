"""Every mistake in a pair of functions is one, and every right pair is right, without a checker."""

import functools
import inspect
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.mistakes import REAL, STUDENTS, wrong_pair

ALL = [*REAL, *STUDENTS]
BY_ID = {mistake.id: mistake for mistake in ALL}

FIVE_POINTS = {2: -1 / 12, 1: 2 / 3, -1: -2 / 3, -2: 1 / 12}  # f(x + kh), by its weight
AHEAD, BEHIND = {1: 1, 0: -1}, {0: 1, -1: -1}

#: Where several gradients are right, and differences do not tell which.
ON_KINKS = {
    "max-ties-all-count": "entries that share the maximum",
    "grid-sample-border": "a point on the last pixel, beyond which nothing changes",
}

every_mistake = pytest.mark.parametrize("mistake", ALL, ids=lambda mistake: mistake.id)
of_forward = pytest.mark.parametrize(
    "mistake", [m for m in ALL if m.forward_patch], ids=lambda mistake: mistake.id
)


@pytest.fixture(autouse=True)
def quiet():
    """Some of the wrong ones overflow, or divide by zero."""
    with np.errstate(all="ignore"):
        yield


def as_tuple(result):
    return result if isinstance(result, tuple) else (result,)


def drawn(mistake):
    return mistake.inputs(np.random.default_rng(0))


def copied(inputs):
    return [np.array(x) if isinstance(x, np.ndarray) else x for x in inputs]


def random_dout(out):
    return np.random.default_rng(out.size).normal(size=out.shape)[()]


def zero_dout(out):
    return np.zeros(out.shape)[()]


def dout_in_another_order(out):
    return np.asfortranarray(random_dout(out))


def outputs_of(forward, inputs):
    return [np.asarray(out) for out in as_tuple(forward(*copied(inputs))[0])]


def gradients_of(pair, inputs, make=random_dout):
    """What backward returns for the dout that `make` makes for each output."""
    forward, backward = pair
    result, cache = forward(*copied(inputs))
    douts = tuple(make(np.asarray(out)) for out in as_tuple(result))
    return as_tuple(backward(douts if isinstance(result, tuple) else douts[0], cache))


def slopes(forward, inputs, stencil=FIVE_POINTS):
    """The slope of Σ dout · out along every entry of every array of floats, by differences."""
    inputs, found = copied(inputs), []
    douts = [random_dout(out) for out in outputs_of(forward, inputs)]

    def value():
        outs = as_tuple(forward(*inputs)[0])
        return sum(np.sum(dout * out) for dout, out in zip(douts, outs, strict=True))

    for x in inputs:
        if isinstance(x, np.ndarray) and x.dtype.kind == "f":
            found.append(np.zeros_like(x))
            usual = np.median(np.abs(x))
            for index in np.ndindex(x.shape):
                kept = x[index]
                h = 1e-4 * max(abs(kept), usual)
                for step, weight in stencil.items():
                    x[index] = kept + step * h
                    found[-1][index] += weight * value() / h
                x[index] = kept
    return found


@functools.cache
def slopes_of_right(forward, inputs):
    """The same for a right pair, which many mistakes share."""
    return slopes(forward, inputs(np.random.default_rng(0)))


def agree(some, others, tolerance=1e-8):
    """In number and shape, and up to the tolerance, relative to the largest entry."""
    if [np.shape(one) for one in some] != [np.shape(other) for other in others]:
        return False
    largest = max(np.abs(other).max(initial=0) for other in others)
    off = [np.abs(one - other).max(initial=0) for one, other in zip(some, others, strict=True)]
    return bool(np.all(np.array(off) <= tolerance * largest))


@pytest.mark.parametrize(
    "mistake",
    [mistake for mistake in ALL if mistake.id not in ON_KINKS],
    ids=lambda mistake: mistake.id,
)
def test_the_right_pair_agrees_with_differences(mistake):
    pair = mistake.forward, mistake.backward
    expected = slopes_of_right(mistake.forward, mistake.inputs)
    assert agree(gradients_of(pair, drawn(mistake)), expected)


@pytest.mark.parametrize("name", ON_KINKS)
def test_on_kinks_the_right_pair_lies_between_the_slopes_on_both_sides(name):
    mistake = BY_ID[name]
    inputs = drawn(mistake)
    behind, ahead = (slopes(mistake.forward, inputs, stencil) for stencil in (BEHIND, AHEAD))
    assert not agree(behind, ahead, tolerance=0.01)
    found = gradients_of((mistake.forward, mistake.backward), inputs)
    for least, most, gradient in zip(
        map(np.minimum, behind, ahead), map(np.maximum, behind, ahead), found, strict=True
    ):
        assert np.all((least - 1e-6 <= gradient) & (gradient <= most + 1e-6))


@every_mistake
def test_the_wrong_pair_differs_from_the_right_one(mistake):
    """In what it gives for an ordinary dout, for one of zeros or for one in another memory order;
    or in its outputs."""
    inputs, right = drawn(mistake), (mistake.forward, mistake.backward)
    if mistake.forward_patch:
        outs = [outputs_of(forward, inputs) for forward in (wrong_pair(mistake)[0], right[0])]
        assert not agree(*outs, tolerance=1e-6)
        return
    differ = {
        make.__name__
        for make in (random_dout, zero_dout, dout_in_another_order)
        if not agree(
            gradients_of(wrong_pair(mistake), inputs, make),
            gradients_of(right, inputs, make),
            tolerance=1e-6,
        )
    }
    assert differ
    if mistake.id == "loss-weight-zero":
        assert differ == {"zero_dout"}
    elif mistake.id == "memory-order-of-dout":
        assert differ == {"dout_in_another_order"}
    else:
        assert "random_dout" in differ


@of_forward
def test_where_forward_is_wrong_backward_is_its_gradient(mistake):
    pair, inputs = wrong_pair(mistake), drawn(mistake)
    assert agree(gradients_of(pair, inputs), slopes(pair[0], inputs))


@every_mistake
def test_the_wrong_pair_has_a_source_that_does_not_give_it_away(mistake):
    pair = wrong_pair(mistake)
    right = mistake.forward, mistake.backward
    ours, theirs = ([inspect.getsource(f).split() for f in both] for both in (pair, right))
    assert [f.__name__ for f in pair] == [f.__name__ for f in right]
    assert {f.__module__.split("_")[0] for f in pair} == {"homework"}
    assert mistake.forward_patch or mistake.patch
    assert (ours[0] != theirs[0]) == bool(mistake.forward_patch)
    assert (ours[1] != theirs[1]) == bool(mistake.patch)


def test_a_patch_of_a_line_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="occurs 0 times"):
        wrong_pair(replace(REAL[0], patch={"dtable = dout": "dtable = -dout"}))


def test_there_are_many_and_each_has_an_id_of_its_own():
    assert len(REAL) == 52
    assert len(STUDENTS) == 161
    assert len(BY_ID) == len(ALL)
    assert all(mistake.says and mistake.story for mistake in ALL)
    assert "student mistake" not in {mistake.source for mistake in REAL}
