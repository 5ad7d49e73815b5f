"""What `python train.py` does."""

import difflib
import os
import sys
from pathlib import Path

from chainrule.training.building import build, load
from chainrule.training.comparison import compare, compare_parser
from chainrule.training.many import begin_many, carry_out_many, is_many, kind_of, take_up_many
from chainrule.training.options import fill_in, parser, resume_parser
from chainrule.training.prediction import evaluate, evaluate_parser, predict, predict_parser
from chainrule.training.ranks import ALONE, as_one, team
from chainrule.training.running import begin, carry_out, failed, taken_up
from chainrule.training.sanity import examine, range_picture

#: What a first word asks for, which returns what is to be printed; without one, a run is trained.
COMMANDS = {
    "predict": (predict_parser, predict),
    "evaluate": (evaluate_parser, evaluate),
    "compare": (compare_parser, compare),
}


def main(arguments=None):
    """Does what the command line says; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        ours = team()
    except ValueError as error:
        return failed(error, 2)
    if ours.ranks == 1:
        return obey(arguments, ours)
    return as_one(ours, lambda: obey(arguments, ours))


def obey(arguments, ours):
    """The same, as one of a team of processes."""
    first = arguments[0] if arguments else "-"
    try:
        if first in COMMANDS:
            in_one_process(ours, first)
            return inform(*COMMANDS[first], arguments[1:])
        if not first.startswith("-"):
            close = difflib.get_close_matches(first, COMMANDS, n=1)
            meant = f"; did you mean {close[0]}?" if close else ""
            return failed(f"{first}: expected an option or {', '.join(COMMANDS)}{meant}", 2)
        if any(word.partition("=")[0] == "--resume" for word in arguments):
            return resume(resume_parser().parse_args(arguments), ours)
        return train(parser().parse_args(arguments), ours)
    except ValueError as error:
        return failed(error, 2)
    except KeyboardInterrupt:
        return failed("interrupted", 130)
    except MemoryError as error:
        what = str(error) or "Python could not get any more"
        return failed(f"not enough memory: {what}; try a smaller --hidden or --batch-size", 1)


def in_one_process(ours, what):
    """Raises ValueError in a team of several."""
    if ours.ranks > 1:
        ours.complain(f"{what}: works in one process; start it without mpiexec")


def train(options, ours=ALONE):
    """Trains in a new run folder; returns the exit status."""
    if options.sanity:
        in_one_process(ours, "--sanity")
        return look(options)
    try:
        many = kind_of(options)
        if many:
            in_one_process(ours, f"--{many}")
        run = begin_many(options) if many else begin(options, ours)
    except (ValueError, OSError) as error:
        return failed(error, 2)
    return carry_out_many(run) if many else carry_out(run)


def look(options):
    """Looks for what would keep the network from learning, and trains nothing; returns the exit
    status: 1 where there is something."""
    try:
        if kind_of(options) is not None:
            raise ValueError("--sanity: goes with one run, not with --seeds or --search")
        dataset = load(options.dataset, options.data_dir, options.dtype)
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


def resume(options, ours=ALONE):
    """Goes on with a run; returns the exit status."""
    try:
        many = is_many(options)
        if many:
            in_one_process(ours, "--resume of several runs")
        run = take_up_many(options) if many else taken_up(options.resume, options.epochs, ours)
    except (ValueError, OSError) as error:
        return failed(error, 2)
    return carry_out_many(run) if many else carry_out(run)


def inform(command_parser, command, arguments):
    """Prints what a command returns; returns the exit status."""
    options = command_parser().parse_args(arguments)
    try:
        text = command(options)
    except (ValueError, OSError) as error:
        return failed(error, 2)
    print(text)
    return 0


def program():
    """Runs main() and ends the process in good order where its output is not taken."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed before the start
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # it may lack → and Σ
    try:
        try:
            sys.exit(main())
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os._exit(141)  # 128 + SIGPIPE; an orderly exit would try to write the rest once more
    except OSError as error:
        print(f"train.py: the output cannot be written: {error.strerror}", file=sys.stderr)
        os._exit(1)
