"""A run that is killed at any moment and taken up again ends as if nothing had happened."""

import random
import shutil
import signal
import time

import pytest

from chainrule import nets
from chainrule.nets.files import read_arrays

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on Windows")
SLOW = pytest.mark.slow
KILLS = 25
#: train.py, but a share of the time goes into saving; where it is infinite, after every step.
SAVES_MORE_OFTEN = """
from functools import partial
from chainrule import __main__ as command
from chainrule.training.run import autosave

autosave.SHARE = float("{share}")
command.program(partial(command.main, default="train"))
"""
SAVES_AT_A_STEP_AND_DIES = """
import os, signal
from functools import partial
from chainrule import __main__ as command
from chainrule.training.run import autosave

def after_step(self, solver, then=autosave.Keeper.after_step):
    then(self, solver)
    if solver.step == {step}:
        self.save(solver)
        os.kill(os.getpid(), signal.SIGKILL)

autosave.Keeper.after_step = after_step
command.program(partial(command.main, default="train"))
"""
COMMON = ["--schedule", "cosine", "--warmup", "2", "--norm", "batchnorm", "--dropout", "0.8"]
QUICK = [*COMMON, "--no-report"]
RUNS = {
    "momentum": [
        *("--rule", "momentum", "--lr", "0.01", "--hidden", "64", "--batch-size", "16"),
        *("--epochs", "20", "--patience", "3"),
    ],
    "adam": [
        *("--hidden", "64", "--epochs", "15", "--batch-size", "64", "--patience", "9"),
        *("--augment", "flip,crop,shift"),
    ],
    # So large that a good part of the time goes into writing it.
    "large": ["--hidden", "384,384", "--epochs", "5", "--batch-size", "256", "--patience", "5"],
}


@pytest.fixture(scope="module")
def whole(shared_script):
    """What a run that nobody stopped leaves behind, and the table that it prints."""
    known = {}

    def of(name):
        if name not in known:
            status, printed, said = shared_script.run(*QUICK, *RUNS[name], "--run-dir", name)
            assert (status, said) == (0, [])
            known[name] = shared_script.left_behind(shared_script.folder / name), table(printed)
        return known[name]

    return of


@pytest.fixture
def program(tmp_path):
    """Writes a program, with values filled in, as what is to be run instead of train.py."""

    def write(text, **values):
        path = tmp_path / "program.py"
        path.write_text(text.format(**values))
        return {"script": path}

    return write


def table(printed):
    """The accuracies that a run prints, with each class and what it is mistaken for."""
    return printed[printed.index("\nvalidation accuracy") : printed.rindex("\n\n")]


def wait_for_file(process, folder, pattern):
    while not any(folder.glob(pattern)) and process.poll() is None:
        time.sleep(0.0002)  # a file is being written for longer


def kill(process):
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def is_good(folder):
    """Asserts that a stopped run can be gone on with, and that its network is there."""
    arrays, described = read_arrays(folder / "checkpoint.safetensors")
    assert described["run"]["step"] == len(arrays["history/step_loss"])
    assert nets.load(folder / "checkpoint.safetensors").params
    if (folder / "best.safetensors").exists():
        with pytest.warns(UserWarning, match="takes rows standardised as in training"):
            assert nets.load(folder / "best.safetensors").params


def ends_like(whole, script, folder):
    """Asserts that the run in `folder`, taken up again, ends like `whole`."""
    status, printed, said = script.run("--resume", folder)
    assert (status, said) == (0, [])
    expected, expected_table = whole
    found = script.left_behind(folder)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
    assert table(printed) == expected_table
    assert not list(folder.glob("*.tmp"))


def moments():
    """25 of them: what is run, and how it is killed."""
    for number in range(KILLS):
        if number % 3 == 2:
            moment = number, "large", "while writing"
        elif number in (7, 16):
            moment = number, ("momentum", "adam")[number % 2], "at the report"
        else:
            moment = number, ("momentum", "adam")[number % 2], "by the clock"
        yield moment


@pytest.mark.slow
@pytest.mark.parametrize(("number", "name", "when"), list(moments()))
def test_a_killed_run_ends_to_the_bit_like_one_that_was_never_stopped(
    number, name, when, script, program, whole
):
    rng = random.Random(number)
    folder = script.folder / "run"
    options = [*QUICK, *RUNS[name], "--run-dir", folder]
    often = program(SAVES_MORE_OFTEN, share=0.3 if name == "momentum" else "inf")
    if when == "while writing":
        killed_while_writing(rng, script, options, folder, often)
    elif when == "at the report":
        process = script.start(*COMMON, *RUNS[name], "--run-dir", folder)
        script.wait_for_line(process, "trained")
        time.sleep(rng.random())
        assert kill(process)
        assert not (folder / "report.html").exists()
    else:
        killed_by_the_clock(rng, script, options, folder, often, number / KILLS)
        for _ in range(number % 2):  # once more, if it does not end before
            is_good(folder)
            process = script.start("--resume", folder, **often)
            script.wait_for_line(process, "taken up")
            time.sleep(rng.random() * 0.3)
            kill(process)
    is_good(folder)
    ends_like(whole(name), script, folder)
    assert (folder / "report.html").exists() == (when == "at the report")


def killed_by_the_clock(rng, script, options, folder, often, progress):
    """Begins a run and kills it: at its first checkpoint, or some time within the next epochs
    after a certain one; the seed and the speed of the run so far decide when."""
    epoch = int(9 * progress)
    while True:
        process = script.start(*options, **often)
        wait_for_file(process, folder, "checkpoint.safetensors")
        took = (
            script.wait_for_line(process, f"epoch {epoch - epoch % 2 or 1:>3}") if epoch else 0.05
        )
        time.sleep(rng.random() * (took or 0))
        if kill(process):
            return
        shutil.rmtree(folder)  # too late: once more, and earlier
        epoch //= 2


def killed_while_writing(rng, script, options, folder, often):
    """Kills a run until it has left a file half written: then it was in the midst of it."""
    half_written = ".checkpoint.safetensors.*.tmp"
    for _ in range(20):
        process = script.start(*options, **often)
        wait_for_file(process, folder, "checkpoint.safetensors")
        if (epoch := rng.randrange(4)) and options[0] != "--resume":
            script.wait_for_line(process, f"epoch {epoch:>3}")
        wait_for_file(process, folder, half_written)
        assert kill(process), "the run has ended before it could be killed"
        is_good(folder)
        if any(folder.glob(half_written)):
            return
        options = ["--resume", folder]
    raise AssertionError("of 20 kills, none came while the checkpoint was written")


# 17 steps an epoch, 15 epochs.
@pytest.mark.parametrize("step", [17, *(pytest.param(n, marks=SLOW) for n in (1, 16, 18, 255))])
def test_a_run_killed_at_any_step_of_an_epoch_ends_like_one_never_stopped(
    step, script, program, whole
):
    folder = script.folder / "run"
    dies = program(SAVES_AT_A_STEP_AND_DIES, step=step)
    status, _, _ = script.run(*QUICK, *RUNS["adam"], "--run-dir", folder, **dies)
    assert status == -signal.SIGKILL
    assert read_arrays(folder / "checkpoint.safetensors")[1]["run"]["step"] == step
    ends_like(whole("adam"), script, folder)


@pytest.mark.slow
def test_saving_after_every_step_leaves_the_run_as_it_is(script, program, whole):
    folder = script.folder / "run"
    often = program(SAVES_MORE_OFTEN, share="inf")
    status, printed, _ = script.run(*QUICK, *RUNS["adam"], "--run-dir", folder, **often)
    assert status == 0
    assert (script.left_behind(folder), table(printed)) == whole("adam")


@SLOW
def test_the_runs_end_in_both_ways_by_patience_and_by_the_number_of_epochs(whole):
    ends = {name: whole(name)[0]["checkpoint.safetensors"]["run"]["goal"] for name in RUNS}
    assert ends["momentum"] < 20
    assert (ends["adam"], ends["large"]) == (15, 5)


@SLOW
def test_a_run_killed_before_its_first_checkpoint_begins_again(script, whole):
    folder = script.folder / "run"
    process = script.start(*QUICK, *RUNS["large"], "--run-dir", folder)
    wait_for_file(process, folder, "config.json")
    kill(process)
    for path in folder.glob("*.safetensors*"):  # it may have come so far
        path.unlink()
    (folder / "metrics.csv").unlink(missing_ok=True)
    ends_like(whole("large"), script, folder)


@SLOW
def test_a_run_killed_where_it_is_prolonged_is_prolonged_all_the_same(script):
    """The plan is changed before the first new step is saved."""
    options = [*QUICK, "--hidden", "16", "--batch-size", "256"]
    for name in ("whole", "run"):
        assert script.run(*options, "--epochs", "3", "--run-dir", name)[0] == 0
    assert script.run("--resume", "whole", "--epochs", "5")[0] == 0
    old = (script.folder / "run" / "config.json").stat().st_mtime_ns
    process = script.start("--resume", "run", "--epochs", "5")
    while (script.folder / "run" / "config.json").stat().st_mtime_ns == old:
        assert process.poll() is None
    kill(process)
    assert script.run("--resume", "run")[0] == 0
    ends = [script.left_behind(script.folder / name) for name in ("whole", "run")]
    assert ends[0] == ends[1]
