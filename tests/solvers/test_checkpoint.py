"""A run that was stopped at any step and taken up from its file ends as if it had never stopped."""

import json
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest

from chainrule import nets
from chainrule.layers import BatchNorm, ReLU
from chainrule.nets import MLP, Classifier, FileError
from chainrule.nets.files import read_arrays, write_arrays
from chainrule.solvers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Cosine,
    NonFiniteError,
    RMSProp,
    Solver,
    Step,
    StopTraining,
    restore_checkpoint,
    save_checkpoint,
)

RULES = [
    lambda: SGD(lr=0.1),
    lambda: SGD(lr=0.05, momentum=0.9, nesterov=True),
    lambda: AdaGrad(lr=0.05),
    lambda: RMSProp(lr=0.01),
    lambda: Adam(lr=0.01),
    lambda: AdamW(lr=0.01),
]


def toy():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 6))
    y = (x @ rng.standard_normal((6, 3))).argmax(axis=1)
    return SimpleNamespace(
        x_train=x[:34], y_train=y[:34], x_val=x[34:], y_val=y[34:], x_test=None, y_test=None
    )


def made(rule=RULES[4], *, hidden=8, epochs=4, seed=5, bits=np.random.PCG64, **options):
    """A solver whose generator also draws the weights and the dropout masks."""
    rng = np.random.Generator(bits(seed))
    net = MLP([6, hidden, hidden, 3], norm=BatchNorm, keep=0.7, activation=ReLU(), rng=rng)
    return Solver(
        Classifier(net, l2=1e-3),
        rule(),
        toy(),
        epochs=epochs,
        batch_size=8,
        schedule=Cosine(epochs=4, warmup=0.5, final=0.1),
        seed=rng,
        progress=False,
        **options,
    )


def bits(solver):
    """Everything that a run leaves behind, apart from the clock."""
    arrays = {**solver.model.params, **solver.model.state, **solver.rule.state}
    history = asdict(solver.history)
    history.pop("seconds")
    return {name: array.tobytes() for name, array in arrays.items()}, history


def stopped_at(solver, step, path, notes=None):
    """Runs the solver to `step` and saves it there."""

    def stop(running):
        if running.step == step:
            save_checkpoint(path, running, notes)
            raise KeyboardInterrupt

    solver.after_step = stop
    with pytest.raises(KeyboardInterrupt):
        solver.train()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("step", [1, 5, 7, 10, 19])  # five steps an epoch
def test_a_run_taken_up_at_any_step_ends_the_same_to_the_bit(rule, step, tmp_path):
    whole = made(rule)
    whole.train()
    stopped_at(made(rule), step, tmp_path / "run")
    again = made(rule, seed=99)  # all that the seed decides comes from the file
    restore_checkpoint(tmp_path / "run", again)
    assert again.step == step
    again.train()
    assert bits(again) == bits(whole)
    assert again.best.epoch == whole.best.epoch


@pytest.mark.parametrize(
    "kind", [np.random.MT19937, np.random.Philox, np.random.SFC64, np.random.PCG64DXSM]
)
def test_every_kind_of_generator_goes_on_where_it_was(kind, tmp_path):
    whole = made(bits=kind)
    whole.train()
    stopped_at(made(bits=kind), 7, tmp_path / "run")
    again = made(seed=99, bits=kind)
    restore_checkpoint(tmp_path / "run", again)
    again.train()
    assert bits(again) == bits(whole)


def test_early_stopping_counts_on(tmp_path):
    whole = made(epochs=60, patience=4)
    whole.train()
    assert whole.epoch < 60
    stopped_at(made(epochs=60, patience=4), 5 * whole.epoch - 8, tmp_path / "run")
    again = made(epochs=60, patience=4, seed=99)
    restore_checkpoint(tmp_path / "run", again)
    again.train()
    assert bits(again) == bits(whole)


def test_a_run_saved_before_its_first_step_and_one_after_its_last(tmp_path):
    whole, early = made(), made()
    save_checkpoint(tmp_path / "early", early)
    whole.train()
    save_checkpoint(tmp_path / "late", whole)
    again = made(seed=99)
    restore_checkpoint(tmp_path / "early", again)
    again.train()
    assert bits(again) == bits(whole)
    more = made(seed=98)
    restore_checkpoint(tmp_path / "late", more)
    for solver in (whole, more):
        solver.train()  # four epochs more
    assert whole.epoch == 8
    assert bits(more) == bits(whole)


def test_notes_come_back(tmp_path):
    save_checkpoint(tmp_path / "run", made(), {"a": [1, None, 0.1]})
    assert restore_checkpoint(tmp_path / "run", made()) == {"a": [1, None, 0.1]}


def test_a_learning_rate_changed_by_a_callback_is_kept(tmp_path):
    solver = made()
    solver.rule.lr = 0.123456789
    save_checkpoint(tmp_path / "run", solver)
    again = made()
    restore_checkpoint(tmp_path / "run", again)
    assert again.rule.lr == 0.123456789


def test_the_network_can_be_made_from_a_checkpoint(tmp_path):
    solver = made()
    solver.train()
    save_checkpoint(tmp_path / "run", solver)
    net = nets.load(tmp_path / "run")
    x = solver.data.x_val
    assert net.forward(x, train=False)[0].tobytes() == solver.model.outputs(x).tobytes()


class Plain:
    """A model of arrays and a loss alone, without state, network or score."""

    def __init__(self):
        self.params = {"w": np.zeros(6)}

    def loss(self, x, y):
        error = x @ self.params["w"] - y
        return float(error @ error), {"w": 2 * x.T @ error / len(x)}


def test_any_model_with_params_and_a_loss_can_be_saved(tmp_path):
    def plain():
        data = toy()
        data.x_val = None
        return Solver(Plain(), SGD(lr=0.01), data, epochs=2, batch_size=8, progress=False)

    whole = plain()
    whole.train()
    stopped_at(plain(), 3, tmp_path / "run")
    again = plain()
    restore_checkpoint(tmp_path / "run", again)
    again.train()
    assert again.model.params["w"].tobytes() == whole.model.params["w"].tobytes()
    with pytest.raises(FileError, match="holds no architecture"):
        nets.load(tmp_path / "run")


def refused(path, solver, message):
    before = bits(solver), solver.step, str(solver.rng.bit_generator.state)
    with pytest.raises(FileError, match=message):
        restore_checkpoint(path, solver)
    assert (bits(solver), solver.step, str(solver.rng.bit_generator.state)) == before


def test_a_checkpoint_of_something_else_is_refused_and_changes_nothing(tmp_path):
    path = tmp_path / "run"
    save_checkpoint(path, made())
    refused(
        path, made(hidden=9), r"another architecture: affine1\.W is float64 \(6, 8\) in the file"
    )
    refused(path, made(RULES[0]), "a run with the rule Adam, expected SGD")
    fewer = made()
    fewer.order = fewer.order[:30]
    refused(path, fewer, "a run on 34 training examples, expected 30")
    refused(path, made(bits=np.random.MT19937), "its 1 random generators are not these")
    without = made()
    without.model.net = MLP([6, 8, 8, 3], keep=0.7, rng=0)
    refused(
        path, without, r"batchnorm1\.beta is float64 \(8,\) in the file and missing in this run"
    )
    nets.MLP([6, 3], rng=0).save(path)
    refused(path, made(), "holds a network, but no run to go on with")
    refused(tmp_path / "none", made(), "there is no such file")


def test_a_run_with_batches_of_another_size_is_refused(tmp_path):
    run, other = made(epochs=2), made(epochs=2)
    run.train()
    save_checkpoint(tmp_path / "run", run)
    other.batch_size = 20
    before = bits(other)
    with pytest.raises(FileError, match="with 10 steps in 2 epochs, expected 2 an epoch"):
        restore_checkpoint(tmp_path / "run", other)
    assert bits(other) == before


def test_a_run_saved_after_its_failure_goes_on_where_the_epoch_began(tmp_path):
    run = made()
    stopped_at(run, 7, tmp_path / "early")
    run.after_step = None
    true, calls = run.model.loss, []

    def loss(x, y):
        calls.append(x)
        value, grads = true(x, y)
        return (value if len(calls) < 3 else np.nan), grads

    run.model.loss = loss
    with pytest.raises(NonFiniteError):
        run.train()
    save_checkpoint(tmp_path / "late", run)
    run.model.loss = true
    other, whole = made(), made()
    restore_checkpoint(tmp_path / "late", other)
    whole.train()
    for one in (other, run):
        one.train()
        assert bits(one) == bits(whole)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "run"
    save_checkpoint(path, made())
    whole = path.read_bytes()
    for at in np.random.default_rng(0).integers(len(whole), size=40):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        refused(path, made(), "damaged")
        path.write_bytes(whole[:at])
        refused(path, made(), "cut short")


def test_a_checkpoint_of_a_newer_format_is_refused(tmp_path):
    path = tmp_path / "run"
    save_checkpoint(path, made())
    arrays, described = read_arrays(path)
    write_arrays(path, arrays, described | {"format": 99})
    refused(path, made(), "newer version of Chainrule, in format 99")


def test_what_is_described_is_json_and_arrays_are_arrays(tmp_path):
    solver = made(rule=lambda: SGD(lr=0.1, momentum=0.5), epochs=1)
    solver.train()
    save_checkpoint(tmp_path / "run", solver)
    arrays, described = read_arrays(tmp_path / "run")
    assert json.loads(json.dumps(described)) == described
    assert arrays["rule/affine1.W.velocity"].shape == (6, 8)
    assert arrays["history/step_loss"].shape == (5,)
    assert described["run"]["history"]["epoch"] == [1]


def test_after_step_is_called_between_steps_and_may_end_the_run():
    seen = []

    def stop(solver):
        seen.append(solver.step)
        if solver.step == 7:
            raise StopTraining

    solver = made(after_step=stop)
    with pytest.raises(StopTraining):
        solver.train()
    assert seen == [1, 2, 3, 4, 5, 6, 7]


def test_a_schedule_in_steps_goes_on(tmp_path):
    def stepped(seed=5):
        solver = made(seed=seed)
        solver.schedule = Step(every=1, factor=0.5)
        return solver

    whole = stepped()
    whole.train()
    stopped_at(stepped(), 12, tmp_path / "run")
    again = stepped(seed=1)
    restore_checkpoint(tmp_path / "run", again)
    again.train()
    assert again.history.step_lr == whole.history.step_lr
