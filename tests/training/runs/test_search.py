"""A random search: what is drawn, what is refused, and what is said in the end."""

import argparse
import math
import re
import shlex
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

import train
from chainrule.nets.files import read_arrays
from chainrule.training.options import parser
from chainrule.training.runs import search
from chainrule.training.runs.trial import Result, Trial


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def drawn(text, count=4000):
    """What a search over `text` draws, as it would stand on the command line."""
    one, rng = search.range_of(text), np.random.default_rng(0)
    return [one.draw(rng.random()) for _ in range(count)]


def words(*arguments):
    """The words of each trial that the command line asks for."""
    options = parser().parse_args(arguments)
    return [trial.words for trial in search.plan(options, Path("runs")).trials]


def test_the_same_command_gives_the_same_trials_and_each_whatever_their_number():
    asked = ["--search", "lr=1e-4..1e-1:log", "hidden=50,100,100x100", "epochs=1..9"]
    ten = words(*asked, "--trials", "10")
    assert ten == words(*asked, "--trials", "10")
    assert ten[:3] == words(*asked, "--trials", "3")
    assert len({one["lr"] for one in ten}) == 10
    other = words(*asked, "--trials", "10", "--seed", "1")
    assert not {one["lr"] for one in ten} & {one["lr"] for one in other}


def test_trials_have_the_options_asked_for_and_those_drawn():
    options = parser().parse_args(
        ["--norm", "none", "--seed", "7", "--lr", "9", "--trials", "5",
         "--search", "lr=1e-3..1e-2", "--search", "batch_size=8..9", "hidden=20x30,"]
    )  # fmt: skip
    trials = search.plan(options, Path("runs")).trials
    assert [trial.path for trial in trials[:2]] == [Path("runs/trial-00"), Path("runs/trial-01")]
    for trial in trials:
        found = trial.options
        assert (found.norm, found.seed) == ("none", 7)
        assert 1e-3 <= found.lr <= 1e-2
        assert found.batch_size in (8, 9)
        assert found.hidden in ((20, 30), ())
        assert not hasattr(found, "search")


def test_what_was_drawn_before_is_left_out_which_is_said(capsys):
    asked = ["--search", "hidden=9,8", "--trials", "6"]
    assert len(words(*asked)) == 2
    assert words(*asked, "--trials", "3") == words(*asked)[: len(words(*asked, "--trials", "3"))]
    assert train.main([*asked, "--epochs", "1", "--jobs", "1", "--run-dir", "a"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("4 of 6 draws repeat earlier ones and are left out\n2 runs in a")
    assert len(list(Path("a").glob("trial-*"))) == 2


def test_log_uniform_numbers_stay_within_and_are_spread_over_the_decades():
    values = [float(word) for word in drawn("lr=1e-4..1:log")]
    assert min(values) >= 1e-4
    assert max(values) <= 1
    decades = Counter(math.floor(math.log10(value)) for value in values)
    assert decades.keys() == {-4, -3, -2, -1}
    assert all(850 < count < 1150 for count in decades.values())  # 1000 ± 27


def test_uniform_numbers_stay_within_and_are_spread_over_the_tenths():
    values = [float(word) for word in drawn("warmup=2..3")]
    tenths = Counter(int(10 * (value - 2)) for value in values)
    assert tenths.keys() == set(range(10))
    assert all(300 < count < 500 for count in tenths.values())  # 400 ± 19


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epochs=3..6", {"3", "4", "5", "6"}),
        ("hidden=3..6", {"3", "4", "5", "6"}),
        ("hidden=3,4x4,", {"3", "4,4", ""}),
        ("norm=none,batchnorm,layernorm", {"none", "batchnorm", "layernorm"}),
    ],
)
def test_whole_numbers_and_choices_are_equally_likely_the_ends_included(text, words):
    counts = Counter(drawn(text))
    assert counts.keys() == words
    assert max(counts.values()) < 1.25 * min(counts.values())


def test_whole_numbers_on_a_log_scale_are_as_likely_below_ten_as_above():
    values = [int(word) for word in drawn("batch-size=1..99:log")]
    assert (min(values), max(values)) == (1, 99)
    assert 0.45 < np.mean([value < 10 for value in values]) < 0.55


@given(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9), st.floats(0, 1, exclude_max=True), st.booleans())
def test_what_is_drawn_is_within_however_narrow_the_range(a, b, u, log):
    if a != b:
        word = search.Range("lr", min(a, b), max(a, b), log).draw(u)
        assert min(a, b) <= float(word) <= max(a, b)


@given(st.integers(1, 10**40), st.integers(1, 10**40), st.floats(0, 1, exclude_max=True))
def test_what_is_drawn_of_whole_numbers_is_a_whole_number_within(a, b, u):
    for log in (False, True):
        word = search.Range("seed", min(a, b), max(a, b), log).draw(u)
        assert min(a, b) <= int(word) <= max(a, b)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["lr"], r"lr: expected NAME=LOW\.\.HIGH, NAME=LOW\.\.HIGH:log or NAME=A,B,C"),
        (["rate=1..2"], r"rate=1\.\.2: expected one of dataset, .*, dtype, got 'rate'"),
        (["=1..2"], r"=1\.\.2: expected one of dataset, .*, got ''"),
        (["gradcheck=1"], r"gradcheck=1: expected one of .*, got 'gradcheck'"),
        (["trials=1..2"], r"trials=1\.\.2: expected one of .*, got 'trials'"),
        (["lr="], "--search lr=: expected a number from 1e-100 .*, got ''"),
        (["lr=fast..1"], "expected a number from 1e-100 .*, got 'fast'"),
        (["lr=1e-3.."], "expected a number from 1e-100 .*, got ''"),
        (["lr=1..1e-3"], "expected LOW below HIGH, both finite, got 1 and 0.001"),
        (["l2=0..inf"], r"expected a number from 0 to 1e\+100, got 'inf'"),
        (["l2=nan..1"], r"expected a number from 0 to 1e\+100, got 'nan'"),
        (["l2=0..1:log"], "expected numbers above 0 for a log scale, got 0"),
        (["lr=1..2:lin"], "expected nothing or log behind ':', got 'lin'"),
        (["lr=1..2", "lr=3..4"], "--search lr: given 2 times, expected once"),
        (["batch-size=1..2", "batch_size=3,4"], "--search batch-size: given 2 times"),
        (["epochs=1.5..3"], r"expected a whole number, .*, got '1\.5'"),
        (["epochs=0..3"], "expected a whole number, at least 1, .*, got '0'"),
        (["hidden=16,axb"], "expected a whole number, .*, got 'a'"),
        (["hidden=16..32,32"], r"expected a number behind '\.\.', got '32,32'"),
        (["activation=relu..elu"], r"invalid choice: 'relu\.\.elu'"),
        (["norm=none,batch"], "invalid choice: 'batch'"),
        (["dropout=0.5..1.5"], r"1\.5: expected a number from 0 to 1, got '1\.5'"),
        (["batch-size=16..5000"], "--batch-size 5000: expected at most 1078, the number of tr"),
        (["dataset=digits,cats"], "--dataset cats: expected digits, mnist"),
        (["lr=1..2", "l2=-1..1"], r"expected a number from 0 to 1e\+100, got '-1'"),
    ],
)
def test_wrong_ranges_are_refused_in_one_line_before_anything_is_written(texts, message, capsys):
    assert train.main(["--search", *texts]) == 2
    caught = capsys.readouterr()
    assert re.fullmatch(rf"chainrule: .*{message}.*\n", caught.err)
    assert caught.out == ""
    assert not list(Path().iterdir())


def test_a_search_ends_with_its_trials_by_score_and_the_command_that_trains_the_best(capsys):
    options = ["--norm", "none", "--rule", "sgd", "--batch-size", "64", "--no-report"]
    ranges = ["lr=1e-3..1:log", "epochs=1..3", "hidden=16,16x8"]
    several = ["--trials", "3", "--jobs", "2", "--run-dir", "a"]
    assert train.main([*options, "--search", *ranges, *several]) == 0
    printed = capsys.readouterr().out
    head, *lines = printed[printed.index("\n      ") :].strip().splitlines()
    assert head.split() == ["lr", "epochs", "hidden", "validation", "epoch", "seconds"]
    scores = [float(line.split()[4].rstrip("%")) for line in lines[:3]]
    assert scores == sorted(scores, reverse=True)
    assert printed.count("test accuracy") == 1
    best = re.search(r"^best: (trial-0\d), validation ([\d.]+)% after epoch", printed, re.M)
    assert lines[0].startswith(best[1])
    assert float(best[2]) == scores[0]

    command = shlex.split(re.search(r"^chainrule train (.*)$", printed, re.M)[1])
    assert train.main([*command, "--no-report", "--run-dir", "again"]) == 0
    first, _ = read_arrays(f"a/{best[1]}/best.safetensors")
    again, _ = read_arrays("again/best.safetensors")
    assert first.keys() == again.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, again[name])
    assert Path("a/search.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "line",
    [
        "chainrule train --dataset 'my data.csv' --hidden 20,30 --lr 0.1 --gradcheck",
        "chainrule train --hidden '' --batch-size 8 --seed 4",
    ],
)
def test_the_command_of_a_trial_says_what_differs_from_the_defaults(line):
    options = parser().parse_args([*shlex.split(line)[2:], "--run-dir", "a", "--trials", "3"])
    assert search.command(options, {}) == line
    assert search.command(options, {"l2": "0.5"}) == f"{line} --l2 0.5"


def test_the_picture_goes_over_the_range_and_marks_the_best_and_those_that_failed():
    def trial(lr, norm):
        return Trial(Path("trial"), argparse.Namespace(), {"lr": lr, "norm": norm})

    done = [
        (trial("0.1", "none"), Result(0.9, 1, 0.5, 1.0)),
        (trial("0.01", "batchnorm"), Result(0.8, 1, 0.5, 1.0)),
    ]
    ranges = search.ranges_of(["lr=1e-3..1:log", "norm=batchnorm,none"])
    panels = search.pictured(ranges, done, [trial("1", "none")]).panels
    rate, norm = Figure().subplots(1, 2)
    panels[0].draw(rate)
    panels[1].draw(norm)
    assert rate.get_xscale() == "log"
    low, high = rate.get_xlim()
    assert 5e-4 < low < 1e-3
    assert 1 < high < 2
    assert [one.get_text() for one in norm.get_xticklabels()] == ["batchnorm", "none"]
    everyone, best, failed = (line.get_xydata().tolist() for line in rate.get_lines())
    assert everyone == [[0.1, 0.9], [0.01, 0.8]]
    assert best == [[0.1, 0.9]]
    assert failed[0][0] == 1
    assert norm.get_lines()[0].get_xdata().tolist() == [1, 0]
    assert rate.get_title() == "best: 0.1"
