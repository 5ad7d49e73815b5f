from pathlib import Path

import pytest

from chainrule.__main__ import main

pytest.importorskip("tensorboardX")
accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def test_events_hold_each_figure_once_an_epoch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["train", "--dataset", "moons", "--hidden", "4", "--no-report", "--epochs", "2"]
    assert main([*words, "--tensorboard", "--run-dir", "run"]) == 0
    assert main(["resume", "run", "--epochs", "3"]) == 0
    events = accumulator.EventAccumulator("run/tensorboard")
    events.Reload()
    for name in ("loss", "val_loss", "train_score", "val_score", "lr", "grad_norm"):
        assert [one.step for one in events.Scalars(name)] == [1, 2, 3]
    *_, last = Path("run/metrics.csv").read_text().split()
    assert events.Scalars("loss")[-1].value == pytest.approx(float(last.split(",")[1]))
