"""A run from its first line to its report."""

import argparse
import dataclasses
import sys
from pathlib import Path

from data import Dataset
from nets import Classifier, FileError
from solvers import NonFiniteError, Solver, restore_checkpoint
from training.building import build, load
from training.folder import RunFolder, description, fingerprint, fresh_path
from training.keeper import Keeper, Stopped
from training.monitor import Monitor
from training.options import fill_in
from training.printing import check_gradients, report, report_epoch


@dataclasses.dataclass
class Run:
    """A run that is ready to go on."""

    options: argparse.Namespace
    dataset: Dataset
    model: Classifier
    solver: Solver
    folder: RunFolder
    keeper: Keeper
    finished: bool = False


def begin(options):
    """A new run in a new folder. Raises ValueError or OSError where an option, the data or the
    folder is wrong."""
    dataset = load(options.dataset, options.data_dir, options.dtype)
    fill_in(options, dataset)
    model, solver = build(options, dataset)
    path = options.run_dir or fresh_path(Path(options.dataset).name.partition(".")[0])
    folder = RunFolder.create(path, description(options, dataset))
    run = assembled(options, dataset, model, solver, folder)
    run.keeper.save(solver)
    return run


def taken_up(path, epochs=None):
    """The run in the folder `path`, where it stood when it was saved last; to go on until
    `epochs`, or, left out, until the number it was begun with. Raises FileError or ValueError
    where the folder, its checkpoint or the data are not what they were."""
    folder = RunFolder.open(path)
    options = argparse.Namespace(**folder.config["options"])
    dataset = load(options.dataset, options.data_dir, options.dtype)
    if fingerprint(dataset) != folder.config["data"]["fingerprint"]:
        raise FileError(
            f"{path}: the data of {options.dataset} are not those that the run was begun with"
        )
    options.epochs = options.epochs if epochs is None else epochs
    model, solver = build(options, dataset)
    run = assembled(options, dataset, model, solver, folder)
    run.keeper.monitor.records = restore_checkpoint(folder / "checkpoint.safetensors", solver)
    if epochs is not None:
        if epochs <= solver.epoch:
            raise ValueError(
                f"--epochs {epochs}: {path} has {solver.epoch} epochs behind it; expected more"
            )
        if solver.epoch < solver.goal:
            solver.goal = epochs
        solver.epochs = epochs - solver.epoch
        folder.config["options"]["epochs"] = epochs
        folder.write_config()
    run.finished = epochs is None and 0 < solver.goal <= solver.epoch
    return run


def assembled(options, dataset, model, solver, folder):
    """The run of these parts, with its keeper at its post."""
    sample = solver.sample[:256]
    keeper = Keeper(folder, Monitor(model, dataset.x_train[sample], dataset.y_train[sample]))
    solver.callbacks += [report_epoch, keeper.monitor]
    solver.after_step = keeper.after_step
    return Run(options, dataset, model, solver, folder, keeper)


def announce(run):
    """Prints what is about to be trained."""
    model, solver = run.model, run.solver
    print(run.dataset.describe())
    print(f"\n{model.net.summary(run.dataset.x_train.shape[1:])}")
    print(f"\n{model.criterion!r}, {solver.rule!r}, {solver.schedule!r}, l2={model.l2:g}")
    if solver.step:
        print(f"\ntaken up after step {solver.step:,}, in epoch {solver.epoch + 1}")


def carry_out(run):
    """Trains to the end, with all that is printed and written on the way; returns the exit
    status: 0 trained, 1 failed, 130 after Ctrl-C, 143 after SIGTERM."""
    announce(run)
    solver, path = run.solver, run.folder.path
    if run.options.gradcheck and not check_gradients(run.model.net, run.dataset.x_train[:8]):
        return failed("the gradients are wrong, see above; nothing was trained", 1)
    print()
    try:
        if not run.finished:
            with run.keeper.watching():
                solver.train()
        run.keeper.save(solver)
        finish(run)
    except Stopped as stopped:
        done = f"after step {solver.step:,}, in epoch {solver.epoch + 1} of {solver.goal}"
        return failed(
            f"stopped {done}; go on with: python train.py --resume {path}", 128 + stopped.number
        )
    except NonFiniteError as error:
        return failed(error, 1)
    except FileError as error:
        return failed(
            f"{error}; what was saved before is safe, go on with: python train.py --resume {path}",
            1,
        )
    return 0


def finish(run):
    """Prints and writes what has come of the run."""
    report(run.model, run.solver, run.dataset)


def failed(message, status):
    """Says on stderr, in one line, what went wrong; returns the exit status."""
    print(f"train.py: {message}", file=sys.stderr)
    return status
