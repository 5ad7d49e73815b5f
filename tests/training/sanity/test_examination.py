"""Planted failures that must be named, healthy set-ups that must not be, and what the report says.

The digits are standardised and learned in float64, by the networks of a newcomer.
"""

import copy
import dataclasses
import math
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from chainrule.data import blobs, load_digits, moons
from chainrule.layers import (
    L1,
    MSE,
    Affine,
    BatchNorm,
    CrossEntropy,
    Dropout,
    Hinge,
    Huber,
    Layer,
    LayerNorm,
    ReLU,
    Sigmoid,
    SigmoidCrossEntropy,
    Softmax,
    SoftmaxCrossEntropy,
    Tanh,
)
from chainrule.layers.init import plain_normal
from chainrule.nets import MLP, Classifier, Regressor, Sequential
from chainrule.nets.models import Model
from chainrule.solvers import SGD, Adam, Solver
from chainrule.training.options import fill_in, parser
from chainrule.training.run.setup import build, load
from chainrule.training.sanity.answers import Labels, above_chance
from chainrule.training.sanity.before_training import check_units, unregularised
from chainrule.training.sanity.examination import examine
from chainrule.training.sanity.picture import range_picture

DIGITS = load_digits().standardised()


def digit_net(**options):
    return MLP([64, 128, 10], rng=0, **options)


def solver_of(net, rule=None, data=DIGITS, loss=SoftmaxCrossEntropy(), l2=0.0):
    rule = Adam(lr=2e-3) if rule is None else rule
    return Solver(Classifier(net, loss, l2), rule, data, batch_size=min(32, len(data.x_train)))


def diagnosed(*given, **options):
    return examine(solver_of(*given, **options))


def with_inputs(data, change):
    return dataclasses.replace(
        data, x_train=change(data.x_train), x_val=change(data.x_val), x_test=change(data.x_test)
    )


@pytest.mark.parametrize("norm", [None, pytest.param(BatchNorm, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("rule", "factor"),
    [
        (Adam(lr=2e-3), 1000),
        (Adam(lr=2e-3), 1 / 1000),
        (SGD(lr=0.05, momentum=0.9), 1000),
        (SGD(lr=0.05, momentum=0.9), 100),
        (SGD(lr=0.05, momentum=0.9), 1 / 1000),
        (SGD(lr=0.1), 1 / 100),
    ],
    ids=repr,
)
def test_a_rate_that_is_far_off_is_named_with_how_far(rule, factor, norm):
    rule = copy.copy(rule)
    rule.lr *= factor
    found = diagnosed(digit_net(norm=norm), rule)
    assert found.blamed[0] == "learning rate"
    said = re.match(r"The learning rate \S+ is about ([\d,]+) times too (\w+): ", found.verdict)
    assert said[2] == ("high" if factor > 1 else "low")
    named, off = float(said[1].replace(",", "")), max(factor, 1 / factor)
    assert off / 6 <= named <= off * 6  # rates a few times as large as the default do as well
    assert found.verdict.endswith(f"Take {found.suggested:.3g}.")


@pytest.mark.no_cover  # slow enough as it is
@pytest.mark.parametrize(
    ("rule", "norm"),
    [
        (Adam(lr=2e-3), BatchNorm),
        (SGD(lr=0.05, momentum=0.9), None),
        pytest.param(Adam(lr=2e-3), None, marks=pytest.mark.slow),
        pytest.param(SGD(lr=0.05, momentum=0.9), BatchNorm, marks=pytest.mark.slow),
    ],
    ids=repr,
)
class TestWithTwoRulesAndTwoNets:
    def test_weights_that_are_all_zero_are_named(self, rule, norm):
        found = diagnosed(digit_net(norm=norm, init=plain_normal(0)), rule)
        assert found.blamed[0] == "symmetry"
        assert "hidden units of affine1 are alike" in found.verdict

    def test_shuffled_labels_are_named(self, rule, norm):
        rng = np.random.default_rng(1)
        labels = {f"y_{part}": rng.permutation(getattr(DIGITS, f"y_{part}"))
                  for part in ("train", "val", "test")}  # fmt: skip
        found = diagnosed(digit_net(norm=norm), rule, dataclasses.replace(DIGITS, **labels))
        assert found.blamed[0] == "new rows"
        assert found.verdict.startswith("The labels seem unrelated to the inputs: ")

    @pytest.mark.parametrize("times", [30, 1000])
    def test_inputs_that_are_too_large_are_named(self, rule, norm, times):
        found = diagnosed(digit_net(norm=norm), rule, with_inputs(DIGITS, lambda x: x * times))
        assert found.blamed[0] == "inputs"
        assert f"about {times:,} times too large: standardise them" in found.verdict

    def test_nothing_is_named_where_all_is_well(self, rule, norm):
        found = diagnosed(digit_net(norm=norm), rule)
        assert found.verdict == "Nothing suspicious."
        assert all(check.ok for check in found.checks)


@pytest.mark.no_cover  # slow enough as it is
@pytest.mark.slow
@pytest.mark.parametrize("rule", [Adam(lr=2e-3), SGD(lr=0.05, momentum=0.9)], ids=repr)
def test_ten_layers_of_sigmoids_are_named(rule):
    found = diagnosed(MLP([64] + [100] * 10 + [10], activation=Sigmoid(), rng=0), rule)
    assert found.blamed[0] == "depth"
    assert found.verdict.startswith("The gradient vanishes on its way down: affine1.W gets ")


@pytest.mark.no_cover  # slow enough as it is
@pytest.mark.slow
def test_six_layers_of_sigmoids_with_batch_norm_are_not():
    assert diagnosed(MLP([64] + [50] * 6 + [10], activation=Sigmoid(), norm=BatchNorm, rng=0))


def test_raw_inputs_that_are_too_small_are_named():
    found = diagnosed(digit_net(), data=with_inputs(DIGITS, lambda x: x / 1000))
    assert "about 1,000 times too small" in found.verdict


def test_first_weights_that_are_too_large_are_named():
    net = MLP([64, 100, 100, 100, 10], activation=Tanh(), init=plain_normal(3), rng=0)
    found = diagnosed(net)
    assert found.blamed[0] == "first loss"
    assert re.search(r"its loss is \d\d\.\d+ where 2\.303 says nothing", found.verdict)


def test_equal_weights_are_named_as_zero_ones_are():
    net = digit_net()
    for name in ("affine1.W", "affine2.W"):
        net.params[name][...] = 0.1
    assert diagnosed(net).blamed[0] == "symmetry"


def test_zero_weights_of_the_last_layer_or_the_only_one_are_no_fault():
    net = digit_net()
    net.params["affine2.W"][...] = 0
    assert diagnosed(net)
    assert diagnosed(MLP([64, 10], init=plain_normal(0)))


def test_dead_units_are_named():
    net = digit_net()
    net.params["affine1.b"][...] = -100
    assert diagnosed(net).verdict.startswith("100% of the units of a hidden layer are dead")


class MySigmoid(Sigmoid):
    pass


class Squash(Layer):
    """x / (1 + |x|)³, an activation of a student."""

    def forward(self, x, *, train=True):
        size = 1 + abs(x)
        return x / size**3, (x, size)

    def backward(self, dout, cache):
        x, size = cache
        return dout * (size - 3 * abs(x)) / size**4, {}


@pytest.mark.parametrize("activation", [Sigmoid(), MySigmoid(), Squash()], ids=repr)
def test_any_activation_is_found_saturated_where_it_is_and_only_there(activation):
    net = MLP([64, 50, 10], activation=activation, rng=0)
    assert check_units(Classifier(net), DIGITS.x_train[:256]).found.startswith("0% dead")
    net.params["affine1.W"] *= 1000
    found = check_units(Classifier(net), DIGITS.x_train[:256])
    assert found.found.startswith("100% dead or saturated")
    assert not found.ok


class Noise(Layer):
    """Adds noise in training."""

    def __init__(self):
        super().__init__()
        self.noise = np.random.default_rng(0)

    def forward(self, x, *, train=True):
        return x + (self.noise.normal(0, 1, x.shape) if train else 0), None

    def backward(self, dout, cache):
        return dout, {}


def test_a_layer_that_draws_does_in_a_bare_copy_what_it_does_in_inference():
    model = Classifier(Sequential(Noise(), Dropout(0.5, rng=0), Affine(64, 10, rng=0)), l2=0.1)
    bare, x = copy.deepcopy(unregularised(model)), np.eye(5, 64)
    bare.params["affine1.W"][...] = 2
    assert (bare.net.forward(x)[0] == 2 * x.sum(axis=1, keepdims=True)).all()
    assert (model.l2, bare.l2) == (0.1, 0)
    assert not np.array_equal(model.net.forward(x)[0], model.net.forward(x, train=False)[0])


def test_a_wrong_gradient_is_named_and_no_step_is_taken():
    class Wrong(Affine):
        def param_grads(self, dout, cache):
            return {name: -grad for name, grad in super().param_grads(dout, cache).items()}

    found = diagnosed(Sequential(Wrong(64, 30, rng=0), ReLU(), Affine(30, 10, rng=1)))
    assert found.blamed == ["gradients"]
    assert "wrong sign" in found.verdict
    assert found.range is None
    with pytest.raises(ValueError, match="ended before the range test"):
        range_picture(found)


def test_a_network_that_is_too_small_is_named():
    found = diagnosed(digit_net(), SGD(lr=0.05, momentum=0.9), l2=0.0)
    assert found["50 examples"].ok
    found = diagnosed(MLP([64, 1, 10], rng=1), Adam(lr=1e-2))
    assert found.blamed == ["50 examples"]
    assert "too small for the task" in found.verdict


def test_a_penalty_that_is_too_strong_is_named():
    assert diagnosed(digit_net(), l2=3.0).blamed == ["regularisation"]


@pytest.mark.parametrize(
    ("change", "name", "said"),
    [
        (lambda d: d.x_train.__setitem__((3, 4), np.nan), "inputs", r"x_train\[3, 4\] is nan"),
        (lambda d: d.x_val.__setitem__((0, 1), np.inf), "inputs", r"x_val\[0, 1\] is inf"),
        (lambda d: d.y_train.__setitem__(0, 10), "labels", "int64 from 0 to 10"),
        (lambda d: d.y_train.__setitem__(0, -1), "labels", "int64 from -1 to 9"),
        (lambda d: d.y_train.fill(3), "labels", "All training rows have the same label"),
        (lambda d: d.x_train.fill(1), "inputs", "All rows of the inputs are the same"),
        (lambda d: d.x_train.__imul__(1e200), "inputs", "times too large"),
    ],
    ids=range(7),
)
def test_data_that_cannot_be_learned_from_are_named(change, name, said):
    parts = ("x_train", "y_train", "x_val", "y_val")
    data = SimpleNamespace(**{part: getattr(DIGITS, part).copy() for part in parts})
    data.y_train = data.y_train.astype(np.int64)
    change(data)
    found = diagnosed(digit_net(), data=data)
    assert found.blamed[0] == name
    assert re.search(said, found.verdict)


def test_weights_that_are_not_finite_are_named():
    net = digit_net()
    net.params["affine1.W"][0, 0] = np.nan
    assert diagnosed(net).verdict.startswith("The loss is nan before the first step")


@pytest.mark.no_cover  # slow enough as it is
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "--norm none --activation sigmoid",
        "--norm layernorm --activation maxout",
        "--loss hinge --activation prelu",
        "--loss mse --norm none",
        "--loss sigmoid --rule sgd",
        "--dataset spirals --hidden 50,50",
        "--dataset moons --activation elu",
        "--dataset xor --norm none --activation softplus",
        "--norm none --activation gelu",
        "--dataset moons --norm none --activation selu",
    ],
)
def test_a_recipe_that_works_raises_no_false_alarm(arguments, seed):
    options = parser().parse_args([*arguments.split(), "--seed", str(seed)])
    data = load(options.dataset, None, options.dtype)
    fill_in(options, data)
    found = examine(build(options, data)[1], seed=seed)
    assert found.verdict == "Nothing suspicious."


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make", [moons, blobs])
def test_sixty_rows_raise_no_false_alarm(make, seed):
    data = make(60, seed=seed)
    net = MLP([2, 50, data.num_classes], norm=LayerNorm, rng=seed)
    assert diagnosed(net, Adam(lr=1e-2), data).verdict == "Nothing suspicious."


@pytest.mark.parametrize("loss", [SigmoidCrossEntropy(), MSE()], ids=repr)
def test_one_score_for_two_classes_will_do(loss):
    assert diagnosed(MLP([2, 50, 1], rng=0), Adam(lr=1e-2), moons(), loss)


def test_data_without_validation_rows_will_do():
    data = SimpleNamespace(x_train=DIGITS.x_train, y_train=DIGITS.y_train, x_val=None, y_val=None)
    assert diagnosed(digit_net(), data=data)


def numbers(**changes):
    """Rows of three features and a number that depends on them, standardised."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 3))
    y = x[:, 0] - 2 * x[:, 1] * x[:, 2] + 0.1 * rng.standard_normal(400)
    y = ((y - y.mean()) / y.std())[:, np.newaxis]
    parts = {"x_train": x[:300], "y_train": y[:300], "x_val": x[300:], "y_val": y[300:]}
    return SimpleNamespace(**parts | changes)


def diagnosed_numbers(data, rule=None, loss=MSE(), **options):
    model = Regressor(MLP([3, 64, 1], rng=0, **options), loss)
    return examine(Solver(model, rule or Adam(lr=5e-3), data, batch_size=32))


@pytest.mark.parametrize("loss", [MSE(), L1(), Huber()], ids=repr)
def test_numbers_that_can_be_predicted_raise_no_false_alarm(loss):
    found = diagnosed_numbers(numbers(), loss=loss)
    assert found.verdict == "Nothing suspicious."
    assert re.match(r"R² 0\.\d\d of the validation rows right at rate ", found["new rows"].found)
    assert "(that of the mean)" in found["first loss"].found


def test_numbers_that_are_not_standardised_or_unrelated_are_named():
    told = numbers()
    far = diagnosed_numbers(numbers(y_train=5e4 * told.y_train, y_val=5e4 * told.y_val))
    assert far.blamed[0] == "targets"
    assert re.match(r"The targets are about 5\d,\d{3} times too large: ", far.verdict)
    rng = np.random.default_rng(1)
    mixed = numbers(y_train=rng.permutation(told.y_train), y_val=rng.permutation(told.y_val))
    assert diagnosed_numbers(mixed).verdict.startswith("The targets seem unrelated to the inputs: ")
    fast = diagnosed_numbers(told, Adam(lr=5.0))
    assert fast.verdict.startswith("The learning rate 5 is about ")


def test_a_model_of_another_kind_is_refused():
    with pytest.raises(TypeError, match=r"is a Model, expected a Classifier or a Regressor of ch"):
        examine(Solver(Model(MLP([64, 5, 1], rng=0), MSE()), Adam(lr=1e-3), DIGITS))


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (SoftmaxCrossEntropy(), math.log(10)),
        (CrossEntropy(), math.log(10)),
        (SigmoidCrossEntropy(), math.log(2)),
        (Hinge(), 9),
        (MSE(), 0.1),
    ],
    ids=repr,
)
def test_scores_that_say_nothing_have_the_loss_of_the_textbook(loss, expected):
    model = Classifier(MLP([64, 10], rng=0), loss)
    found = Labels().indifferent(model, DIGITS.x_train[:50], DIGITS.y_train[:50])
    assert found == pytest.approx(expected)


def test_a_network_that_ends_in_probabilities_is_examined_too():
    net = Sequential(*digit_net().layers, Softmax())
    assert diagnosed(net, loss=CrossEntropy())


def test_nothing_of_the_caller_changes():
    solver = solver_of(digit_net(norm=BatchNorm, keep=0.8), l2=1e-3)
    arrays = {**solver.model.params, **solver.model.state}
    before = {name: array.copy() for name, array in arrays.items()}
    dropout = solver.model.net.layers[3]
    generator = dropout.rng.bit_generator.state
    examine(solver)
    for name, array in before.items():
        np.testing.assert_array_equal(arrays[name], array)
    assert dropout.rng.bit_generator.state == generator
    assert (dropout.keep, solver.model.l2, solver.rule.lr) == (0.8, 1e-3, 2e-3)
    assert solver.rule.state == {"t": 0}
    assert (solver.step, solver.history.step_loss) == (0, [])
    assert "forward" not in vars(solver.model.net.layers[2])


def test_the_same_seed_gives_the_same_report_and_another_seed_another():
    report, again, other = (str(examine(solver_of(digit_net()), seed=s)) for s in (1, 1, 2))
    assert report == again != other


def test_each_line_is_shown_as_it_is_done_with_bars_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    found = examine(solver_of(digit_net(), Adam(lr=2.0)), show=print)
    caught = capsys.readouterr()
    assert str(found) == f"{caught.out}\n{found.verdict}"
    assert "learning rates" in caught.err
    lines = caught.out.splitlines()
    assert len(lines) == 10
    assert lines[2].startswith("  ✓ first loss      2.")
    assert "expected 2.303 (that of equal scores)" in lines[2]
    assert lines[7].startswith("  ✗ learning rate   2 (loss ")
    rate = f"{found.suggested:.3g}"
    assert re.match(rf"  ✓ new rows +\d+% of the validation rows right at rate {rate}, ", lines[9])
    examine(solver_of(digit_net()))
    assert capsys.readouterr() == ("", "")


def test_the_range_test_finds_where_the_loss_falls_and_where_it_is_back():
    test = diagnosed(digit_net(), SGD(lr=0.05, momentum=0.9)).range
    assert 1e-4 < test.begin < 0.01 < test.lowest < test.end < 10
    assert len(test.rates) == len(test.losses) == len(test.smooth)
    assert test.lowest == test.rates[test.smooth.argmin()]
    np.testing.assert_allclose(np.diff(np.log10(test.rates)), 10 / 299)


def test_the_picture_shows_the_rate_asked_for_and_the_better_one(tmp_path):
    found = diagnosed(digit_net(), Adam(lr=2.0))
    picture = range_picture(found)
    picture.save(tmp_path / "sanity.png")
    assert (tmp_path / "sanity.png").read_bytes().startswith(b"\x89PNG")
    (axes,) = picture.figure().axes
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert {"yours: 2", f"best of those tried: {found.suggested:.3g}"} <= set(labels)


def test_the_nearest_neighbour_is_another_row():
    x = np.array([[0.0], [0.1], [5.0], [5.1], [5.3]])
    data = SimpleNamespace(x_train=x, y_train=np.array([0, 0, 1, 1, 0]))
    right, _ = Labels().neighbours(data, seed=0)
    assert right == pytest.approx(0.8)


def test_certainty_counts_classes_alike():
    y = np.array([0] * 90 + [1] * 10)
    assert above_chance(np.zeros(100, int), y) == 0  # 90 % right, and no merit in it
    # Recall 1 where answers of these shares give 1/2, give or take √(0.09 / 90 + 0.09 / 10) / 2.
    assert above_chance(y, y) == pytest.approx(0.5 / 0.05)
