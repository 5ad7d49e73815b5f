"""The folder of a run: who has it, and what is noticed of a change to its files."""

import json
import os
import threading
from pathlib import Path

import pytest

from chainrule.__main__ import main
from chainrule.nets import FileError
from chainrule.training.run.folder import RunFolder
from chainrule.training.runs.trial import result_of

CONFIG = {"created": "", "options": {"l2": 0.1}, "versions": {}, "data": {"mean": 0.5}}
SMALL = ["train", "--dataset", "xor", "--hidden", "3", "--epochs", "1", "--no-report"]


def test_of_two_that_begin_in_one_folder_the_second_changes_nothing(tmp_path):
    first = RunFolder.create(tmp_path / "run", CONFIG)
    before = (tmp_path / "run" / "config.json").read_bytes()
    with pytest.raises(FileError, match=r"--run-dir .*run: holds a run already"):
        RunFolder.create(tmp_path / "run", CONFIG | {"created": "later"})
    assert (tmp_path / "run" / "config.json").read_bytes() == before
    first.release()


def test_a_folder_that_another_process_has_claimed_is_left_alone(tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    release = RunFolder(path, {}).claim()
    with pytest.raises(FileError, match="another process begins a run there; choose another"):
        RunFolder.create(path, CONFIG)
    assert [one.name for one in path.iterdir()] == ["run.lock"]
    release()


def test_of_many_that_begin_in_one_folder_at_once_one_wins(tmp_path):
    won, lost = [], []

    def begin(number):
        try:
            config = CONFIG | {"created": str(number)}
            won.append((number, RunFolder.create(tmp_path / "run", config)))
        except FileError:
            lost.append(number)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert len(lost) == 7
    assert json.loads((tmp_path / "run" / "config.json").read_text())["created"] == str(won[0][0])
    won[0][1].release()


def test_a_folder_whose_config_cannot_be_written_is_free_again(tmp_path, monkeypatch):
    def full(path, _):
        raise FileError(f"{path}: cannot be written: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("chainrule.training.run.folder.write_file", full)
        with pytest.raises(FileError, match=r"^--run-dir .*config\.json: cannot be .* choose"):
            RunFolder.create(tmp_path / "run", CONFIG)
    RunFolder.create(tmp_path / "run", CONFIG).release()


def test_where_files_cannot_be_locked_a_run_is_begun_all_the_same(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr("filelock.FileLock.acquire", refused)
    folder = RunFolder.create(tmp_path / "run", CONFIG)
    assert (folder / "config.json").exists()
    folder.release()


def test_a_folder_that_was_spoilt_while_it_was_waited_for_is_free_again(tmp_path):
    folder = RunFolder.create(tmp_path / "run", CONFIG)
    folder.release()
    (folder / "config.json").write_text("{")
    with pytest.raises(FileError, match=r"config\.json: damaged: "):
        folder.claimed()
    folder.claim()()


def test_a_folder_that_cannot_be_listed_is_refused(tmp_path, monkeypatch):
    def refused(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(FileError, match="cannot be made: Permission denied; choose another"):
        RunFolder.create(tmp_path / "run", CONFIG)


def test_a_file_in_the_place_of_the_folder_runs_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("runs").touch()
    assert main(SMALL) == 2
    said = capsys.readouterr().err
    assert said.startswith("chainrule: --run-dir runs/")
    assert said.endswith("cannot be made: Not a directory; choose another folder\n")


@pytest.mark.parametrize("old", ['"l2": 0.0001', '"epochs": 1', '"created": "2'])
@pytest.mark.parametrize("command", ["evaluate", "resume", "compare"])
def test_a_config_that_was_changed_by_hand_is_refused(old, command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*SMALL, "--run-dir", "run"]) == 0
    text = Path("run/config.json").read_text()
    assert old in text
    Path("run/config.json").write_text(text.replace(old, f"{old}1"))
    assert main([command, "run"]) == 2
    assert "config.json: damaged: its checksum is not that of its" in capsys.readouterr().err


def test_metrics_that_are_not_those_of_the_checkpoint_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*SMALL, "--run-dir", "run"]) == 0
    file = Path("run/metrics.csv")
    header, line = file.read_text().splitlines()
    for column in range(1, 6):
        cells = line.split(",")
        cells[column] = str(float(cells[column]) * 1.5)
        file.write_text(f"{header}\n{','.join(cells)}\n")
        assert main(["compare", "run"]) == 2
        assert "metrics.csv, line 2: " in capsys.readouterr().err
    file.write_text(f"{header}\n{line}\n2{line[1:]}\n")
    assert main(["compare", "run"]) == 2
    assert "metrics.csv: has 2 epochs, checkpoint.safetensors only 1" in capsys.readouterr().err
    file.write_text(f"{header}\n")  # of a process that was killed between the two files
    assert main(["compare", "run"]) == 0


def test_the_metrics_of_a_run_that_left_the_finite_numbers_are_held_against_the_checkpoint(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    options = ["--rule", "sgd", "--lr", "1e38", "--schedule", "constant", "--norm", "none"]
    assert main([*SMALL, *options, "--epochs", "5", "--run-dir", "run"]) == 1
    assert main(["compare", "run"]) == 0
    capsys.readouterr()


def test_a_pipe_in_the_place_of_any_file_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*SMALL, "--run-dir", "run"]) == 0
    for name in ("config.json", "best.safetensors", "checkpoint.safetensors", "metrics.csv"):
        file = Path("run") / name
        before = file.read_bytes()
        for make in (os.mkfifo, lambda path: os.symlink("/dev/zero", path)):
            file.unlink()
            make(file)
            for command in ("evaluate", "compare", ["resume", "--epochs", "2"]):
                words = command if isinstance(command, list) else [command]
                assert main([words[0], "run", *words[1:]]) in (0, 1, 2)
                assert "Traceback" not in capsys.readouterr().err
        file.unlink()
        file.write_bytes(before)


@pytest.mark.slow
def test_a_group_does_not_end_well_while_another_process_has_one_of_its_runs(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main([*SMALL, "--seeds", "2", "--run-dir", "all"]) == 0
    result = Path("all/seed-1/result.json")
    text = result.read_text()
    for bit in range(0, 8 * len(text), 5):
        damaged = bytearray(text.encode())
        damaged[bit // 8] ^= 1 << bit % 8
        result.write_bytes(damaged)
        try:
            assert result_of(result.parent) == result_of(Path("all/seed-1"))
            assert json.loads(damaged) == json.loads(text)
        except FileError:
            pass
    result.unlink()
    release = RunFolder.open("all/seed-1").claim()
    capsys.readouterr()
    assert main(["resume", "all"]) == 1
    said = capsys.readouterr()
    assert "seed-1   failed: all/seed-1: another process is training this run" in said.out
    assert "1 of 2 runs are not done, seed-1 first: other processes train them" in said.err
    release()
    assert main(["resume", "all"]) == 0
    assert json.loads(result.read_text()).keys() == json.loads(text).keys()
