import json
import signal
import time
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest

from chainrule.layers import Affine, BatchNorm
from chainrule.nets import MLP, Classifier, Regressor, Sequential
from chainrule.solvers import (
    SGD,
    Adam,
    Constant,
    Cosine,
    History,
    NonFiniteError,
    Solver,
    Step,
    StopTraining,
)

TRUTH = np.array([1.0, -2.0, 0.5])


class Linear:
    """Least squares; `state` is a running mean of the inputs, `scores` are handed out in turn."""

    def __init__(self, scores=(), dtype=np.float64):
        self.params = {"W": np.zeros(3, dtype), "b": np.zeros(1, dtype)}
        self.state = {"mean": np.zeros(3, dtype)}
        self.scores = iter(scores)
        self.batches = []

    def loss(self, x, y):
        self.batches.append(x)
        self.state["mean"][...] = 0.9 * self.state["mean"] + 0.1 * x.mean(axis=0)
        error = x @ self.params["W"] + self.params["b"] - y
        grads = {"W": x.T @ error / len(x), "b": error.mean(keepdims=True)}
        return 0.5 * float(np.mean(error**2)), grads

    def score(self, x, y):
        return next(self.scores, -self.squared_error(x, y))

    def squared_error(self, x, y):
        return float(np.mean((x @ self.params["W"] + self.params["b"] - y) ** 2))


class Plain:
    """A model with nothing but parameters and a loss."""

    def __init__(self, dw, loss=1.0):
        self.params = {"W": np.zeros_like(dw)}
        self.answer = loss, {"W": dw}

    def loss(self, x, y):
        return self.answer


def turns(*scores):
    """A Linear whose validation scores are given; the training sample always scores 0."""
    return Linear(figure for score in scores for figure in (0.0, score))


def regression(n=20, n_val=6):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(n + n_val, 3))
    y = x @ TRUTH + 0.3
    data = SimpleNamespace(x_train=x[:n], y_train=y[:n], x_val=x[n:], y_val=y[n:])
    if not n_val:
        data.x_val = data.y_val = None
    return data


def solver(model, data=None, **settings):
    settings = {"epochs": 4, "batch_size": 6, "progress": False, **settings}
    rule = settings.pop("rule", None) or SGD(0.1, momentum=0.5)
    return Solver(model, rule, data or regression(), **settings)


def stopped_after(steps, model, data, **settings):
    """A run whose next batch after so many steps could not be fetched."""

    class Cut(Solver):
        def gradients(self, rows):
            if self.step == steps:
                raise OSError("gone")
            return super().gradients(rows)

    rule = settings.pop("rule", None) or SGD(0.1, momentum=0.5)
    run = Cut(model, rule, data, epochs=4, batch_size=6, progress=False)
    with pytest.raises(OSError, match="gone"):
        run.train()
    return run


def held(model):
    return {**model.params, **model.state}


def same(first, second):
    return first.keys() == second.keys() and all(np.array_equal(first[k], second[k]) for k in first)


def without_seconds(history):
    return {name: figures for name, figures in asdict(history).items() if name != "seconds"}


def test_it_finds_the_solution_of_least_squares():
    model = Linear()
    solver(model, epochs=200, rule=Adam(0.05)).train()
    np.testing.assert_allclose(model.params["W"], TRUTH, atol=1e-4)
    np.testing.assert_allclose(model.params["b"], 0.3, atol=1e-4)


def test_one_step_by_hand():
    # error = -2, -4; dW = (1·-2 + 3·-4) / 2 = -7; W = 0 + 0.1 · 7
    data = SimpleNamespace(x_train=np.array([[1.0], [3.0]]), y_train=np.array([2.0, 4.0]),
                           x_val=None, y_val=None)  # fmt: skip
    model = Linear()
    model.params = {"W": np.zeros(1), "b": np.zeros(1)}
    model.state = {"mean": np.zeros(1)}
    history = solver(model, data, rule=SGD(0.1), epochs=1, batch_size=2).train()
    assert model.params["W"] == pytest.approx(0.7)
    assert history.step_loss == [pytest.approx(5.0)]  # (4 + 16) / 2 / 2
    assert history.step_grad_norm == [pytest.approx(58**0.5)]  # dW = -7, db = -3


def test_every_epoch_covers_all_rows_once_in_its_own_order():
    model, data = Linear(), regression(n_val=0)
    solver(model, data, epochs=2).train()
    assert [len(x) for x in model.batches] == [6, 6, 6, 2] * 2
    first, second = np.concatenate(model.batches[:4]), np.concatenate(model.batches[4:])
    for epoch in (first, second):
        assert np.array_equal(np.sort(epoch, axis=0), np.sort(data.x_train, axis=0))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, data.x_train)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    models = [Linear(), Linear(), Linear()]
    for model, seed in zip(models, (5, np.random.default_rng(5), 6), strict=True):
        solver(model, seed=seed).train()
    assert same(held(models[0]), held(models[1]))
    assert not same(held(models[0]), held(models[2]))


def test_float32_stays_float32():
    data = regression(n_val=0)
    data.x_train, data.y_train = data.x_train.astype("f4"), data.y_train.astype("f4")
    model = Linear(dtype=np.float32)
    solver(model, data, rule=Adam(0.1), schedule=Cosine(4), clip_norm=0.1).train()
    assert {array.dtype for array in held(model).values()} == {np.dtype("f4")}


def test_the_history_has_an_entry_per_step_and_per_epoch():
    history = solver(turns(0.5, 0.25), epochs=2).train()
    assert (history.epoch, history.val_score, history.train_score) == (
        [1, 2], [0.5, 0.25], [0.0, 0.0])  # fmt: skip
    assert len(history.step_loss) == len(history.step_grad_norm) == 8
    a, b, c, d = history.step_loss[:4]
    assert history.loss[0] == pytest.approx((6 * a + 6 * b + 6 * c + 2 * d) / 20)
    assert history.grad_norm[1] == pytest.approx(sum(history.step_grad_norm[4:]) / 4)
    assert History(**json.loads(json.dumps(asdict(history)))) == history


def test_the_seconds_of_an_epoch_are_its_own():
    class SlowAtFirst(Linear):
        def loss(self, x, y):
            time.sleep(0.01 if len(self.batches) < 4 else 0)
            return super().loss(x, y)

    first, second = solver(SlowAtFirst(), epochs=2).train().seconds
    assert 0 < second < 0.04 <= first


def test_the_training_score_is_taken_on_a_fixed_sample_of_bounded_size():
    class Recorder(Linear):
        def score(self, x, y):
            self.scored = [*getattr(self, "scored", []), x]
            return 0.0

    model, data = Recorder(), regression(n=2500, n_val=0)
    solver(model, data, epochs=2, batch_size=500).train()
    first, second = model.scored
    assert first.shape == (1000, 3)
    assert np.array_equal(first, second)
    assert len(np.unique(first[:, 0])) == 1000
    assert not np.array_equal(first, data.x_train[:1000])


def test_a_model_with_params_and_loss_alone_can_be_trained():
    model = Plain(np.array([1.0, 2.0]))
    history = solver(model, regression(n_val=0), rule=SGD(0.5), epochs=1, batch_size=20).train()
    assert np.array_equal(model.params["W"], [-0.5, -1.0])
    assert history.train_score == history.val_score == [None]


def test_the_learning_rate_follows_the_schedule_in_the_middle_of_each_step():
    rule = SGD(0.8)
    run = solver(Linear(), rule=rule, epochs=2, schedule=Step(every=1, factor=0.5, warmup=1))
    assert run.train().step_lr == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.4, 0.4, 0.4, 0.4])
    assert rule.lr == 0.8


def test_a_callback_may_change_the_learning_rate():
    def halve(run):
        run.rule.lr /= 2

    history = solver(Linear(), rule=SGD(0.8), epochs=2, callbacks=[halve]).train()
    assert history.step_lr == [0.8] * 4 + [0.4] * 4


# The best parameters


def test_the_best_parameters_come_back_with_the_state_that_belongs_to_them():
    model, seen = turns(0.1, 0.7, 0.7, 0.3), []
    arrays = held(model)

    def remember(run):
        seen.append({name: array.copy() for name, array in held(run.model).items()})

    run = solver(model, callbacks=[remember])
    run.train()
    assert (run.best.epoch, run.best.score) == (2, 0.7)
    assert same(held(model), seen[1])
    assert same({**run.best.params, **run.best.state}, seen[1])
    assert not any(np.array_equal(seen[1][name], seen[3][name]) for name in arrays)
    assert all(held(model)[name] is array for name, array in arrays.items())


@pytest.mark.parametrize("worst", [0.0, -3.0])
def test_a_first_score_of_zero_or_less_is_kept_too(worst):
    model = turns(worst, worst - 1)
    run = solver(model, epochs=2)
    run.train()
    assert (run.best.epoch, run.best.score) == (1, worst)
    assert model.params.keys() == {"W", "b"}


def test_without_validation_the_model_keeps_the_last_parameters():
    short, long = Linear(), Linear()
    run = solver(long, regression(n_val=0), epochs=3)
    run.train()
    solver(short, regression(n_val=0), epochs=2).train()
    assert run.best is None
    assert not same(held(short), held(long))


# Training on


@pytest.mark.parametrize("n_val", [0, 6])
def test_training_twice_is_one_longer_run_bit_for_bit(n_val):
    once, twice = (turns(0.2, 0.9, 0.1, 0.5, 0.4, 0.3) for _ in range(2))
    settings = {"schedule": Cosine(6), "clip_norm": 1.0}
    one = solver(once, regression(n_val=n_val), epochs=6, rule=Adam(0.1), **settings)
    two = solver(twice, regression(n_val=n_val), epochs=3, rule=Adam(0.1), **settings)
    one.train()
    two.train()
    assert two.train() is two.history
    assert without_seconds(two.history) == without_seconds(one.history)
    assert same(held(once), held(twice))
    assert same(one.rule.state, two.rule.state)


@pytest.mark.parametrize("at", [1, 2, 5, 8])
def test_a_run_interrupted_in_the_loss_is_brought_to_the_same_end(at):
    class Interrupted(Linear):
        def loss(self, x, y):
            result = super().loss(x, y)
            if len(self.batches) == at:
                raise KeyboardInterrupt
            return result

    whole, model = Linear(), Interrupted()
    reference, run = solver(whole), solver(model)
    reference.train()
    with pytest.raises(KeyboardInterrupt):
        run.train()
    assert run.step == at - 1
    run.train()
    assert without_seconds(run.history) == without_seconds(reference.history)
    assert same(held(model), held(whole))


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_in_the_middle_of_an_update_waits_for_its_end():
    class Interrupting(SGD):
        def step(self, w, dw, *memory):
            super().step(w, dw, *memory)
            if w.shape == (3,) and not self.state.get("done"):
                self.state["done"] = np.ones(1)
                signal.raise_signal(signal.SIGINT)

    whole, model = Linear(), Linear()
    solver(whole, rule=SGD(0.1)).train()
    run = solver(model, rule=Interrupting(0.1))
    with pytest.raises(KeyboardInterrupt):
        run.train()
    assert run.step == len(run.history.step_loss) == 1
    assert np.all(model.params["b"] != 0)
    assert np.all(model.state["mean"] != 0)
    run.train()
    assert same(held(model), held(whole))


def test_a_run_interrupted_while_scoring_scores_again():
    class Interrupted(Linear):
        def score(self, x, y):
            if not hasattr(self, "once"):
                self.once = True
                raise KeyboardInterrupt
            return super().score(x, y)

    whole, model = Linear(), Interrupted()
    reference, run = solver(whole, epochs=1), solver(model, epochs=1)
    reference.train()
    with pytest.raises(KeyboardInterrupt):
        run.train()
    run.train()
    assert without_seconds(run.history) == without_seconds(reference.history)


def test_a_new_solver_given_the_attributes_of_a_stopped_one_goes_on_in_mid_epoch():
    whole, half = Linear(), Linear()
    solver(whole, rule=Adam(0.1)).train()
    first = stopped_after(6, half, regression(), rule=Adam(0.1))
    assert first.step == 6

    second = solver(half, rule=Adam(0.1), seed=99)
    for name in ("history", "best", "last", "step", "goal", "order", "sample", "waited"):
        setattr(second, name, getattr(first, name))
    second.rng.bit_generator.state = first.rng.bit_generator.state
    second.rule.state = first.rule.state
    second.train()
    assert same(held(half), held(whole))


# Stopping


def test_patience_counts_epochs_without_a_new_best():
    run = solver(turns(0.1, 0.5, 0.5, 0.6, 0.2, 0.6, 0.9), epochs=20, patience=2)
    assert run.train().epoch == [1, 2, 3, 4, 5, 6]
    assert run.best.epoch == 4


def test_after_an_early_stop_training_on_has_its_patience_back():
    run = solver(turns(0.5, 0.4, 0.3, 0.2, 0.9, 0.1), epochs=3, patience=1)
    run.train()
    assert run.history.epoch == [1, 2]
    run.train()
    assert run.history.epoch == [1, 2, 3]


def test_a_callback_stops_the_run_in_good_order():
    seen, model = [], turns(0.9, 0.1, 0.1)

    def watch(run):
        seen.append((run.epoch, run.step, run.history.val_score[-1]))
        if run.epoch == 2:
            raise StopTraining

    run = solver(model, epochs=5, callbacks=[watch])
    run.train()
    assert seen == [(1, 4, 0.9), (2, 8, 0.1)]
    assert same(model.params, run.best.params)


# Clipping


def test_clipping_scales_the_whole_gradient_to_the_norm():
    dw, data = np.array([3.0, 4.0]), regression(n_val=0)
    model = Plain(dw)
    history = solver(
        model, data, rule=SGD(1.0), epochs=1, batch_size=20, clip_norm=np.float64(4)
    ).train()
    np.testing.assert_allclose(model.params["W"], [-2.4, -3.2], rtol=1e-15)
    assert history.step_grad_norm == [5.0]
    assert np.array_equal(dw, [3.0, 4.0])


def test_a_gradient_within_the_norm_is_left_as_it_is():
    model = Plain(np.array([3.0, 4.0]))
    solver(model, regression(n_val=0), rule=SGD(1.0), epochs=1, batch_size=20, clip_norm=5).train()
    assert np.array_equal(model.params["W"], [-3.0, -4.0])


# Numbers that are not finite


class Breaking(Linear):
    """Linear until its seventh batch, whose loss or gradient has `bad` in it."""

    def __init__(self, where, bad, **settings):
        super().__init__(**settings)
        self.where, self.bad = where, bad

    def loss(self, x, y):
        loss, grads = super().loss(x, y)
        if len(self.batches) == 7:
            self.state["mean"][...] = self.bad
            if self.where == "loss":
                loss = self.bad
            else:
                grads[self.where][0] = self.bad
        return loss, grads


@pytest.mark.parametrize(
    ("where", "bad", "message"),
    [
        ("loss", np.nan, r"epoch 2, step 7: the loss is nan; try a learning rate below 0\.1"),
        ("loss", np.inf, "the loss is inf; .* or clip_norm$"),
        ("W", np.nan, r"epoch 2, step 7: the norm of the gradient is nan: W \(1 of 3 entries\)"),
        ("b", -np.inf, r"the norm of the gradient is inf: b \(1 of 1 entries\)"),
    ],
)
def test_a_bad_loss_or_gradient_takes_the_run_back_to_where_the_epoch_began(where, bad, message):
    model, reference = Breaking(where, bad), Linear()
    run, four = solver(model, regression(n_val=0)), stopped_after(4, reference, regression(n_val=0))
    with pytest.raises(NonFiniteError, match=message):
        run.train()
    assert run.step == four.step == 4
    assert same(held(model), held(reference))
    assert same(run.rule.state, four.rule.state)
    assert np.array_equal(run.order, four.order)
    assert run.rng.bit_generator.state == four.rng.bit_generator.state
    assert len(run.history.step_loss) == len(run.history.step_lr) == 4


@pytest.mark.parametrize("n_val", [0, 6])
def test_after_a_bad_number_train_takes_the_epoch_again_as_if_nothing_had_been(n_val):
    model, reference = Breaking("W", np.nan), Linear()
    run, whole = solver(model, regression(n_val=n_val)), solver(reference, regression(n_val=n_val))
    with pytest.raises(NonFiniteError):
        run.train()
    run.train()
    whole.train()
    assert same(held(model), held(reference))
    assert same(run.rule.state, whole.rule.state)
    assert without_seconds(run.history) == without_seconds(whole.history)


@pytest.mark.parametrize("n_val", [0, 6])
def test_a_run_that_diverged_in_its_first_epoch_can_be_tried_at_a_lower_rate(n_val):
    data = regression(n_val=n_val)
    x, y = data.x_train, (data.x_train[:, 0] > 0).astype(int)
    data.y_train = y
    data.y_val = None if data.x_val is None else (data.x_val[:, 0] > 0).astype(int)
    net = MLP([3, 8, 2], norm=BatchNorm, keep=0.8, rng=0)
    run = Solver(Classifier(net), Adam(1e300), data, epochs=3, batch_size=6, progress=False)
    with np.errstate(all="ignore"), pytest.raises(NonFiniteError):
        run.train()
    run.rule.lr = 1e-2
    run.train()
    fresh = MLP([3, 8, 2], norm=BatchNorm, keep=0.8, rng=0)
    other = Solver(Classifier(fresh), Adam(1e-2), data, epochs=3, batch_size=6, progress=False)
    other.train()
    assert same({**net.params, **net.state}, {**fresh.params, **fresh.state})
    assert len(x) == 20


@pytest.mark.parametrize("name", ["x_train", "y_train", "x_val", "y_val"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_in_the_data_is_named_with_its_row(name, bad):
    data = regression()
    getattr(data, name)[5] = bad
    message = rf"{name} has {bad:g} in row 5, .* leave the row out or fill it$"
    with np.errstate(all="ignore"), pytest.raises(NonFiniteError, match=message):
        solver(Linear(), data).train()


@pytest.mark.parametrize("name", ["x_train", "y_train", "x_val", "y_val"])
def test_masked_data_are_refused(name):
    data = regression()
    masked = np.ma.array(getattr(data, name))
    setattr(data, name, masked)
    solver(Linear(), data)  # nothing is masked
    masked[2] = np.ma.masked
    with pytest.raises(TypeError, match=rf"^Solver: {name} is a masked array"):
        solver(Linear(), data)


def test_a_rule_whose_memory_overflows_is_stopped_by_name():
    class Forgetful(Adam):
        def step(self, w, dw, *memory):
            memory[1][...] = np.inf  # as squares beyond the range are

    model = Plain(np.ones(2))
    with pytest.raises(NonFiniteError, match=r"what Forgetful remembers is not: W.V \(2 of 2"):
        solver(model, regression(n_val=0), rule=Forgetful()).train()


def test_a_gradient_too_large_to_be_squared_is_named_with_its_step():
    model = Plain(np.array([1e200, 1.0]))
    message = r"^epoch 1, step 1: Adam: the gradient of W has the norm 1e\+200, too large to be sq"
    with pytest.raises(NonFiniteError, match=message):
        solver(model, regression(n_val=0), rule=Adam()).train()
    assert np.array_equal(model.params["W"], [0, 0])


def test_a_layer_that_overflows_is_told_with_its_step():
    data = regression()
    data.x_train = data.x_train * 1e200
    net = Sequential(BatchNorm(3), Affine(3, 1, rng=0))
    with (
        np.errstate(all="ignore"),
        pytest.raises(NonFiniteError, match=r"^epoch 1, step 1: BatchNorm.*3 of 3 variances"),
    ):
        solver(Regressor(net), data).train()


# A last batch of one row


def sizes(net, n, batch_size):
    seen = []

    class Watched(Solver):
        def gradients(self, rows):
            seen.append(rows)
            return super().gradients(rows)

    data = regression(n=n)
    run = Watched(Regressor(net), SGD(0.01), data, epochs=2, batch_size=batch_size, progress=False)
    run.train()
    assert run.steps_per_epoch * 2 == run.step == len(seen)
    half = run.steps_per_epoch
    for epoch in (seen[:half], seen[half:]):
        assert sorted(np.concatenate(epoch)) == [*range(n)]
    weights = [len(rows) for rows in seen[:half]]
    assert run.history.loss[0] == pytest.approx(
        np.average(run.history.step_loss[:half], weights=weights)
    )
    return weights


@pytest.mark.parametrize(
    ("n", "batch_size", "plain", "normed"),
    [
        (20, 6, [6, 6, 6, 2], [6, 6, 6, 2]),
        (19, 6, [6, 6, 6, 1], [6, 6, 7]),
        (18, 6, [6, 6, 6], [6, 6, 6]),
        (7, 6, [6, 1], [7]),
        (5, 2, [2, 2, 1], [2, 3]),
        (3, 3, [3], [3]),
    ],
)
def test_a_last_row_alone_joins_the_batch_before_where_a_layer_asks_for_it(
    n, batch_size, plain, normed
):
    assert sizes(MLP([3, 4, 1], rng=0), n, batch_size) == plain
    assert sizes(MLP([3, 4, 1], norm=BatchNorm, rng=0), n, batch_size) == normed


def test_batches_of_one_row_are_refused_by_the_layer():
    net = MLP([3, 4, 1], norm=BatchNorm, rng=0)
    with pytest.raises(ValueError, match="more than one value per channel in training"):
        solver(Regressor(net), batch_size=1).train()


def test_after_a_bad_number_the_model_holds_the_best_so_far():
    model, seen = Breaking("W", np.nan, scores=[0.0, 0.5]), []
    run = solver(model, callbacks=[lambda run: seen.append(run.model.params["W"].copy())])
    with pytest.raises(ArithmeticError, match="norm of the gradient"):
        run.train()
    assert np.array_equal(model.params["W"], seen[0])
    assert same({**run.best.params, **run.best.state}, held(model))


def test_a_diverging_run_names_step_and_remedy_and_leaves_no_nan():
    model = Linear()
    run = solver(model, regression(n_val=0), rule=SGD(1e12), epochs=100, clip_norm=1e300)
    with (
        np.errstate(all="ignore"),
        pytest.raises(NonFiniteError, match=r"below 1e\+12, or a clip_norm below 1e\+300"),
    ):
        run.train()
    assert all(np.all(np.isfinite(array)) for array in held(model).values())


def test_a_parameter_that_overflows_in_an_update_is_found_though_the_loss_does_not_feel_it():
    model = Plain(np.array([1e38, 1.0], np.float32))
    run = solver(model, regression(n_val=0), rule=SGD(100.0), batch_size=20)
    with pytest.raises(NonFiniteError, match=r"epoch 1, step 1: parameters .* W \(1 of 2 entries"):
        run.train()
    assert np.array_equal(model.params["W"], [0, 0])


def test_a_bad_validation_score_stops_the_run():
    with pytest.raises(NonFiniteError, match="epoch 2, step 8: the validation score is nan"):
        solver(turns(0.5, np.nan)).train()


class Evaluated(Linear):
    """A Linear that gives loss and score of the validation data together."""

    def evaluate(self, x, y):
        return next(self.scores), 0.75


def test_the_validation_loss_is_kept_by_epoch_where_it_is_finite_and_known():
    model = Evaluated([0.0, 2.5, 0.0, np.inf, 0.0, 1.5, 0.0, 1.25])
    history = solver(model).train()
    assert history.val_loss == [2.5, None, 1.5, 1.25]
    assert history.val_score == [0.75] * 4
    assert solver(Linear()).train().val_loss == [None] * 4
    assert solver(Linear(), regression(n_val=0)).train().val_loss == [None] * 4


def test_of_two_epochs_with_one_score_that_with_the_lower_loss_is_the_best():
    run = solver(Evaluated([0.0, 2.5, 0.0, 1.5, 0.0, 3.5, 0.0, 1.75]), patience=2)
    run.train()
    assert run.best.epoch == 2
    assert run.epoch == 4  # the third and the fourth were no better


# The progress bar


def test_the_bar_shows_epoch_losses_and_scores_on_stderr(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    solver(Evaluated([0.25, 2.5]), epochs=1, progress=True).train()
    out, err = capsys.readouterr()
    assert out == ""
    for text in ("epoch 1/1", "4/4", "loss ", "val loss 2.5", "train 0.25", "val 0.75"):
        assert text in err


def test_progress_false_is_silent(capsys):
    solver(Linear()).train()
    assert capsys.readouterr() == ("", "")


# What is refused


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 21}, "batch_size=21 exceeds the 20 training examples"),
        ({"batch_size": 0}, "Solver: batch_size must be a whole number of at least 1, got 0"),
        ({"batch_size": "all"}, "Solver: batch_size must be a whole number .*, got 'all'"),
        ({"epochs": 1.5}, r"Solver: epochs must be a whole number of at least 1, got 1\.5"),
        ({"patience": 0}, "Solver: patience must be a whole number of at least 1, got 0"),
        ({"clip_norm": -1}, "Solver: clip_norm must be a finite number above 0, got -1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        solver(Linear(), **settings)


def test_a_schedule_that_gives_no_positive_rate_stops_before_the_update():
    model = Linear()
    with pytest.raises(ValueError, match=r"SGD: lr must be a finite number above 0, got -0\.1"):
        solver(model, rule=SGD(0.1), schedule=lambda epoch: -Constant()(epoch)).train()
    assert not any(np.any(array) for array in held(model).values())


def test_inputs_and_targets_of_different_length_are_refused():
    data = regression()
    data.y_train = data.y_train[:-1]
    with pytest.raises(ValueError, match="x_train has 20 examples, y_train 19"):
        solver(Linear(), data)


def test_validation_data_need_a_model_with_a_score():
    with pytest.raises(TypeError, match=r"data has x_val, but Plain has no score\(x, y\)"):
        solver(Plain(np.ones(2)))


def test_patience_needs_validation_data():
    with pytest.raises(ValueError, match=r"Solver\(patience=3\): needs validation data"):
        solver(Linear(), regression(n_val=0), patience=3)


def test_a_step_that_is_interrupted_draws_its_masks_again():
    def network():
        return Classifier(MLP([3, 20, 2], keep=0.5, rng=0))

    x = np.random.default_rng(0).standard_normal((20, 3))
    data = SimpleNamespace(x_train=x, y_train=(x[:, 0] > 0).astype(int), x_val=None, y_val=None)

    class Interrupted(Solver):
        def gradients(self, rows):
            found = super().gradients(rows)
            if self.step == 2 and not self.history.epoch and next(interrupts, None):
                raise KeyboardInterrupt
            return found

    interrupts = iter([True])
    whole, broken = network(), network()
    Solver(whole, SGD(0.1), data, epochs=2, batch_size=5, progress=False).train()
    run = Interrupted(broken, SGD(0.1), data, epochs=2, batch_size=5, progress=False)
    with pytest.raises(KeyboardInterrupt):
        run.train()
    run.train()
    assert same(broken.params, whole.params)


def test_patience_that_is_lowered_below_what_was_waited_stops_at_the_next_epoch():
    model = Linear(scores=[1.0] + [0.0] * 40)
    run = solver(model, epochs=10, patience=8)
    run.waited, run.best = 3, None
    run.patience = 2
    run.train()
    assert run.epoch < 10


def test_data_that_is_no_dataset_and_a_schedule_that_is_no_function_are_refused():
    x = np.zeros((4, 3))
    with pytest.raises(
        TypeError, match=r"^Solver: data is a tuple, expected .*Dataset.from_arrays"
    ):
        Solver(Linear(), SGD(0.1), (x, x))
    with pytest.raises(TypeError, match=r"^Solver: schedule is 0\.5, expected a function"):
        solver(Linear(), schedule=0.5)
