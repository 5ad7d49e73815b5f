"""Several runs at once, each in a process of its own: those of --seeds and of --search."""

import argparse
import dataclasses
import multiprocessing
import os
import shlex
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tqdm import tqdm

from chainrule.data import Dataset
from chainrule.nets import FileError
from chainrule.nets.files import brief, read_file
from chainrule.training.options import fill_in
from chainrule.training.run.autosave import handled
from chainrule.training.run.config import options_of
from chainrule.training.run.console import tell
from chainrule.training.run.folder import RunFolder, description, fresh_path
from chainrule.training.run.running import failed
from chainrule.training.run.setup import build, load_for
from chainrule.training.runs import search, seeds
from chainrule.training.runs.trial import BUSY, Result, Trial, result_of, work
from chainrule.training.tables import TABLE

#: By the option that asks for it. `plan(options, path)` makes the trials, `rehearsals(options)` the
#: options to try before anything is begun, and `conclude(options, path, done, failed)` prints and
#: draws what has come of them: `done` are pairs of a Trial and its Result, `failed` are Trials.
KINDS: dict[str, Any] = {"seeds": seeds, "search": search}
TRIALS = 20
POLL = 0.2  # seconds between two looks at whether a signal has come
#: The variables by which the BLAS libraries learn, when NumPy is imported, to use one thread.
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
)


def kind_of(options: argparse.Namespace) -> str | None:
    """ "seeds" or "search" where the options ask for several runs, else None. Raises ValueError
    where they do not go together."""
    asked = [name for name in KINDS if getattr(options, name) is not None]
    if len(asked) > 1:
        raise ValueError("--seeds and --search: expected one of them, got both")
    if options.trials is not None and asked != ["search"]:
        raise ValueError(f"--trials {options.trials}: goes with --search, which is missing")
    for name in ("log", "live"):
        if getattr(options, name) is not None and asked:
            raise ValueError(f"--{name}: goes with one run, not with --{asked[0]}")
    if options.jobs is not None and not asked:
        raise ValueError(f"--jobs {options.jobs}: goes with --seeds or --search, both are missing")
    return asked[0] if asked else None


@dataclasses.dataclass
class Many:
    """Runs that are ready to go on; `outcomes` by name, None of those that are not done."""

    kind: Any
    options: argparse.Namespace
    folder: RunFolder
    trials: list[Trial]
    outcomes: dict[str, Result | str | None]
    release: Callable[[], object]  # gives the folder free for other processes


def begin_many(options: argparse.Namespace) -> Many:
    """The runs that the options ask for, in a new folder. Raises ValueError or OSError where an
    option, the data or the folder is wrong."""
    kind = kind_of(options)
    assert kind is not None
    if kind == "search" and options.trials is None:
        options.trials = TRIALS
    described = rehearsed(KINDS[kind].rehearsals(options))
    path = Path(options.run_dir or fresh_path(Path(options.dataset).name.partition(".")[0]))
    words = {name: value for name, value in vars(options).items() if name != "run_dir"}
    trials = KINDS[kind].plan(options, path)
    folder = RunFolder.create(path, {"kind": kind, **described, "options": words})
    return claimed(kind, options, folder, trials)


def is_many(path: str, options: argparse.Namespace) -> bool:
    """Whether the folder to resume is that of several runs. Raises ValueError where it is none, or
    where it does not go with the other options."""
    many = str(RunFolder.open(path).config.get("kind")) in KINDS
    if many and options.epochs is not None:
        raise ValueError(f"--epochs {options.epochs}: goes with one run, {path} holds several")
    if options.jobs is not None and not many:
        raise ValueError(f"--jobs {options.jobs}: goes with several runs, {path} holds one")
    return many


def take_up_many(path: str, jobs: int | None) -> Many:
    """The runs in the folder to resume, as many at a time as before unless `jobs` says how many.
    Those that failed go on from where they were saved, too. Raises ValueError or OSError
    where the folder, a result in it or the data are not what they were."""
    folder = RunFolder.open(path)
    kind = folder.config["kind"]
    options, before = options_of(folder.config), folder.config["data"]["fingerprint"]
    try:
        rehearsals = KINDS[kind].rehearsals(options)
        trials = KINDS[kind].plan(options, folder.path)
    except (AttributeError, TypeError, ValueError) as error:
        raise FileError(f"{path}/config.json: damaged: {brief(error)}") from None
    options.jobs = options.jobs if jobs is None else jobs
    if rehearsed(rehearsals)["data"]["fingerprint"] != before:
        raise FileError(
            f"{path}: the data of {options.dataset} are not those that the runs were begun with"
        )
    return claimed(kind, options, folder, trials)


def claimed(kind: str, options: argparse.Namespace, folder: RunFolder, trials: list[Trial]) -> Many:
    """These runs, kept from other processes. Raises FileError where one carries them out already,
    or where a result cannot be read."""
    release = folder.release or folder.claim()
    try:
        outcomes: dict[str, Result | str | None] = {t.name: result_of(t.path) for t in trials}
    except BaseException:
        release()
        raise
    return Many(KINDS[kind], options, folder, trials, outcomes, release)


def rehearsed(rehearsals: Sequence[argparse.Namespace]) -> dict[str, Any]:
    """Makes the data, the network and the solver of each of these options; returns the description
    of the first. Raises ValueError or OSError where one of them is wrong."""
    datasets: dict[tuple[Any, ...], Dataset] = {}
    described: dict[str, Any] = {}
    for options in rehearsals:
        names = ("dataset", "data_dir", "dtype", "image_size", "class_weights", *TABLE)
        key = tuple(repr(getattr(options, name)) for name in names)
        if key not in datasets:
            datasets[key] = load_for(options)
            tell(datasets[key].name, datasets[key].notes)
        fill_in(options, datasets[key])
        build(options, datasets[key])
        described = described or description(options, datasets[key])
    return described


def carry_out_many(many: Many) -> int:
    """Carries out the trials that are not done, then says what has come of all of them; returns
    the exit status: 0 done, 1 all failed or another process trains one of them, 130 after Ctrl-C,
    143 after SIGTERM, 129 where the terminal was closed."""
    trials, outcomes, path = many.trials, many.outcomes, many.folder.path
    waiting = [trial for trial in trials if outcomes[trial.name] is None]
    done = len(trials) - len(waiting)
    jobs = min(many.options.jobs or cores(), max(len(waiting), 1))
    before = f", {done} of them done before" if done else ""
    if (repeats := (many.options.trials or len(trials)) - len(trials)) > 0:
        print(f"{repeats} of {many.options.trials} draws repeat earlier ones and are left out")
    print(f"{len(trials)} runs in {path}{before}; {jobs} at a time\n", flush=True)
    try:
        with (
            watching() as received,
            tqdm(
                total=len(trials), initial=done, unit="run", disable=None, dynamic_ncols=True
            ) as bar,
        ):
            outcomes |= in_processes(waiting, jobs, received, bar)
        if received:
            done = sum(outcome is not None for outcome in outcomes.values())
            return failed(
                f"stopped with {done} of {len(trials)} runs done; go on with: "
                f"chainrule resume {shlex.quote(str(path))}",
                128 + received[0],
            )
        if busy := [name for name, outcome in outcomes.items() if outcome is None]:
            return failed(
                f"{len(busy)} of {len(trials)} runs are not done, {busy[0]} first: other processes "
                f"train them; wait until these have ended, then go on with: "
                f"chainrule resume {shlex.quote(str(path))}",
                1,
            )
        return concluded(many)
    except FileError as error:
        return failed(f"{error}; go on with it by chainrule resume {path}", 1)
    finally:
        many.release()


def concluded(many: Many) -> int:
    """Says what has come of the trials, all of which have ended; returns the exit status."""
    print()
    results, failures = [], []
    for trial in many.trials:
        outcome = many.outcomes[trial.name]
        if isinstance(outcome, Result):
            results.append((trial, outcome))
        else:
            failures.append(trial)
            print(f"{trial}   {outcome}")
    if not results:
        return failed(f"all {len(failures)} runs failed, see run.log in their folders", 1)
    if failures:
        print()
    many.kind.conclude(many.options, many.folder.path, results, failures)
    return 0


def cores() -> int:
    """The number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def watching() -> Iterator[list[int]]:
    """Within it, the SIGNALS end nothing: their numbers go to the list that it gives."""
    received: list[int] = []
    with handled(lambda number, _: received.append(number)):
        yield received


def in_processes(
    trials: Sequence[Trial], jobs: int, received: Sequence[int], bar: tqdm
) -> dict[str, Result | str]:
    """Carries out trials, `jobs` at a time, with a line for each that ends; returns the outcomes by
    name. A signal in `received` is passed on to all, which save and end, and no more are begun; a
    second Ctrl-C ends them at once."""
    waiting, outcomes, told = list(trials), {}, 0
    running: dict[Any, tuple[Trial, BaseProcess]] = {}  # by what to wait for
    try:
        while running or (waiting and not received):
            while waiting and len(running) < jobs and not received:
                trial = waiting.pop(0)
                process = started(trial)
                running[process.sentinel] = trial, process
            for sentinel in wait(list(running), timeout=POLL):
                trial, process = running.pop(sentinel)
                process.join()
                outcome = result_of(trial.path) or why(trial, process.exitcode)
                if isinstance(outcome, str) and process.exitcode == BUSY:
                    tqdm.write(f"{trial}   {outcome}")
                    continue  # it is not done, but neither has it failed
                if isinstance(outcome, str) and received:
                    continue  # it was told to stop
                outcomes[trial.name] = outcome
                tqdm.write(f"{trial}   {outcome}")
                bar.update()
            for _, process in running.values():
                if received.count(signal.SIGINT) > 1:
                    process.kill()
                elif len(received) > told:
                    process.terminate()
            told = len(received)
            bar.refresh()  # the clock on it goes on
    finally:
        for _, process in running.values():
            process.terminate()
            process.join()
    return outcomes


def started(trial: Trial) -> BaseProcess:
    """The process of a trial, under way: in one thread, and out of the reach of Ctrl-C."""
    try:
        trial.path.mkdir(exist_ok=True)
    except OSError as error:
        raise FileError(f"{trial.path}: cannot be made: {error.strerror}") from None
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=work, args=(trial,), name=trial.name)
    before = dict(os.environ)
    os.environ.update(ONE_THREAD)
    try:
        with without_interrupts():
            process.start()
    finally:
        os.environ.clear()
        os.environ.update(before)
    return process


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Within it Ctrl-C is held back. A process that is started in it never gets one."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def why(trial: Trial, status: int | None) -> str:
    """Why a trial ended without a result, in one line."""
    if status is not None and status < 0:
        name = signal.Signals(-status).name
        memory = ", perhaps for want of memory" if name == "SIGKILL" else ""
        return f"failed: killed by {name}{memory}"
    log = ""
    with suppress(OSError, FileError):  # one that died before it wrote any
        log = read_file(trial.path / "run.log").decode(errors="replace")
    last = next(
        (line for line in reversed(log.split("\n")) if line.strip()), f"exit status {status}"
    )
    return f"failed: {brief(last.removeprefix('chainrule: '))}"
