"""One of several runs, in this process: its exit status, its result, and what is no result."""

import json
import os
import re
import shutil
import threading
from pathlib import Path

import pytest

from chainrule.nets import FileError
from chainrule.training.options import parser
from chainrule.training.run.config import checksum
from chainrule.training.run.folder import RunFolder
from chainrule.training.runs import trial as module
from chainrule.training.runs.trial import BUSY, Result, Trial, carried_out, result_of, work

WORDS = ["--dataset", "xor", "--hidden", "3", "--epochs", "1"]


@pytest.fixture
def trial(tmp_path):
    options = parser().parse_args([*WORDS, "--seeds", "2"])
    (tmp_path / "seed-0").mkdir()
    return Trial(tmp_path / "seed-0", options, {"lr": "0.1", "dropout": ""})


NEVER = Path("no such file")


def test_it_is_called_by_its_folder_and_what_was_searched(trial):
    assert str(trial) == "seed-0   lr 0.1   dropout none"


def test_it_ends_with_a_result(trial, capsys):
    assert result_of(trial.path) is None
    assert carried_out(trial, NEVER) == 0
    found = result_of(trial.path)
    assert 0 <= found.best_score <= 1
    assert found.epoch == 1
    assert re.fullmatch(r"validation \d+\.\d\d% after epoch 1, \d+\.\d s", str(found))
    assert not (trial.path / "report.html").exists()
    assert carried_out(trial, NEVER) == 0  # it was done already
    assert result_of(trial.path).best_score == found.best_score
    capsys.readouterr()


def test_it_is_busy_while_another_process_has_its_folder(trial, monkeypatch, capsys):
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    release = RunFolder(trial.path, {}).claim()
    assert carried_out(trial, NEVER) == BUSY
    assert "another process begins a run there" in capsys.readouterr().err
    release()


def test_it_waits_for_a_process_that_is_about_to_end(trial, monkeypatch, capsys):
    release = RunFolder(trial.path, {}).claim()
    monkeypatch.setattr(module.time, "sleep", lambda _: release())
    assert carried_out(trial, NEVER) == 0
    capsys.readouterr()


def test_wrong_data_are_a_line(trial, capsys):
    trial.options.dataset = "cats"
    assert carried_out(trial, NEVER) == 2
    assert capsys.readouterr().err.startswith("chainrule: --dataset cats: expected digits")


def test_a_result_that_cannot_be_written_is_a_line(trial, monkeypatch, capsys):
    def full(path, _):
        raise FileError(f"{path}: cannot be written: No space left on device")

    monkeypatch.setattr(module, "write_file", full)
    assert carried_out(trial, NEVER) == 1
    assert "result.json: cannot be written: No space left" in capsys.readouterr().err


RIGHT = {"best_score": 0.9, "epoch": 3, "test_score": 0.5, "seconds": 1.5, "measure": "accuracy"}
EARLIER = {"best_score": 0.9, "epoch": 3, "test_accuracy": 0.5, "seconds": 1.5}


def test_a_result_is_read_with_and_without_its_checksum(tmp_path):
    for figures in (RIGHT, *(one | {"checksum": checksum(one)} for one in (RIGHT, EARLIER))):
        (tmp_path / "result.json").write_text(json.dumps(figures))
        assert result_of(tmp_path) == Result(**RIGHT)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[1]",
        "[" * 5000,
        json.dumps(RIGHT | {"spare": 1}),
        json.dumps(RIGHT | {"checksum": "another"}),
        json.dumps(RIGHT | {"epoch": 1.5}),
        json.dumps(RIGHT | {"seconds": -1}),
        json.dumps(RIGHT | {"best_score": True}),
        json.dumps(RIGHT | {"best_score": float("nan")}),
        json.dumps(RIGHT | {"seconds": float("inf")}),
        json.dumps(RIGHT | {"measure": "luck"}),
    ],
)
def test_what_is_no_result_is_refused(content, tmp_path):
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(
        FileError, match=r"result\.json: damaged: expected figures called best_score"
    ):
        result_of(tmp_path)


def test_a_result_that_is_a_folder_cannot_be_read(tmp_path):
    (tmp_path / "result.json").mkdir()
    with pytest.raises(FileError, match=r"result\.json: "):
        result_of(tmp_path)


def test_it_does_not_begin_where_it_is_to_stop(trial, tmp_path):
    (tmp_path / "stop").touch()
    assert carried_out(trial, tmp_path / "stop") == 130
    assert not (trial.path / "config.json").exists()


def test_it_is_saved_and_ends_once_it_is_to_stop(trial, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(module, "POLL", 0.01)
    trial.options.epochs = 10**6
    stop = tmp_path / "stop"
    begun = threading.Timer(0.5, stop.touch)
    begun.start()
    assert carried_out(trial, stop) == 130
    assert re.search(r"stopped after step [\d,]+, in epoch", capsys.readouterr().err)
    assert (trial.path / "checkpoint.safetensors").exists()


def test_all_that_it_prints_is_in_its_log(trial, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(trial.path)  # and is made anew
    assert work(trial, str(tmp_path), "stop") == 0
    assert capsys.readouterr() == ("", "")
    assert "validation accuracy" in (trial.path / "run.log").read_text(encoding="utf-8")


def test_a_folder_or_a_log_that_cannot_be_is_named(trial, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError, match="elsewhere: No such file or directory"):
        work(trial, str(tmp_path / "elsewhere"), "stop")
    os.mkfifo(trial.path / "run.log")
    with pytest.raises(FileError, match=re.escape(str(trial.path / "run.log"))):
        work(trial, str(tmp_path), "stop")
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="file/a: Not a directory"):
        work(Trial(tmp_path / "file" / "a", None, {}), str(tmp_path), "stop")
