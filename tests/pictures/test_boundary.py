import numpy as np
import pytest
from matplotlib.colors import to_rgb

from chainrule.data import blobs, moons
from chainrule.layers import MSE, Affine, Hinge, SigmoidCrossEntropy
from chainrule.nets import MLP, Classifier, Regressor, Sequential
from chainrule.pictures import decision_boundary
from chainrule.pictures.drawing import COLOURS, INK


class Points:
    """Four training points and no test points."""

    x_train = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    y_train = np.array([0, 1, 1, 0])


def linear(rows, b, loss=None):
    """A classifier with the scores x · row + b."""
    net = Sequential(Affine(2, len(rows)))
    net.params["affine1.W"][...] = np.transpose(rows)
    net.params["affine1.b"][...] = b
    return Classifier(net) if loss is None else Classifier(net, loss)


def region_at(axes, x, y):
    """Which class has the colour of a point, and how opaque that is."""
    (image,) = axes.images
    left, right, bottom, top = image.get_extent()
    cells = image.get_array()
    row = int((y - bottom) / (top - bottom) * len(cells))
    column = int((x - left) / (right - left) * cells.shape[1])
    *rgb, alpha = cells[row, column]
    return [to_rgb(colour) for colour in COLOURS].index(tuple(rgb)), alpha


def borders(axes):
    """The points of the lines between classes."""
    lines = [c for c in axes.collections if hasattr(c, "levels")]
    return np.concatenate([path.vertices for one in lines for path in one.get_paths()])


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_regions_are_what_the_model_predicts(classes):
    data = blobs(120, classes=classes)
    model = Classifier(MLP([2, 8, classes], rng=1))
    (axes,) = decision_boundary(model, data).figure().axes
    left, right, bottom, top = axes.images[0].get_extent()
    # The middles of some of the cells.
    steps = (np.arange(200) + 0.5)[::23] / 200
    points = [
        (left + a * (right - left), bottom + b * (top - bottom)) for a in steps for b in steps
    ]
    found = [region_at(axes, *point)[0] for point in points]
    assert found == model.predict(np.array(points)).tolist()
    assert len(set(found)) > 1


def test_a_surer_class_has_a_stronger_colour_and_the_border_is_where_two_are_equal():
    model = linear([[-3, 0], [3, 0]], [0, 0])  # p = σ(6 x₀) for class 1
    (axes,) = decision_boundary(model, Points).figure().axes
    places = [0.05, 0.2, 0.5, 1.0]
    strength = [region_at(axes, x, 0.3) for x in places]
    assert [c for c, _ in strength] == [1] * 4
    assert np.diff([alpha for _, alpha in strength]).min() > 0
    # The strength is linear in p: none at ½, all at 1.
    p = 1 / (1 + np.exp(-6 * np.array(places)))
    np.testing.assert_allclose(
        [a for _, a in strength], 0.08 + 0.47 * (2 * p - 1), atol=0.012
    )  # half a cell
    np.testing.assert_allclose(borders(axes)[:, 0], 0, atol=1e-6)


@pytest.mark.parametrize(("loss", "threshold"), [(SigmoidCrossEntropy(), 0), (MSE(), 0.5)])
def test_a_single_output_tells_two_classes_apart_at_the_threshold_of_its_loss(loss, threshold):
    (axes,) = decision_boundary(linear([[0, 2]], [0], loss), Points).figure().axes
    border = threshold / 2
    np.testing.assert_allclose(borders(axes)[:, 1], border, atol=1e-6)
    assert region_at(axes, 0, border + 0.05)[0] == 1
    assert region_at(axes, 0, border - 0.05)[0] == 0


def test_scores_that_are_no_probabilities_have_one_strength():
    model = linear([[-1, 0], [1, 0]], [0, 0], Hinge())
    (axes,) = decision_boundary(model, Points).figure().axes
    assert len(np.unique(axes.images[0].get_array()[..., 3])) == 1
    assert [region_at(axes, x, 0)[0] for x in (-0.5, 0.5)] == [0, 1]


def test_a_class_that_is_taken_for_nothing_has_no_border():
    (axes,) = decision_boundary(linear([[0, 0], [0, 0]], [1, 0]), Points).figure().axes
    assert len(np.unique(axes.images[0].get_array()[..., 0])) == 1
    assert not [c for c in axes.collections if hasattr(c, "levels")]


def test_points_of_both_parts_are_there_in_their_colours_and_told_apart():
    data = moons(100)
    model = linear([[0, 1], [0, -1]], [0, 0])
    (axes,) = decision_boundary(model, data).figure().axes
    training, test = [c for c in axes.collections if len(c.get_offsets()) > 1]
    for drawn, x, y in ((training, data.x_train, data.y_train), (test, data.x_test, data.y_test)):
        np.testing.assert_array_equal(drawn.get_offsets(), x)
        expected = [to_rgb(COLOURS[c]) for c in y]
        np.testing.assert_allclose(drawn.get_facecolors()[:, :3], expected)
    np.testing.assert_allclose(test.get_edgecolors()[0, :3], to_rgb(INK))
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words == ["training", "test", "class 0", "class 1"]
    right = (model.score(data.x_train, data.y_train), model.score(data.x_test, data.y_test))
    assert axes.get_title() == f"right: training {right[0]:.1%}, test {right[1]:.1%}"


def test_without_test_points_none_are_spoken_of():
    (axes,) = decision_boundary(linear([[-1, 0], [1, 0]], [0, 0]), Points).figure().axes
    assert axes.get_title() == "right: training 75.0%"
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words == ["class 0", "class 1"]


def test_several_models_have_a_panel_each_and_one_legend():
    one, two = linear([[-1, 0], [1, 0]], [0, 0]), linear([[0, -1], [0, 1]], [0, 0])
    first, second = decision_boundary({"across": one, "up": two}, Points).figure().axes
    assert first.get_title().startswith("across\n")
    assert (first.get_legend() is None, second.get_legend() is None) == (True, False)
    assert region_at(first, 0.9, -0.5)[0] == 1
    assert region_at(second, 0.9, -0.5)[0] == 0


def changed(**others):
    return type("Changed", (Points,), others)


MODEL = linear([[-1, 0], [1, 0]], [0, 0])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (changed(x_train=np.zeros((4, 3))), r"x_train has shape \(4, 3\)"),
        (changed(x_train=np.zeros((4, 1, 2))), r"x_train has shape \(4, 1, 2\)"),
        (changed(x_train=np.zeros((3, 2))), r"y_train has \(4,\)"),
        (changed(x_train=np.zeros((0, 2)), y_train=np.zeros(0, int)), r"x_train has .*\(0, 2\)"),
        (changed(x_test=np.zeros((4, 3))), r"x_test has shape \(4, 3\)"),
        (object(), r"x_train has shape \(\)"),
    ],
)
def test_data_that_are_no_points_in_the_plane_are_refused(data, said):
    with pytest.raises(ValueError, match=rf"{said}.* expected points in the plane"):
        decision_boundary(MODEL, data)


def test_too_many_classes_are_refused():
    with pytest.raises(ValueError, match="the data have 9 classes, expected at most 8"):
        decision_boundary(MODEL, changed(y_train=np.array([0, 1, 2, 8])))
    with pytest.raises(ValueError, match="the model tells 9 classes apart, expected at most 8"):
        decision_boundary(linear(np.ones((9, 2)), 0), Points)


def test_what_is_no_classifier_is_refused():
    for model in (MLP([2, 3, 2]), Regressor(MLP([2, 3, 1])), {"a": 3}):
        with pytest.raises(TypeError, match=r"expected a nets\.Classifier"):
            decision_boundary(model, Points)


def test_a_model_that_has_lost_its_numbers_is_refused():
    with pytest.raises(ValueError, match="outputs are not finite"):
        decision_boundary(linear([[0, 0], [0, 0]], [np.nan, 0], Hinge()), Points)
