import copy
import json
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest

from chainrule.layers import (
    ELU,
    Affine,
    BatchNorm,
    Conv,
    Dropout2D,
    Flatten,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LeakyReLU,
    Log,
    Maxout,
    MaxPool,
    PReLU,
    ReLU,
    Reshape,
    Sigmoid,
    Softmax,
    SoftmaxCrossEntropy,
    Softplus,
    Square,
    Tanh,
)
from chainrule.nets import MLP, Classifier, Graph, Regressor, Residual, Sequential
from chainrule.pictures.monitor import Monitor, check_records, thinned
from chainrule.solvers import SGD, Adam, Solver

ROWS = np.linspace(-1, 1, 24).reshape(8, 3)
AT_EPOCH_1 = SimpleNamespace(epoch=1, goal=1, steps_per_epoch=100, batch_size=100)


def one_record(net, x=ROWS):
    """The layers of a record of a network on rows x, all of class 0."""
    monitor = Monitor(Classifier(net), x, np.zeros(len(x), int))
    monitor(AT_EPOCH_1)
    (record,) = monitor.records
    return record["layers"]


def biased(activation, *b):
    """x + b, then the activation: every unit reads one column of x."""
    affine = Affine(len(b), len(b))
    affine.params["W"][...] = np.eye(len(b))
    affine.params["b"][...] = b
    return Sequential(affine, activation)


def share(figure, activation, *b):
    x = np.linspace(-1, 1, 20)[:, np.newaxis] * np.ones(len(b))
    return one_record(biased(activation, *b), x)[type(activation).__name__.lower() + "1"][figure]


def test_a_relu_is_dead_where_it_is_off_on_every_row():
    assert share("dead", ReLU(), 0, -100, 0, -100) == 0.5
    assert share("dead", ReLU(), 0.0, 0.5, -0.5, 100) == 0


def test_a_leaky_relu_and_an_elu_never_die():
    assert share("dead", LeakyReLU(), 0, -100, -100, -100) == 0
    assert share("saturated", LeakyReLU(0.01), 0, -100, -100, -100) == 0
    assert share("dead", ELU(), 0, -100, -100, -100) == 0
    assert share("saturated", ELU(), 0, -100, -100, -100) == 0.75


@pytest.mark.parametrize("activation", [Tanh(), Sigmoid(), Softplus()], ids=repr)
def test_a_bounded_activation_is_saturated_where_its_slope_is_nearly_0_on_every_row(activation):
    low = share("saturated", activation, 0, -20, 0, -20, -20)
    assert low == 0.6
    high = share("saturated", activation, 0, 20, 0, 0)
    assert high == (0 if isinstance(activation, Softplus) else 0.25)


def test_units_are_saturated_even_if_no_unit_of_the_layer_is_steep():
    assert share("saturated", Tanh(), 6, -6) == 1
    assert share("dead", Tanh(), 6, -6) == 0


def test_a_unit_that_is_active_on_one_row_in_21_is_saturated_and_not_dead():
    x = np.full((21, 2), -1.0)
    x[7] = 1
    relu = one_record(biased(ReLU(), 0, 0), x)["relu1"]
    assert (relu["saturated"], relu["dead"]) == (1, 0)
    relu = one_record(biased(ReLU(), 0, 0), x[2:16])["relu1"]  # one in 14
    assert (relu["saturated"], relu["dead"]) == (0, 0)


def test_every_unit_of_a_prelu_has_a_slope_of_its_own():
    prelu = PReLU(3)
    prelu.params["alpha"][...] = [0, 0.5, 0.001]
    layers = one_record(biased(prelu, -100, -100, -100))
    assert layers["prelu1"]["dead"] == pytest.approx(1 / 3)
    assert layers["prelu1"]["saturated"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "layer",
    [Affine(3, 3), Maxout(3, 3), BatchNorm(3), LayerNorm(3), Softmax(), PReLU(3, alpha=1.0)],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_that_are_linear_or_mix_their_units_have_none_to_die(layer):
    figures = one_record(Sequential(Affine(3, 3, rng=0), layer))
    last = list(figures.values())[-1]
    assert (last["dead"], last["saturated"]) == (None, None)


def test_a_layer_that_is_not_defined_everywhere_is_left_alone():
    layers = one_record(Sequential(Square(), Softplus(), Log()), ROWS + 3)
    assert (layers["log1"]["dead"], layers["softplus1"]["dead"]) == (None, 0)


def test_units_of_images_are_their_channels():
    x = np.ones((4, 4, 2, 2))
    x[:, 0] = -1
    x[:, 1] = 9
    x[:, 2] = -9
    x[2, 2, 1, 0] = 1  # at one place of sixteen: neither dead nor, at 94 %, saturated
    layers = one_record(Sequential(ReLU(), Affine(16, 2, rng=0)), x)
    assert (layers["relu1"]["dead"], layers["relu1"]["saturated"]) == (0.25, 0.25)
    layers = one_record(Sequential(Tanh(), Affine(16, 2, rng=0)), x)
    assert (layers["tanh1"]["dead"], layers["tanh1"]["saturated"]) == (0, 0.25)
    prelu = PReLU(4)
    prelu.params["alpha"][...] = [0, 0, 0.001, 0.5]
    layers = one_record(Sequential(prelu, Affine(16, 2, rng=0)), x)
    assert (layers["prelu1"]["dead"], layers["prelu1"]["saturated"]) == (0.25, 0.25)


IMAGES = np.random.default_rng(3).standard_normal((256, 2, 4, 4))


@pytest.mark.parametrize(
    "layer",
    [
        Conv(2, 2, 3, pad="same", rng=0),
        MaxPool(3, stride=1, pad=1),
        BatchNorm(2),
        GroupNorm(2, 1),
        InstanceNorm(2),
        Residual(Sequential(Conv(2, 2, 3, pad=1, rng=0), ReLU(), Conv(2, 2, 1, rng=0))),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_of_images_that_are_linear_or_mix_their_places_have_no_units_to_die(layer):
    figures = one_record(Sequential(layer, Affine(32, 3, rng=0)), IMAGES)
    first = next(iter(figures.values()))
    assert (first["dead"], first["saturated"]) == (None, None)


def small_convnet():
    return Sequential(
        Reshape((2, 4, 4)), Conv(2, 3, 3, pad=1, rng=0), ReLU(), Dropout2D(0.5, rng=0), MaxPool(2),
        Residual(Conv(3, 3, 1, rng=1)), Flatten(), Affine(12, 3, rng=2),
    )  # fmt: skip


def test_layers_that_pass_on_what_they_get_in_another_shape_are_left_out():
    layers = one_record(small_convnet(), IMAGES.reshape(256, 32))
    assert list(layers) == ["conv1", "relu1", "maxpool1", "residual1", "affine1"]
    assert layers["relu1"]["dead"] == 0


def test_nobody_asks_for_the_gradient_of_the_first_image():
    class First(Conv):
        def backward(self, dout, cache):
            raise AssertionError

    net = Sequential(Reshape((2, 4, 4)), First(2, 3, 3, rng=0), Affine(12, 3, rng=0))
    assert list(one_record(net, IMAGES.reshape(256, 32))) == ["first1", "affine1"]


@pytest.mark.parametrize(
    ("steps", "batch_size", "rows"),
    [(1000, 100, 86), (1000, 300, 256), (1, 512, 32), (13, 256, 86), (5, 20, 20)],
)
def test_of_a_network_of_convolutions_few_rows_are_looked_at(steps, batch_size, rows):
    class Counted(ReLU):
        def forward(self, x, *, train=True):
            seen.append(x)
            return super().forward(x, train=train)

    seen = []
    net = Sequential(Conv(2, 3, 3, rng=0), Counted(), Affine(12, 3, rng=0))
    monitor = Monitor(Classifier(net), IMAGES, np.zeros(256, int))
    monitor(SimpleNamespace(epoch=1, goal=1, steps_per_epoch=steps, batch_size=batch_size))
    assert len(seen[0]) == rows


def test_of_many_images_some_numbers_are_taken_from_every_channel_row_and_column():
    x = np.broadcast_to(np.arange(28) + 28 * np.arange(28)[:, np.newaxis], (100, 4, 28, 28))
    x = x + 784 * np.arange(4).reshape(-1, 1, 1)
    found = thinned(x)
    assert len(found) == 34_845  # every ninth: 5 to 8 have factors in common with 313,600
    counts = np.bincount(found, minlength=4 * 784)
    assert counts.min() > 0.9 * counts.mean()
    assert thinned(x[:1]).shape == (1, 4, 28, 28)
    assert thinned(x.reshape(100, -1)).shape == (100, 3136)


def test_outputs_are_recorded_as_mean_deviation_and_histogram():
    x = np.array([[0.0, 1.0], [2.0, 4.0]])
    affine = one_record(biased(ReLU(), 0, 0), x)["affine1"]
    assert affine["mean"] == 1.75
    assert affine["std"] == pytest.approx(math.sqrt((1.75**2 + 0.75**2 + 0.25**2 + 2.25**2) / 4))
    low, high, counts = affine["activations"]
    assert (low, high, len(counts)) == (0, 4, 40)
    assert {at: count for at, count in enumerate(counts) if count} == {0: 1, 10: 1, 20: 1, 39: 1}


def test_a_constant_output_is_a_single_bin():
    zero = one_record(biased(ReLU(), -9, -9, -9))["relu1"]
    assert (zero["mean"], zero["std"]) == (0, 0)
    low, high, counts = zero["activations"]
    assert (low, high, sum(counts), max(counts)) == (0, 0, 24, 24)


def test_what_is_not_finite_is_left_out():
    affine = biased(ReLU(), 0, 0, 0)
    affine.params["affine1.W"][...] = 1e308 * np.eye(3)
    figures = one_record(affine, np.array([[1.0, 100.0, 0.0]]))["affine1"]
    assert figures["activations"][:2] == [0, 1e308]
    assert sum(figures["activations"][2]) == 2
    json.dumps(figures, allow_nan=False)
    figures = one_record(affine, np.full((2, 3), 1e308))["affine1"]
    assert (figures["mean"], figures["std"], figures["activations"]) == (None, None, None)


def test_gradients_are_recorded_by_their_order_of_magnitude():
    # With MSE on one output d = 1, 10, 0 above its target, the gradient is 2 d / 3.
    net = Sequential(Affine(1, 1))
    net.params["affine1.W"][...] = 1
    monitor = Monitor(Regressor(net), np.array([[1.0], [10.0], [0.0]]), np.zeros(3))
    monitor(AT_EPOCH_1)
    figures = monitor.records[0]["layers"]["affine1"]
    low, high, counts = figures["gradients"]
    width = (high - low) / len(counts)
    bins = [int((math.log10(2 * d / 3) - low) / width) for d in (1, 10)]
    assert {at for at, count in enumerate(counts) if count} == set(bins)
    assert sum(counts) == 2
    assert figures["zeros"] == pytest.approx(1 / 3)


def test_dropout_which_does_nothing_in_inference_is_left_out():
    net = MLP([3, 4, 2], keep=0.5, rng=0)
    assert list(one_record(net)) == ["affine1", "relu1", "affine2"]


class Data:
    x_train = np.random.default_rng(5).standard_normal((60, 3))
    y_train = (x_train[:, 0] > 0).astype(int)
    x_val, y_val = x_train[:20], y_train[:20]


def solver_of(monitored, *, epochs=3, rule=None, batch_size=25):
    net = MLP([3, 8, 8, 2], norm=BatchNorm, keep=0.7, rng=1)
    solver = Solver(
        Classifier(net),
        rule or Adam(lr=0.01),
        Data,
        epochs=epochs,
        batch_size=batch_size,
        seed=2,
        progress=False,
    )
    monitor = Monitor(solver.model, Data.x_train, Data.y_train)
    if monitored:
        solver.callbacks.append(monitor)
        solver.after_step = monitor.after_step
    return solver, monitor


def test_a_monitored_run_is_the_same_to_the_bit():
    (plain, _), (watched, monitor) = solver_of(False), solver_of(True)
    plain.train()
    watched.train()
    assert len(monitor.records) == 3
    assert plain.history.step_loss == watched.history.step_loss
    for kind in ("params", "state"):
        pairs = getattr(plain.model, kind), getattr(watched.model, kind)
        for name, array in pairs[0].items():
            assert array.tobytes() == pairs[1][name].tobytes(), name
    assert plain.rng.bit_generator.state == watched.rng.bit_generator.state


def test_a_monitored_run_of_images_is_the_same_to_the_bit():
    data = SimpleNamespace(x_train=IMAGES.reshape(256, 32), y_train=np.arange(256) % 3,
                           x_val=None, y_val=None)  # fmt: skip
    runs = []
    for monitored in (False, True):
        model = Classifier(small_convnet())
        monitor = Monitor(model, data.x_train, data.y_train)
        watch = {"callbacks": [monitor], "after_step": monitor.after_step} if monitored else {}
        solver = Solver(model, Adam(0.01), data, epochs=2, batch_size=50, seed=1, progress=False,
                        **watch)  # fmt: skip
        solver.train()
        runs.append([*solver.history.step_loss, *(w.tobytes() for w in model.params.values())])
    assert runs[0] == runs[1]
    check_records(json.loads(json.dumps(monitor.records, allow_nan=False)))


def test_the_sample_is_spread_over_the_data_and_at_most_256_rows():
    x = np.arange(1000.0)[:, np.newaxis]
    monitor = Monitor(None, x, np.arange(1000))
    assert monitor.x.shape == (256, 1)
    assert (monitor.x[0], monitor.x[-1]) == (0, 999)
    np.testing.assert_array_equal(monitor.x[:, 0], monitor.y)
    x[...] = -1
    assert monitor.x[-1] == 999  # a copy


@pytest.mark.parametrize(("n", "m"), [(3, 2), (0, 0)])
def test_rows_that_do_not_fit_are_refused(n, m):
    with pytest.raises(ValueError, match=rf"x has {n} rows and y has {m}, expected equally many"):
        Monitor(None, np.zeros((n, 2)), np.zeros(m, int))


class Constant:
    """W starts as (3, 4), of length 5, and each step takes 0.1 off its second entry; b is 0."""

    def __init__(self):
        self.params = {"W": np.array([3.0, 4.0]), "b": np.zeros(1)}

    def loss(self, x, y):
        return 1.0, {"W": np.array([0.0, 1.0]), "b": np.zeros(1)}


@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_updates_are_those_of_the_last_step_of_each_epoch(batch_size):
    data = SimpleNamespace(x_train=np.zeros((4, 1)), y_train=np.zeros(4), x_val=None, y_val=None)
    model = Constant()
    monitor = Monitor(model, data.x_train, data.y_train)
    solver = Solver(model, SGD(lr=0.1), data, epochs=2, batch_size=batch_size, progress=False,
                    callbacks=[monitor], after_step=monitor.after_step)  # fmt: skip
    monitor.after_step(solver)
    solver.train()
    steps = 4 // batch_size
    for record, done in zip(monitor.records, (steps - 1, 2 * steps - 1), strict=True):
        length = math.hypot(3, 4 - 0.1 * done)
        assert record["updates"]["W"] == pytest.approx(0.1 / length)
        assert record["updates"]["b"] is None
        assert record["layers"] == {}


def test_of_a_graph_the_updates_are_recorded_and_nothing_fails():
    graph = Graph()
    out = graph.add("affine", Affine(3, 2, rng=0), graph.input("x"))
    graph.output(out)
    solver, _ = solver_of(False)
    model = Classifier(graph, SoftmaxCrossEntropy())
    monitor = Monitor(model, Data.x_train, Data.y_train)
    solver = Solver(model, SGD(lr=0.1), Data, epochs=1, batch_size=20, progress=False,
                    callbacks=[monitor], after_step=monitor.after_step)  # fmt: skip
    solver.train()
    (record,) = monitor.records
    assert record["layers"] == {}
    assert set(record["updates"]) == {"affine.W", "affine.b"}


def test_a_network_with_a_forward_pass_of_its_own_is_not_taken_for_a_row_of_layers():
    class Skip(Sequential):
        def forward(self, x, *, train=True):
            out, cache = super().forward(x, train=train)
            return out + x, cache

    assert one_record(Skip(Affine(3, 3, rng=0))) == {}


@pytest.mark.parametrize("steps", range(10))
def test_a_run_that_is_resumed_has_the_records_of_one_that_never_stopped(steps):
    whole, straight = solver_of(True, epochs=3, rule=SGD(0.1))
    whole.train()

    class Stop(Exception):
        pass

    def stop(solver):
        watch.after_step(solver)
        if solver.step == steps:
            raise Stop

    part, watch = solver_of(True, epochs=3, rule=SGD(0.1))
    part.after_step = stop
    if steps:
        with pytest.raises(Stop):
            part.train()
    again = Monitor(part.model, Data.x_train, Data.y_train)
    again.records = json.loads(json.dumps(watch.records, allow_nan=False))
    again.after_step(part)
    part.callbacks, part.after_step = [again], again.after_step
    part.train()
    assert again.records == straight.records


@pytest.mark.parametrize("epochs", [1, 5, 40, 41, 97, 1000])
def test_a_long_run_keeps_about_40_records_the_first_and_the_last_among_them(epochs):
    monitor = Monitor(Constant(), np.zeros((4, 1)), np.zeros(4))
    for epoch in range(1, epochs + 1):
        monitor(SimpleNamespace(epoch=epoch, goal=epochs))
    found = [record["epoch"] for record in monitor.records]
    assert found[0] == 1
    assert found[-1] == epochs
    assert len(found) <= 42
    assert len(found) >= min(epochs, 20)
    inner = np.diff(found[1:-1])
    assert (inner == inner[:1]).all()


def test_a_step_to_infinity_is_recorded_without_a_number():
    model = Constant()
    monitor = Monitor(model, np.zeros((4, 1)), np.zeros(4))
    solver = SimpleNamespace(step=0, steps_per_epoch=1, goal=1, epoch=1)
    monitor.after_step(solver)
    model.params["W"][...] = np.inf
    solver.step = 1
    monitor.after_step(solver)
    assert monitor.records[0]["updates"] == {"W": None, "b": None}


@pytest.fixture(scope="module")
def kept():
    """The records of three epochs, as a file gives them back."""
    solver, monitor = solver_of(True)
    solver.train()
    return json.loads(json.dumps(monitor.records))


def test_records_come_back_from_a_file(kept):
    check_records(kept)
    check_records([])
    without = [{name: record[name] for name in record if name != "weights"} for record in kept]
    check_records(without)  # as earlier versions kept them


ANY = "its record of epoch 2 has no figures of 'relu1'"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("epoch", 1, "the epochs of its records do not rise"),
        ("epoch", "2", "the epochs of its records do not rise"),
        ("epoch", None, "the epochs of its records do not rise"),
        ("spare", 1, "its record of epoch 2 does not hold epoch, updates and layers"),
        ("updates", [], "its record of epoch 2 has no updates or layers by name"),
        ("layers", None, "its record of epoch 2 has no updates or layers by name"),
        ("weights", ["spare"], "its record of epoch 2 has weights that are none of its parameters"),
        ("weights", "affine1.W", "its record of epoch 2 has weights that are none of its"),
        ("updates affine1.W", -1, "its record of epoch 2 has updates that are no numbers"),
        ("updates affine1.W", True, "its record of epoch 2 has updates that are no numbers"),
        ("updates affine1.W", math.inf, "its record of epoch 2 has updates that are no numbers"),
        ("layers relu1", 3, ANY),
        ("layers relu1 spare", 1, ANY),
        ("layers relu1 zeros", None, ANY),
        ("layers relu1 dead", 1.5, ANY),
        ("layers relu1 saturated", -0.5, ANY),
        ("layers relu1 std", -1.0, ANY),
        ("layers relu1 mean", "x", ANY),
        ("layers relu1 mean", math.nan, ANY),
        ("layers relu1 gradients", None, ANY),
        ("layers relu1 gradients", [0.0, 1.0], ANY),
        ("layers relu1 gradients 0", None, ANY),
        ("layers relu1 gradients 0", 9.0, ANY),  # the low end above the high one
        ("layers relu1 gradients 2", [1] * 39, ANY),
        ("layers relu1 activations 2", [0.5] * 40, ANY),
        ("layers relu1 activations 2", [-1] * 40, ANY),
        ("updates", {"affine1.W": 0.5}, "its record of epoch 2 has weights that are none of its"),
        ("layers", {"relu1": ...}, "its records do not have the same layers"),
    ],
)
def test_what_no_monitor_keeps_is_refused(path, value, message, kept):
    records = copy.deepcopy(kept)
    place, *below = [int(word) if word.isdecimal() else word for word in path.split()]
    inner = records[1]
    for name in below:
        inner, place = inner[place], name
    if isinstance(value, dict):
        value = {name: inner[place][name] if one is ... else one for name, one in value.items()}
    inner[place] = value
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        check_records(records)


@pytest.mark.parametrize("records", [None, {}, [1], "records"])
def test_records_are_a_list_of_dicts(records):
    with pytest.raises(ValueError, match="its records are not a list of what a Monitor keeps"):
        check_records(records)


def test_records_have_the_same_parameters(kept):
    records = copy.deepcopy(kept)
    records[1]["updates"], records[1]["weights"] = {"affine1.W": 0.5}, []
    with pytest.raises(ValueError, match="its records do not have the same updates"):
        check_records(records)
