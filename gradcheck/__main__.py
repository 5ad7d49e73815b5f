"""Checks of many layers from the command line.

    chainrule check                          every layer and network of the library
    chainrule check homework.py              what a file of yours has
    chainrule check homework.py ReLU affine  some of it
    chainrule check layers.py optim.py       several files
    chainrule check --if-any *.py            the same, where it may be that none has anything

Of a file are checked: every class with `forward` and `backward`, whatever their form; every pair
of functions such as `name_forward(x, …)` and `name_backward(dout, cache)`, or `tanh` and
`tanh_prime`; every loss that returns its gradient too; update rules. A class shows its inputs
itself where it has `examples(rng)`, which yields `(name, layer, *inputs)`; otherwise small ones
are made from the shapes in docstrings, from the names of arguments, and by trying. Where that
fails, say what something takes:

    chainrule check homework.py scale --inputs "x=(5,4); y=int(5)<4; p=0.5"

(5,4) is an array of this shape, int(5)<4 whole numbers from 0 to 3, bool(5), positive(5),
shares(5,4) and onehot(5,4) are what they say; numbers, "words", lists and dicts are as they are.

Remarks on what may bite later are told and leave it correct, except with --strict; the library
itself is always checked strictly.

Exit status: 0 where all is checked and correct, 1 where something is wrong, not written yet or
could not be tried, 2 where the command or the file makes no sense.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from chainrule.gradcheck.command.cases import Case, Result, Target, checked
from chainrule.gradcheck.command.module import UsageError
from chainrule.gradcheck.command.table import last_line, stories, summary, table
from chainrule.gradcheck.command.targets import library_targets, targets_of
from chainrule.gradcheck.command.values import Unreadable, said
from chainrule.gradcheck.command.watch import complain, watch
from chainrule.gradcheck.report.report import clip


def run(targets: list[Target], **options: Any) -> list[Result]:
    """Checks every case, with these options of `check`."""
    results: list[Result] = []
    for target in targets:
        show(bar(len(results), len(targets), target.name))
        results.append(checked(target, **options) if isinstance(target, Case) else target)
    show("")
    return results


def bar(done: int, total: int, name: str) -> str:
    """How far it is: "[#####     ] 6/12 lstm_step"."""
    filled = "#" * (10 * done // total)
    return f"[{filled:10}] {done}/{total} {clip(name, 30)}"


def show(progress: str) -> None:
    """One line on stderr, where that is a terminal, in place of the last one."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{progress}")
        sys.stderr.flush()


ARGUMENTS = "Python files, then names of what they have; left out, the library and everything"
SAY = "what the things of these names take; may be repeated"


class Parser(argparse.ArgumentParser):
    """A parser that reports bad usage in one line."""

    def error(self, message: str) -> Any:
        raise UsageError(f"{message} ({self.prog} --help says more)")


def parser(prog: str) -> Parser:
    """The command line, where it begins with `prog`."""
    about, usage, more = (__doc__ or "\n\n\n\n").replace("chainrule check", prog).split("\n\n", 2)
    line = Parser(
        prog,
        f"{prog} [options] [FILE … [NAME …]]",
        description=f"{about}\n\n{usage}",
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    line.add_argument("words", nargs="*", metavar="FILE or NAME", help=ARGUMENTS)
    line.add_argument("--inputs", action="append", default=[], metavar="NAME=VALUE; …", help=SAY)
    line.add_argument("--if-any", action="store_true", help="be content with files of nothing")
    line.add_argument("--json", action="store_true", help="print reports and a summary as JSON")
    line.add_argument("--seed", type=int, default=0, help="a number from 0 on; default 0")
    line.add_argument("--strict", action="store_true", help="remarks are mistakes too")
    efforts = ("quick", "full", "entrywise")
    line.add_argument("--effort", choices=efforts, default="full", help="default full")
    line.add_argument("--watch", action="store_true", help="check again whenever a file changes")
    return line


def main(
    arguments: Sequence[str] | None = None, prog: str = "python -m chainrule.gradcheck"
) -> int:
    """Runs the command line, which begins with `prog`, and returns the exit status, 130 where it
    was interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal may lack the arrows of a report
    try:
        options = understood(parser(prog).parse_intermixed_args(arguments))
        return watch(partial(once, options), options.files) if options.watch else once(options)
    except UsageError as error:
        complain(error)
        return 2
    except KeyboardInterrupt:
        show("")
        print("chainrule: interrupted", file=sys.stderr)
        return 130


def understood(options: argparse.Namespace) -> argparse.Namespace:
    """The options, with files, names and inputs told apart. Raises UsageError."""
    words = options.words
    options.files = words[:1] + [word for word in words[1:] if word.endswith(".py")]
    options.names = [word for word in words[1:] if not word.endswith(".py")]
    try:
        options.said = said(options.inputs)
    except Unreadable as error:
        raise UsageError(f"--inputs: {error}") from None
    for asked, name in ((options.said, "--inputs"), (options.watch, "--watch")):
        if asked and not options.files:
            raise UsageError(f"{name} needs a file to check")
    if options.seed < 0:
        raise UsageError(f"--seed must be 0 or more, not {options.seed}")
    return options


def asked_for(options: argparse.Namespace) -> Iterable[tuple[str, list[Target]]]:
    """What is to be checked of each file, or of the library."""
    if not options.files:
        return [("", library_targets(options.seed))]
    return targets_of(options.files, options.names, options.seed, options.said, options.if_any)


def once(options: argparse.Namespace) -> int:
    """Checks everything, prints what was found, and returns the exit status."""
    # What the library ships has to stand every test.
    how = {"effort": options.effort, "strict": options.strict or not options.files}
    # What the checked code prints must not end up between the lines of the JSON.
    with contextlib.redirect_stdout(sys.stderr):
        groups = [(file, run(some, seed=options.seed, **how)) for file, some in asked_for(options)]
    results = [replace(one, file=file) for file, some in groups for one in some]
    counts = summary(results)
    if options.json:
        found = {"reports": [one.as_dict() for one in results], "summary": counts}
        text = json.dumps(found, indent=1, allow_nan=False)
    else:
        parts = []
        for file, some in groups:
            head = f"{file}\n" if len(options.files) > 1 else ""
            parts += [f"{head}{table(some)}", *stories(some)]
        text = "\n\n".join([*parts, last_line(counts)])
    try:
        print(text, flush=True)
    except BrokenPipeError:  # the reader, such as head, has left; nor is there more to flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return int(counts["status"])


if __name__ == "__main__":
    raise SystemExit(main())
