"""Signals while a run is kept safe: what each ends, when, and that the run is saved first."""

import signal

import numpy as np
import pytest

from chainrule.__main__ import main
from chainrule.nets.files import read_arrays
from chainrule.training.options import parser
from chainrule.training.run.autosave import SIGNALS, Follower, Stopped
from chainrule.training.run.ranks import ALONE
from chainrule.training.run.running import begin

SMALL = ["--dataset", "xor", "--hidden", "3", "--epochs", "1", "--no-report", "--run-dir", "run"]

pytestmark = pytest.mark.usefixtures("ctrl_c")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run that was begun, and has taken no step."""
    monkeypatch.chdir(tmp_path)
    run = begin(parser().parse_args(SMALL))
    yield run
    run.folder.release()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_run_after_the_step_which_is_saved(number, run):
    def one_step(solver):
        if solver.step == 1:
            signal.raise_signal(number)
        run.keeper.after_step(solver)

    before = signal.getsignal(number)
    run.solver.after_step = one_step
    run.solver.progress = False
    with run.keeper.watching(), pytest.raises(Stopped) as stopped:
        run.solver.train()
    assert stopped.value.number == number
    assert signal.getsignal(number) == before
    assert read_arrays(run.folder / "checkpoint.safetensors")[1]["run"]["step"] == 1


def test_a_second_ctrl_c_ends_it_at_once(run):
    with run.keeper.watching():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)  # whoever asks twice is not more in a hurry
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_rank_that_waits_ends_after_a_signal_alone(run):
    with run.keeper.watching():
        run.keeper.heed_while_waiting()
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Stopped):
            run.keeper.heed_while_waiting()


def test_after_the_last_step_a_signal_ends_it_at_once(run):
    with run.keeper.watching():
        run.keeper.heed_at_once()
        with pytest.raises(Stopped):
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Stopped):  # and so does one that has come before
            run.keeper.heed_at_once()


def test_a_step_that_left_the_finite_numbers_keeps_the_checkpoint_before(run):
    file = run.folder / "checkpoint.safetensors"
    before = file.read_bytes()
    next(iter(run.model.params.values()))[...] = np.nan
    run.keeper.save(run.solver)
    assert file.read_bytes() == before


def test_another_rank_than_the_first_writes_nothing(run):
    file = run.folder / "checkpoint.safetensors"
    file.unlink()
    follower = Follower(run.folder, ALONE, run.keeper.monitor)
    follower.save(run.solver)
    follower.save_results(run.solver)
    follower.save_end(run.solver)
    assert not file.exists()


def test_a_run_that_was_interrupted_says_how_to_go_on(run, monkeypatch, capsys):
    run.folder.release()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("chainrule.solvers.Solver.train", interrupted)
    assert main(["resume", "run"]) == 130
    said = capsys.readouterr().err
    assert said.startswith("chainrule: interrupted before the first step; what was saved before")
    assert said.endswith("go on with: chainrule resume run\n")
