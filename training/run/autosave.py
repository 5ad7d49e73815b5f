"""Keeps a run safe while it goes on."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from types import FrameType
from typing import cast

from chainrule.nets import FileError
from chainrule.nets.blueprint import blueprint
from chainrule.nets.files import read_arrays, write_arrays
from chainrule.nets.loading import DATA
from chainrule.nets.models import Model
from chainrule.pictures.monitor import Monitor
from chainrule.solvers import NonFiniteError, Solver, save_checkpoint
from chainrule.solvers.checkpoint import model_arrays
from chainrule.solvers.history import Snapshot
from chainrule.training.run.folder import CHECKPOINT, COLUMNS, RunFolder
from chainrule.training.run.ranks import Alone

#: What best.safetensors says of the rows that its network takes, out of config.json.
OF_ROWS = (
    *("shape", "mean", "std", "classes", "features", "label", "label_column", "encoding"),
    *("targets", "target_mean", "target_std"),
)
#: The share of the time that may go into saving.
SHARE = 0.01
#: What ends a run in good order, where the system has it: Ctrl-C, a request, a terminal closed.
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Stopped(Exception):
    """The run was told to stop by the signal `number`; it can be gone on with."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def handled(note: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Within it, the SIGNALS go to `note(number, frame)`; one that the process was started to
    ignore, as by nohup, stays ignored. Python takes signals in the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, note)
        for number in SIGNALS
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Keeper:
    """Saves a run in its folder as it goes, so often that this takes 1 % of the time, and ends it
    between two steps when a signal asks for it.

    `monitor` records what goes on in the network; its records are saved with the run. `team` does
    the run.
    """

    def __init__(self, folder: RunFolder, team: Alone, monitor: Monitor) -> None:
        self.folder = folder
        self.team = team
        self.monitor = monitor
        self._signal: int | None = None
        self._at_once = False
        self._best: Snapshot | None = None
        self._cost = 0.0
        self._saved = time.perf_counter()

    def after_step(self, solver: Solver) -> None:
        """To be called between two steps. Raises Stopped after a signal, FileError where the run
        cannot be saved."""
        self.monitor.after_step(solver)
        number = self.team.signal(solver, self._signal)
        if number is not None:
            self.save(solver)
            raise Stopped(number)
        if (time.perf_counter() - self._saved) * SHARE >= self._cost:
            self.save(solver)

    def save(self, solver: Solver) -> None:
        """Writes the checkpoint, the metrics, and the best network so far where it is a new one.
        Raises FileError where they cannot be written; those written before are still there, and
        so is the checkpoint where a step has left the finite numbers, as the next will find."""
        started = time.perf_counter()
        notes = {"config": self.folder.fingerprint, "records": self.monitor.records}
        try:
            save_checkpoint(self.folder / CHECKPOINT, solver, notes)
        except NonFiniteError:
            return
        self.save_results(solver)
        self._saved = time.perf_counter()
        self._cost = self._saved - started

    def save_results(self, solver: Solver) -> None:
        """Writes the metrics, and the best network so far where it is a new one; raises FileError
        as `save`."""
        self.folder.write_metrics(solver.history)
        if solver.best is not None and solver.best is not self._best:
            best, model = solver.best, cast(Model, solver.model)
            write_arrays(
                self.folder / "best.safetensors",
                model_arrays("", best.params, best.state),
                {
                    "architecture": blueprint(model.net),
                    "epoch": best.epoch,
                    "score": best.score,
                    "config": self.folder.fingerprint,
                    DATA: {
                        name: value
                        for name, value in self.folder.config["data"].items()
                        if name in OF_ROWS
                    },
                },
            )
            self._best = best

    def save_end(self, solver: Solver) -> None:
        """Writes the results of a run that has left the finite numbers. The checkpoint stays where
        it was, and is told the metrics that go on beyond it; raises FileError as `save`."""
        with suppress(FileError):  # where there is none; the next line does not need it
            arrays, described = read_arrays(self.folder / CHECKPOINT)
            history = {name: getattr(solver.history, name) for name in COLUMNS}
            write_arrays(self.folder / CHECKPOINT, arrays, described | {"metrics": history})
        self.save_results(solver)

    def watching(self) -> AbstractContextManager[None]:
        """Within it, the first of the SIGNALS ends the run after the step in progress; a second
        Ctrl-C ends it at once."""

        def note(number: int, _: FrameType | None) -> None:
            if self._signal is not None and number == signal.SIGINT:
                raise KeyboardInterrupt
            self._signal = number
            if self._at_once:
                raise Stopped(number)

        return handled(note)

    def stop(self) -> None:
        """Ends the run after the step in progress, as the first Ctrl-C does: for other threads."""
        self._signal = signal.SIGINT

    def heed_while_waiting(self) -> None:
        """Raises Stopped after a signal: for a rank that waits for others in mid-step, which may
        never come. What was saved last is safe."""
        if self._signal is not None:
            raise Stopped(self._signal)

    def heed_at_once(self) -> None:
        """From now on a signal, or one that has come already, raises Stopped without waiting for
        the end of a step: the steps are over."""
        self._at_once = True
        if self._signal is not None:
            raise Stopped(self._signal)


class Follower(Keeper):
    """That of a rank other than the first: it heeds signals, and saves nothing."""

    def save(self, solver: Solver) -> None:
        pass

    save_results = save_end = save
