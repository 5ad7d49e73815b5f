import json
import sys
from pathlib import Path

import pytest

from chainrule.__main__ import main

WORDS = ["train", "--dataset", "moons", "--hidden", "4", "--no-report"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def lines_of(path):
    return [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]


def test_every_epoch_has_a_line_and_a_run_that_goes_on_goes_on_there(tmp_path, monkeypatch):
    assert main([*WORDS, "--epochs", "3", "--log", "log.jsonl", "--run-dir", "run"]) == 0
    about, *epochs, last = lines_of("log.jsonl")
    assert last == {"ended": "trained to the end, 3 epochs"}
    assert about == {"run": "run", "dataset": "moons", "epochs": 3}
    assert [one["epoch"] for one in epochs] == [1, 2, 3]
    assert epochs[0].keys() == {*("epoch", "loss", "val_loss", "train_score", "val_score"),
                                *("grad_norm", "seconds", "lr")}  # fmt: skip
    (tmp_path / "elsewhere").mkdir()
    with open("log.jsonl", "a") as file:  # of an epoch that was not saved
        file.write('{"epoch": 4, "loss": 9.0}\n')
    monkeypatch.chdir("elsewhere")
    assert main(["resume", "../run", "--epochs", "5"]) == 0
    again = lines_of("../log.jsonl")
    assert again[:4] == [about, *epochs]
    assert [one["epoch"] for one in again[1:-1]] == [1, 2, 3, 4, 5]
    assert again[-1] == {"ended": "trained to the end, 5 epochs"}
    assert again[4]["loss"] < 9


def test_a_run_that_leaves_the_finite_numbers_ends_its_log_with_that(capsys):
    words = ["--epochs", "9", "--lr", "1e99", "--rule", "sgd", "--norm", "none"]
    assert main([*WORDS, *words, "--log", "log.jsonl", "--run-dir", "run"]) == 1
    said = capsys.readouterr().err.strip().removeprefix("chainrule: ")
    assert lines_of("log.jsonl")[-1] == {"ended": said}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--log", "."], "--log .: is a folder, expected the name of a file"),
        (["--log", "no/log.jsonl"], "--log no/log.jsonl: is in a folder that is not there"),
        (["--log", "l.jsonl", "--seeds", "2"], "--log: goes with one run, not with --see"),
    ],
)
def test_what_cannot_be_written_is_said_before_anything_is_begun(words, message, tmp_path, capsys):
    assert main([*WORDS, *words, "--run-dir", "run"]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_no_log_is_left_as_it_is(capsys):
    assert main([*WORDS, "--epochs", "1", "--log", "log.jsonl", "--run-dir", "run"]) == 0
    Path("log.jsonl").write_text("diary\n")
    assert main(["resume", "run", "--epochs", "2"]) == 2
    assert "log.jsonl, line 1: expected an object in JSON" in capsys.readouterr().err
    assert Path("log.jsonl").read_text() == "diary\n"


def test_without_tensorboardx_the_extra_is_named(monkeypatch, capsys):
    monkeypatch.setattr("chainrule.training.run.logs.find_spec", lambda _: None)
    assert main([*WORDS, "--tensorboard", "--run-dir", "run"]) == 2
    assert 'pip install "chainrule[tensorboard]"' in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    monkeypatch.undo()
