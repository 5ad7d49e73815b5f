import re
import signal

import pytest

from chainrule.__main__ import main
from chainrule.training.options import parser
from chainrule.training.run.running import begin, carry_out


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


def test_a_run_that_was_stopped_has_a_report_and_other_data_are_told(tmp_path, capsys):
    table, path = tmp_path / "table.csv", tmp_path / "run"
    rows = [f"{i % 7},{i % 5},{'ab'[i % 2]}" for i in range(60)]
    table.write_text("\n".join(["p,q,label", *rows]) + "\n")
    stop = signal.getsignal(signal.SIGINT)
    run = begin(parser().parse_args(["--dataset", str(table), "--epochs", "9", "--hidden", "4",
                                     "--run-dir", str(path)]))  # fmt: skip
    run.solver.callbacks.append(lambda solver: solver.epoch == 2 and run.keeper.stop())
    assert carry_out(run) == 130
    assert signal.getsignal(signal.SIGINT) is stop
    assert not (path / "report.html").exists()
    capsys.readouterr()
    assert main(["report", str(path)]) == 0
    assert capsys.readouterr().out == f"report: {path / 'report.html'}, after 2 epochs\n"
    assert "2 in " in (path / "report.html").read_text("utf-8")
    table.write_text(table.read_text().replace("6,", "9,"))
    assert main(["report", str(path)]) == 2
    assert "are not those that the run was begun with" in capsys.readouterr().err
    table.unlink()
    assert main(["report", str(path)]) == 2
    assert str(table) in capsys.readouterr().err
