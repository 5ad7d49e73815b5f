"""What a run tells other programs while it trains: lines of JSON, and events for TensorBoard."""

from __future__ import annotations

import argparse
import importlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from chainrule.nets import FileError
from chainrule.nets.files import write_file
from chainrule.solvers import History, Solver
from chainrule.training.run.folder import COLUMNS

NEEDED = '--tensorboard: needs tensorboardX: pip install "chainrule[tensorboard]"'


def figures_of(history: History, at: int) -> dict[str, Any]:
    """The figures of an epoch, the first at 0, without those that there are not."""
    found = {name: getattr(history, name)[at] for name in COLUMNS}
    return {name: value for name, value in found.items() if value is not None}


def latest(solver: Solver) -> dict[str, Any]:
    """The figures of the epoch just finished; `lr` is the learning rate of its last step."""
    return figures_of(solver.history, -1) | {"lr": solver.history.step_lr[-1]}


class Lines:
    """A file with a line of JSON for each epoch, `{"epoch": 1, "loss": …}`, one before them,
    `{"run": …, "dataset": …}`, and one at the end, `{"ended": …}`. Of a run that is gone on with,
    that and epochs that are trained again are taken out first. Raises FileError where the file
    cannot be written or is none of these."""

    def __init__(self, path: str, about: Mapping[str, Any], epochs: int) -> None:
        self.path = Path(path)
        lines = [line for line in self._lines() if self._stays(line, epochs)] if epochs else []
        lines = lines or [dict(about)]
        text = "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines)
        try:
            write_file(self.path, text.encode())
        except FileError as error:
            raise FileError(f"--log {error}; choose another file") from None

    @staticmethod
    def _stays(line: Mapping[str, Any], epochs: int) -> bool:
        return "ended" not in line and line.get("epoch", 0) <= epochs

    def _lines(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        for number, line in enumerate(self.path.read_text("utf-8").splitlines(), start=1):
            try:
                found = json.loads(line)
                if not isinstance(found, dict):
                    raise ValueError("it is no object")
            except ValueError as error:
                raise FileError(
                    f"--log {self.path}, line {number}: expected an object in JSON ({error}); "
                    f"choose another file"
                ) from None
            yield found

    def __call__(self, solver: Solver) -> None:
        """Write the line of the epoch just finished."""
        self._write(latest(solver))

    def close(self, said: str) -> None:
        """Write how the run has ended, if that can be written: the run has ended all the same."""
        with suppress(FileError):
            self._write({"ended": said})

    def _write(self, line: Mapping[str, Any]) -> None:
        try:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(line, allow_nan=False) + "\n")
        except OSError as error:
            raise FileError(f"--log {self.path}: cannot be written: {error.strerror}") from None


class Events:
    """Events for TensorBoard in the folder `path`, with a value for each figure and epoch. Raises
    ValueError where tensorboardX is not there."""

    def __init__(self, path: Path, epochs: int) -> None:
        try:
            writer = importlib.import_module("tensorboardX").SummaryWriter
        except ImportError:
            raise ValueError(NEEDED) from None
        self.writer: Any = writer(
            str(path),
            purge_step=epochs + 1 if epochs else None,
            filename_suffix=f".{epochs}",  # or a run resumed within a second has the same name
        )

    def __call__(self, solver: Solver) -> None:
        """Write the figures of the epoch just finished."""
        figures = latest(solver)
        epoch = figures.pop("epoch")
        for name, value in figures.items():
            self.writer.add_scalar(name, value, epoch)
        self.writer.flush()

    def close(self, _: str) -> None:
        """Close the file of events."""
        self.writer.close()


def check_logs(options: argparse.Namespace) -> None:
    """Makes the path of --log absolute, so that a run may be gone on with from anywhere. Raises
    ValueError where what is asked for cannot be done."""
    if name := options.log:
        path = Path(name).absolute()
        if path.is_dir() or not path.parent.is_dir():
            what = "a folder" if path.is_dir() else "in a folder that is not there"
            raise ValueError(f"--log {name}: is {what}, expected the name of a file")
        options.log = str(path)
    if options.tensorboard and find_spec("tensorboardX") is None:
        raise ValueError(NEEDED)


def logs(options: argparse.Namespace, folder: Path, epochs: int) -> list[Lines | Events]:
    """What is called after each epoch of a run in a folder, `epochs` of which are done."""
    found: list[Lines | Events] = []
    if path := options.log:
        about = {"run": os.fspath(folder), "dataset": options.dataset, "epochs": options.epochs}
        found.append(Lines(path, about, epochs))
    if options.tensorboard:
        found.append(Events(folder / "tensorboard", epochs))
    return found
