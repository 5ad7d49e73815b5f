"""One pass under watch: what it writes into, and whether it repeats itself."""

import numpy as np
import pytest

from chainrule.gradcheck import check, check_functions
from chainrule.layers import Dropout, Tanh

X = np.random.default_rng(0).standard_normal((5, 4))


def tanh_forward(x):
    out = np.tanh(x)
    return out, out


def into_the_cache(factor):
    def backward(dout, cache):
        np.square(cache, out=cache)  # which holds the output
        np.subtract(1, cache, out=cache)
        return factor * dout * cache

    return backward


def emptied(factor):
    def backward(dout, cache):
        return factor * dout * (1 - cache.pop() ** 2)

    return backward


SPENT = {
    "written": (tanh_forward, into_the_cache),
    "popped": (lambda x: (np.tanh(x), [np.tanh(x)]), emptied),
}


@pytest.mark.parametrize("way", SPENT)
def test_a_backward_pass_that_spends_its_own_cache_is_a_remark(way):
    forward, backward = SPENT[way]
    report = check_functions(forward, backward(1.0), X)
    assert report, report
    assert [remark.cause for remark in report.remarks] == ["backward-writes"]
    assert "in place, which others may read afterwards" in report.remarks[0].message
    assert report.tensors["x"].ok
    assert not check_functions(forward, backward(1.0), X, strict=True)


@pytest.mark.parametrize("way", SPENT)
def test_what_a_backward_pass_that_spends_its_cache_returns_is_compared_all_the_same(way):
    forward, backward = SPENT[way]
    report = check_functions(forward, backward(1.1), X)
    assert [finding.cause for finding in report.findings] == ["factor"]


def test_notes_on_a_cache_that_make_no_difference_are_nobody_elses_business():
    def backward(dout, cache):
        cache["seen"] = True
        return dout * (1 - cache["out"] ** 2)

    report = check_functions(lambda x: (np.tanh(x), {"out": np.tanh(x)}), backward, X)
    assert report
    assert not report.remarks


@pytest.mark.parametrize("what", ["dout", "x"])
def test_a_write_into_what_belongs_to_the_caller_is_wrong(what):
    def forward(x):
        return np.tanh(x), x

    def backward(dout, x):
        dx = dout * (1 - np.tanh(x) ** 2)
        (dout if what == "dout" else x)[...] = 0
        return dx

    report = check_functions(forward, backward, X)
    assert [finding.cause for finding in report.findings] == ["backward-writes"]


class Updates(Tanh):
    """A layer that descends while it goes back."""

    def __init__(self):
        super().__init__()
        self.params["b"] = np.ones(4)

    def forward(self, x, *, train=True):
        return x + self.params["b"], None

    def backward(self, dout, cache):
        db = dout.sum(axis=0)
        self.params["b"] -= 0.1 * db
        return dout, {"b": db}


def test_a_step_of_descent_inside_backward_is_wrong():
    assert [f.cause for f in check(Updates(), X).findings] == ["backward-writes-params"]


# ---- generators --------------------------------------------------------------------------------

GLOBAL = np.random.default_rng(0)


def dropped(x, rng, keep=0.5):
    mask = (rng.random(x.shape) < keep) / keep
    return x * mask, mask


def in_a_closure():
    rng = np.random.default_rng(3)
    return lambda x: dropped(x, rng), (X,), rng


def in_a_global():
    return lambda x: dropped(x, GLOBAL), (X,), GLOBAL


def in_an_argument():
    rng = np.random.default_rng(3)
    return lambda x, rng: dropped(x, rng), (X, rng), rng


def in_a_default():
    rng = np.random.default_rng(3)
    return lambda x, rng=rng: dropped(x, rng), (X,), rng


def in_a_helper():
    rng = np.random.default_rng(3)

    def helper(x):
        return dropped(x, rng)

    return lambda x: helper(x), (X,), rng


@pytest.mark.parametrize(
    "make", [in_a_closure, in_a_global, in_an_argument, in_a_default, in_a_helper]
)
def test_a_generator_is_found_wherever_it_is_and_left_as_it_was(make):
    forward, inputs, rng = make()
    before = rng.bit_generator.state
    report = check_functions(forward, lambda dout, mask: dout * mask, *inputs)
    assert report, report
    assert not check_functions(forward, lambda dout, _: dout, *inputs)
    assert rng.bit_generator.state == before


def test_draws_from_the_generator_of_numpy_are_repeated_and_it_is_left_as_it_was():
    def forward(x):
        return dropped(x, np.random)

    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert check_functions(forward, lambda dout, mask: dout * mask, X)
    assert not check_functions(forward, lambda dout, _: dout, X)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_a_generator_on_a_layer_is_found():
    class Own:
        def __init__(self):
            self.rng = np.random.default_rng(1)

        def forward(self, x):
            return dropped(x, self.rng)

        def backward(self, dout, mask):
            return dout * mask, {}

    assert check(Own(), X)
    assert check(Dropout(0.5, rng=0), X, strict=True)
