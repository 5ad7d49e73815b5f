"""The command line: `chainrule train`, or `python -m chainrule train`, the same."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from chainrule import __version__

HELP = """Neural networks in NumPy, every backward pass written by hand.

To begin with:
  chainrule train                          a network on the digits that come with the package
  chainrule train --dataset my.csv         on rows of your own
  chainrule check homework.py              is every gradient in this file right, and if not, why?

All commands; each says more after --help:
  train [options]                          trains a network, in a folder of its own
  resume RUN [--epochs N]                  goes on with a run that was stopped
  evaluate RUN [--data FILE]               loss, accuracy and confusions, or errors
  predict RUN --data FILE                  classes and probabilities of new rows, or numbers
  report RUN                               its report, drawn again without training
  compare RUN …                            runs beside each other, in a table and a picture
  export RUN --to onnx|torch|numpy|c       the network as a file that other programs run
  check [FILE [NAME …]]                    gradients of a file, or of every layer of the library
  circuits FOLDER                          circuits of lectures, as pictures and pages to play with
  course status | build | grade            the homework notebooks
  --version                                which version this is"""


def train(arguments: Sequence[str]) -> int:
    from chainrule.training.command import main

    return main(arguments)


def check(arguments: Sequence[str]) -> int:
    from chainrule.gradcheck.__main__ import main

    return main(arguments[1:], prog="chainrule check")


def circuits(arguments: Sequence[str]) -> int:
    from chainrule.nets.circuits import main

    return main(arguments[1:])


def course(arguments: Sequence[str]) -> int:
    from chainrule.notebooks.__main__ import main

    return main(arguments[1:])


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    **dict.fromkeys(("train", "resume", "report", "evaluate"), train),
    **dict.fromkeys(("predict", "compare", "export"), train),
    "check": check,
    "circuits": circuits,
    "course": course,
}


def main(arguments: Sequence[str] | None = None, *, default: str = "--help") -> int:
    """Do what the command line says, `default` where it does not begin with a command; return the
    exit status."""
    words = [*(sys.argv[1:] if arguments is None else arguments)]
    if not words or (words[0].startswith("-") and default in COMMANDS):
        words.insert(0, default)
    first = words[0]
    if first in ("-h", "--help"):
        print(HELP)
    elif first == "--version":
        print(f"chainrule {__version__}")
    elif first in COMMANDS:
        return COMMANDS[first](words)
    else:
        close = difflib.get_close_matches(first, COMMANDS, n=1)
        meant = f"; did you mean {close[0]}?" if close else ""
        print(f"chainrule: {first}: expected one of {', '.join(COMMANDS)}{meant}", file=sys.stderr)
        return 2
    return 0


def program(main: Callable[[], int] = main) -> NoReturn:
    """Run `main` and end the process in good order where it is interrupted or its output is not
    taken."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed before the start
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # it may lack → and Σ
    try:
        try:
            sys.exit(main())
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("chainrule: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        os._exit(141)  # 128 + SIGPIPE; an orderly exit would try to write the rest once more
    except OSError as error:
        print(f"chainrule: the output cannot be written: {error.strerror}", file=sys.stderr)
        os._exit(1)


if __name__ == "__main__":
    program()
