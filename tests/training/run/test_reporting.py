import re

import pytest

from chainrule.__main__ import main


@pytest.fixture
def run(tmp_path, capsys):
    path = tmp_path / "run"
    words = ["--dataset", "moons", "--hidden", "4", "--epochs", "3", "--run-dir", str(path)]
    assert main(["train", *words]) == 0
    capsys.readouterr()
    return path


def test_the_report_is_drawn_again_as_it_was_and_nothing_is_trained(run, capsys):
    report, checkpoint = run / "report.html", (run / "checkpoint.safetensors").read_bytes()
    before = report.read_bytes()
    report.unlink()
    assert main(["report", str(run)]) == 0
    assert capsys.readouterr().out == f"report: {report}, after 3 epochs\n"
    assert report.read_bytes() == before
    assert (run / "checkpoint.safetensors").read_bytes() == checkpoint
    assert main(["report", str(run), "--pictures"]) == 0
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_without_a_folder_or_an_epoch_is_a_line(tmp_path, run, capsys):
    assert main(["report", str(tmp_path / "none")]) == 2
    assert "there is no such folder" in capsys.readouterr().err
    (run / "checkpoint.safetensors").unlink()
    (run / "metrics.csv").unlink()
    assert main(["report", str(run)]) == 2
    assert re.search("has no epoch behind it.*chainrule resume", capsys.readouterr().err)
