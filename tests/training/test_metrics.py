import numpy as np
import pytest

from chainrule.training.metrics import (
    average_ranks,
    f1_scores,
    in_a_line,
    log_loss,
    macro_f1,
    reliability,
    roc_auc,
)

Y = np.array([0, 0, 1, 1])
P = np.array([[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]])


def test_the_worked_example():
    """Of the four pairs of a row of class 1 and one of class 0, three are in order."""
    predicted = P.argmax(axis=1)
    np.testing.assert_allclose(f1_scores(Y, predicted, 2), [4 / 5, 2 / 3])
    assert macro_f1(Y, predicted, 2) == pytest.approx(11 / 15)
    assert log_loss(Y, P) == pytest.approx(-np.log([0.9, 0.6, 0.35, 0.8]).mean())
    assert roc_auc(Y, P) == 3 / 4
    found = reliability(Y, P)  # bins (0.5, 0.6], (0.6, 0.7], (0.7, 0.8] and (0.8, 0.9]
    np.testing.assert_array_equal(found.rows, [1, 1, 1, 1])
    np.testing.assert_allclose(found.confidence, [0.6, 0.65, 0.8, 0.9])
    np.testing.assert_array_equal(found.right, [1, 0, 1, 1])
    assert found.error == pytest.approx((0.4 + 0.65 + 0.2 + 0.1) / 4)


def test_bins_count_by_their_rows_in_the_calibration_error():
    """Three rows near 0.95, of which two are right, and one at 0.55 that is right."""
    p = np.array([0.94, 0.95, 0.96, 0.55])
    found = reliability(np.array([0, 0, 1, 0]), np.column_stack((p, 1 - p)))
    np.testing.assert_array_equal(found.rows, [1, 3])
    np.testing.assert_allclose(found.confidence, [0.55, 0.95])
    np.testing.assert_allclose(found.right, [1, 2 / 3])
    assert found.error == pytest.approx((0.45 + 3 * (0.95 - 2 / 3)) / 4)


def test_ties_share_their_ranks_and_count_half():
    np.testing.assert_array_equal(average_ranks(np.array([3.0, 1, 3, 0])), [3.5, 2, 3.5, 1])
    assert roc_auc(Y, np.full((4, 2), 0.5)) == 0.5


def test_a_missing_class_has_no_auc_and_no_f1():
    p = np.full((4, 3), 1 / 3)
    assert roc_auc(Y, p) is None
    assert np.isnan(f1_scores(Y, Y, 3)).tolist() == [False, False, True]
    assert macro_f1(Y, Y, 3) == 1.0
    assert "ROC AUC" not in in_a_line(Y, Y, p, probabilities=True)


def test_scores_that_are_no_distribution_have_f1_alone():
    assert in_a_line(Y, Y, P, probabilities=False) == "macro F1 100.00%"
    assert in_a_line(Y, Y, P * 1.5, probabilities=True) == "macro F1 100.00%"


def test_a_probability_of_zero_for_the_right_class_gives_a_finite_loss():
    assert 700 < log_loss(np.array([1]), np.array([[1.0, 0.0]])) < 710
