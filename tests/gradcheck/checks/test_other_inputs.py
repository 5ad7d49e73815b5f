"""The same function on other inputs: out of its domain, too large, one row, none."""

import numpy as np
import pytest

from chainrule.gradcheck import check, check_functions

RNG = np.random.default_rng(0)
X = RNG.standard_normal((5, 4))
INSIDE = RNG.uniform(-0.9, 0.9, (5, 4))
Y = RNG.integers(0, 4, 5)


def strict_root(x):
    if (np.abs(x) > 3).any():
        raise ValueError("|x| must be at most 3")
    return np.sqrt(9.5 - x * x), x


def log_of_probabilities(p):
    return np.log(p) + np.log1p(-p), p


@pytest.mark.parametrize(
    ("forward", "backward", "x"),
    [
        (lambda x: (np.arcsin(x), x), lambda d, x: d / np.sqrt(1 - x * x), INSIDE),
        (lambda x: (np.arctanh(x), x), lambda d, x: d / (1 - x * x), INSIDE),
        (log_of_probabilities, lambda d, p: d * (1 / p - 1 / (1 - p)), np.abs(INSIDE) + 0.02),
        (strict_root, lambda d, x: -d * x / np.sqrt(9.5 - x * x), INSIDE),
    ],
    ids=["arcsin", "arctanh", "log of probabilities", "ValueError"],
)
def test_large_inputs_are_not_asked_about_where_they_leave_the_domain(forward, backward, x):
    report = check_functions(forward, backward, x, strict=True)
    assert report, report
    assert report.probes["large inputs"].outcome == "not applicable"


def naive_sigmoid(x):
    out = np.exp(x) / (1 + np.exp(x))
    return out, out


def slope_of_sigmoid(dout, out):
    return dout * out * (1 - out)


def test_an_output_that_overflows_though_it_has_a_value_is_a_remark():
    report = check_functions(naive_sigmoid, slope_of_sigmoid, X)
    assert report
    (remark,) = report.remarks
    assert (remark.cause, remark.kind, remark.level) == ("overflow", "stability", "remark")
    assert not check_functions(naive_sigmoid, slope_of_sigmoid, X, strict=True)


def test_a_function_that_grows_beyond_all_numbers_may():
    report = check_functions(lambda x: (np.exp(x), x), lambda d, x: d * np.exp(x), X, strict=True)
    assert report
    assert report.probes["large inputs"].outcome == "not applicable"


def kept_in_a_closure():
    mask = RNG.random(X.shape) < 0.5
    return lambda x: (x * mask, None), lambda dout, _: dout * mask


def kept_as_targets():
    targets = RNG.standard_normal(X.shape)
    return lambda x: (np.square(x - targets), x), lambda dout, x: 2 * dout * (x - targets)


def kept_as_labels():
    def forward(x):
        p = np.exp(x - x.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return -np.log(p[np.arange(len(Y)), Y]), p

    def backward(dout, p):
        dx = p.copy()
        dx[np.arange(len(Y)), Y] -= 1
        return dx * dout[:, np.newaxis]

    return forward, backward


@pytest.mark.parametrize("make", [kept_in_a_closure, kept_as_targets, kept_as_labels])
def test_one_row_is_not_asked_about_where_rows_are_kept_elsewhere(make):
    report = check_functions(*make(), X)
    assert report, report
    assert report.probes["batch of 1"].outcome == "not applicable"
    assert not [remark for remark in report.remarks if "batch" in remark.message]


def test_one_row_that_is_wrong_is_a_remark():
    def backward(dout, x):
        return (2 * dout * x).squeeze()

    report = check_functions(lambda x: (x * x, x), backward, X)
    assert report
    assert "shape-elsewhere" in [remark.cause for remark in report.remarks]
    assert not check_functions(lambda x: (x * x, x), backward, X, strict=True)


def test_a_slope_at_0_that_is_not_between_the_one_sided_ones_is_wrong_there_and_else_a_remark():
    def forward(x):
        return np.abs(x), x

    def backward(dout, x):
        return dout * np.where(x == 0, 2.0, np.sign(x))

    reports = [check_functions(forward, backward, X, seed=seed) for seed in range(10)]
    assert all(reports)
    said = {remark.message[:28] for report in reports for remark in report.remarks}
    assert said == {"where inputs are exactly 0, "}
    x = X.copy()
    x[::2] = 0
    assert not check_functions(forward, backward, x)
    assert check_functions(forward, lambda d, x: d * np.sign(x), x)


class Gain:
    """out = g x for rows (N, D); of images it takes those that happen to fit."""

    def __init__(self, features):
        self.params = {"g": np.arange(1.0, features + 1)}

    def forward(self, x):
        return x * self.params["g"], (x, self.params["g"])

    def backward(self, dout, cache):
        x, g = cache
        return dout * g, {"g": (dout * x).sum(axis=0)}


@pytest.mark.parametrize("features", [1, 3])
def test_a_layer_of_rows_is_not_asked_about_images_that_it_does_not_take(features):
    report = check(Gain(features), RNG.standard_normal((5, features)), strict=True)
    assert report, report
    assert report.probes["four-dimensional input"].outcome == "not applicable"


def test_images_whose_gradient_has_the_shape_of_rows_are_a_remark():
    def backward(dout, x):
        return (2 * x * dout).reshape(len(x), -1)

    report = check_functions(lambda x: (x * x, x), backward, X)
    assert report
    assert "images" in " ".join(remark.message for remark in report.remarks)
    assert not check_functions(lambda x: (x * x, x), backward, X, strict=True)
