import math

import numpy as np
import pytest

from chainrule.layers import SigmoidCrossEntropy

LN2 = 0.6931471805599453


def ulps(dtype):
    return 8 * np.finfo(dtype).eps


@pytest.mark.parametrize(
    ("reduction", "dout", "loss", "dscores"),
    [
        ("mean", 1, 1.5 * LN2, [[-0.25, 0.375]]),
        ("sum", 1, 3 * LN2, [[-0.5, 0.75]]),
        ("sum", -4, 3 * LN2, [[2, -3]]),
    ],
)
def test_the_loss_averages_over_all_elements_and_is_the_hand_worked_one(
    dtype, reduction, dout, loss, dscores
):
    layer = SigmoidCrossEntropy(reduction)
    # p is 1/2 and 3/4, so that the losses are ln 2 and ln 4.
    out, cache = layer.forward(np.array([[0, math.log(3)]], dtype), [[1, 0]])
    np.testing.assert_allclose(out, loss, rtol=ulps(dtype))
    np.testing.assert_allclose(layer.backward(dout, cache)[0], dscores, rtol=ulps(dtype))


@np.errstate(over="raise", divide="raise", invalid="raise")
def test_at_scores_of_ten_thousand_loss_and_gradient_are_finite_and_right(dtype):
    scores = np.array([1e4, 1e4, -1e4, -1e4], dtype)
    for at, (target, loss, dscore) in enumerate([(0, 1e4, 1), (1, 0, 0), (1, 1e4, -1), (0, 0, 0)]):
        layer = SigmoidCrossEntropy()
        out, cache = layer.forward(scores[at : at + 1], [target])
        np.testing.assert_array_equal(out, loss)
        np.testing.assert_allclose(layer.backward(1, cache)[0], [dscore], atol=1e-37)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_tiny_loss_and_gradient_of_a_confident_right_answer_keep_their_digits(dtype, sign):
    layer = SigmoidCrossEntropy()
    out, cache = layer.forward(np.array([40 * sign], dtype), [1 if sign == 1 else 0])
    tiny = 4.248354255291589e-18  # e⁻⁴⁰, and log(1 + e⁻⁴⁰) to 17 digits
    np.testing.assert_allclose(out, tiny, rtol=ulps(dtype))
    np.testing.assert_allclose(layer.backward(1, cache)[0], [-sign * tiny], rtol=ulps(dtype))


def test_a_target_may_be_a_probability(dtype):
    layer = SigmoidCrossEntropy()
    out, cache = layer.forward(np.array([0, math.log(3)], dtype), [0.25, 0.75])
    expected = (LN2 + 0.5623351446188083) / 2  # ln 2, and the entropy of (3/4, 1/4)
    np.testing.assert_allclose(out, expected, rtol=ulps(dtype))
    dscores, _ = layer.backward(1, cache)
    np.testing.assert_allclose(dscores, [0.125, 0], rtol=ulps(dtype), atol=ulps(dtype))


def test_labels_of_one_column_are_the_two_classes():
    layer = SigmoidCrossEntropy("sum")
    _, cache = layer.forward(np.zeros((3, 1)), np.array([1, 0, 1]))
    np.testing.assert_array_equal(layer.backward(1, cache)[0], [[-0.5], [0.5], [-0.5]])


def test_labels_of_several_columns_ask_one_against_the_rest():
    layer = SigmoidCrossEntropy("sum")
    _, cache = layer.forward(np.zeros((2, 3)), np.array([0, 2]))
    np.testing.assert_array_equal(layer.backward(1, cache)[0], [[-0.5, 0.5, 0.5], [0.5, 0.5, -0.5]])


@pytest.mark.parametrize("target", [-0.1, 1.5, np.nan])
def test_a_target_that_is_no_probability_is_refused(target):
    with pytest.raises(
        ValueError, match=rf": targets\[0, 1\] is {target}, expected a probability from 0 to 1$"
    ):
        SigmoidCrossEntropy().forward(np.zeros((1, 2)), [[0, target]])


@pytest.mark.parametrize("shape", [(3,), (2, 2), (3, 2, 1), ()])
def test_targets_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"targets has shape .*, expected \(2, 3\), the shape of"):
        SigmoidCrossEntropy().forward(np.zeros((2, 3)), np.zeros(shape))


def test_labels_that_name_no_class_are_refused():
    with pytest.raises(ValueError, match=r"targets\[1\] is 3, expected a label from 0 to 2"):
        SigmoidCrossEntropy().forward(np.zeros((2, 3)), np.array([0, 3]))
    with pytest.raises(ValueError, match=r"dtype float64, expected integer labels of shape \(2,\)"):
        SigmoidCrossEntropy().forward(np.zeros((2, 3)), np.array([0.0, 1.0]))
    with pytest.raises(ValueError, match=r"targets\[1.*\] is 2.*, expected a probability"):
        SigmoidCrossEntropy().forward(np.zeros((2, 1)), np.array([0, 2]))
