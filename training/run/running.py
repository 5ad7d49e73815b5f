"""A run from its first line to its report."""

import argparse
import math
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, cast

import numpy as np

from chainrule.data import Dataset
from chainrule.nets import MLP, FileError
from chainrule.nets.models import Model
from chainrule.pictures.monitor import Monitor, check_records
from chainrule.solvers import NonFiniteError, ParallelSolver, Solver, restore_checkpoint
from chainrule.training.measures import measure_of
from chainrule.training.options import Parser, add_run, fill_in, folder_of
from chainrule.training.run.autosave import Follower, Keeper, Stopped
from chainrule.training.run.config import options_of
from chainrule.training.run.console import (
    check_gradients,
    report,
    report_epoch,
    tell,
)
from chainrule.training.run.folder import (
    CHECKPOINT,
    RunFolder,
    description,
    fingerprint,
    fresh_path,
)
from chainrule.training.run.live import Live, check_port
from chainrule.training.run.logs import Events, Lines, check_logs, logs
from chainrule.training.run.networks import network
from chainrule.training.run.ranks import ALONE, Alone
from chainrule.training.run.reporting import draw
from chainrule.training.run.setup import build, load_for
from chainrule.training.run.state import Run

LONGEST = 4000  # characters of a complaint


def begin(options: argparse.Namespace, team: Alone = ALONE) -> Run:
    """A new run in a new folder. Raises ValueError or OSError where an option, the data or the
    folder is wrong."""

    def prepared() -> tuple[Dataset, Model, Solver]:
        check_logs(options)
        dataset = load_for(options, team)
        fill_in(options, dataset)
        return dataset, *build(options, dataset, team)

    def created() -> RunFolder:
        check_port(options.live)
        path = options.run_dir or fresh_path(Path(options.dataset).name.partition(".")[0])
        return RunFolder.create(path, config)

    dataset, model, solver = team.together(prepared)
    config = description(options, dataset)
    team.same(**in_common(config))
    folder = team.first(created) or RunFolder(Path(options.run_dir or "."), config)
    run = team.together(lambda: assembled(options, dataset, model, solver, folder, team))
    team.together(lambda: run.keeper.save(solver))
    return run


def in_common(config: Mapping[str, Any]) -> dict[str, Any]:
    """What must be the same on all ranks: the options, the versions, the data."""
    versions = {f"the version of {name}": value for name, value in config["versions"].items()}
    options = {f"--{name.replace('_', '-')}": value for name, value in config["options"].items()}
    return versions | options | {"data with the fingerprint": config["data"]["fingerprint"]}


def taken_up(path: str | PathLike[str], epochs: int | None = None, team: Alone = ALONE) -> Run:
    """The run in the folder `path`, where it stood when it was saved last; to go on until
    `epochs`, or, left out, until the number it was begun with. Raises FileError or ValueError
    where the folder, its checkpoint or the data are not what they were."""
    run = team.together(lambda: opened(path, epochs, team))
    team.same(**in_common(run.folder.config), step=run.solver.step, epochs=run.solver.goal)
    return run


def opened(path: str | PathLike[str], epochs: int | None, team: Alone) -> Run:
    """The same, on one rank."""
    folder = RunFolder.open(path)
    if "kind" in folder.config:
        raise FileError(f"{path}: holds several runs, expected one: name a folder in it")
    folder = folder.claimed() if team.rank == 0 else folder
    try:
        return gone_on_with(folder, epochs, team)
    except BaseException:
        if folder.release is not None:
            folder.release()
        raise


def gone_on_with(folder: RunFolder, epochs: int | None, team: Alone) -> Run:
    """The run in a folder, to go on until `epochs`."""
    path, checkpoint = folder.path, folder / CHECKPOINT
    # A run that was ended before it was saved at all begins again; nothing of it is lost.
    begun = checkpoint.exists() or (folder / "metrics.csv").exists()
    options = options_of(folder.config)
    if checkpoint.exists():
        with with_what_is_kept(folder):
            folder.check_made_for(CHECKPOINT)
        check_size(folder, checkpoint)
    dataset = load_for(options, team)
    if fingerprint(dataset) != folder.config["data"]["fingerprint"]:
        raise FileError(
            f"{path}: the data of {options.dataset} are not those that the run was begun "
            f"with; put those back, or begin a new run"
        )
    options.epochs = options.epochs if epochs is None else epochs
    try:
        model, solver = build(options, dataset, team)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FileError(f"{folder / 'config.json'}: damaged: {error}") from None
    run = assembled(options, dataset, model, solver, folder, team)
    if begun:
        restore(run)
    if epochs is not None:
        if epochs <= solver.epoch:
            raise ValueError(
                f"--epochs {epochs}: {path} has {solver.epoch} epochs behind it; expected more"
            )
        folder.config["options"]["epochs"] = epochs
        if team.rank == 0:
            folder.write_config()
    stopped_early = epochs is None and solver.waited == options.patience
    run.finished = solver.epoch >= options.epochs or stopped_early
    if not run.finished:
        if solver.epoch < solver.goal:
            solver.goal = options.epochs
        solver.epochs = options.epochs - solver.epoch
    return run


def report_parser() -> Parser:
    out = Parser(
        prog="chainrule report",
        description="Draws the report of a run once more, as far as the run has come; trains "
        "nothing.",
    )
    add_run(out)
    out.add_argument("--pictures", action="store_true", help="write the pictures as PNG files, too")
    return out


def report_again(options: argparse.Namespace) -> str:
    """Draws the report of a run from what its folder holds; returns a line that says so. Raises
    FileError, ValueError or OSError where that cannot be read, or the data are not there."""
    run = taken_up(folder_of(options))
    try:
        best = run.solver.best
        if best is None:
            raise FileError(
                f"{run.folder.path}: has no epoch behind it, so that there is nothing to report; "
                f"go on with it by: chainrule resume {run.folder.path}"
            )
        best.restore(run.model)
        draw(run, pictures=options.pictures)
    finally:
        run.release()
    return f"report: {run.folder / 'report.html'}, after {run.solver.epoch} epochs"


def restore(run: Run) -> None:
    """Brings a run to where its checkpoint stands. Raises FileError where that cannot be read."""
    folder, monitor = run.folder, run.keeper.monitor
    with with_what_is_kept(folder):
        notes = restore_checkpoint(folder / CHECKPOINT, run.solver)
        records: Any = notes.get("records") if isinstance(notes, dict) else notes  # in 0.1.0
        try:
            check_records(records)
        except ValueError as error:
            raise FileError(f"{folder / CHECKPOINT}: damaged: {error}") from None
    monitor.records = records
    monitor.after_step(run.solver)


@contextmanager
def with_what_is_kept(folder: RunFolder) -> Iterator[None]:
    """Within it, a FileError goes on to say where the best network of the run is."""
    try:
        yield
    except FileError as error:
        best = folder / "best.safetensors"
        kept = f"; its best network so far is in {best}" if best.exists() else ""
        raise FileError(f"{error}; the run cannot be gone on with{kept}") from None


def check_size(folder: RunFolder, checkpoint: Path) -> None:
    """Raises FileError where the layers of config.json have more weights than the checkpoint has
    room for: memory for all of these is asked for before a single one is read."""
    options, data = options_of(folder.config), folder.config["data"]
    held = checkpoint.stat().st_size
    room = held // np.dtype(options.dtype).itemsize

    def blank(*fans: int, shape: tuple[int, ...] | None = None, **_: Any) -> np.ndarray:
        nonlocal room
        room -= math.prod(shape or fans)
        if room < 0:
            raise FileError(
                f"{folder / 'config.json'}: damaged, or not that of {CHECKPOINT}: its network does "
                f"not fit into that file of {held:,} bytes"
            )
        return np.empty(shape or fans, options.dtype)

    shape, image_shape = data["shape"], data.get("image_shape")
    rng = np.random.default_rng(0)
    try:
        outputs = len(data.get("targets") or data["classes"])
        network(options, shape, image_shape, outputs, rng=rng, init=blank)
    except FileError:
        raise
    except (AttributeError, TypeError, ValueError) as error:
        raise FileError(f"{folder / 'config.json'}: damaged: {error}") from None


def assembled(
    options: argparse.Namespace,
    dataset: Dataset,
    model: Model,
    solver: Solver,
    folder: RunFolder,
    team: Alone = ALONE,
) -> Run:
    """The run of these parts, with its keeper at its post. Raises FileError where another process
    trains it."""
    release = folder.release or (folder.claim() if team.rank == 0 else lambda: None)
    sample = solver.sample
    kind = Keeper if team.rank == 0 else Follower
    keeper = kind(folder, team, Monitor(model, dataset.x_train[sample], dataset.y_train[sample]))
    solver.callbacks += [report_epoch, keeper.monitor]
    solver.after_step = keeper.after_step
    if isinstance(solver, ParallelSolver):
        solver.interrupt = keeper.heed_while_waiting
    return Run(options, dataset, model, solver, folder, keeper, release, team)


def announce(run: Run) -> None:
    """Prints what is about to be trained."""
    model, solver = run.model, run.solver
    net = cast(MLP, model.net)
    print(run.dataset.describe())
    if run.team.rank == 0:
        tell(run.dataset.name, run.dataset.notes)
    print(f"\n{net.summary(run.dataset.x_train.shape[1:])}")
    print(f"\n{model.criterion!r}, {solver.rule!r}, {solver.schedule!r}, l2={model.l2:g}")
    if run.finished:
        more = f"chainrule resume {shlex.quote(str(run.folder.path))} --epochs N"
        print(f"\nnothing is left to train: {solver.epoch} epochs are done; {more} goes on to N")
    elif solver.step:
        print(f"\ntaken up {place(solver)}")
        before, rate = solver.history.step_lr[-1], next_rate(solver)
        if solver.last is not None and rate > before:  # it had ended
            print(
                f"the learning rate rises from {before:.2g} to {rate:.2g} once more, since the "
                f"schedule is laid out for {run.options.epochs} epochs"
            )


def next_rate(solver: Solver) -> float:
    """The learning rate of the next step."""
    return solver.rule.lr * solver.schedule((solver.step + 0.5) / solver.steps_per_epoch)


def carry_out(run: Run) -> int:
    """Trains to the end, with all that is printed and written on the way; returns the exit
    status: 0 trained, 1 failed, 130 after Ctrl-C, 143 after SIGTERM."""
    announce(run)
    said, status = "broken off", 1
    listeners: list[Lines | Events | Live] = []
    try:
        try:
            listen(run, listeners)
        except (ValueError, OSError) as error:
            said = str(error)
            return failed(said, 2)
        said, status = outcome(run)
        return failed(said, status) if status else 0
    finally:
        for listener in listeners:
            listener.close(said)
        run.release()


def listen(run: Run, listeners: list[Lines | Events | Live]) -> None:
    """Adds what follows the run: logs, and a page. Raises ValueError or OSError where one of them
    cannot."""
    options, solver, path = run.options, run.solver, run.folder.path
    if run.team.rank != 0 or run.finished:
        return
    listeners += logs(options, path, solver.epoch)
    if options.live is not None:
        live = Live(options.live, path, measure_of(run.dataset.targets), run.keeper.stop)
        listeners.append(live)
        print(f"\nlive: http://{live.address}/")
        live(solver)
    solver.callbacks += listeners


def outcome(run: Run) -> tuple[str, int]:
    """Trains to the end; returns how that went, in words, and the exit status."""
    solver, folder = run.solver, run.folder
    go_on = f"go on with: chainrule resume {shlex.quote(str(folder.path))}"
    if run.options.gradcheck and not check_gradients(run.model.net, run.dataset.x_train[:8]):
        run.team.agreed = True
        return "the gradients are wrong, see above; nothing was trained", 1
    print()
    try:
        with run.keeper.watching():
            train_on(run)
            run.keeper.heed_at_once()
            if run.team.rank == 0:
                finish(run)
    except Stopped as stopped:
        return f"stopped {place(solver)}; {go_on}", 128 + stopped.number
    except KeyboardInterrupt:
        return f"interrupted {place(solver)}; what was saved before is safe, {go_on}", 130
    except NonFiniteError as error:
        run.team.agreed = True  # the sums that all have received are not finite
        best = folder / "best.safetensors"
        kept = f"; the best network so far is in {best}" if best.exists() else ""
        return f"{error}{kept}", 1
    except FileError as error:
        if not (folder / CHECKPOINT).exists():
            return f"{error}; what was saved before is gone, too", 1
        return f"{error}; what was saved before is safe, {go_on}", 1
    return f"trained to the end, {solver.epoch} epochs", 0


def train_on(run: Run) -> None:
    """Trains to the end, and saves what has come of it."""
    try:
        if not run.finished:
            with np.errstate(all="ignore"):  # the solver finds numbers that are not finite
                run.solver.train()
    except NonFiniteError:
        run.keeper.save_end(run.solver)
        raise
    run.keeper.save(run.solver)


def place(solver: Solver) -> str:
    """Where a run stands, in words."""
    if solver.step == 0:
        return "before the first step"
    if solver.epoch >= solver.goal:
        return f"after the last step, {solver.step:,}"
    return f"after step {solver.step:,}, in epoch {solver.epoch + 1} of {solver.goal}"


def finish(run: Run) -> None:
    """Prints and writes what has come of the run."""
    model, solver, dataset, folder = run.model, run.solver, run.dataset, run.folder
    report(model, solver, dataset)
    if run.options.no_report:
        print(f"\nrun: {folder.path}")
        return
    draw(run, pictures=run.options.pictures)
    print(f"\nreport: {folder / 'report.html'}")


def failed(message: object, status: int) -> int:
    """Says on stderr, in one line, what went wrong; returns the exit status."""
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(message)[: 2 * LONGEST])
    line = line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
    print(f"chainrule: {line}", file=sys.stderr)
    return status
