import numpy as np
import pytest

from chainrule.layers import CrossEntropy

P = [[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]]
LN2 = 0.6931471805599453


def ulps(dtype):
    return 8 * np.finfo(dtype).eps


@pytest.mark.parametrize(
    ("reduction", "loss", "scale"), [("mean", 2 * LN2, 1), ("sum", 4 * LN2, 2)]
)
def test_the_loss_of_labels_and_its_gradient_are_the_hand_worked_ones(
    dtype, reduction, loss, scale
):
    layer = CrossEntropy(reduction)
    out, cache = layer.forward(np.array(P, dtype), [0, 2])  # ln 2 + ln 8
    dp, _ = layer.backward(3, cache)
    np.testing.assert_allclose(out, loss, rtol=ulps(dtype))
    np.testing.assert_allclose(dp, scale * np.array([[-3, 0, 0], [0, 0, -12]]), rtol=ulps(dtype))


def test_a_distribution_weighs_the_classes(dtype):
    layer = CrossEntropy()
    out, cache = layer.forward(np.array(P[:1], dtype), [[0.5, 0.5, 0]])
    dp, _ = layer.backward(1, cache)
    np.testing.assert_allclose(out, 1.5 * LN2, rtol=ulps(dtype))
    np.testing.assert_allclose(dp, [[-1, -2, 0]], rtol=ulps(dtype))


@pytest.mark.parametrize(("dtype", "cost"), [(np.float32, 87.33654), (np.float64, 708.39641853)])
@np.errstate(over="raise", divide="raise", invalid="raise")
def test_a_certain_mistake_costs_much_but_not_infinitely_much(dtype, cost):
    layer = CrossEntropy()
    out, cache = layer.forward(np.array([[0, 1]], dtype), [0])
    dp, _ = layer.backward(1, cache)
    assert out == pytest.approx(cost, rel=1e-7)
    assert np.isfinite(dp).all()
    assert dp[0, 0] < -1e37
    assert dp[0, 1] == 0


def test_a_certain_and_right_answer_costs_nothing():
    assert CrossEntropy().forward(np.array([[0.0, 1.0]]), [1])[0] == 0


@pytest.mark.parametrize("score", [-0.5, 1.5])
def test_what_cannot_be_a_probability_is_refused_as_a_score(score):
    with pytest.raises(
        ValueError,
        match=r"^CrossEntropy\(reduction='mean'\): p\[1, 0\] is -?\d\.5, expected a "
        r"probability; scores go to SoftmaxCrossEntropy$",
    ):
        CrossEntropy().forward(np.array([[0.5, 0.5], [score, 0.5]]), [0, 1])


def test_p_that_is_no_matrix_is_refused_by_its_own_name():
    with pytest.raises(ValueError, match=r": p has shape \(2,\), expected \(N, C\)"):
        CrossEntropy().forward(np.array([0.5, 0.5]), [0, 1])
