"""Several runs at once: the same numbers as one by one, whatever ends some of them."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

import train
from chainrule.nets.files import read_arrays
from chainrule.training.run.folder import RunFolder
from chainrule.training.runs import processes, seeds
from chainrule.training.runs.trial import Result, Trial
from chainrule.training.runs.trials import Trials
from chainrule.training.runs.workers import Processes
from tests.signals import HEEDED

ROOT = Path(__file__).parents[3]
SMALL = ["--hidden", "16", "--jobs", "2", "--no-report"]
LONG = [*SMALL, "--epochs", "80"]  # seconds each
DIVERGING = ["--rule", "sgd", "--norm", "none", "--search", "lr=0.01,1e30", "--epochs", "2"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def launch(*options):
    """train.py in a process, and a process group, of its own."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **HEEDED,
    )


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def group_is_gone(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def table(printed):
    """The lines of the table without the seconds, which no two runs share."""
    lines = printed[printed.index("validation  epoch") :].splitlines()[1:]
    return [re.sub(r" +[\d.]+$", "", line) for line in lines if line[:5] in ("seed-", "trial")]


def statuses(folder):
    return [(one / "result.json").exists() for one in sorted(folder.glob("*-*"))]


def test_seeds_are_to_the_bit_the_runs_with_these_seeds(capsys):
    options = ["--hidden", "16", "--epochs", "3", "--no-report"]
    assert train.main([*options, "--seed", "3", "--seeds", "2", "--run-dir", "all"]) == 0
    printed = capsys.readouterr().out
    for seed in ("3", "4"):
        assert train.main([*options, "--seed", seed, "--run-dir", f"one-{seed}"]) == 0
        alone = capsys.readouterr().out
        result = json.loads(Path(f"all/seed-{seed}/result.json").read_text())
        assert f"validation accuracy {result['best_score']:.2%}, the best, after epoch " in alone
        assert f"test accuracy {result['test_score']:.2%}" in alone
        assert re.search(rf"^seed-{seed} +{result['best_score']:.2%} +\d", printed, re.M)
        assert f"test accuracy {result['test_score']:.2%}" in Path(
            f"all/seed-{seed}/run.log"
        ).read_text(encoding="utf-8")
        together, _ = read_arrays(f"all/seed-{seed}/best.safetensors")
        single, _ = read_arrays(f"one-{seed}/best.safetensors")
        assert together.keys() == single.keys()
        for name, array in single.items():
            np.testing.assert_array_equal(together[name], array)
    assert Path("all/seeds.png").read_bytes().startswith(b"\x89PNG")


def test_the_table_of_seeds_ends_with_what_they_come_to():
    path = Path("seed-0")
    trial = seeds.Trial(path, None, {})
    done = [(trial, Result(0.90, 3, 0.80, 1.0)), (trial, Result(0.94, 4, 0.81, 2.0))]
    lines = [line.split() for line in seeds.table(done).splitlines()]
    assert lines[-4:] == [
        ["mean", "92.00%", "80.50%"],
        ["deviation", "2.83%", "0.71%"],  # 0.04 / √2, 0.01 / √2
        ["smallest", "90.00%", "80.00%"],
        ["largest", "94.00%", "81.00%"],
    ]
    assert seeds.table(done[:1]).splitlines()[-3].split() == ["deviation", "-", "-"]


@pytest.mark.slow
def test_runs_killed_in_the_middle_go_on_to_the_same_table():
    options = [*LONG, "--search", "lr=1e-3..1e-1:log", "--trials", "3", "--seed", "5"]
    killed = launch(*options, "--run-dir", "killed")
    folder = Path("killed")
    wait_for(lambda: any(statuses(folder)) and len(list(folder.glob("*/checkpoint.*"))) == 3)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert not all(statuses(folder))
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/result.json")}

    whole, again = launch(*options, "--run-dir", "whole"), launch("--resume", "killed")
    (expected, _), (printed, error) = whole.communicate(), again.communicate()
    assert (whole.returncode, again.returncode) == (0, 0), error
    assert f"3 runs in killed, {len(before)} of them done before" in printed
    assert len(table(printed)) == 3
    assert table(printed) == table(expected)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (folder / "search.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_stops_all_runs_which_are_saved_and_leaves_no_process(number, status):
    run = launch(*SMALL, "--epochs", "9999", "--seeds", "3", "--run-dir", "a b")
    folder = Path("a b")
    wait_for(lambda: len(list(folder.glob("*/checkpoint.safetensors"))) == 2)
    steps = [read_arrays(path)[1]["run"]["step"] for path in folder.glob("*/checkpoint.*")]
    time.sleep(0.5)
    again = launch("--resume", "a b")
    refused = again.communicate()[1], again.returncode
    os.kill(run.pid, getattr(signal, number))
    _, error = run.communicate(timeout=60)
    assert refused[1] == 2
    assert re.match(r"chainrule: a b: another process is training", refused[0])
    assert run.returncode == status
    last = error.splitlines()[-1]
    assert last == ("chainrule: stopped with 0 of 3 runs done; go on with: chainrule resume 'a b'")
    assert "Traceback" not in error
    wait_for(lambda: group_is_gone(run.pid), seconds=10)
    later = [read_arrays(path)[1]["run"]["step"] for path in folder.glob("*/checkpoint.*")]
    assert sum(later) > sum(steps)
    assert not (folder / "seed-2").exists()


@pytest.mark.slow
def test_runs_end_with_the_process_that_started_them():
    run = launch(*SMALL, "--epochs", "9999", "--seeds", "1", "--run-dir", "a")
    wait_for(Path("a/seed-0/checkpoint.safetensors").exists)
    run.kill()
    run.communicate()
    wait_for(lambda: group_is_gone(run.pid), seconds=20)


def test_a_run_that_diverges_is_reported_and_the_others_finish(capsys):
    assert train.main([*SMALL, *DIVERGING, "--trials", "4", "--run-dir", "a"]) == 0
    printed = capsys.readouterr().out
    assert 0 < sum(statuses(Path("a"))) < 4
    for path in sorted(Path("a").glob("trial-*")):
        if (path / "result.json").exists():
            assert re.search(rf"^{path.name} +0.01 ", printed, re.M)
        else:
            why = r"lr 1e30   failed: epoch 1, step \d+: .*; try a learning rate below 1e\+30"
            assert re.search(rf"^{path.name}   {why}", printed, re.M)


def test_where_all_runs_fail_the_status_says_so(capsys):
    options = [*SMALL, *DIVERGING[:4], "--lr", "1e30", "--epochs", "2", "--seeds", "2"]
    assert train.main([*options, "--run-dir", "a"]) == 1
    caught = capsys.readouterr()
    message = "chainrule: all 2 runs failed, see run.log in their folders"
    assert caught.err.splitlines()[-1] == message
    assert not Path("a/seeds.png").exists()


def test_workers_compute_in_one_thread_and_the_environment_here_stays(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    own = Processes(1)
    try:
        assert own._executor.submit(os.getenv, "OPENBLAS_NUM_THREADS").result() == "1"
    finally:
        own.close(at_once=False)
    assert os.environ["OPENBLAS_NUM_THREADS"] == "3"


class Deadly(Processes):
    """Workers that seed-1 kills."""

    def submit(self, trial, stop):
        if trial.name == "seed-1":
            return self._executor.submit(signal.raise_signal, signal.SIGKILL)
        return super().submit(trial, stop)


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_a_killed_run_is_reported_and_taken_up_later(jobs, monkeypatch, capsys):
    monkeypatch.setattr(processes, "Processes", Deadly)
    words = ["--hidden", "16", "--no-report", "--epochs", "2", "--seeds", "3", "--jobs", jobs]
    assert train.main([*words, "--run-dir", "a"]) == 0
    printed = capsys.readouterr().out
    assert "seed-1   failed: its process was killed, perhaps for want of memory" in printed
    assert len(table(printed)) == 2

    monkeypatch.setattr(processes, "Processes", Processes)
    assert train.main(["--resume", "a"]) == 0
    printed = capsys.readouterr().out
    assert "3 runs in a, 2 of them done before; 1 at a time" in printed
    assert len(table(printed)) == 3


@pytest.mark.parametrize(
    ("status", "log", "reason"),
    [
        (2, "epoch 1\nchainrule: the data are gone\n\n", "failed: the data are gone"),
        (1, " \n", "failed: exit status 1"),
        (1, None, "failed: exit status 1"),
    ],
)
def test_why_a_run_ended_is_said_in_a_line(status, log, reason, tmp_path):
    if log is not None:
        (tmp_path / "run.log").write_text(log)
    assert processes.why(Trial(tmp_path, None, {}), status) == reason


class Heedless:
    """Workers who never end what they do."""

    count, killed = 2, OSError

    def __init__(self):
        self.begun, self.closed = [], []

    def submit(self, trial, stop):
        self.begun.append((trial.name, stop))
        return Future()

    def close(self, *, at_once):
        self.closed.append((at_once, self.begun[0][1].exists()))


def test_a_signal_is_passed_on_and_a_second_ctrl_c_ends_all_at_once(tmp_path, monkeypatch):
    received = []

    class Bar:
        def update(self):
            raise AssertionError("none is done")

        def refresh(self):  # after every look around
            received.append(signal.SIGINT)

    monkeypatch.setattr(processes, "POLL", 0.01)
    trials = Trials([Trial(tmp_path / name, None, {}) for name in "abc"])
    workers, outcomes = Heedless(), {}
    many = processes.Many(seeds, None, RunFolder(tmp_path, {}), trials, workers, outcomes, None)
    processes.Round(many, 2, received, Bar()).carry_out()
    assert outcomes == {}  # to be gone on with
    assert workers.begun == [("a", tmp_path / "stop"), ("b", tmp_path / "stop")]
    assert workers.closed == [(True, True)]
    assert not (tmp_path / "stop").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seeds", "2", "--search", "lr=1..2"], "--seeds and --search: expected one of them"),
        (["--trials", "3"], "--trials 3: goes with --search, which is missing"),
        (["--trials", "3", "--seeds", "2"], "--trials 3: goes with --search, which is missing"),
        (["--jobs", "2"], "--jobs 2: goes with --seeds or --search, both are missing"),
        (
            ["--scheduler", "a:1"],
            "--scheduler a:1: goes with --seeds or --search, both",
        ),
        (
            ["--sampler", "tpe", "--seeds", "2"],
            "--sampler tpe: goes with --search, which is",
        ),
        (["--seeds", "0"], "argument --seeds: expected a whole number, at least 1, .* '0'"),
        (["--seeds", "10000"], "argument --seeds: expected .* of at most 4 digits, got '10000'"),
        (["--seeds", "2", "--dropout", "2"], "--dropout: expected a number from 0 to 1, got '2'"),
        (["--seeds", "2", "--dataset", "cats"], "--dataset cats: expected digits"),
        (["--resume", "none"], "none: expected the folder of a run"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_anything_is_written(
    options, message, capsys
):
    refused(options, message, capsys)
    assert not list(Path().iterdir())


def refused(options, message, capsys):
    """train.py says `message` in one line, and nothing else."""
    try:
        status = train.main(options)
    except SystemExit as ended:  # of the parser
        status = ended.code
    assert status == 2
    assert re.fullmatch(rf"chainrule: .*{message}.*\n", capsys.readouterr().err)


def test_runs_that_an_earlier_version_began_are_finished(capsys):
    words = ["--hidden", "8", "--epochs", "2", "--seeds", "2", "--jobs", "1", "--run-dir", "all"]
    assert train.main(words) == 0
    printed = table(capsys.readouterr().out)
    path = Path("all/config.json")
    config = json.loads(path.read_text())
    del config["checksum"]
    for name in ("task", "log", "live", "tensorboard", "net", "channels", "augment", "missing"):
        del config["options"][name]
    path.write_text(json.dumps(config))
    shutil.rmtree("all/seed-1")
    assert train.main(["--resume", "all"]) == 0
    assert table(capsys.readouterr().out) == printed


def test_folders_of_several_runs_are_resumed_as_such_and_damaged_ones_are_named(capsys):
    options = [*SMALL, "--epochs", "1", "--seeds", "2", "--run-dir", "a"]
    assert train.main(options) == 0
    capsys.readouterr()
    refused(
        options, "--run-dir a: holds a run already; go on with it by chainrule resume a", capsys
    )
    refused(["--resume", "a", "--epochs", "9"], "--epochs 9: goes with one run, a holds", capsys)
    one = ["--resume", "a/seed-0", "--jobs", "2"]
    refused(one, "--jobs 2: goes with several runs, a/seed-0 holds one", capsys)

    result = Path("a/seed-1/result.json")
    before = result.read_text()
    for text in ("{}", "nonsense", "[1]", before.replace("0.", '"0').replace(",", '",', 1)):
        result.write_text(text)
        refused(["--resume", "a"], "a/seed-1/result.json: damaged: expected figures .*best_score",
                capsys)  # fmt: skip
    result.write_text(before)
    config = json.loads(Path("a/config.json").read_text())
    del config["checksum"]  # of whoever does not mean to be found out
    for broken in ({"options": {}}, {"data": 3}, {"options": config["options"] | {"seeds": "x"}}):
        Path("a/config.json").write_text(json.dumps(config | broken))
        refused(["--resume", "a"], "a/config.json: damaged: ", capsys)
    changed = config | {"data": config["data"] | {"fingerprint": "another"}}
    Path("a/config.json").write_text(json.dumps(changed))
    refused(["--resume", "a"], "the data of digits are not those that the runs were begun", capsys)
