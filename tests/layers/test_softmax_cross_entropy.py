import math

import numpy as np
import pytest

from chainrule.layers import SoftmaxCrossEntropy

#: Probabilities 1/8, 2/8, 5/8 and 1/3, 1/3, 1/3.
SCORES = [[0, math.log(2), math.log(5)], [0, 0, 0]]


def ulps(dtype):
    return 8 * np.finfo(dtype).eps


@pytest.mark.parametrize(
    ("reduction", "dout", "scale"), [("mean", 1, 0.5), ("sum", 1, 1), ("sum", -3, -3)]
)
def test_the_loss_of_labels_and_its_gradient_are_the_hand_worked_ones(
    dtype, reduction, dout, scale
):
    layer = SoftmaxCrossEntropy(reduction)
    out, cache = layer.forward(np.array(SCORES, dtype), [2, 0])
    dscores, _ = layer.backward(dout, cache)
    total = 0.4700036292457356 + 1.0986122886681098  # ln 8/5 + ln 3
    np.testing.assert_allclose(out, total / 2 if reduction == "mean" else total, rtol=ulps(dtype))
    worked = np.array([[1 / 8, 2 / 8, -3 / 8], [-2 / 3, 1 / 3, 1 / 3]])
    np.testing.assert_allclose(dscores, scale * worked, rtol=ulps(dtype))


def test_smoothed_labels_are_a_distribution_like_any_other(dtype):
    layer = SoftmaxCrossEntropy()
    out, cache = layer.forward(np.array([[math.log(3), 0]], dtype), [[0.9, 0.1]])
    dscores, _ = layer.backward(1, cache)
    expected = 0.39754330131859194  # 0.9 ln 4/3 + 0.1 ln 4
    np.testing.assert_allclose(out, expected, rtol=ulps(dtype))
    np.testing.assert_allclose(dscores, [[-0.15, 0.15]], rtol=ulps(dtype))


def test_labels_and_the_one_hot_distribution_agree_bit_by_bit():
    layer, scores = SoftmaxCrossEntropy(), np.array(SCORES)
    out, cache = layer.forward(scores, np.array([2, 0], np.uint8))
    one_hot_out, one_hot_cache = layer.forward(scores, np.array([[0, 0, 1], [1, 0, 0]]))
    assert out == one_hot_out
    np.testing.assert_array_equal(layer.backward(1, cache)[0], layer.backward(1, one_hot_cache)[0])


@np.errstate(over="raise", divide="raise", invalid="raise")
def test_at_scores_of_ten_thousand_loss_and_gradient_are_finite_and_right(dtype):
    layer, scores = SoftmaxCrossEntropy(), np.array([[1e4, -1e4]], dtype)
    out, cache = layer.forward(scores, [1])
    np.testing.assert_array_equal(out, 2e4)
    np.testing.assert_array_equal(layer.backward(1, cache)[0], [[1, -1]])
    out, cache = layer.forward(scores, [0])
    np.testing.assert_array_equal(out, 0)
    np.testing.assert_array_equal(layer.backward(1, cache)[0], [[0, 0]])


@pytest.mark.parametrize("C", [2, 10, 1000])
def test_equal_scores_cost_the_logarithm_of_the_number_of_classes(dtype, C):
    out, _ = SoftmaxCrossEntropy().forward(np.full((3, C), 1e4, dtype), [0, 1, C - 1])
    np.testing.assert_allclose(out, math.log(C), rtol=ulps(dtype))


def test_the_gradient_of_a_row_sums_to_0_and_vanishes_where_t_is_the_softmax():
    layer = SoftmaxCrossEntropy()
    _, cache = layer.forward(np.random.default_rng(0).standard_normal((4, 5)), [0, 1, 2, 3])
    np.testing.assert_allclose(layer.backward(1, cache)[0].sum(axis=1), np.zeros(4), atol=1e-15)
    _, cache = layer.forward(np.array(SCORES), [[1 / 8, 2 / 8, 5 / 8], [1 / 3, 1 / 3, 1 / 3]])
    np.testing.assert_allclose(layer.backward(1, cache)[0], np.zeros((2, 3)), atol=1e-15)


@pytest.mark.parametrize(("dtype", "margin"), [(np.float32, 30.0), (np.float64, 60.0)])
def test_a_confident_right_answer_keeps_the_digits_of_its_loss_and_gradient(dtype, margin):
    loss, cache = SoftmaxCrossEntropy().forward(np.array([[margin, 0]], dtype), np.array([0]))
    ds, _ = SoftmaxCrossEntropy().backward(1.0, cache)
    tiny = math.exp(-margin)  # log(1 + tiny) and tiny / (1 + tiny) to more digits than a double has
    np.testing.assert_allclose(loss, tiny, rtol=8 * np.finfo(dtype).eps)
    np.testing.assert_allclose(ds, [[-tiny, tiny]], rtol=8 * np.finfo(dtype).eps)


def test_a_class_with_score_minus_infinity_is_left_out():
    scores = np.array([[1.0, 1.0, -np.inf]])
    loss, cache = SoftmaxCrossEntropy().forward(scores, np.array([0]))
    assert loss == pytest.approx(0.6931471805599453)
    np.testing.assert_allclose(SoftmaxCrossEntropy().backward(1.0, cache)[0], [[-0.5, 0.5, 0]])
