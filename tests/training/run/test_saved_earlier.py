"""A run folder that version 0.1.0 wrote, when the packages had plain names."""

import csv
import shutil
from pathlib import Path

import pytest

from chainrule.__main__ import main

SAVED = Path(__file__).parent / "saved" / "run"
#: What that version came to when it went on with the run: loss and validation score by epoch.
EXPECTED = {5: (0.6423279762268066, 0.65), 6: (0.6322809020678203, 0.65)}


@pytest.fixture
def run(tmp_path):
    return shutil.copytree(SAVED, tmp_path / "run")


def test_it_is_judged(run, capsys):
    assert main(["evaluate", str(run)]) == 0
    assert "accuracy 65.00% (52 of 80)" in capsys.readouterr().out


def test_it_goes_on_as_if_nothing_had_been_renamed(run, capsys):
    assert main(["resume", str(run), "--epochs", "6"]) == 0
    assert "taken up after the last step, 32" in capsys.readouterr().out
    with open(run / "metrics.csv", newline="") as file:
        rows = {int(row["epoch"]): row for row in csv.DictReader(file)}
    assert [rows[epoch]["val_loss"] != "" for epoch in range(1, 7)] == [False] * 4 + [True] * 2
    for epoch, (loss, score) in EXPECTED.items():
        assert float(rows[epoch]["loss"]) == pytest.approx(loss, rel=1e-5)
        assert float(rows[epoch]["val_score"]) == score


def test_its_report_is_drawn(run, capsys):
    assert main(["report", str(run)]) == 0
    assert "report.html, after 4 epochs" in capsys.readouterr().out
    assert "validation accuracy" in (run / "report.html").read_text("utf-8")


def test_it_is_compared(run, capsys):
    assert main(["compare", str(run)]) == 0
    assert "63.75%" in capsys.readouterr().out
