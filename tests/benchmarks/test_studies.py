"""The studies of published results: resumed to the bit, and their pages say what was measured."""

import importlib
import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.studies import (
    autoencoders,
    conv_units,
    convnets,
    depth,
    elus,
    later_methods,
    mnist_best,
    rectifiers,
    saturation,
    scaled_inputs,
    study,
)
from chainrule.data import moons
from chainrule.layers import ELU, Affine, BatchNorm, Conv, MaxPool, Multiply, ReLU, glorot_normal
from chainrule.nets import MLP, Classifier, Sequential
from chainrule.solvers import SGD, Solver

DOCS = Path(__file__).parents[2] / "docs"
NAMES = (
    "rectifiers",
    "later_methods",
    "activations",
    "elus",
    "autoencoders",
    "saturation",
    "depth",
    "scaled_inputs",
    "conv_units",
    "convnets",
    "mnist_best",
)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_shows_the_table_and_the_picture_of_the_results(name):
    module = importlib.import_module(f"benchmarks.studies.{name}")
    page = (DOCS / "studies.md").read_text(encoding="utf-8")
    assert "\n".join(module.lines(study.Study(name, DOCS / "studies"))) in page
    assert f"](studies/{name}.png)" in page
    assert (DOCS / "studies" / f"{name}.png").is_file()
    assert f"python -m benchmarks.studies.{name}" in page


def test_the_rectifiers_page_has_all_of_the_papers_table():
    """As the lecture notes print it, column by column."""
    printed = """
        Rectifier 1.20% 49.96% 32.86% 16.46%
        Tanh 1.16% 50.79% 35.89% 17.66%
        Softplus 1.17% 49.52% 33.27% 19.19%
        Rectifier 1.43% 50.86% 32.64% 16.40%
        Tanh 1.57% 52.62% 36.46% 19.29%
        Softplus 1.77% 53.20% 35.48% 17.68%"""
    rows = [line.split() for line in printed.replace("%", "").lower().split("\n")[1:]]
    table = rectifiers.whole(study.Study("rectifiers", DOCS / "studies"))
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table[2:]]
    found = [[name.partition(",")[0], mnist, *more] for name, mnist, _, _, *more in cells]
    assert found == rows
    assert [ours for _, _, *ours, _, _, _ in cells[:3]] == [["–", "–"]] * 3


def test_the_page_quotes_softplus_and_rectifier_at_each_rate():
    runs = study.Study("activations", DOCS / "studies").found(data="MNIST", seed=0)
    page = " ".join((DOCS / "studies.md").read_text(encoding="utf-8").split())
    for activation, name in (("relu", "rectifier"), ("softplus", "softplus")):
        errors = {
            run["setting"]["lr"]: f"{100 * run['test_error']:.2f}"
            for run in runs
            if run["setting"]["activation"] == activation
        }
        assert f"| {name} | {' | '.join(errors[lr] for lr in sorted(errors))} |" in page


def test_a_study_measures_what_is_missing_and_no_more(tmp_path):
    one, two = {"loss": "cross-entropy", "start": 2.0}, {"loss": "cross-entropy", "start": 0.0}
    first = study.Study("saturation", tmp_path)
    first.carry_out([one], saturation.measure, 1)
    first.runs[0]["mark"] = "measured before"
    first.write()
    again = study.Study("saturation", tmp_path)
    again.carry_out([one, two], saturation.measure, 1)
    stored = json.loads((tmp_path / "saturation.json").read_text())["runs"]
    assert [run["setting"] for run in stored] == [one, two]
    assert stored[0]["mark"] == "measured before"
    assert stored[0]["steps"] == {"out < 0.5": 2, "out < 0.1": 6}  # by hand, from z = 2


def solver(**more):
    data = moons(seed=0)
    model = Classifier(MLP([2, 8, 2], rng=0))
    return Solver(model, SGD(0.1, momentum=0.9), data, epochs=3, batch_size=20, seed=1, **more)


def test_a_run_that_is_killed_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "SAVE_EVERY", -1)

    class Killed(Exception):
        pass

    def kill(solver):
        if solver.epoch == 2:
            raise Killed

    whole, broken, resumed = solver(), solver(callbacks=[kill]), solver()
    study.train(whole, tmp_path / "whole", "whole")
    with pytest.raises(Killed):
        study.train(broken, tmp_path / "broken", "broken")
    study.train(resumed, tmp_path / "broken", "resumed")
    assert resumed.history.step_loss == whole.history.step_loss
    assert resumed.epoch == 3
    for name, w in whole.model.params.items():
        np.testing.assert_array_equal(resumed.model.params[name], w)


def test_the_penalty_adds_its_gradient():
    layer = rectifiers.L1OfOutputs(0.5)
    x = np.array([[1.0, 0.0, -3.0], [2.0, 4.0, 0.0]])
    out, cache = layer.forward(x)
    dx, _ = layer.backward(np.ones_like(x), cache)
    np.testing.assert_array_equal(out, x)
    np.testing.assert_array_equal(dx, [[1.25, 1, 0.75], [1.25, 1.25, 1]])


def test_rates_and_penalties_are_those_of_the_lowest_validation_errors(tmp_path):
    own = study.Study("rectifiers", tmp_path)
    best = {"rectifier": (0.2, 3e-4), "tanh": (0.1, 0.0), "softplus": (0.4, 1e-3)}
    stages = rectifiers.stages(own)
    for stage in range(3):
        settings = next(stages)
        for setting in settings:
            lr, penalty = best[setting["activation"]]
            wrong = (setting["lr"] != lr) + (setting["penalty"] != penalty)
            errors = [0.0, *[0.1 + 0.1 * wrong] * 3]  # the first is an outlier
            own.runs.append({"setting": setting, "validation_error": errors})
        assert len(settings) == (18, 12, 2 * 3 + 3 * 3)[stage]
    assert next(stages, None) is None
    long = [s for s in settings if s["batch"] == 100]
    assert {s["activation"]: (s["lr"], s["penalty"]) for s in long} == best
    as_stated = {s["activation"]: s["penalty"] for s in settings if s["batch"] == 10}
    assert as_stated == {"rectifier": 1e-3, "tanh": 0.0, "softplus": 0.0}


def test_units_are_averaged_over_the_rows():
    net = MLP([1, 2, 2], activation=ELU(1.0), rng=0)
    for name, values in {"affine1.W": [[1, -1]], "affine2.W": np.eye(2)}.items():
        net.params[name][...] = values
    x, y = np.array([[math.log(2)], [-math.log(2)]]), np.array([0, 0])
    means, loss, error = elus.look(Classifier(net), x, y)
    low = 0.5 - 1  # of ELU at -log 2, opposite log 2 at the other unit and in the other row
    np.testing.assert_allclose(means, [(math.log(2) + low) / 2] * 2)
    gap = math.log(2) - low
    assert loss == pytest.approx((math.log1p(math.exp(-gap)) + math.log1p(math.exp(gap))) / 2)
    assert error == 0.5


def test_epochs_are_counted_to_the_first_below():
    losses = np.array([[2.3, 0.4, 0.2, 0.4, 0.1], [2.3, 0.2, 0.2, 0.2, 0.2]])
    assert elus.epochs_to(0.3, losses) == [2, 1]


def test_an_autoencoder_sums_over_pixels_and_averages_over_images():
    net = Affine(2, 2)
    net.params["W"][...] = 0
    model = autoencoders.Autoencoder(net)
    x = np.array([[1.0, 0.0], [1.0, 0.25], [1.0, 0.5]])
    loss, grads = model.loss(x, x)
    np.testing.assert_array_equal(model.outputs(x), np.full((3, 2), 0.5))
    assert loss == pytest.approx(2 * math.log(2))
    np.testing.assert_allclose(grads["b"], [-0.5, 0.25])


def test_noise_is_added_in_training_alone():
    layer = later_methods.Noise(np.random.default_rng(0))
    x = np.full((200, 100), 2, np.float32)
    noisy, cache = layer.forward(x)
    same, _ = layer.forward(x, train=False)
    assert noisy.dtype == np.float32
    assert (noisy - x).std() == pytest.approx(0.3, rel=0.02)
    assert abs((noisy - x).mean()) < 0.01
    np.testing.assert_array_equal(same, x)
    np.testing.assert_array_equal(layer.backward(x, cache)[0], x)


def test_noise_stands_on_the_pixels_and_behind_each_batchnorm():
    net = later_methods.network("rectifier", "noise", np.random.default_rng(0))
    kinds = [type(layer).__name__ for layer in net.layers]
    assert kinds == ["Noise", *["Affine", "BatchNorm", "Noise", "ReLU"] * 3, "Affine"]


def test_negating_outputs_is_undone_by_negating_rows():
    """What `rectifiers` leaves out of the paper changes nothing about the training."""
    rng = np.random.default_rng(0)
    sign = rng.choice([-1.0, 1.0], 6)
    x, y = rng.standard_normal((20, 4)), rng.integers(0, 3, 20)

    class Signs(ReLU):
        def forward(self, x, *, train=True):
            out, _ = Multiply().forward(x, sign)
            return out, sign

        def backward(self, dout, cache):
            return dout * cache, {}

    def trained(negated):
        first, last = (Affine(*size, init=glorot_normal, rng=1) for size in ((4, 6), (6, 3)))
        if negated:
            last.params["W"] *= sign[:, np.newaxis]
        model = Classifier(Sequential(first, ReLU(), *[Signs()] * negated, last))
        rule = SGD(0.5)
        for _ in range(10):
            rule.update(model.params, model.loss(x, y)[1])
        return first.params["W"], last.params["W"]

    (plain1, plain2), (other1, other2) = trained(False), trained(True)
    np.testing.assert_allclose(other1, plain1, rtol=1e-12)
    np.testing.assert_allclose(other2 * sign[:, np.newaxis], plain2, rtol=1e-12)


def test_the_factor_of_a_layer():
    squares = [9 * 0.8 ** (2 * layer) for layer in range(depth.DEPTH)]
    assert depth.a_layer(squares) == "0.80"
    assert depth.a_layer([0.0] * depth.DEPTH) == "0"


def test_he_keeps_rectifiers_in_size_and_glorot_halves_their_square():
    outputs, gradients = depth.squares("relu", "He", "", seed=0)
    halved, _ = depth.squares("relu", "Glorot", "", seed=0)
    assert 0.01 < outputs[-1] < 10
    assert 0.01 < gradients[0] < 100
    np.testing.assert_allclose(halved, outputs * 0.5 ** np.arange(1, depth.DEPTH + 1), rtol=1e-9)


def test_the_stable_rate_is_the_border():
    rate = scaled_inputs.stable_rate(1)
    data = scaled_inputs.load_digits().standardised()
    below, above = (
        scaled_inputs.converges("linear, squared error", c * rate, data.x_train, data.y_train)
        for c in (0.95, 1.05)
    )
    assert (below, above) == (True, False)


def test_the_deep_net_has_nine_convolutions_and_as_many_units():
    net = conv_units.network(ReLU(), True, np.random.default_rng(0))
    kinds = [type(layer) for layer in net.layers]
    assert [kinds.count(kind) for kind in (Conv, BatchNorm, ReLU)] == [9, 9, 9]
    out, _ = net.forward(np.zeros((2, 3, 32, 32), np.float32))
    assert (out.shape, out.dtype) == ((2, 10), np.float32)


def test_the_mean_output_is_the_median_over_channels():
    net = Sequential(Conv(1, 3, 1, bias=False), ReLU())
    net.params["conv1.W"][...] = np.array([1.0, 2, -1]).reshape(3, 1, 1, 1)
    assert conv_units.means(Classifier(net), np.full((2, 1, 4, 4), 0.5)) == [0.5]


def bytes_of_cifar10(folder, images):
    rng = np.random.default_rng(0)
    for name, count in (("data_batch_1.bin", images), ("test_batch.bin", 20)):
        records = rng.integers(256, size=(count, 3073), dtype=np.uint8)
        records[:, 0] = np.arange(count) % 10
        records.tofile(folder / name)


def test_photographs_of_more_batches_are_refused(tmp_path, monkeypatch):
    bytes_of_cifar10(tmp_path, 2000)
    monkeypatch.setattr(convnets, "IMAGES", 2000)
    assert len(convnets.photographs(tmp_path).x_train) == 1000
    monkeypatch.setattr(convnets, "IMAGES", 1000)
    with pytest.raises(ValueError, match="hold 2,000 images, expected the first batch alone"):
        convnets.photographs(tmp_path)


def test_networks_for_photographs_give_ten_scores():
    x = np.zeros((2, 3, 32, 32), np.float32)
    for make in convnets.NETS.values():
        out, _ = make(rng=0, dtype=np.float32).forward(x, train=False)
        assert (out.shape, out.dtype) == ((2, 10), np.float32)


def test_lenet5_is_that_of_the_command(monkeypatch):
    data = moons(seed=0)
    monkeypatch.setattr(mnist_best, "load_for", lambda _: data)
    monkeypatch.setattr(mnist_best, "fill_in", lambda given, _: vars(given).update(epochs=7))
    monkeypatch.setattr(mnist_best, "build", lambda given, _: (given.net, given.epochs))
    assert mnist_best.lenet5("a folder", 3) == (data, "lenet5", 7)


def test_digits_that_most_seeds_read_wrong(tmp_path):
    own = study.Study("mnist_best", tmp_path)
    for seed, wrong in enumerate(([3, 8, 9], [8, 1, 3], [3, 5, 9])):
        own.runs.append({"setting": {"recipe": "best recipe", "seed": seed}, "wrong": wrong})
    own.runs.append({"setting": {"recipe": "LeNet-5", "seed": 0}, "wrong": [5]})
    assert mnist_best.often_wrong(own) == [3, 8, 9]


def test_the_best_recipe_has_six_convolutions_and_three_poolings():
    net = mnist_best.network(np.random.default_rng(0))
    kinds = [type(layer) for layer in net.layers]
    assert [kinds.count(kind) for kind in (Conv, MaxPool, Affine)] == [6, 3, 2]
    out, _ = net.forward(np.zeros((2, 784), np.float32), train=False)
    assert (out.shape, out.dtype) == ((2, 10), np.float32)
