"""The commands that train, and that put runs to use."""

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from chainrule.training.evaluation import evaluate, evaluate_parser
from chainrule.training.export.exporting import export_parser, export_run
from chainrule.training.options import fill_in, folder_of, parser, resume_parser
from chainrule.training.prediction import predict, predict_parser
from chainrule.training.run.ranks import ALONE, Alone, Ranks, as_one, team
from chainrule.training.run.running import (
    begin,
    carry_out,
    failed,
    report_again,
    report_parser,
    taken_up,
)
from chainrule.training.run.setup import build, load_for
from chainrule.training.runs.comparison import compare, compare_parser
from chainrule.training.runs.processes import (
    begin_many,
    carry_out_many,
    is_many,
    kind_of,
    take_up_many,
)
from chainrule.training.sanity.examination import examine
from chainrule.training.sanity.picture import range_picture

#: What puts runs to use: each returns what is to be printed.
REPORTS = {
    "predict": (predict_parser, predict),
    "evaluate": (evaluate_parser, evaluate),
    "compare": (compare_parser, compare),
    "export": (export_parser, export_run),
    "report": (report_parser, report_again),
}


def main(arguments: Sequence[str]) -> int:
    """Does what the command line says, which begins with train, resume, report, predict, evaluate,
    compare or export; returns the exit status."""
    try:
        ours = team()
    except ValueError as error:
        return failed(error, 2)
    if ours.ranks == 1:
        return carried_out(arguments, ours)
    return as_one(ours, lambda: carried_out(arguments, ours))


def carried_out(arguments: Sequence[str], ours: Alone) -> int:
    """Does what the command line says, as one of a team of processes; returns the exit status."""
    command, *words = arguments
    try:
        if command in REPORTS:
            in_one_process(ours, command)
            return inform(*REPORTS[command], words)
        if command == "resume":
            return resume(resume_parser().parse_args(words), ours)
        if any(word.partition("=")[0] == "--resume" for word in words):
            words = [re.sub("^--resume(=|$)", r"--run\1", word) for word in words]
            return resume(resume_parser().parse_args(words), ours)
        return train(parser().parse_args(words), ours)
    except ValueError as error:
        return failed(error, 2)
    except KeyboardInterrupt:
        return failed("interrupted", 130)
    except MemoryError as error:
        what = str(error) or "Python could not get any more"
        return failed(f"not enough memory: {what}; try a smaller --hidden or --batch-size", 1)


def in_one_process(ours: Alone, what: str) -> None:
    """Raises ValueError in a team of several."""
    if isinstance(ours, Ranks):
        ours.complain(f"{what}: works in one process; start it without mpiexec")


def train(options: argparse.Namespace, ours: Alone = ALONE) -> int:
    """Trains in a new run folder; returns the exit status."""
    if options.sanity:
        in_one_process(ours, "--sanity")
        return look(options)
    try:
        many = kind_of(options)
        if many:
            in_one_process(ours, f"--{many}")
        if many:
            return carry_out_many(begin_many(options))
        run = begin(options, ours)
    except (ValueError, OSError) as error:
        return failed(error, 2)
    return carry_out(run)


def look(options: argparse.Namespace) -> int:
    """Looks for what would keep the network from learning, and trains nothing; returns the exit
    status: 1 where there is something."""
    try:
        if kind_of(options) is not None:
            raise ValueError("--sanity: goes with one run, not with --seeds or --search")
        dataset = load_for(options)
        fill_in(options, dataset)
        _, solver = build(options, dataset)
        print(dataset.describe(), end="\n\n")
        diagnosis = examine(solver, seed=options.seed, show=print)
        print(f"\n{diagnosis.verdict}")
        if diagnosis.range is not None:
            folder = Path(options.run_dir or ".")
            folder.mkdir(parents=True, exist_ok=True)
            range_picture(diagnosis).save(folder / "sanity.png")
            print(f"\nthe loss against the learning rate: {folder / 'sanity.png'}")
    except (ValueError, OSError) as error:
        return failed(error, 2)
    return 0 if diagnosis else 1


def resume(options: argparse.Namespace, ours: Alone = ALONE) -> int:
    """Goes on with a run; returns the exit status."""
    try:
        path = folder_of(options)
        if is_many(path, options):
            in_one_process(ours, "resume of several runs")
            return carry_out_many(take_up_many(path, options.jobs, options.scheduler))
        run = taken_up(path, options.epochs, ours)
    except (ValueError, OSError) as error:
        return failed(error, 2)
    return carry_out(run)


def inform(
    command_parser: Callable[[], argparse.ArgumentParser],
    command: Callable[[argparse.Namespace], str],
    arguments: Sequence[str],
) -> int:
    """Prints what a command returns; returns the exit status."""
    options = command_parser().parse_args(arguments)
    try:
        text = command(options)
    except (ValueError, OSError) as error:
        return failed(error, 2)
    print(text)
    return 0
