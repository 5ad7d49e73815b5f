"""Functions as other people write them: what goes in, and what comes out."""

import numpy as np
import pytest

from chainrule.gradcheck import check_functions

RNG = np.random.default_rng(0)
X, W = RNG.standard_normal((5, 4)), RNG.standard_normal((4, 3))
IDS = np.array([0, 2, 2, 1])


def affine(x, w):
    return x @ w, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout


@pytest.mark.parametrize("whole", [(0,), (1,), (0, 1)])
@pytest.mark.parametrize("factor", [1.0, 1.1])
def test_arrays_of_integers_that_have_gradients_are_checked_as_floats(whole, factor):
    x, w = np.arange(12).reshape(4, 3) - 5, np.arange(6).reshape(3, 2) - 2
    inputs = [a if at in whole else a + 0.25 for at, a in enumerate((x, w))]

    def backward(dout, cache):
        dx, dw = affine_backward(dout, cache)
        return factor * dx, dw

    report = check_functions(affine, backward, *inputs)
    assert bool(report) is (factor == 1)
    assert list(report.tensors) == ["x", "w"]


def test_lists_of_floats_are_arrays():
    report = check_functions(affine, affine_backward, X.tolist(), W.tolist())
    assert report
    assert list(report.tensors) == ["x", "w"]
    wrong = check_functions(affine, lambda d, _: (d @ W.T, 2 * X.T @ d), X.tolist(), W.tolist())
    assert [finding.tensor for finding in wrong.findings] == ["w"]


def rows_of(ids, table):
    return table[ids], (ids, table.shape)


@pytest.mark.parametrize("form", ["none", "nothing"])
@pytest.mark.parametrize("right", [True, False])
def test_an_input_of_integers_has_no_gradient_or_none(form, right):
    def backward(dout, cache):
        ids, shape = cache
        d = np.zeros(shape)
        if right:
            np.add.at(d, ids, dout)
        else:
            d[ids] += dout
        return (None, d) if form == "none" else d

    report = check_functions(rows_of, backward, IDS, RNG.standard_normal((4, 3)))
    assert bool(report) is right
    assert list(report.tensors) == ["table"]


def highest(x):
    """The largest entry of every row, and where it is."""
    at = x.argmax(axis=1)
    return x.max(axis=1), at, (x.shape, at)


def highest_backward(dout, shape, at):
    dx = np.zeros(shape)
    dx[np.arange(len(at)), at] = dout
    return dx


def alone(dout, cache):
    return highest_backward(dout, *cache)


def with_none(dout, dat, cache):
    assert dat is None
    return highest_backward(dout, *cache)


def with_zeros(dout, dat, cache):
    return highest_backward(dout + 0 * dat, *cache)


@pytest.mark.parametrize("backward", [alone, with_none, with_zeros])
def test_an_output_of_integers_has_no_dout_or_none_or_zeros(backward):
    assert check_functions(highest, backward, X)
    assert not check_functions(highest, lambda *a: 1.1 * backward(*a), X)


def cell(x, h, c):
    """A step of a cell that remembers: several outputs beside the cache."""
    new_c = np.tanh(x + h) + c
    return np.sin(new_c), new_c, (x + h, new_c)


def cell_backward(dh, dc, cache):
    z, new_c = cache
    dc = dc + dh * np.cos(new_c)
    dz = dc * (1 - np.tanh(z) ** 2)
    return dz, dz, dc


def test_several_outputs_may_stand_beside_the_cache():
    inputs = X, RNG.standard_normal((5, 4)), RNG.standard_normal((5, 4))
    report = check_functions(cell, cell_backward, *inputs)
    assert report, report
    assert list(report.tensors) == ["x", "h", "c"]

    def forgets_dc(dh, dc, cache):
        return cell_backward(dh, 0 * dc, cache)

    assert not check_functions(cell, forgets_dc, *inputs)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("effort", ["quick", "full"])
@pytest.mark.parametrize(
    "change", [lambda g: 1.7 * g, lambda g: g + 0.3, lambda g: g * g, np.zeros_like, np.sin]
)
def test_one_right_and_one_wrong_gradient_of_a_shape_are_not_called_swapped(change, effort, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, 5, 4))

    def forward(a, b):
        return a * b * b, (a, b)

    def backward(dout, cache):
        a, b = cache
        return change(dout * b * b), 2 * dout * a * b

    report = check_functions(forward, backward, a, b, effort=effort)
    assert [finding.tensor for finding in report.findings] == ["a"]
    assert report.findings[0].cause != "swapped"
    assert "swapped" not in report.findings[0].message


@pytest.mark.parametrize("effort", ["quick", "full"])
def test_gradients_that_are_swapped_are_called_so(effort):
    a, b = RNG.standard_normal((2, 5, 4))

    def backward(dout, cache):
        a, b = cache
        return 2 * dout * a * b, dout * b * b

    report = check_functions(lambda a, b: (a * b * b, (a, b)), backward, a, b, effort=effort)
    assert "swapped" in report.findings[0].message
