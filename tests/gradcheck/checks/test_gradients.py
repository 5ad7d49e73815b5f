"""Gradients beside slopes: what is measured, at which steps, and within which precision."""

import numpy as np
import pytest

from benchmarks.idioms import IDIOMS
from chainrule.gradcheck import check_functions


def rows(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def tanh_forward(x):
    out = np.tanh(x)
    return out, out


def tanh_backward(dout, cache):
    return dout * (1 - cache * cache)


def test_a_right_gradient_is_confirmed_along_directions_and_measured_entrywise_on_demand():
    report = check_functions(tanh_forward, tanh_backward, x := rows(5, 4))
    assert report
    assert np.isnan(report.tensors["x"].numeric).all()
    report = check_functions(tanh_forward, tanh_backward, x, effort="entrywise")
    assert report
    tensor = report.tensors["x"]
    np.testing.assert_allclose(tensor.numeric, tensor.analytic, rtol=1e-7)


def test_a_single_wrong_entry_among_many_is_found_and_located():
    def backward(dout, cache):
        dx = tanh_backward(dout, cache)
        dx[17, 3] *= 1.001
        return dx

    report = check_functions(tanh_forward, backward, rows(40, 30))
    (finding,) = report.findings
    assert [[int(i) for i in at] for at in finding.where] == [[17], [3]]


@pytest.mark.parametrize("effort", ["quick", "full", "entrywise"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_entry_that_is_not_finite_is_wrong(value, effort):
    def backward(dout, cache):
        dx = tanh_backward(dout, cache)
        dx[0, 0] = value
        return dx

    report = check_functions(tanh_forward, backward, rows(5, 4), effort=effort)
    assert [finding.cause for finding in report.findings] == ["not-finite"]
    assert not report.tensors["x"].ok


def test_two_gradients_whose_errors_cancel_in_a_sum_are_found():
    def backward(dout, cache):
        dx = tanh_backward(dout, cache)
        dx[0, 0], dx[1, 1] = dx[0, 0] + 1, dx[1, 1] - 1
        return dx

    for seed in range(10):
        assert not check_functions(tanh_forward, backward, rows(5, 4), seed=seed)


# ---- few digits inside -------------------------------------------------------------------------


def bfloat16(x):
    """x with the eight leading bits that bfloat16 keeps, rounded half up."""
    bits = np.asarray(x, np.float32).view(np.uint32)
    return ((bits + 0x8000) & np.uint32(0xFFFF0000)).view(np.float32)


FORMATS = {
    "float32": lambda x: np.asarray(x, np.float32),
    "float16": lambda x: np.asarray(x, np.float16),
    "bfloat16": bfloat16,
}
WRONG = {"float32": 1.01, "float16": 1.5, "bfloat16": -1.0}  # factors that surely stand out


def coarse(name, factor=1.0):
    """A product that rounds in `name`, back and forth, with dw too large by `factor`."""
    cast = FORMATS[name]

    def forward(x, w):
        out = cast(cast(x).astype(np.float32) @ cast(w).astype(np.float32))
        return out.astype(x.dtype), (x, w)

    def backward(dout, cache):
        x, w = cache
        return dout @ w.T, factor * (x.T @ dout)

    return forward, backward


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", FORMATS)
def test_a_pass_that_rounds_inside_is_right_within_its_precision(name, seed):
    inputs = rows(5, 4, seed=seed), rows(4, 3, seed=seed + 50)
    report = check_functions(*coarse(name), *inputs)
    assert report, report
    assert all(tensor.ok for tensor in report.tensors.values())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", FORMATS)
def test_a_mistake_in_a_pass_that_rounds_inside_is_found_in_its_tensor(name, seed):
    inputs = rows(5, 4, seed=seed), rows(4, 3, seed=seed + 50)
    report = check_functions(*coarse(name, WRONG[name]), *inputs)
    assert [finding.tensor for finding in report.findings] == ["w"]


@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_a_function_that_takes_float32_alone_is_called_with_float32(factor):
    def forward(x):
        if x.dtype != np.float32:
            raise TypeError(f"expected float32, got {x.dtype}")
        return np.tanh(x), np.tanh(x)

    def backward(dout, cache):
        if dout.dtype != np.float32:
            raise TypeError(f"expected float32, got {dout.dtype}")
        return np.float32(factor) * dout * (1 - cache * cache)

    report = check_functions(forward, backward, rows(5, 4).astype(np.float32))
    assert bool(report) is (factor == 1)
    assert bool(check_functions(forward, backward, rows(5, 4))) is (factor == 1)


# ---- stairs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [np.floor, np.round, np.sign], ids=lambda f: f.__name__)
def test_a_stair_has_the_gradient_0_and_no_other(f):
    def forward(x):
        return f(x), x

    assert check_functions(forward, lambda dout, _: np.zeros_like(dout), rows(5, 4))
    assert not check_functions(forward, lambda dout, _: dout, rows(5, 4))


@pytest.mark.parametrize("digits", [6, 4])
def test_an_output_that_is_rounded_to_a_few_digits_has_the_slope_of_what_it_rounds(digits):
    def forward(x):
        out = np.tanh(x)
        return np.round(out, digits), out

    assert check_functions(forward, tanh_backward, rows(5, 4))
    assert not check_functions(forward, lambda d, c: 1.05 * tanh_backward(d, c), rows(5, 4))


# ---- rows --------------------------------------------------------------------------------------


def cosine_forward(x):
    """Of every row with the mean direction of all."""
    lengths = np.sqrt(np.square(x).sum(axis=1, keepdims=True))
    units = x / lengths
    return units @ units.sum(axis=0), (units, lengths)


def cosine_backward(dout, cache):
    units, lengths = cache
    d = np.outer(dout, units.sum(axis=0)) + dout @ units
    return (d - units * (units * d).sum(axis=1, keepdims=True)) / lengths


@pytest.mark.parametrize("seed", range(5))
def test_rows_that_see_each_other_by_their_direction_alone_are_not_accused(seed):
    x = np.random.default_rng(seed).uniform(1, 5, (5, 4))
    assert check_functions(cosine_forward, cosine_backward, x)
    assert check_functions(cosine_forward, cosine_backward, x, effort="entrywise")
    report = check_functions(
        lambda x: cosine_forward(x), lambda d, c: 1.1 * cosine_backward(d, c), x
    )
    assert [finding.cause for finding in report.findings] == ["factor"]


# ---- equal entries -----------------------------------------------------------------------------


def sort_forward(x):
    order = np.argsort(x, axis=1, kind="stable")
    return np.take_along_axis(x, order, axis=1), order


def sort_backward(dout, order):
    dx = np.zeros_like(dout)
    np.put_along_axis(dx, order, dout, axis=1)
    return dx


def test_a_stable_sort_of_three_equal_entries_is_right():
    x = np.array([[2.0, 1.0, 2.0, 2.0], [3.0, 5.0, 4.0, 3.0]])
    assert check_functions(sort_forward, sort_backward, x)
    assert not check_functions(sort_forward, lambda dout, _: dout, x)


def test_a_row_maximum_that_pays_every_tied_entry_is_wrong():
    def forward(x):
        return x.max(axis=1), x

    def to_all(dout, x):
        return dout[:, np.newaxis] * (x == x.max(axis=1, keepdims=True))

    def to_the_first(dout, x):
        dx = np.zeros_like(x)
        dx[np.arange(len(x)), x.argmax(axis=1)] = dout
        return dx

    def shared(dout, x):
        tied = x == x.max(axis=1, keepdims=True)
        return dout[:, np.newaxis] * tied / tied.sum(axis=1, keepdims=True)

    x = np.array([[2.0, 1.0, 2.0, 0.0], [3.0, 5.0, 4.0, 5.0]])
    assert check_functions(forward, to_the_first, x)
    assert check_functions(forward, shared, x)
    report = check_functions(forward, to_all, x)
    assert [(finding.cause, finding.kind) for finding in report.findings] == [("ties", "mask")]
    report = check_functions(forward, to_all, rows(5, 4))
    assert report
    assert [remark.cause for remark in report.remarks] == ["ties"]


def test_a_max_pool_that_pays_every_tied_pixel_is_wrong():
    def windows(x):
        N, C, H, W = x.shape
        return x.reshape(N, C, H // 2, 2, W // 2, 2)

    def forward(x):
        return windows(x).max(axis=(3, 5)), x

    def to_all(dout, x):
        out = windows(x).max(axis=(3, 5), keepdims=True)
        return ((windows(x) == out) * dout[:, :, :, np.newaxis, :, np.newaxis]).reshape(x.shape)

    x = np.random.default_rng(0).integers(0, 3, (2, 2, 4, 4)).astype(float)
    report = check_functions(forward, to_all, x)
    assert [finding.cause for finding in report.findings] == ["ties"]
    assert check_functions(forward, to_all, rows(2, 2, 4, 4))


# ---- habits of others --------------------------------------------------------------------------


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.name)
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 5))]
)
def test_no_habit_of_other_people_is_called_wrong(idiom, seed):
    report = idiom.check(np.random.default_rng(seed))
    assert report, report


def test_at_most_a_tenth_of_habits_draws_a_remark():
    noted = [i.name for i in IDIOMS if i.check(np.random.default_rng(0)).remarks]
    assert len(noted) <= len(IDIOMS) / 10, noted
