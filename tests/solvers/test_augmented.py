"""What a solver does with `augment`: each batch that is trained on, and nothing else, is changed,
by draws that belong to the run."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from chainrule.data import Crop, Flip, Shift, load_digits
from chainrule.layers import BatchNorm
from chainrule.nets import MLP, Classifier
from chainrule.solvers import SGD, ParallelSolver, Solver, restore_checkpoint, save_checkpoint
from tests.threads import on_threads

WAYS = (Flip(), Crop(1, fill=-1.0), Shift(2))


class Recorder:
    """A model that keeps the batches that it is trained on, and those that are scored."""

    def __init__(self):
        self.params = {"w": np.zeros(1)}
        self.batches, self.scored = [], []

    def loss(self, x, y):
        self.batches.append(x)
        return 1.0, {"w": np.zeros(1)}

    def score(self, x, y):
        self.scored.append(x)
        return 0.0


def pictures(shape=(4, 4), flat=False):
    x = np.arange(1.0, 1 + 12 * np.prod(shape)).reshape(12, *shape)
    x, val = x[:8].copy(), x[8:].copy()
    if flat:
        x, val = x.reshape(8, -1), val.reshape(4, -1)
    for array in (x, val):
        array.flags.writeable = False
    labels = {"y_train": np.zeros(8, int), "y_val": np.zeros(4, int)}
    return SimpleNamespace(x_train=x, x_val=val, image_shape=shape, **labels)


def ran(data, augment=WAYS, **settings):
    model = Recorder()
    solver = Solver(
        model, SGD(0.1), data, epochs=2, batch_size=4, augment=augment, progress=False, **settings
    )
    solver.train()
    return model


@pytest.mark.parametrize("shape", [(4, 4), (1, 4, 4), (3, 4, 5)])
def test_each_batch_is_changed_and_scores_are_of_the_data_as_they_are(shape):
    data = pictures(shape)
    model = ran(data)
    assert {batch.shape for batch in model.batches} == {(4, *shape)}
    known = {row.tobytes() for row in data.x_train}
    assert any(row.tobytes() not in known for batch in model.batches for row in batch)
    for x in model.scored:
        assert np.array_equal(x, data.x_train) or np.array_equal(x, data.x_val)


def test_rows_are_pictures_while_they_are_changed():
    flat, square = ran(pictures(flat=True)), ran(pictures())
    for one, two in zip(flat.batches, square.batches, strict=True):
        np.testing.assert_array_equal(one, two.reshape(4, 16))


def test_functions_are_called_in_order():
    model = ran(pictures(), augment=[lambda x, _: x + 1, lambda x, _: 2 * x])
    rows = np.sort(np.concatenate(model.batches[:2])[:, 0, 0])
    np.testing.assert_array_equal(rows, 2 * (pictures().x_train[:, 0, 0] + 1))


def test_the_same_seed_draws_alike_and_another_one_otherwise():
    one, two, other = (ran(pictures(), seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.batches, two.batches)
    assert not np.array_equal(one.batches, other.batches)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x, _: x[:, 1:], r"float64 \(4, 3, 4\) for float64 \(4, 4, 4\)"),
        (lambda x, _: x.astype(np.float32), r"float32 \(4, 4, 4\) for float64"),
        (lambda *_: None, "a NoneType for"),
    ],
)
def test_what_is_no_batch_of_the_same_kind_is_refused(function, said):
    with pytest.raises(ValueError, match=f"of augment returned .*{said}"):
        ran(pictures(), augment=[function])


def test_rows_that_are_no_pictures_are_refused():
    data = pictures(flat=True)
    del data.image_shape
    with pytest.raises(ValueError, match=r"Flip\(\): x has shape \(4, 16\), expected pictures"):
        ran(data)


def digits(make=Solver, *, seed=3, epochs=2, batch_size=100, **options):
    """A solver whose weights, dropout masks and augmentation are all of its seed."""
    rng = np.random.default_rng(seed)
    net = MLP([64, 20, 10], norm=BatchNorm, keep=0.8, rng=rng)
    return make(
        Classifier(net),
        SGD(0.05, momentum=0.9),
        load_digits().standardised(),
        epochs=epochs,
        batch_size=batch_size,
        augment=WAYS,
        seed=seed if make is not Solver else rng,
        progress=False,
        **options,
    )


def bits(solver):
    return {name: array.tobytes() for name, array in solver.model.params.items()}


@pytest.mark.parametrize("step", [1, 10, 11, 15])  # eleven steps an epoch
def test_a_run_taken_up_at_any_step_ends_the_same_to_the_bit(step, tmp_path):
    whole, stopped, again = digits(), digits(), digits(seed=99)
    whole.train()

    def stop(running):
        if running.step == step:
            save_checkpoint(tmp_path / "run", running)
            raise KeyboardInterrupt

    stopped.after_step = stop
    with pytest.raises(KeyboardInterrupt):
        stopped.train()
    restore_checkpoint(tmp_path / "run", again)
    again.train()
    assert bits(again) == bits(whole)
    assert again.history.step_loss == whole.history.step_loss


def test_a_step_that_is_interrupted_draws_again():
    class Interrupted(Solver):
        once = True

        def gradients(self, rows):
            found = super().gradients(rows)
            if self.step == 5 and self.once:
                self.once = False
                raise KeyboardInterrupt
            return found

    whole, run = digits(partial(Solver)), digits(Interrupted)
    whole.train()
    with pytest.raises(KeyboardInterrupt):
        run.train()
    run.train()
    assert bits(run) == bits(whole)


@pytest.mark.parametrize(("ranks", "size"), [(2, 100), (3, 1077)])
def test_any_number_of_processes_comes_to_the_same(ranks, size, monkeypatch):
    def run(comm):
        solver = digits(partial(ParallelSolver, comm), batch_size=size)
        solver.train()
        return solver

    whole = digits(partial(Solver), batch_size=size)
    whole.train()
    for solver in on_threads(ranks, run, monkeypatch):
        for name, array in solver.model.params.items():
            np.testing.assert_allclose(array, whole.model.params[name], rtol=0, atol=1e-12)
