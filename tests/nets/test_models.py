import tracemalloc

import numpy as np
import pytest

from chainrule.gradcheck import numerical_gradient
from chainrule.layers import (
    MSE,
    Affine,
    BatchNorm,
    CrossEntropy,
    Hinge,
    SigmoidCrossEntropy,
    Softmax,
    SoftmaxCrossEntropy,
    Tanh,
)
from chainrule.nets import MLP, Classifier, Regressor, Sequential


def data(n=12, features=4, classes=3):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, features)), rng.integers(0, classes, n)


def linear(W, b):
    layer = Affine(*np.shape(W))
    layer.params["W"][...] = W
    layer.params["b"][...] = b
    return Sequential(layer)


@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_the_gradients_of_the_loss_agree_with_differences(l2):
    x, y = data()
    model = Classifier(MLP([4, 5, 3], activation=Tanh(), norm=BatchNorm, rng=0), l2=l2)
    _, grads = model.loss(x, y)
    assert grads.keys() == model.params.keys()
    for name, array in model.params.items():
        numeric = numerical_gradient(lambda: model.loss(x, y)[0], array)
        np.testing.assert_allclose(grads[name], numeric, rtol=1e-6, atol=1e-8)


def test_l2_is_half_the_sum_of_squared_weights_without_biases():
    x, y = np.zeros((2, 2)), np.zeros((2, 1))
    model = Regressor(linear([[1.0], [-2.0]], [3.0]), l2=0.5)
    loss, grads = model.loss(x, y)
    assert loss == 9 + 0.5 * 0.5 * 5  # (0 - 3)² and half of l2 times 1² + 2²
    np.testing.assert_allclose(grads["affine1.W"], [[0.5], [-1.0]])
    np.testing.assert_allclose(grads["affine1.b"], [6.0])


def test_l2_leaves_batchnorm_alone():
    x, y = data()
    net = MLP([4, 5, 3], norm=BatchNorm, rng=0)
    plain, decayed = (Classifier(net, l2=l2).loss(x, y)[1] for l2 in (0, 10))
    for name in ("batchnorm1.gamma", "batchnorm1.beta", "affine1.b"):
        np.testing.assert_array_equal(plain[name], decayed[name])


def test_a_fresh_classifier_of_ten_classes_that_scores_all_alike_loses_ln_10():
    x, y = data(classes=10)
    loss, _ = Classifier(linear(np.zeros((4, 10)), 0.0)).loss(x, y)
    assert loss == pytest.approx(2.302585092994046)


def test_predict_names_the_class_with_the_largest_score():
    model = Classifier(linear([[1.0, -1.0, 0.0]], [0.0, 0.0, 0.5]))
    x = np.array([[2.0], [-2.0], [0.1]])
    np.testing.assert_array_equal(model.predict(x), [0, 1, 2])
    assert model.score(x, np.array([0, 1, 1])) == pytest.approx(2 / 3)


def test_one_score_decides_between_two_classes_by_its_sign():
    model = Classifier(linear([[1.0]], [0.0]), loss=SigmoidCrossEntropy())
    x, y = np.array([[2.0], [-1.0]]), np.array([1, 0])
    np.testing.assert_array_equal(model.predict(x), [1, 0])
    loss, _ = model.loss(x, y)
    assert loss == pytest.approx((0.1269280110429726 + 0.31326168751822286) / 2)


def test_one_output_under_squared_error_is_cut_half_way_between_the_classes():
    model = Classifier(linear([[1.0]], [0.0]), loss=MSE())
    np.testing.assert_array_equal(model.predict(np.array([[0.4], [0.6], [-3.0]])), [0, 1, 0])


def test_inference_in_blocks_equals_inference_at_once():
    x, _ = data(n=2500)
    model = Classifier(MLP([4, 5, 3], norm=BatchNorm, rng=0))
    want, _ = model.net.forward(x, train=False)
    np.testing.assert_allclose(model.outputs(x), want, rtol=1e-12)
    assert model.outputs(x[:0]).shape == (0, 3)


def test_inference_of_many_rows_keeps_no_caches():
    x = np.zeros((50_000, 4), np.float32)
    model = Classifier(MLP([4, 300, 3], rng=0, dtype=np.float32))
    tracemalloc.start()
    model.predict(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6  # the hidden activations of all rows would take 60 MB


def test_inference_uses_and_keeps_the_running_statistics():
    x, y = data()
    model = Classifier(MLP([4, 5, 3], norm=BatchNorm, rng=0))
    model.loss(x, y)
    kept = {name: array.copy() for name, array in model.state.items()}
    before = model.outputs(x)
    np.testing.assert_allclose(model.outputs(x[:1]), before[:1], rtol=1e-10)
    for name, array in model.state.items():
        np.testing.assert_array_equal(array, kept[name])


def test_r_squared_is_one_for_a_perfect_fit_and_zero_for_the_mean():
    x, y = np.array([[1.0], [2.0], [3.0]]), np.array([[2.0], [4.0], [6.0]])
    assert Regressor(linear([[2.0]], [0.0])).score(x, y) == 1
    assert Regressor(linear([[0.0]], [4.0])).score(x, y) == 0
    np.testing.assert_array_equal(Regressor(linear([[2.0]], [0.0])).predict(x), y)
    assert Regressor(linear([[2.0]], [0.0])).score(x, y[:, 0]) == 1


def test_evaluate_gives_the_loss_without_the_penalty_and_the_score():
    model = Classifier(linear([[1, 0], [0, 1]], [0, 0]), l2=7.0)
    x, y = np.array([[np.log(3), 0], [0, 0]]), np.array([0, 1])
    loss, score = model.evaluate(x, y)  # ¾ for the right class, and ½, which argmax gives class 0
    assert loss == pytest.approx((np.log(4 / 3) + np.log(2)) / 2)
    assert score == 0.5
    loss, score = model.evaluate(x, y, np.array([3, 1]))
    assert loss == pytest.approx((3 * np.log(4 / 3) + np.log(2)) / 4)
    assert score == 0.75


def test_evaluate_gives_the_score_that_a_subclass_defines():
    class Cautious(Classifier):
        def score(self, x, y, row_weights=None):
            return -1.5

    model = Cautious(linear([[1, 0], [0, 1]], [0, 0]))
    assert model.evaluate(np.zeros((2, 2)), np.array([0, 1])) == (pytest.approx(np.log(2)), -1.5)


def test_the_loss_is_a_python_float_in_either_dtype():
    x, y = data()
    net = MLP([4, 5, 3], rng=0)
    assert type(Classifier(net, l2=0.1).loss(x, y)[0]) is float
    half = Classifier(net.astype(np.float32), l2=0.1)
    loss, grads = half.loss(x.astype(np.float32), y)
    assert type(loss) is float
    assert {grad.dtype for grad in grads.values()} == {np.dtype(np.float32)}


def test_defaults_are_softmax_cross_entropy_and_mean_squared_error():
    net = MLP([4, 3])
    assert isinstance(Classifier(net).criterion, SoftmaxCrossEntropy)
    assert isinstance(Regressor(net).criterion, MSE)


def test_wrong_targets_and_settings_are_named():
    model = Classifier(MLP([4, 3]))
    with pytest.raises(
        ValueError, match=r"y has shape \(2,\) .*expected an integer label for each of 3"
    ):
        model.score(np.zeros((3, 4)), np.zeros(2, int))
    with pytest.raises(ValueError, match="at least one row"):
        model.score(np.zeros((0, 4)), np.zeros(0, int))
    with pytest.raises(ValueError, match="dtype <U1, expected an integer label"):
        model.score(np.zeros((2, 4)), np.array(["0", "1"]))
    with pytest.raises(TypeError, match=r"loss is <class .*, expected a loss layer such as"):
        Classifier(MLP([4, 3]), SoftmaxCrossEntropy)
    with pytest.raises(ValueError, match=r"one column.*SigmoidCrossEntropy"):
        Classifier(MLP([4, 1])).loss(np.zeros((2, 4)), np.array([0, 1]))
    with pytest.raises(ValueError, match="l2 must be a finite number of at least 0, got -1"):
        Classifier(MLP([4, 3]), l2=-1)
    regressor = Regressor(MLP([4, 1]))
    with pytest.raises(ValueError, match=r"y has shape \(3, 2\), expected \(3, 1\)"):
        regressor.score(np.zeros((3, 4)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="targets are equal"):
        regressor.score(np.zeros((3, 4)), np.full(3, 0.1))


def test_predictions_take_the_memory_of_one_block_whatever_the_rows():
    def beyond(rows):
        x = np.zeros((rows, 4))
        model.predict(x)
        tracemalloc.start()
        try:
            found = model.predict(x)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        return peak - found.nbytes

    model = Classifier(MLP([4, 50, 30], rng=0))
    assert beyond(100_000) < beyond(5_000) + 50_000


def test_l2_that_is_no_number_and_a_score_of_nothing_are_refused():
    with pytest.raises(ValueError, match="l2 must be a finite number of at least 0, got 'a'"):
        Classifier(MLP([2, 2]), l2="a")
    with pytest.raises(ValueError, match="Regressor: there are no rows to score"):
        Regressor(MLP([2, 1])).score(np.zeros((0, 2)), np.zeros((0, 1)))


class OwnSoftmax(SoftmaxCrossEntropy):
    pass


class OwnLoss(MSE):
    def probabilities(self, scores):
        return scores**2


def fixed(loss, *row):
    """A classifier that gives the scores `row` to an input 1."""
    net = Sequential(Affine(1, len(row)))
    net.params["affine1.W"][...] = row
    return Classifier(net, loss)


def undecided():
    """A classifier of two classes whose network ends in their probabilities, ½ each."""
    affine = Affine(1, 2, init=lambda *_, **__: np.zeros((1, 2)))
    return Classifier(Sequential(affine, Softmax()), CrossEntropy())


@pytest.mark.parametrize(
    ("model", "expected", "words"),
    [
        (fixed(SoftmaxCrossEntropy(), 0, np.log(3)), [0.25, 0.75], "the softmax of the network's"),
        (fixed(OwnSoftmax(), 0, np.log(3)), [0.25, 0.75], "the softmax of the network's outputs"),
        (fixed(SigmoidCrossEntropy(), 0, np.log(3)), [0.5, 0.75], "the sigmoid of each output"),
        (fixed(SigmoidCrossEntropy(), np.log(3)), [0.25, 0.75], "the sigmoid of each output"),
        (undecided(), [0.5, 0.5], "the network's outputs"),
        (fixed(OwnLoss(), 0.6, 0.8), [0.36, 0.64], "what the loss makes of the network's outputs"),
    ],
    ids=["softmax", "a subclass", "sigmoids", "one sigmoid", "cross-entropy", "own"],
)
def test_scores_are_the_probabilities_that_the_loss_makes_of_them(model, expected, words):
    scores, are_probabilities, said = model.class_scores(np.ones((3, 1)))
    np.testing.assert_allclose(scores, [expected] * 3, rtol=1e-12)
    assert are_probabilities
    assert said.startswith(f"probabilities: {words}")


@pytest.mark.parametrize(
    ("model", "expected"), [(fixed(Hinge(), -3, 5), [-3, 5]), (fixed(MSE(), 0.8), [0.2, 0.8])]
)
def test_scores_of_a_loss_that_makes_no_probabilities_are_not_called_so(model, expected):
    scores, are_probabilities, said = model.class_scores(np.ones((3, 1)))
    np.testing.assert_allclose(scores, [expected] * 3, rtol=1e-12)
    assert not are_probabilities
    assert (
        said == f"scores, no probabilities: the network's outputs, trained with {model.criterion!r}"
    )
