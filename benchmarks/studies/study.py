"""What the studies share: runs that can be stopped and gone on with, and the files they go to."""

import argparse
import datetime
import json
import multiprocessing
import signal
import statistics
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.machine import cores, machine
from benchmarks.race import limited
from benchmarks.report import write_json
from chainrule.data import load_cifar10, load_mnist
from chainrule.solvers import restore_checkpoint, save_checkpoint

SAVE_EVERY = 30  # seconds


DATA: dict[str, tuple] = {  # what reads it, and what a folder of it holds
    "MNIST": (load_mnist, "MNIST's four IDX files"),
    "CIFAR-10": (load_cifar10, "the first training batch and the test batch of CIFAR-10"),
}


def options(module, arguments, data="MNIST"):
    """The command line of a study of `data`, a key of DATA, or None for no data from outside."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {module.__spec__.name}",
        description=(module.__doc__ or "").partition("\n\n")[0],
    )
    if data:
        load, held = DATA[data]
        parser.add_argument("--data-dir", metavar="FOLDER", help=held)
    parser.add_argument("--out", type=Path, default=Path("docs/studies"), metavar="FOLDER")
    parser.add_argument("--workers", type=int, default=cores(), metavar="N", help="runs at a time")
    given = parser.parse_args(arguments)
    if given.workers < 1:
        parser.error(f"--workers must be at least 1, got {given.workers}")
    if data:
        try:
            load(given.data_dir)
        except (OSError, ValueError) as problem:
            parser.error(str(problem))
    return given


class Study:
    """The runs of a study, in a JSON file that is written anew after each.

    A run is a dict: its `setting`, which tells it from the others, and what was found.
    """

    def __init__(self, name, folder):
        self.path = folder / f"{name}.json"
        self.unfinished = folder / "unfinished"
        if self.path.exists():
            self.results = json.loads(self.path.read_text())
        else:
            now = datetime.datetime.now().isoformat(timespec="seconds")
            self.results = {"machine": machine(), "begun": now, "runs": []}

    @property
    def runs(self):
        return self.results["runs"]

    def found(self, **setting):
        """The runs whose setting has these entries, in the order of their settings."""
        own = [run for run in self.runs if setting.items() <= run["setting"].items()]
        return sorted(own, key=lambda run: json.dumps(run["setting"]))

    def carry_out(self, settings, measure, workers):
        """Add the runs that are not there yet, each `measure(setting, checkpoint)` in a process of
        its own with one thread, so many at a time."""
        done = [run["setting"] for run in self.runs]
        missing = [setting for setting in settings if setting not in done]
        if not missing:
            return
        self.unfinished.mkdir(parents=True, exist_ok=True)
        jobs = [(measure, setting, self.checkpoint(setting)) for setting in missing]
        context = multiprocessing.get_context("spawn")
        try:
            with (
                limited(1),
                context.Pool(workers, leave_interrupts_to_the_parent, maxtasksperchild=1) as pool,
                tqdm(total=len(settings), initial=len(settings) - len(jobs), unit="run") as bar,
            ):
                for setting, found in pool.imap_unordered(carry_out, jobs):
                    self.runs.append({"setting": setting, **found})
                    self.write()
                    self.checkpoint(setting).unlink(missing_ok=True)
                    bar.update()
        except KeyboardInterrupt:
            raise SystemExit("\nStopped; the same command goes on from here.") from None

    def checkpoint(self, setting):
        return self.unfinished / f"{self.path.stem} {in_words(setting)}.safetensors"

    def write(self):
        write_json(self.path, self.results)

    def finish(self, lines, picture):
        """Print the table and draw the picture, which the two functions make of the study."""
        print("\n".join(lines(self)))
        picture(self).save(self.path.with_suffix(".png"))


def leave_interrupts_to_the_parent():
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def carry_out(job):
    measure, setting, checkpoint = job
    return setting, measure(setting, checkpoint)


def in_words(setting):
    """`tanh, lr 0.1, seed 0`: the first entry by its value alone."""
    (_, first), *others = setting.items()
    return ", ".join([str(first), *(f"{name} {value}" for name, value in others)])


def train(solver, checkpoint, title):
    """`solver.train()`, from where the file `checkpoint` stands, if it is there; saved there every
    half minute, with a line for each epoch."""
    if checkpoint.exists():
        restore_checkpoint(checkpoint, solver)
    saved = time.monotonic()

    def save(solver):
        nonlocal saved
        parent = multiprocessing.parent_process()
        if parent is not None and not parent.is_alive():
            raise SystemExit(f"{title}: the study has ended")
        if time.monotonic() - saved > SAVE_EVERY:
            save_checkpoint(checkpoint, solver)
            saved = time.monotonic()

    def tell(solver):
        last = solver.history
        score = "" if last.val_score[-1] is None else f", validation {error(last.val_score[-1])}"
        tqdm.write(
            f"{title}: epoch {solver.epoch} of {solver.goal}, {last.seconds[-1]:.0f} s, loss "
            f"{last.loss[-1]:.4f}{score}"
        )

    solver.progress = False
    solver.after_step = save
    solver.callbacks.append(tell)
    return solver.train()


def error(score):
    """An accuracy as an error, in percent."""
    return f"{100 * (1 - score):.2f} %"


def mean_and_spread(values, digits=2):
    """`1.43 ± 0.04`, the standard deviation over the runs behind the mean; one value alone."""
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{np.mean(values):.{digits}f} ± {statistics.stdev(values):.{digits}f}"
