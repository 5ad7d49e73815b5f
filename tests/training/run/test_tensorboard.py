import struct
from pathlib import Path

import pytest

from chainrule.__main__ import main

pytest.importorskip("tensorboardX")
event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")


def scalars(path):
    """The values in a file of events, by name: pairs of a step and a value. A record is its length,
    of 8 bytes, a checksum of that, an event, and a checksum of it."""
    data, at, found = path.read_bytes(), 0, {}
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        event = event_pb2.Event.FromString(data[at + 12 : at + 12 + length])
        for value in event.summary.value:
            found.setdefault(value.tag, []).append((event.step, value.simple_value))
        at += 16 + length
    return found


def test_events_hold_each_figure_once_an_epoch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["train", "--dataset", "moons", "--hidden", "4", "--no-report", "--epochs", "2"]
    assert main([*words, "--tensorboard", "--run-dir", "run"]) == 0
    assert main(["resume", "run", "--epochs", "3"]) == 0
    first, second = sorted(Path("run/tensorboard").iterdir(), key=lambda path: path.suffix)
    before, after = scalars(first), scalars(second)
    names = {"loss", "val_loss", "train_score", "val_score", "lr", "grad_norm", "seconds"}
    assert before.keys() == after.keys() == names
    assert [step for step, _ in before["loss"]] == [1, 2]
    assert [step for step, _ in after["loss"]] == [3]
    *_, last = Path("run/metrics.csv").read_text().split()
    assert after["loss"][0][1] == pytest.approx(float(last.split(",")[1]))


def test_tensorboard_reads_each_epoch_once(tmp_path, monkeypatch):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    monkeypatch.chdir(tmp_path)
    words = ["train", "--dataset", "moons", "--hidden", "4", "--no-report", "--epochs", "2"]
    assert main([*words, "--tensorboard", "--run-dir", "run"]) == 0
    assert main(["resume", "run", "--epochs", "4"]) == 0
    events = reader.EventAccumulator("run/tensorboard").Reload()
    rows = [row.split(",") for row in Path("run/metrics.csv").read_text().split()]
    at = rows[0].index("val_loss")
    read = [(one.step, one.value) for one in events.Scalars("val_loss")]
    assert read == [(int(row[0]), pytest.approx(float(row[at]), rel=1e-6)) for row in rows[1:]]
