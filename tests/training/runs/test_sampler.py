"""--sampler tpe: what Optuna is asked and told, and that a search goes on where it was."""

import math
import re
import shutil
import sys
from pathlib import Path

import pytest

import train
from chainrule.training.options import parser
from chainrule.training.runs import search
from chainrule.training.runs.trial import Result

WORDS = ["--hidden", "8", "--no-report", "--epochs", "1", "--jobs", "1"]
SEARCH = ["--search", "lr=1e-3..1:log", "hidden=4..16", "norm=none,batchnorm", "--sampler", "tpe"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_without_optuna_the_extra_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert train.main([*WORDS, *SEARCH, "--run-dir", "a"]) == 2
    assert 'Optuna is not there: pip install "chainrule[optuna]"' in capsys.readouterr().err
    assert not list(Path().iterdir())


def suggested(trials, seed=0):
    """The trials of a search that is begun in this folder, or gone on with."""
    pytest.importorskip("optuna")
    words = [*SEARCH, "--trials", str(trials), "--seed", str(seed)]
    found = search.plan(parser().parse_args(words), Path())
    found.open()
    return found


def distance(trial):
    """In powers of ten, from 0.03, where the best rate lies."""
    return abs(math.log10(float(trial.words["lr"]) / 0.03))


def score_of(trial):
    return Result(1 - distance(trial) / 2, 1, 0.5, 1.0)


def carry_out(trials, outcomes, most=99):
    while most > 0 and (trial := trials.take(outcomes)) is not None:
        outcomes[trial.name] = score_of(trial)
        most -= 1
    return outcomes


def test_it_comes_closer_than_chance():
    trials = suggested(40)
    carry_out(trials, {})
    mean = sum(map(distance, trials.trials[20:])) / 20
    assert mean < 0.55  # at random it is 0.75, the mean of |x - 1.5| over [0, 3]


def test_broken_off_it_goes_on_to_the_same_trials():
    trials = suggested(16)
    carry_out(trials, {})
    whole = [trial.words for trial in trials.trials]
    Path("optuna.log").unlink()
    outcomes = carry_out(suggested(16), {}, most=12)
    again = suggested(16)
    left = again.trials[:12]
    assert [trial.words for trial in left] == whole[:12]
    carry_out(again, outcomes)
    assert [trial.words for trial in again.trials] == whole


def test_a_trial_that_was_not_done_comes_first_and_draws_differ_by_seed():
    trials = suggested(5)
    first, second = trials.take({}), trials.take({})
    again = suggested(5)
    assert again.take({first.name: score_of(first)}).words == second.words
    Path("optuna.log").unlink()
    assert suggested(5, seed=1).take({}).words != first.words


def test_one_that_failed_counts_as_the_worst_so_far():
    trials = suggested(4)
    first, second = trials.take({}), trials.take({})
    outcomes = {first.name: Result(0.9, 1, 0.5, 1.0), second.name: "failed: diverged"}
    trials.take(outcomes)
    values = [one.value for one in trials.study.trials]
    assert values == [0.9, 0.9, None]


def test_what_repeats_is_left_out():
    pytest.importorskip("optuna")
    words = ["--search", "norm=none,batchnorm", "--sampler", "tpe", "--trials", "12"]
    trials = search.plan(parser().parse_args(words), Path())
    trials.open()
    outcomes = {}
    while (trial := trials.take(outcomes)) is not None:
        outcomes[trial.name] = Result(0.9, 1, 0.5, 1.0)
    assert sorted(trial.words["norm"] for trial in trials.trials) == ["batchnorm", "none"]


def test_a_search_from_the_command_line_ends_and_is_resumed(capsys):
    pytest.importorskip("optuna")
    assert train.main([*WORDS, *SEARCH, "--trials", "12", "--run-dir", "a"]) == 0
    printed = capsys.readouterr().out
    assert len(re.findall(r"^trial-\d\d +lr", printed, re.M)) == 12
    shutil.rmtree("a/trial-11")
    assert train.main(["--resume", "a"]) == 0
    again = capsys.readouterr().out
    assert "12 runs in a, 11 of them done before; 1 at a time" in again
    line = r"^trial-11   lr.*validation \S+"
    assert re.search(line, again, re.M)[0] == re.search(line, printed, re.M)[0]


def test_a_damaged_log_is_named(capsys):
    pytest.importorskip("optuna")
    assert train.main([*WORDS, *SEARCH, "--trials", "1", "--run-dir", "a"]) == 0
    Path("a/optuna.log").write_text("nonsense\nmore of it\n")
    assert train.main(["--resume", "a"]) == 2
    assert "chainrule: a/optuna.log: damaged" in capsys.readouterr().err
