import numpy as np
import pytest

from chainrule.layers import Affine, BatchNorm, Conv, ReLU, SigmoidCrossEntropy, Square
from chainrule.nets import Classifier, Graph, Sequential
from chainrule.pictures import ascend, fool, saliency, saliency_maps, score_gradient

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 6))
Y = np.array([2, 0, 0, 1])


def linear(W, b=0.0):
    """scores = x W + b."""
    layer = Affine(*np.shape(W))
    layer.params["W"][...] = W
    layer.params["b"][...] = b
    return Sequential(layer)


def test_of_a_linear_network_it_is_the_size_of_the_weights_whatever_the_row():
    W = RNG.standard_normal((6, 3))
    np.testing.assert_array_equal(saliency(linear(W), X, Y), np.abs(W[:, Y].T))
    np.testing.assert_array_equal(score_gradient(linear(W), X, Y), W[:, Y].T)


def test_of_colours_it_is_the_largest():
    W = np.zeros((12, 2))
    W[:, 1] = [1, -2, 3, 0, -5, 2, 1, 0, 4, 1, -1, 0]  # red, green, blue; each 2 × 2
    expected = [[[5, 2], [3, 0]]]
    x = np.ones((1, 3, 2, 2))
    np.testing.assert_array_equal(saliency(linear(W), x, [1]), expected)
    np.testing.assert_array_equal(
        saliency(linear(W), x.reshape(1, 12), [1], shape=(3, 2, 2)), expected
    )
    np.testing.assert_array_equal(saliency(linear(W), x, [0]), np.zeros((1, 2, 2)))


def test_a_convolution_by_hand():
    # The kernel is the row (1, -3); the only score is the sum of (ReLU of its answers)².
    conv = Conv(1, 1, (1, 2), bias=False)
    conv.params["W"][...] = [[[[1, -3]]]]
    end = Affine(2, 2)
    end.params["W"][...] = [[1, 0], [1, 0]]
    x = np.array([[[[5.0, 1.0, 4.0]]]])  # the answers are 2 and -11, of which 4 + 0 remains
    net = Sequential(conv, ReLU(), Square(), end)
    np.testing.assert_array_equal(saliency(net, x, [0]), [[[4, 12, 0]]])


def test_it_is_that_of_the_network_within_a_model_and_of_any_network():
    W = RNG.standard_normal((6, 3))
    graph = Graph()
    graph.output(graph.add("affine", linear(W).layers[0], graph.input("x")))
    for net in (Classifier(linear(W)), graph):
        np.testing.assert_array_equal(saliency(net, X, Y), np.abs(W[:, Y].T))


def test_one_output_is_the_score_of_class_1_and_its_negative_that_of_class_0():
    net = linear([[2.0], [-3.0]])
    found = score_gradient(net, np.ones((2, 2)), [1, 0])
    np.testing.assert_array_equal(found, [[2, -3], [-2, 3]])


def test_it_is_asked_in_inference_mode_in_the_dtype_of_the_network():
    net = Sequential(BatchNorm(6, dtype=np.float32), Affine(6, 3, rng=0, dtype=np.float32))
    state = {name: array.copy() for name, array in net.state.items()}
    found = saliency(net, X[:1].astype(np.float32), [1])
    assert found.dtype == np.float32
    for name, array in net.state.items():
        np.testing.assert_array_equal(array, state[name])
    assert saliency(net, np.zeros((0, 6), np.float32), np.zeros(0, int)).shape == (0, 6)


@pytest.mark.parametrize("y", [[0, 1], [0, 1, 2, 3], [0, 0, 0, -1], [0.0, 1, 0, 1], 1])
def test_classes_that_there_are_not_are_refused(y):
    with pytest.raises(ValueError, match=r"score_gradient: y has .* an integer from 0 to 2"):
        score_gradient(linear(np.ones((6, 3))), X, y)


def test_an_output_without_classes_is_refused():
    x = np.ones((2, 1, 4, 4))
    with pytest.raises(ValueError, match=r"output has shape \(2, 3, 2, 2\), expected \(N, C\)"):
        saliency(Sequential(Conv(1, 3, 3, rng=0)), x, [0, 0])


def test_a_step_uphill_has_the_length_of_the_rate_and_goes_along_the_gradient():
    net = linear([[3.0, 0], [4.0, 0]])
    x = np.zeros((2, 2))
    np.testing.assert_allclose(ascend(net, x, [0, 1], steps=1, rate=0.5), [[0.3, 0.4], [0, 0]])
    np.testing.assert_allclose(ascend(net, x, [0, 0], steps=3, rate=0.5)[1], [0.9, 1.2])
    assert not x.any()


def test_a_penalty_keeps_the_image_small():
    # The top of 3 a + 4 b - ½ (a² + b²) is (3, 4).
    net = linear([[3.0, 0], [4.0, 0]])
    found = ascend(net, np.array([[10.0, -2.0]]), [0], steps=400, rate=0.05, l2=0.5)
    np.testing.assert_allclose(found, [[3, 4]], atol=0.06)


def test_an_image_that_fools_is_the_first_on_its_way():
    # Class 1 wins as soon as a > b: a step moves (a, b) by (0.5, 0) along the gradient of a.
    net = linear([[0.0, 1.0], [1.0, 0.0]])
    x = np.array([[0.0, 1.2], [3.0, 0.0]])
    np.testing.assert_allclose(fool(net, x, [1, 1], rate=0.5), [[1.5, 1.2], [3, 0]])
    np.testing.assert_allclose(fool(Classifier(net), x, [1, 1], rate=0.5, steps=2)[0], [1, 1.2])


@pytest.mark.parametrize("climb", [ascend, fool])
def test_a_rate_that_is_none_is_refused(climb):
    with pytest.raises(ValueError, match="ascend: rate is 0, expected a positive number"):
        climb(linear(np.eye(6, 3)), X, np.full(4, 2), rate=0)


def test_each_image_stands_beside_its_map_under_its_classes():
    W = np.zeros((4, 3))
    W[:, 0] = [1, 0, 0, -2]
    W[:, 1] = [0, 3, 0, 0]
    x = np.array([[2.0, 0, 0, 0], [0, 1.0, 0, 0]])  # scores (2, 0, 0) and (0, 3, 0)
    picture = saliency_maps(
        Classifier(linear(W)), x, np.array([0, 2]), ("cat", "dog", "owl"), shape=(2, 2)
    )
    one, other = picture.figure().axes
    p = np.exp([2, 0, 0]) / np.exp([2, 0, 0]).sum()
    assert one.get_title("left") == f"cat ({p[0]:.1%})"
    q = np.exp([0, 3, 0]) / np.exp([0, 3, 0]).sum()
    assert other.get_title("left") == f"owl ({q[2]:.1%})\n→ dog ({q[1]:.1%})"
    image, map_ = (drawn.get_array() for drawn in other.images)
    np.testing.assert_array_equal(image, [[0, 0.5], [0, 0]])
    np.testing.assert_array_equal(map_, [[0, 3], [0, 0]])
    assert [panel.alt for panel in picture.panels][1] == (
        f"owl ({q[2]:.1%}) taken for dog ({q[1]:.1%}): the image and its saliency map"
    )


def test_maps_of_colours_and_of_classes_without_names():
    net = Sequential(Conv(3, 2, 3, rng=0), Affine(8, 1, rng=0))
    x = RNG.standard_normal((2, 3, 4, 4))
    picture = saliency_maps(Classifier(net, SigmoidCrossEntropy()), x, np.array([0, 1]))
    for axes in picture.figure().axes:
        image, map_ = (drawn.get_array() for drawn in axes.images)
        assert (image.shape, map_.shape) == ((4, 4, 3), (4, 4))


def test_an_even_map_is_black():
    picture = saliency_maps(
        Classifier(linear(np.zeros((4, 2)))), np.ones((1, 4)), [0], None, (2, 2)
    )
    (axes,) = picture.figure().axes
    assert axes.images[1].get_clim() == (0, 1)


X_OF_6 = {"x": X, "y": Y, "shape": (2, 3)}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"shape": None}, r"x has shape \(4, 6\), expected images \(N, C, H, W\), at least one"),
        ({"x": X[:0], "y": Y[:0]}, r"x has shape \(0, 6\), expected images"),
        ({"y": Y[:3]}, r"y has shape \(3,\) and dtype int64, expected \(4,\), for each row an"),
        ({"y": Y + 1}, "for each row an integer from 0 to 2"),
        ({"classes": ("a", "b")}, "classes has 2 names, expected 3"),
        ({"shape": (3, 3)}, r"shape is \(3, 3\), expected one of as many numbers as .* has, 6"),
    ],
)
def test_what_makes_no_maps_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        saliency_maps(Classifier(linear(np.ones((6, 3)))), **X_OF_6 | given)


def test_an_image_is_fooled_into_one_class_of_its_own():
    with pytest.raises(ValueError, match=r"fool: y has shape \(1,\), expected \(4,\)"):
        fool(linear(np.ones((6, 3))), X, [1])


def test_a_step_keeps_the_dtype_whatever_the_rate_is():
    net = Sequential(Affine(6, 3, rng=0, dtype=np.float32))
    x, rate = X.astype(np.float32), np.float64(0.1)
    assert ascend(net, x, Y, steps=2, rate=rate, l2=rate).dtype == np.float32
    assert fool(net, x, Y, rate=rate).dtype == np.float32
