"""What `python train.py` does."""

import os
import sys

from training.options import parser, resume_parser
from training.running import begin, carry_out, failed, taken_up


def main(arguments=None):
    """Does what the command line says; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if any(word.partition("=")[0] == "--resume" for word in arguments):
            return resume(resume_parser().parse_args(arguments))
        return train(parser().parse_args(arguments))
    except KeyboardInterrupt:
        return failed("interrupted", 130)


def train(options):
    """Trains in a new run folder; returns the exit status."""
    try:
        run = begin(options)
    except (ValueError, OSError) as error:
        return failed(error, 2)
    return carry_out(run)


def resume(options):
    """Goes on with a run; returns the exit status."""
    try:
        run = taken_up(options.resume, options.epochs)
    except (ValueError, OSError) as error:
        return failed(error, 2)
    return carry_out(run)


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
