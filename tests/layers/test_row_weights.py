"""Weights of rows, which every loss takes."""

import numpy as np
import pytest

from chainrule.gradcheck import check
from chainrule.layers import (
    L1,
    MSE,
    CrossEntropy,
    Hinge,
    Huber,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
)

TIMES = np.array([2, 0, 1, 3])


def cases():
    rng = np.random.default_rng(0)
    scores, labels = rng.standard_normal((4, 3)), np.array([0, 2, 1, 2])
    targets, shares = rng.standard_normal((4, 3)), rng.dirichlet(np.ones(3), 4)
    uneven = SoftmaxCrossEntropy("sum", smoothing=0.2, class_weights=[1, 3, 0.5])
    yield "mse", MSE("sum"), scores, targets
    yield "mse, one output", MSE("sum"), scores[:, 0], targets[:, 0]
    yield "mse, pictures", MSE("sum"), np.stack([scores, targets], 1), np.ones((4, 2, 3))
    yield "l1", L1("sum"), scores, targets
    yield "huber", Huber(0.5, "sum"), scores, targets
    yield "hinge", Hinge("sum"), scores, labels
    yield "cross-entropy", CrossEntropy("sum"), shares, labels
    yield "sigmoid", SigmoidCrossEntropy("sum"), scores, labels
    yield "softmax", SoftmaxCrossEntropy("sum"), scores, labels
    yield "softmax, distributions", SoftmaxCrossEntropy("sum"), scores, shares
    yield "softmax, smoothed and weighted by class", uneven, scores, labels


every_case = pytest.mark.parametrize(
    ("loss", "scores", "targets"), [pytest.param(*case, id=name) for name, *case in cases()]
)


@every_case
def test_a_row_of_weight_k_counts_as_k_rows(loss, scores, targets):
    weighted, cache = loss.forward(scores, targets, TIMES)
    repeated, again = loss.forward(scores.repeat(TIMES, axis=0), targets.repeat(TIMES, axis=0))
    np.testing.assert_allclose(weighted, repeated, rtol=1e-13)
    rows = np.repeat(np.arange(4), TIMES)
    expected = np.zeros_like(scores)
    np.add.at(expected, rows, loss.backward(1, again)[0])
    np.testing.assert_allclose(loss.backward(1, cache)[0], expected, rtol=1e-13, atol=1e-15)


@every_case
def test_the_gradient_is_that_of_the_weighted_loss(loss, scores, targets):
    found = check(loss, scores, targets, np.array([1, 0.5, 0, 2]), reference=False)
    assert found, found


@every_case
def test_weights_of_one_change_nothing_but_digits(loss, scores, targets):
    plain, _ = loss.forward(scores, targets)
    np.testing.assert_allclose(loss.forward(scores, targets, np.ones(4))[0], plain, rtol=1e-13)


def test_a_mean_is_divided_by_the_number_of_rows_whatever_they_weigh():
    out, cache = MSE().forward(np.array([[1.0], [2.0]]), np.zeros((2, 1)), [0.5, 3])
    assert out == (0.5 * 1 + 3 * 4) / 2
    np.testing.assert_array_equal(MSE().backward(1, cache)[0], [[0.5], [6.0]])


@pytest.mark.parametrize("loss", [MSE(), SigmoidCrossEntropy(), SoftmaxCrossEntropy()])
def test_weights_in_float64_leave_a_float32_loss_in_float32(loss):
    out, cache = loss.forward(np.ones((2, 2), np.float32), np.eye(2), np.array([0.3, 1.7]))
    assert out.dtype == loss.backward(1, cache)[0].dtype == np.float32


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([1, 2, 3], r"row_weights has shape \(3,\) and dtype int64, expected .* shape \(2,\)"),
        (["a", "b"], "row_weights has shape .* expected a number for each of the rows"),
        ([1, -0.5], r"row_weights\[1\] is -0\.5, expected a finite number, at least 0"),
        ([np.nan, 1], r"row_weights\[0\] is nan, expected a finite number"),
        ([1, np.inf], r"row_weights\[1\] is inf, expected a finite number"),
    ],
)
@pytest.mark.parametrize("loss", [MSE(), SoftmaxCrossEntropy()])
def test_what_is_no_weight_is_refused(loss, wrong, message):
    with pytest.raises(ValueError, match=message):
        loss.forward(np.zeros((2, 2)), np.array([0, 1]), wrong)
