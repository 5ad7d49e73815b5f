"""One of several runs: in a process of its own, with a log, and with a result when it is done."""

import argparse
import dataclasses
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from chainrule.nets import FileError
from chainrule.nets.files import read_file, regular_file, write_file
from chainrule.training.measures import ACCURACY, MEASURES, measure_of
from chainrule.training.run.config import checksum
from chainrule.training.run.console import best_of
from chainrule.training.run.folder import InUse
from chainrule.training.run.running import begin, carry_out, failed, taken_up
from chainrule.training.run.state import Run

BUSY = 75  # the exit status of a trial that another process carries out
PATIENCE = 10.0  # seconds to wait for that process to end
#: The options that are about several runs, which none of them is begun with.
ABOUT_SEVERAL = ("seeds", "search", "trials", "jobs")


@dataclasses.dataclass(frozen=True)
class Trial:
    """A run among several. Beside the files of a `RunFolder`, its folder `path` holds run.log, all
    that it printed, and result.json once it is done. `words` are the options that were searched, as
    they would stand on the command line: {"lr": "0.01", "hidden": "100,100"}."""

    path: Path
    options: argparse.Namespace
    words: dict[str, str]

    @property
    def name(self) -> str:
        return self.path.name

    def __str__(self) -> str:
        words = (f"{name} {word or 'none'}" for name, word in self.words.items())
        return "   ".join((self.name, *words))


@dataclasses.dataclass(frozen=True)
class Result:
    """What has come of a trial: result.json."""

    best_score: float  # on the validation data, after `epoch`
    epoch: int
    test_score: float  # of the network with the best score
    seconds: float
    measure: str = ACCURACY.name  # what the scores are

    def text(self, score: float) -> str:
        """One of the scores as it is printed."""
        return MEASURES[self.measure].text(score)

    def __str__(self) -> str:
        best = self.text(self.best_score)
        return f"validation {best} after epoch {self.epoch}, {self.seconds:.1f} s"


def single(options: argparse.Namespace, **changes: Any) -> argparse.Namespace:
    """The options of a single run: `options` with these changes."""
    of_one = {name: value for name, value in vars(options).items() if name not in ABOUT_SEVERAL}
    return argparse.Namespace(**of_one | changes)


def result_of(path: Path) -> Result | None:
    """The Result in the folder of a trial, or None where the trial is not done. Raises FileError
    where it cannot be read."""
    path = path / "result.json"
    kinds = {field.name: field.type for field in dataclasses.fields(Result)}
    try:
        found = json.loads(read_file(path).decode())
        if not isinstance(found, dict):
            raise ValueError("no names")
        if "checksum" in found and found.pop("checksum") != checksum(found):
            raise ValueError("another checksum")
        if "test_accuracy" in found:  # before numbers were predicted
            found |= {"test_score": found.pop("test_accuracy"), "measure": ACCURACY.name}
        if found.keys() != kinds.keys():
            raise ValueError("other names")
        if not all(is_figure(name, value, kinds[name]) for name, value in found.items()):
            raise ValueError("other values")
        return Result(**found)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None
    except (FileError, ValueError, RecursionError):
        raise FileError(
            f"{path}: damaged: expected figures called {', '.join(kinds)}, and their checksum; "
            f"without this file the trial is run again"
        ) from None


def is_figure(name: str, value: Any, kind: Any) -> bool:
    """Whether `value` is one of a Result: finite, of its kind, and negative at most as a score."""
    if kind in (str, "str"):
        return value in [*MEASURES]
    kinds = (int,) if kind in (int, "int") else (int, float)
    least = -sys.float_info.max if name.endswith("score") else 0
    return type(value) in kinds and least <= value <= sys.float_info.max


def work(trial: Trial) -> None:
    """What the process of a trial does; its exit status is that of the run."""
    log = os.open(place_of_log(trial), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        os.dup2(log, number)
        stream.reconfigure(  # type: ignore[union-attr]
            encoding="utf-8", errors="replace", line_buffering=True
        )
    tqdm.set_lock(threading.RLock())  # its own would outlive this process if that is killed
    threading.Thread(target=end_with_the_parent, daemon=True).start()
    sys.exit(carried_out(trial))


def place_of_log(trial: Trial) -> Path:
    """Where run.log is. Ends the process where that is a pipe or the like, which would hang."""
    try:
        return regular_file(trial.path / "run.log")[0]
    except OSError as error:
        print(f"chainrule: {trial.path / 'run.log'}: {error.strerror}", file=sys.stderr)
        sys.exit(2)


def end_with_the_parent() -> None:
    """Has this process save its run and end when the one that started it is gone."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def begun(trial: Trial) -> Run:
    """The run of a trial, begun or gone on with."""
    if (trial.path / "config.json").exists():
        return taken_up(trial.path)
    return begin(single(trial.options, run_dir=str(trial.path), no_report=True))


def when_free(action: Callable[[], Run]) -> Run:
    """What `action` returns, tried for as long as an earlier process, whose parent was killed,
    takes to save its run and end."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return action()
        except InUse:
            if time.monotonic() > end:
                raise
        time.sleep(0.2)


def carried_out(trial: Trial) -> int:
    """Begins the trial, or goes on with it, and writes result.json at its end; returns the exit
    status."""
    try:
        run = when_free(lambda: begun(trial))
    except InUse as error:
        return failed(error, BUSY)
    except (ValueError, OSError) as error:
        return failed(error, 2)
    run.solver.progress = False
    status = carry_out(run)
    if status == 0:
        solver, dataset = run.solver, run.dataset
        best, epoch = best_of(solver)
        result = Result(
            best_score=best,
            epoch=epoch,
            test_score=float(run.model.score(dataset.x_test, dataset.y_test)),
            seconds=sum(solver.history.seconds),
            measure=measure_of(dataset.targets).name,
        )
        figures = dataclasses.asdict(result)
        text = json.dumps(figures | {"checksum": checksum(figures)}, indent=2)
        try:
            write_file(trial.path / "result.json", text.encode() + b"\n")
        except FileError as error:
            return failed(error, 1)
    return status
