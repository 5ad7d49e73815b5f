"""What `python train.py` does."""

import os
import sys

import solvers
from training.building import build, load
from training.options import fill_in, parser
from training.printing import check_gradients, report


def main(arguments=None):
    """Trains as the command line says; returns the exit status."""
    try:
        return run(parser().parse_args(arguments))
    except KeyboardInterrupt:
        print("train.py: interrupted", file=sys.stderr)
        return 130


def run(options):
    """Loads, builds, trains and reports; returns the exit status."""
    try:
        dataset = load(options.dataset, options.data_dir, options.dtype)
        fill_in(options, dataset)
        model, solver = build(options, dataset)
    except (ValueError, OSError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2
    print(dataset.describe())
    print(f"\n{model.net.summary(dataset.x_train.shape[1:])}")
    print(f"\n{model.criterion!r}, {solver.rule!r}, {solver.schedule!r}, l2={model.l2:g}")
    if options.gradcheck and not check_gradients(model.net, dataset.x_train[:8]):
        print("train.py: the gradients are wrong, see above; nothing was trained", file=sys.stderr)
        return 1
    print()
    try:
        solver.train()
    except solvers.NonFiniteError as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 1
    report(model, solver, dataset)
    return 0


def program():
    """Runs main() and ends the process in good order where its output is not taken."""
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
