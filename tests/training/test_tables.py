"""Tables on the command line: what is told, which column is learned, and for how long."""

import json
import re

import numpy as np
import pytest

import train
from chainrule.training import Trained


@pytest.fixture
def ward(tmp_path, monkeypatch):
    """A table whose label is first, and whose rows are numbered."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = [f"{'ny'[i % 2]},{rng.normal(3 * (i % 2), 1):.3f},{i}" for i in range(100)]
    (tmp_path / "ward.csv").write_text("\n".join(["label,dose,no", *rows]), encoding="utf-8")
    return tmp_path


def options_of(folder):
    return json.loads((folder / "config.json").read_text("utf-8"))["options"]


@pytest.mark.usefixtures("ward")
def test_the_label_is_named_and_notes_are_said_once_on_stderr(capsys):
    words = ["--dataset", "ward.csv", "--epochs", "2", "--no-report", "--run-dir", "run"]
    assert train.main(words) == 2
    assert "one column is called 'label', but the last column, 'no'" in capsys.readouterr().err
    assert train.main([*words, "--label", "label"]) == 0
    caught = capsys.readouterr()
    assert re.search(r"^  label +column 1 of the file, label$", caught.out, re.M)
    assert caught.err.count("note:") == 1
    assert caught.err.startswith("note: ward.csv: column 3 (no) numbers the rows")
    assert train.main(["evaluate", "run"]) == 0
    assert train.main(["evaluate", "run", "--data", "ward.csv"]) == 0
    assert "ward.csv, judged by run" in capsys.readouterr().out
    assert train.main(["resume", "run", "--epochs", "3"]) == 0
    assert Trained.open("run").features == ("dose", "no")
    assert (Trained.open("run").label, Trained.open("run").label_column) == ("label", 0)


def test_a_small_table_gets_about_2000_steps_and_other_data_what_they_had(ward):
    words = ["--label", "0", "--no-report", "--patience", "1", "--hidden", "4"]
    assert train.main(["--dataset", "ward.csv", *words, "--run-dir", "own"]) == 0
    assert options_of(ward / "own")["epochs"] == 500  # 60 rows, 2 steps each
    for name, epochs in (("digits", 40), ("moons", 40)):
        assert train.main(["--dataset", name, *words[2:], "--run-dir", name]) == 0
        assert options_of(ward / name)["epochs"] == epochs


@pytest.mark.usefixtures("ward")
def test_sanity_judges_the_steps_that_the_run_takes(capsys):
    words = ["--dataset", "ward.csv", "--label", "0", "--sanity"]
    assert train.main([*words, "--epochs", "1"]) == 1
    printed = capsys.readouterr().out
    assert "The run is too short: it takes 2 steps" in printed
    assert re.search(r"✗ data +column 3 \(no\) numbers the rows", printed)


@pytest.mark.usefixtures("ward")
def test_what_is_about_csv_files_is_refused_elsewhere(capsys):
    assert train.main(["--label", "0"]) == 2
    assert "--label goes with a CSV file, not with --dataset digits" in capsys.readouterr().err
    np.savez("t.npz", x=np.random.default_rng(0).random((9, 2)), y=np.arange(9) % 3)
    assert train.main(["--dataset", "t.npz", "--header", "no"]) == 2
    assert "an NPZ file has no first line" in capsys.readouterr().err
