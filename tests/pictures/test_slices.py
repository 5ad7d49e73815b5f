import copy

import numpy as np
import pytest

from chainrule.layers import MSE, Affine, BatchNorm
from chainrule.nets import MLP, Classifier, Graph, Regressor, Sequential
from chainrule.pictures import loss_slice
from chainrule.pictures.slices import path_directions, random_directions
from chainrule.solvers import SGD, Snapshot, Solver

X = np.random.default_rng(0).standard_normal((30, 3))
Y = (X[:, 0] > 0).astype(int)


def model_of(**others):
    return Classifier(MLP([3, 5, 2], rng=0, **others))


def bits(model):
    arrays = {**model.params, **{f"state {k}": v for k, v in model.state.items()}}
    return {name: (id(array), array.tobytes()) for name, array in arrays.items()}


class Plane:
    """out = x w with w = (1, 2) on unit vectors: the loss is ½ ((w₀ − 1)² + (w₁ − 4)²)."""

    def __init__(self):
        net = Sequential(Affine(2, 1))
        net.params["affine1.W"][...] = [[1], [2]]
        self.model = Regressor(net, MSE())
        self.x, self.y = np.eye(2), np.array([1.0, 4.0])

    def along(self, *w):
        return {"affine1.W": np.array(w, float)[:, np.newaxis], "affine1.b": np.zeros(1)}


def drawn(picture):
    return picture.figure().axes[0]


def test_the_level_lines_are_those_of_the_loss_along_the_directions():
    plane = Plane()
    axes = drawn(
        loss_slice(plane.model, plane.x, plane.y, (plane.along(1, 0), plane.along(0, 2)), side=61)
    )
    _, lines = axes.collections
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        a, b = path.vertices.T
        # w = (1 + a, 2 + 2 b).
        np.testing.assert_allclose(0.5 * (a**2 + (2 * b - 2) ** 2), level, atol=0.01)
    assert (axes.get_xlim(), axes.get_ylim()) == ((-1, 1), (-1, 1))


def test_the_penalty_of_l2_is_part_of_the_loss():
    plane = Plane()
    plane.model.l2 = 0.5
    directions = (plane.along(1, 0), plane.along(0, 1))
    picture = loss_slice(plane.model, plane.x, plane.y, directions, side=61)
    lines = drawn(picture).collections[1]
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        a, b = path.vertices.T
        fit = 0.5 * (a**2 + (b - 2) ** 2)
        np.testing.assert_allclose(fit + 0.25 * ((1 + a) ** 2 + (2 + b) ** 2), level, atol=0.01)


@pytest.mark.parametrize("others", [{}, {"norm": BatchNorm, "keep": 0.5}])
def test_the_model_stays_as_it_is_to_the_bit(others):
    model = model_of(**others)
    before, net = bits(model), repr(vars(copy.deepcopy(model.net)))
    loss_slice(model, X, Y, side=5).png()
    assert bits(model) == before
    assert repr(vars(model.net)) == net


def test_the_model_stays_as_it_is_even_where_the_loss_raises():
    model = model_of()
    before = bits(model)
    calls = []

    class Failing(type(model.criterion)):
        def forward(self, scores, targets, *, train=True):
            calls.append(1)
            if len(calls) == 7:
                raise KeyboardInterrupt
            return super().forward(scores, targets, train=train)

    model.criterion = Failing()
    with pytest.raises(KeyboardInterrupt):
        loss_slice(model, X, Y, side=5)
    assert bits(model) == before
    with pytest.raises(ValueError, match="targets"):
        loss_slice(model, X, Y[:3], side=5)
    assert bits(model) == before


def test_random_directions_are_as_long_as_the_weights_of_each_unit_and_leave_biases():
    model = model_of(norm=BatchNorm)
    params, found = model.params, random_directions(model, np.random.default_rng(0))
    for name, W in params.items():
        if name.endswith(".W"):
            lengths = [np.linalg.norm(array, axis=0) for array in (W, found[name])]
            np.testing.assert_allclose(*lengths)
        else:
            assert not found[name].any()


def test_directions_from_the_seed_of_the_weights_have_nothing_to_do_with_them(monkeypatch):
    seen = []

    def watched(model, rng):
        seen.append(random_directions(model, rng))
        return seen[-1]

    monkeypatch.setattr("chainrule.pictures.slices.random_directions", watched)
    net = MLP([3, 200, 2], rng=0)
    loss_slice(Classifier(net), X, Y, side=3, seed=0)
    W = net.params["affine1.W"].ravel()
    for direction in seen:
        d = direction["affine1.W"].ravel()
        assert abs(W @ d) < 0.2 * np.linalg.norm(W) * np.linalg.norm(d)


def test_the_same_seed_gives_the_same_picture():
    model = model_of()
    one, same, other = (loss_slice(model, X, Y, side=5, seed=s).png() for s in (0, 0, 1))
    assert one == same != other


def test_a_path_is_drawn_in_the_plane_in_which_it_is_longest():
    plane = Plane()
    # Differences to the present (1, 2): 3 along (0.6, 0.8), −2 along it, and 1 across.
    along, across = np.array([0.6, 0.8]), np.array([-0.8, 0.6])
    offsets = [3 * along, -2 * along, across, 0 * across]
    path = [plane.along(*(np.array([1, 2]) + offset)) for offset in offsets]
    (first, second), walked = path_directions(plane.model.params, path)
    sign, other = np.sign(first["affine1.W"][0, 0]), -np.sign(second["affine1.W"][0, 0])
    np.testing.assert_allclose(first["affine1.W"][:, 0], sign * along, atol=1e-12)
    np.testing.assert_allclose(second["affine1.W"][:, 0], other * across, atol=1e-12)
    expected = [[3 * sign, 0], [-2 * sign, 0], [0, other], [0, 0]]
    np.testing.assert_allclose(walked, expected, atol=1e-12)
    axes = drawn(loss_slice(plane.model, plane.x, plane.y, path=path, side=5))
    np.testing.assert_allclose(axes.lines[0].get_xydata(), walked)
    assert axes.lines[1].get_xydata().tolist() == [[0, 0]]


def test_the_path_of_a_training_run_is_within_the_picture():
    model = model_of()
    path = [{name: w.copy() for name, w in model.params.items()}]

    class Data:
        x_train, y_train, x_val, y_val = X, Y, None, None

    def watch(solver):
        path.append(Snapshot.of(solver.model, solver.epoch).params)

    Solver(
        model, SGD(0.5), Data, epochs=6, batch_size=10, progress=False, callbacks=[watch]
    ).train()
    axes = drawn(loss_slice(model, X, Y, path=path, side=5))
    points = axes.lines[0].get_xydata()
    assert points.shape == (7, 2)
    np.testing.assert_allclose(points[-1], 0, atol=1e-9)  # where the parameters are
    for limits, column in zip((axes.get_xlim(), axes.get_ylim()), points.T, strict=True):
        assert limits[0] < column.min()
        assert column.max() < limits[1]


def test_a_graph_has_a_slice_too():
    graph = Graph()
    graph.output(Affine(3, 2, rng=0)(graph.input("x")))
    model = Classifier(graph)
    before = bits(model)
    assert loss_slice(model, X, Y, side=5).png()
    assert bits(model) == before


def test_weights_of_another_dtype_keep_it():
    model = Classifier(MLP([3, 4, 2], rng=0, dtype=np.float32))
    assert loss_slice(model, X.astype(np.float32), Y, side=5).png()


def refused(error, said, *args, **settings):
    model = settings.pop("model", model_of())
    with pytest.raises(error, match=said):
        loss_slice(model, X, Y, *args, **settings)


def test_what_makes_no_sense_is_refused():
    params = model_of().params
    zeros = {name: 0 * w for name, w in params.items()}
    refused(TypeError, r"expected a nets\.Classifier or Regressor", model=MLP([3, 2]))
    refused(ValueError, "span is 0 and side is 31", span=0)
    refused(ValueError, "side is 2, expected .* at least 3", side=2)
    refused(ValueError, "got directions and a path", (zeros, zeros), path=[zeros])
    refused(ValueError, "direction 2 has .*'affine1.W'", (zeros, {"affine1.W": np.zeros(3)}))
    refused(ValueError, r"path\[0\] has .* expected the names and shapes", path=[{}])
    refused(ValueError, "lie on a line, expected at least three", path=[params, zeros])
    refused(ValueError, "the 0 points of the path", path=[])
