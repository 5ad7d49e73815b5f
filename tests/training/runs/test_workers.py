"""Where several runs are carried out: what is asked of the workers of a Dask scheduler, and that a
search outlives the loss of one."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import train
from chainrule.training.runs import workers

WORDS = ["--hidden", "16", "--no-report", "--epochs", "3", "--seeds", "2", "--run-dir", "a"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


class Client:
    """That of a scheduler whose workers are as they are said to be."""

    def __init__(self, threads=(), sees=True, version=None):
        self.threads, self.sees = dict(threads), sees
        self.version = workers.installed() if version is None else version

    def nthreads(self):
        return self.threads

    def run(self, function, *words):
        found = self.version if function is workers.installed else self.sees
        return dict.fromkeys(self.threads, found)


@pytest.mark.parametrize(
    ("client", "message"),
    [
        (Client(), "has no workers; start some: dask worker tcp://x:1 --nthreads 1 --nworkers N"),
        (Client({"b": 4}), "the worker b has 4 threads, expected one"),
        (Client({"b": 1}, sees=False), "the worker b does not see .*; all machines need this"),
        (Client({"b": 1}, version="not installed"), "b has chainrule not installed, expected 0"),
    ],
)
def test_workers_that_cannot_carry_out_trials_are_refused(client, message):
    with pytest.raises(ValueError, match=f"--scheduler tcp://x:1: .*{message}"):
        workers.check_workers("tcp://x:1", client)
    workers.check_workers("tcp://x:1", Client({"b": 1}))


def test_without_dask_the_extra_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert train.main([*WORDS, "--scheduler", "tcp://127.0.0.1:1"]) == 2
    assert 'Dask is not there: pip install "chainrule[dask]"' in capsys.readouterr().err
    assert not list(Path().iterdir())


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense:x", ""])
def test_where_no_scheduler_answers_nothing_is_begun(address, monkeypatch, capsys):
    pytest.importorskip("distributed")
    monkeypatch.setattr(workers, "CONNECT", 0.5)
    assert train.main([*WORDS, "--scheduler", address]) == 2
    said = capsys.readouterr().err
    assert re.fullmatch(rf"chainrule: --scheduler {address}: no scheduler .*\n", said)
    assert not list(Path().iterdir())


def dask(*words):
    """A program of Dask in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def cluster(tmp_path):
    """The address of a scheduler on this machine, and two workers."""
    pytest.importorskip("distributed")
    place = tmp_path / "scheduler.json"
    started = [dask("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                    "--scheduler-file", str(place))]  # fmt: skip
    while not place.exists():
        assert started[0].poll() is None, started[0].communicate()[0]
        time.sleep(0.05)
    address = re.search(r'"address": "(\S+)"', place.read_text())[1]
    for number in range(2):
        words = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
        folder = str(tmp_path / f"space-{number}")
        started.append(dask("dask_worker", address, *words, "--local-directory", folder))
    yield address, started[1:]
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_a_search_outlives_a_worker_that_is_killed(cluster, capsys):
    from distributed import Client as Real

    address, (first, _) = cluster
    with Real(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
    Path("runs").mkdir()
    os.chdir("runs")
    words = ["--hidden", "16", "--no-report", "--epochs", "40"]
    search = ["--search", "lr=1e-3..1e-1:log", "--trials", "3", "--seed", "5"]
    ours = subprocess.Popen(
        [sys.executable, "-m", "chainrule", "train", *words, *search, "--run-dir", "far",
         "--scheduler", address],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while len(list(Path("far").glob("*/checkpoint.safetensors"))) < 2:
        assert ours.poll() is None, ours.communicate()
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGKILL)
    printed, said = ours.communicate(timeout=120)
    assert ours.returncode == 0, said
    assert "3 runs in far; 2 at a time" in printed
    assert train.main([*words, *search, "--run-dir", "near"]) == 0
    assert table(printed) == table(capsys.readouterr().out)

    shutil.rmtree("far/trial-01")
    assert train.main(["--resume", "far", "--scheduler", address]) == 0
    assert "3 runs in far, 2 of them done before; 1 at a time" in capsys.readouterr().out


def table(printed):
    """The lines of the table without the seconds, which no two runs share."""
    lines = printed[printed.index("validation  epoch") :].splitlines()[1:]
    return [re.sub(r" +[\d.]+$", "", line) for line in lines if line.startswith("trial")]
