"""The homework files in course/ are right: their forward passes meet the numbers that the courses
have published, and their backward passes agree with differences taken here."""

import copy

import numpy as np
import pytest

from tests.gradcheck.course import layers, rnn_layers
from tests.gradcheck.course import textbook_layers as textbook

SIZES = {"stride": 2, "pad": 1}
POOLS = {"pool_height": 2, "pool_width": 2, "stride": 2}


def grid(start, stop, *shape):
    return np.linspace(start, stop, int(np.prod(shape))).reshape(shape)


def slopes(f, x, h=1e-5):
    """Central differences of the number f() with respect to every entry of x, which f sees."""
    found = np.zeros_like(x)
    for at in np.ndindex(*x.shape):
        before = x[at]
        x[at] = before + h
        above = f()
        x[at] = before - h
        below = f()
        x[at] = before
        found[at] = (above - below) / (2 * h)
    return found


def weighted(outs, douts):
    return sum(float(np.sum(out * dout)) for out, dout in zip(outs, douts, strict=True))


def floats(values):
    return [x for x in values if isinstance(x, np.ndarray) and x.dtype == np.float64]


def as_tuple(value):
    return value if isinstance(value, tuple) else (value,)


def assert_agree(analytic, numeric):
    assert len(analytic) == len(numeric)
    for a, n in zip(analytic, numeric, strict=True):
        assert a.shape == n.shape
        np.testing.assert_allclose(a, n, rtol=1e-6, atol=1e-8)


def check_pair(forward, backward, *inputs):
    """`*outs, cache = forward(*inputs)` against `backward(*douts, cache)`."""

    def outs():
        return forward(*copy.deepcopy([x for x in inputs if isinstance(x, dict)]), *()) if 0 else (
            forward(*(dict(x) if isinstance(x, dict) else x for x in inputs))
        )

    *first, cache = outs()
    rng = np.random.default_rng(1)
    douts = [rng.standard_normal(out.shape) for out in first]
    grads = as_tuple(backward(*douts, cache))
    numeric = [slopes(lambda: weighted(outs()[:-1], douts), x) for x in floats(inputs)]
    assert_agree(grads, numeric)
