"""Several runs at once: those of --seeds and of --search."""

import argparse
import dataclasses
import shlex
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import contextmanager, suppress
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
from chainrule.training.runs.trial import BUSY, POLL, Result, Trial, result_of
from chainrule.training.runs.trials import Trials
from chainrule.training.runs.workers import Cluster, Processes, Workers, cores
from chainrule.training.tables import TABLE

#: By the option that asks for it. `plan(options, path)` makes the Trials, `rehearsals(options)` the
#: options to try before anything is begun, and `conclude(options, path, done, failed)` prints and
#: draws what has come of them: `done` are pairs of a Trial and its Result, `failed` are Trials.
KINDS: dict[str, Any] = {"seeds": seeds, "search": search}
TRIALS = 20
KILLED = "failed: its process was killed, perhaps for want of memory"


def kind_of(options: argparse.Namespace) -> str | None:
    """ "seeds" or "search" where the options ask for several runs, else None. Raises ValueError
    where they do not go together."""
    asked = [name for name in KINDS if getattr(options, name) is not None]
    if len(asked) > 1:
        raise ValueError("--seeds and --search: expected one of them, got both")
    if options.trials is not None and asked != ["search"]:
        raise ValueError(f"--trials {options.trials}: goes with --search, which is missing")
    if options.sampler is not None and asked != ["search"]:
        raise ValueError(f"--sampler {options.sampler}: goes with --search, which is missing")
    for name in ("log", "live"):
        if getattr(options, name) is not None and asked:
            raise ValueError(f"--{name}: goes with one run, not with --{asked[0]}")
    for name in ("jobs", "scheduler"):
        if (value := getattr(options, name)) is not None and not asked:
            raise ValueError(f"--{name} {value}: goes with --seeds or --search, both are missing")
    return asked[0] if asked else None


@dataclasses.dataclass
class Many:
    """Runs that are ready to go on; `outcomes` by name, None of those that are not done."""

    kind: Any
    options: argparse.Namespace
    folder: RunFolder
    trials: Trials
    workers: Workers | None  # those of a cluster; else there are processes of this machine
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
    workers = Cluster(options.scheduler) if options.scheduler is not None else None
    path = Path(options.run_dir or fresh_path(Path(options.dataset).name.partition(".")[0]))
    words = {name: value for name, value in vars(options).items() if name != "run_dir"}
    trials = KINDS[kind].plan(options, path)
    folder = RunFolder.create(path, {"kind": kind, **described, "options": words})
    return claimed(kind, options, folder, trials, workers)


def is_many(path: str, options: argparse.Namespace) -> bool:
    """Whether the folder to resume is that of several runs. Raises ValueError where it is none, or
    where it does not go with the other options."""
    many = str(RunFolder.open(path).config.get("kind")) in KINDS
    if many and options.epochs is not None:
        raise ValueError(f"--epochs {options.epochs}: goes with one run, {path} holds several")
    for name in ("jobs", "scheduler"):
        if (value := getattr(options, name)) is not None and not many:
            raise ValueError(f"--{name} {value}: goes with several runs, {path} holds one")
    return many


def take_up_many(path: str, jobs: int | None, scheduler: str | None) -> Many:
    """The runs in the folder to resume, as many at a time and where they were before unless `jobs`
    and `scheduler` say otherwise. Those that failed go on from where they were saved, too. Raises
    ValueError or OSError where the folder, a result in it or the data are not what they were."""
    folder = RunFolder.open(path)
    kind = folder.config["kind"]
    options, before = options_of(folder.config), folder.config["data"]["fingerprint"]
    try:
        rehearsals = KINDS[kind].rehearsals(options)
        trials = KINDS[kind].plan(options, folder.path)
    except (AttributeError, TypeError, ValueError) as error:
        raise FileError(f"{path}/config.json: damaged: {brief(error)}") from None
    options.jobs = options.jobs if jobs is None else jobs
    options.scheduler = options.scheduler if scheduler is None else scheduler
    if rehearsed(rehearsals)["data"]["fingerprint"] != before:
        raise FileError(
            f"{path}: the data of {options.dataset} are not those that the runs were begun with"
        )
    workers = Cluster(options.scheduler) if options.scheduler is not None else None
    return claimed(kind, options, folder, trials, workers)


def claimed(
    kind: str,
    options: argparse.Namespace,
    folder: RunFolder,
    trials: Trials,
    workers: Workers | None,
) -> Many:
    """These runs, kept from other processes. Raises FileError where one carries them out already,
    or where a result cannot be read."""
    release = folder.release or folder.claim()
    try:
        trials.open()
        outcomes = {trial.name: result_of(trial.path) for trial in trials.trials}
    except BaseException:
        release()
        raise
    return Many(KINDS[kind], options, folder, trials, workers, dict(outcomes), release)


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
    trials, outcomes, path, options = many.trials, many.outcomes, many.folder.path, many.options
    done = sum(outcome is not None for outcome in outcomes.values())
    before = f", {done} of them done before" if done else ""
    most = many.workers.count if many.workers else cores()
    jobs = min(options.jobs or most, max(trials.total - done, 1))
    if (repeats := (options.trials or trials.total) - trials.total) > 0:
        print(f"{repeats} of {options.trials} draws repeat earlier ones and are left out")
    print(f"{trials.total} runs in {path}{before}; {jobs} at a time\n", flush=True)
    try:
        with (
            watching() as received,
            tqdm(
                total=trials.total, initial=done, unit="run", disable=None, dynamic_ncols=True
            ) as bar,
        ):
            Round(many, jobs, received, bar).carry_out()
        done = sum(outcome is not None for outcome in outcomes.values())
        if received:
            return failed(
                f"stopped with {done} of {trials.total} runs done; go on with: "
                f"chainrule resume {shlex.quote(str(path))}",
                128 + received[0],
            )
        if busy := [one.name for one in trials.trials if outcomes.get(one.name) is None]:
            return failed(
                f"{len(busy)} of {trials.total} runs are not done, {busy[0]} first: other "
                f"processes train them; wait until these have ended, then go on with: "
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
    for trial in many.trials.trials:
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


@contextmanager
def watching() -> Iterator[list[int]]:
    """Within it, the SIGNALS end nothing: their numbers go to the list that it gives."""
    received: list[int] = []
    with handled(lambda number, _: received.append(number)):
        yield received


class Round:
    """Carries out the trials of `many`, `jobs` at a time, with a line for each that ends, and puts
    what has come of them into `many.outcomes`. A signal in `received` has those that are under way
    save and end, and no more are begun; a second Ctrl-C ends them at once."""

    def __init__(self, many: Many, jobs: int, received: Sequence[int], bar: tqdm) -> None:
        self.many, self.jobs, self.received, self.bar = many, jobs, received, bar
        self.stop = many.folder.path / "stop"  # there once they are to end

    def carry_out(self) -> None:
        """Does so. Where a process is killed, so are the others: those that were under way go on
        one by one, so that it is known which it was."""
        upcoming = iter(lambda: self.many.trials.take(self.many.outcomes), None)
        self.stop.unlink(missing_ok=True)
        try:
            while lost := self.together(self.jobs, upcoming):
                for trial in lost:
                    if len(lost) == 1 or self.together(1, iter([trial])):
                        self.end(trial, KILLED)
        finally:
            self.stop.unlink(missing_ok=True)

    def together(self, jobs: int, trials: Iterator[Trial]) -> list[Trial]:
        """Carries out trials, `jobs` at a time; returns those that were under way when a process
        was killed, none if all have ended."""
        workers = self.many.workers or Processes(jobs)
        running: dict[Future[int], Trial] = {}
        try:
            while not self.at_once:
                while len(running) < jobs and not self.received and (trial := next(trials, None)):
                    running[workers.submit(trial, self.stop)] = trial
                if not running:
                    return []
                ended, _ = wait(running, POLL, FIRST_COMPLETED)
                broken = [one for one in ended if isinstance(one.exception(), BrokenExecutor)]
                for future in ended.difference(broken):
                    self.conclude(running.pop(future), future, workers.killed)
                if broken:
                    return [] if self.received else [*running.values()]
                if self.received:
                    self.stop.touch()
                self.bar.refresh()  # the clock on it goes on
            return []
        finally:
            workers.close(at_once=self.at_once)

    @property
    def at_once(self) -> bool:
        """Whether Ctrl-C has come twice."""
        return self.received.count(signal.SIGINT) > 1

    def conclude(self, trial: Trial, future: Future[int], killed: type[Exception]) -> None:
        """Tells how a trial has ended, if it has, and was not told to stop."""
        outcome, error = result_of(trial.path), future.exception()
        if outcome is None and error is not None:
            self.end(trial, KILLED if isinstance(error, killed) else f"failed: {brief(error)}")
            return
        if outcome is None and future.result() == BUSY:
            tqdm.write(f"{trial}   {why(trial, BUSY)}")  # not done, but not failed either
        elif outcome is not None or not self.received:
            self.end(trial, outcome or why(trial, future.result()))

    def end(self, trial: Trial, outcome: Result | str) -> None:
        """Notes and tells how a trial has ended."""
        self.many.outcomes[trial.name] = outcome
        tqdm.write(f"{trial}   {outcome}")
        self.bar.update()


def why(trial: Trial, status: int) -> str:
    """Why a trial ended without a result, in one line."""
    log = ""
    with suppress(OSError, FileError):  # one that ended before it wrote any
        log = read_file(trial.path / "run.log").decode(errors="replace")
    last = next(
        (line for line in reversed(log.split("\n")) if line.strip()), f"exit status {status}"
    )
    return f"failed: {brief(last.removeprefix('chainrule: '))}"
