"""A file that is whole, but holds no run of this solver, is refused in words, and nothing changes:
each test alters one thing in what was saved."""

import copy
import re

import numpy as np
import pytest

from chainrule.nets import FileError
from chainrule.nets.files import read_arrays, write_arrays
from chainrule.solvers import SGD, Solver, restore_checkpoint, save_checkpoint
from tests.solvers.test_checkpoint import RULES, Plain, bits, made, toy


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A run of two epochs, its arrays and its words; the history has ten steps."""
    path = tmp_path_factory.mktemp("saved") / "run"
    solver = made(epochs=2)
    solver.train()
    save_checkpoint(path, solver)
    return path, *read_arrays(path)


def refused(saved, message, change, solver=None):
    """What `change(arrays, run)` makes of the file is refused in words that begin so."""
    path, arrays, words = saved
    arrays = {name: array.copy() for name, array in arrays.items()}
    words = copy.deepcopy(words)
    change(arrays, words["run"])
    altered = path.with_name("altered")
    write_arrays(altered, arrays, words)
    solver = solver or made(epochs=2)
    before = bits(solver), solver.step, str(solver.rng.bit_generator.state)
    with pytest.raises(FileError, match=f"^{re.escape(f'{altered}: {message}')}"):
        restore_checkpoint(altered, solver)
    assert (bits(solver), solver.step, str(solver.rng.bit_generator.state)) == before


def test_what_was_saved_is_taken_as_it_is(saved):
    solver = made(epochs=2)
    restore_checkpoint(saved[0], solver)
    assert solver.step == 10


@pytest.mark.parametrize("run", [[], None, "run", 3])
def test_a_run_is_names_and_values(run, saved):
    path, arrays, words = saved
    altered = path.with_name("altered")
    write_arrays(altered, arrays, {**words, "run": run})
    with pytest.raises(FileError, match=re.escape(f"damaged: its run is {run!r}, expected names")):
        restore_checkpoint(altered, made(epochs=2))


@pytest.mark.parametrize(
    "name", ["step", "goal", "waited", "seconds", "lr", "rule", "history", "generators", "notes"]
)
def test_every_entry_of_a_run_is_needed(name, saved):
    refused(saved, f"damaged: {name} is missing in its run", lambda _, run: run.pop(name))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("spare", 1, "its run holds 'spare', which is unknown"),
        ("step", 10.0, "step is 10.0, expected a whole number from 0 to 9,007,199,254,740,992"),
        ("step", True, "step is True, expected a whole number"),
        ("step", -1, "step is -1, expected a whole number from 0"),
        ("goal", 1, "goal is 1, expected a whole number from 2 to"),
        ("goal", 2**53 + 1, "goal is 9007199254740993, expected a whole number from 2 to"),
        ("waited", 3, "waited is 3, expected a whole number from 0 to 2"),
        ("seconds", -0.5, "seconds is -0.5, expected a finite number of at least 0"),
        ("seconds", None, "seconds is None, expected a finite number of at least 0"),
        ("lr", 0, "lr is 0, expected a finite number of at least 4.94066e-324"),
        ("history", [], "its history is not one of epoch, loss, val_loss, train_score"),
        ("generators", {}, "its generators are not a list of states"),
        ("generators", [3], "its generators are not a list of states"),
        ("best", [1, 2], "its best does not hold epoch and score alone"),
        ("best", {"epoch": 1}, "its best does not hold epoch and score alone"),
        ("best", {"epoch": 3, "score": 0.5}, "the epoch of its best is 3, expected a whole"),
        ("best", {"epoch": 1, "score": "x"}, "the score of its best is 'x', expected a finite"),
        ("best", {"epoch": 1, "score": 7}, "its best score is 7, that of epoch 1 is"),
        ("last", {"epoch": 1, "score": [1]}, "the score of its last is [1], expected a finite"),
    ],
)
def test_a_wrong_entry_of_a_run_is_named(name, value, message, saved):
    refused(saved, f"damaged: {message}", lambda _, run: run.update({name: value}))


def test_a_run_with_scores_has_a_best(saved):
    message = "damaged: it has validation scores, but best is missing"
    refused(saved, message, lambda _, run: run.pop("best"))


def test_a_run_cannot_have_waited_for_longer_than_since_its_best(saved):
    def wait(_, run):
        run["waited"] = 2
        run["best"].update(epoch=1, score=run["history"]["val_score"][0])

    message = "damaged: it has waited 2 epochs for a score better than that of epoch 1 of 2"
    refused(saved, message, wait)


@pytest.mark.parametrize(
    ("name", "column", "message"),
    [
        ("loss", [1.0], "loss in its history has not an entry for each epoch"),
        ("loss", 1.0, "loss in its history has not an entry for each epoch"),
        ("epoch", [1, 3], "the epochs of its history are not those from 1 to 2"),
        ("loss", [1.0, None], "loss is None, expected a finite number"),
        ("loss", [1.0, float("inf")], "loss is inf, expected a finite number"),
        ("grad_norm", [1.0, -1.0], "grad_norm is -1.0, expected a finite number of at least 0"),
        ("seconds", [1.0, -1.0], "seconds is -1.0, expected a finite number of at least 0"),
        ("train_score", [1.0, "x"], "train_score in its history is not of numbers"),
        ("val_score", [1.0, None], "val_score is None, expected a finite number"),
    ],
)
def test_a_wrong_column_of_the_history_is_named(name, column, message, saved):
    def change(_, run):
        run["history"][name] = column

    refused(saved, f"damaged: {message}", change)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("params/affine1.W", lambda a: a * np.nan, "holds nan (48 of 48 entries), expected finite"),
        ("best/params/affine1.W", lambda a: a + np.inf, "holds inf (48 of 48 entries), expected"),
        ("state/batchnorm1.running_mean", lambda a: a - np.inf, "holds -inf (8 of 8 entries), exp"),
        ("state/batchnorm1.running_var", lambda a: -1 - a, "holds -"),
        ("state/batchnorm1.running_mean", lambda a: a * np.nan, "holds nan (8 of 8 entries), exp"),
        ("history/step_loss", lambda a: a[1:], "is float64 (9,), expected float64 (10,)"),
        ("history/step_loss", lambda a: a * np.nan, "holds nan (10 of 10 entries), expected fini"),
        ("history/step_lr", lambda a: 0 * a, "holds 0.0 (10 of 10 entries), expected positive nu"),
        ("history/step_grad_norm", lambda a: -1 - a, "holds -"),
        (
            "rule/affine1.W.M",
            lambda a: a * np.nan,
            "holds nan (48 of 48 entries), expected numbers",
        ),
    ],
)
def test_a_wrong_array_is_named(name, change, message, saved):
    def altered(arrays, _):
        arrays[name] = change(arrays[name])

    refused(saved, f"damaged: {name} {message}", altered)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("order", lambda a: 0 * a, "order is not each of the numbers 0 to 33 once"),
        ("order", lambda a: a * 1.0, "order is float64 (34,), expected int64 (34,)"),
        ("sample", lambda a: a[::-1], "sample is not rising numbers from 0 to 33"),
        ("sample", lambda a: a + 34, "sample is not rising numbers from 0 to 33"),
        ("sample", lambda a: a[1:], "sample is int64 (33,), expected int64 (34,)"),
        ("order", None, "the array order is missing"),
        ("sample", None, "the array sample is missing"),
        ("history/step_loss", None, "history/step_loss is missing, expected float64 (10,)"),
    ],
)
def test_wrong_rows_are_named(name, change, message, saved):
    def altered(arrays, _):
        array = arrays.pop(name)
        if change is not None:
            arrays[name] = change(array)

    refused(saved, f"damaged: {message}", altered)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("history/spare", "its history holds 'spare'"),
        ("rule/spare", "its rule holds 'spare', which is unknown"),
        ("spare", "it holds an array 'spare' without a use"),
    ],
)
def test_an_array_without_a_use_is_named(name, message, saved):
    refused(saved, f"damaged: {message}", lambda arrays, _: arrays.update({name: np.ones(2)}))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("affine1.W.M", None, "affine1.W.M of its rule is missing"),
        ("affine1.W.M", lambda a: a[:1], "affine1.W.M of its rule is float64 (1, 8), expected"),
        ("affine1.W.V", lambda a: -1 - a, "rule/affine1.W.V holds -1"),
        ("t", lambda a: -a, "rule/t holds -10 (1 of 1 entries), expected a count"),
        ("t", lambda a: a * 1.0, "t of its rule is float64 (), expected int64 ()"),
    ],
)
def test_what_the_rule_remembers_goes_with_the_parameters(name, change, message, saved):
    def altered(arrays, _):
        array = arrays.pop(f"rule/{name}")
        if change is not None:
            arrays[f"rule/{name}"] = np.asarray(change(array))

    refused(saved, f"damaged: {message}", altered)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("state", "state"), "x"),
        (("state", "inc"), 2),  # an increment is odd, or half the numbers never come
        (("has_uint32",), 7),
        (("state",), None),
    ],
)
def test_a_state_that_no_generator_has_is_refused(place, value, saved):
    def change(_, run):
        inner = run["generators"][0]
        for name in place[:-1]:
            inner = inner[name]
        inner[place[-1]] = value

    refused(saved, "damaged: its state of a PCG64 generator is none", change)


@pytest.mark.parametrize("place", [-1, 625])
def test_a_place_beyond_the_numbers_of_a_generator_is_refused(place, tmp_path):
    solver = made(bits=np.random.MT19937)
    save_checkpoint(tmp_path / "run", solver)

    def change(_, run):
        run["generators"][0]["state"]["pos"] = place

    found = tmp_path / "run", *read_arrays(tmp_path / "run")
    message = "damaged: its state of a MT19937 generator is none"
    refused(found, message, change, made(bits=np.random.MT19937))


def test_without_validation_data_there_are_no_scores(tmp_path):
    def plain():
        data = toy()
        data.x_val = None
        return Solver(Plain(), SGD(lr=0.01), data, epochs=1, batch_size=8, progress=False)

    solver = plain()
    solver.train()
    save_checkpoint(tmp_path / "run", solver)
    arrays, words = read_arrays(tmp_path / "run")
    words["run"]["history"]["val_score"] = [0.5]
    write_arrays(tmp_path / "run", arrays, words)
    with pytest.raises(FileError, match="damaged: it has validation scores, expected none"):
        restore_checkpoint(tmp_path / "run", plain())


def test_the_rule_is_the_same(saved):
    refused(
        saved, "a run with the rule Adam, expected SGD", lambda *_: None, made(RULES[0], epochs=2)
    )
