import json
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


def test_smoothing_and_weights_give_the_hand_worked_loss_and_gradient(dtype):
    """Of p = (1/8, 2/8, 5/8) and label 2, with s = 0.3: q = (0.1, 0.1, 0.8) times w = (1, 2, 1/2),
    so (0.1, 0.2, 0.4), with the sum 0.7; the mean is divided by w₂ = 1/2."""
    layer = SoftmaxCrossEntropy(smoothing=0.3, class_weights=[1, 2, 0.5])
    out, cache = layer.forward(np.array(SCORES[:1], dtype), [2])
    total = 0.1 * math.log(8) + 0.2 * math.log(4) + 0.4 * math.log(8 / 5)
    np.testing.assert_allclose(out, 2 * total, rtol=ulps(dtype))
    dscores, _ = layer.backward(1, cache)
    worked = [[0.0875 - 0.1, 0.175 - 0.2, 0.4375 - 0.4]]
    np.testing.assert_allclose(dscores, 2 * np.array(worked), rtol=4 * ulps(dtype))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("smoothing", [0, 0.1, 1])
@pytest.mark.parametrize("weights", [None, [1, 1, 1, 1], [0.5, 0, 3, 1.5]])
@pytest.mark.parametrize("kind", ["labels", "distributions"])
def test_loss_and_gradient_are_pytorchs(reduction, smoothing, weights, kind):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    scores = 5 * rng.standard_normal((9, 4))
    targets = rng.integers(0, 4, 9) if kind == "labels" else rng.dirichlet(np.ones(4), 9)
    there = torch.tensor(scores, requires_grad=True)
    want = torch.nn.CrossEntropyLoss(
        torch.tensor(weights, dtype=torch.float64) if weights else None,
        reduction=reduction,
        label_smoothing=smoothing,
    )(there, torch.tensor(targets))
    want.backward()
    layer = SoftmaxCrossEntropy(reduction, smoothing=smoothing, class_weights=weights)
    out, cache = layer.forward(scores, targets)
    np.testing.assert_allclose(out, want.item(), rtol=1e-12)
    dscores, _ = layer.backward(1, cache)
    np.testing.assert_allclose(dscores, there.grad.numpy(), rtol=1e-12, atol=1e-12)


def test_a_weighted_confident_right_answer_keeps_its_digits(dtype):
    layer = SoftmaxCrossEntropy("sum", class_weights=[3, 1])
    out, cache = layer.forward(np.array([[40, 0]], dtype), [0])
    np.testing.assert_allclose(out, 3 * math.exp(-40), rtol=ulps(dtype))
    np.testing.assert_allclose(
        layer.backward(1, cache)[0], [[-3 * math.exp(-40), 3 * math.exp(-40)]], rtol=ulps(dtype)
    )


def test_a_class_without_weight_may_have_a_score_of_minus_infinity():
    layer = SoftmaxCrossEntropy(smoothing=0.5, class_weights=[1, 1, 0])
    out, cache = layer.forward(np.array([[0, 0, -np.inf]]), [0])
    np.testing.assert_allclose(out, 5 / 6 * math.log(2), rtol=1e-15)
    np.testing.assert_allclose(layer.backward(1, cache)[0], [[-0.25, 0.25, 0]], rtol=1e-15)


@pytest.mark.parametrize(
    "weights",
    [
        *([1, -1], [1, np.nan], [1, np.inf], [0, 0], [], ["1", "2"], "12", [[1, 2]], 3),
        *({0: 1.0, 1: 2.0}, np.array(3.0), np.ones((1, 2))),
    ],
    ids=repr,
)
def test_what_are_no_weights_is_refused(weights):
    message = "SoftmaxCrossEntropy: class_weights must be a finite number of at least 0 for each"
    with pytest.raises(ValueError, match=f"^{message} class, and one of them above 0, got "):
        SoftmaxCrossEntropy(class_weights=weights)


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, np.nan, "0.1"])
def test_a_smoothing_that_is_no_share_is_refused(smoothing):
    message = r"^SoftmaxCrossEntropy: smoothing must be a finite number in \[0, 1\], got "
    with pytest.raises(ValueError, match=message):
        SoftmaxCrossEntropy(smoothing=smoothing)


def test_the_weights_are_numbers_that_json_can_hold_whatever_they_came_in():
    layer = SoftmaxCrossEntropy(class_weights=np.array([1, 2], np.float32))
    assert json.loads(json.dumps(layer.class_weights)) == [1, 2]
    assert repr(layer) == (
        "SoftmaxCrossEntropy(reduction='mean', smoothing=0.0, class_weights=(1.0, 2.0))"
    )


def test_weights_for_another_number_of_classes_are_refused():
    message = r"scores has 3 columns \(shape \(1, 3\)\), expected 2, one for each of class_weights$"
    with pytest.raises(ValueError, match=message):
        SoftmaxCrossEntropy(class_weights=[1, 2]).forward(np.zeros((1, 3)), [0])


def test_the_mean_over_classes_without_weight_is_refused_and_their_sum_is_0():
    scores = np.array([[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"all targets are of classes with weight 0, and their"):
        SoftmaxCrossEntropy(class_weights=[0, 1]).forward(scores, [0])
    layer = SoftmaxCrossEntropy("sum", class_weights=[0, 1])
    out, cache = layer.forward(scores, [0])
    assert out == 0
    np.testing.assert_array_equal(layer.backward(1, cache)[0], [[0, 0]])
