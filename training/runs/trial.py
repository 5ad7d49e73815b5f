"""One of several runs: in a worker, with a log, and with a result when it is done."""

import argparse
import dataclasses
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from chainrule.nets import FileError
from chainrule.nets.files import read_file, regular_file, write_file
from chainrule.training.measures import ACCURACY, MEASURES, measure_of
from chainrule.training.run.config import checksum
from chainrule.training.run.console import best_of
from chainrule.training.run.folder import InUse
from chainrule.training.run.running import begin, carry_out, failed, taken_up
from chainrule.training.run.state import Run

BUSY = 75  # the exit status of a trial that another process carries out
POLL = 0.2  # seconds between two looks at whether to stop
PATIENCE = 10.0  # seconds to wait for that process to end
#: The options that are about several runs, which none of them is begun with.
ABOUT_SEVERAL = ("seeds", "search", "trials", "sampler", "jobs", "scheduler")


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


#: Held while this process carries out a trial.
underway = threading.Lock()


def work(trial: Trial, place: str, stop: str) -> int:
    """What a worker does: carries out a trial in the folder `place`, with all that it prints in
    run.log, until it is done or there is a file `stop`; returns the exit status of the run. Raises
    FileError where there is no such folder, or the log cannot be written."""
    path = trial.path / "run.log"
    try:
        os.chdir(place)
        trial.path.mkdir(exist_ok=True)
        log = regular_file(path)[0].open("a", encoding="utf-8", errors="replace", buffering=1)
    except OSError as error:
        raise FileError(f"{error.filename or path}: {error.strerror or error}") from None
    with underway, log, redirect_stdout(log), redirect_stderr(log):
        return carried_out(trial, Path(stop))


def accompany(parent: int) -> None:
    """Has this process, a worker, save what it does and end once the one that started it, `parent`,
    is gone."""
    threading.Thread(target=end_with, args=(parent,), daemon=True).start()


def end_with(parent: int) -> None:
    """Ends this process once its parent is another than `parent`."""
    while os.getppid() == parent:
        time.sleep(POLL)
    os.kill(os.getpid(), signal.SIGTERM)  # a run saves and ends; without one that is the end
    with underway:
        os._exit(128 + signal.SIGTERM)


@contextmanager
def heeding(stop: Path, run: Run) -> Iterator[None]:
    """Within it, the run is saved and ends once there is a file `stop`."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(POLL):
            if stop.exists():
                run.keeper.stop()
                return

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()


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


def carried_out(trial: Trial, stop: Path) -> int:
    """Begins the trial, or goes on with it, and writes result.json at its end; returns the exit
    status. It ends early once there is a file `stop`."""
    if stop.exists():
        return 128 + signal.SIGINT
    try:
        run = when_free(lambda: begun(trial))
    except InUse as error:
        return failed(error, BUSY)
    except (ValueError, OSError) as error:
        return failed(error, 2)
    run.solver.progress = False
    with heeding(stop, run):
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
