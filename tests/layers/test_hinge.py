import numpy as np
import pytest

from chainrule.layers import Hinge


@pytest.mark.parametrize(
    ("reduction", "dout", "loss", "scale"),
    [("mean", 1, 15.8 / 3, 1 / 3), ("sum", 1, 15.8, 1), ("sum", -2, 15.8, -2)],
)
def test_cat_car_and_frog_cost_what_the_lecture_says(dtype, reduction, dout, loss, scale):
    scores = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]], dtype)
    layer = Hinge(reduction)
    out, cache = layer.forward(scores, [0, 1, 2])  # 2.9 + 0 + 12.9
    dscores, _ = layer.backward(dout, cache)
    np.testing.assert_allclose(out, loss, rtol=8 * np.finfo(dtype).eps)
    worked = np.array([[-1, 1, 0], [0, 0, 0], [1, 1, -2]])
    np.testing.assert_allclose(dscores, scale * worked, rtol=8 * np.finfo(dtype).eps)


def test_a_term_that_is_exactly_0_has_no_slope(dtype):
    layer = Hinge("sum")
    out, cache = layer.forward(np.array([[3, 2, 5]], dtype), [0])
    np.testing.assert_array_equal(out, 3)
    np.testing.assert_array_equal(layer.backward(1, cache)[0], [[-1, 0, 1]])


@np.errstate(over="raise", divide="raise", invalid="raise")
def test_scores_of_ten_thousand_cost_their_distance_plus_the_margin(dtype):
    layer = Hinge()
    out, cache = layer.forward(np.array([[1e4, -1e4]], dtype), [1])
    np.testing.assert_array_equal(out, 20001)
    np.testing.assert_array_equal(layer.backward(1, cache)[0], [[1, -1]])


def test_a_distribution_over_the_classes_is_refused():
    with pytest.raises(ValueError, match=r"targets has shape \(1, 2\).*expected integer labels"):
        Hinge().forward(np.zeros((1, 2)), np.array([[0, 1]]))
