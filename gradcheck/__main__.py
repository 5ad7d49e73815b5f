"""Checks of many layers from the command line.

    chainrule check                          every layer and network of the library
    chainrule check homework.py              every layer of a file of yours
    chainrule check homework.py ReLU affine  some of them

Of a file, every class that has `forward` and `backward` is checked, and every pair of functions
`name_forward(x, …)` and `name_backward(dout, cache)`. A class shows its inputs itself where it
has `examples(rng)`, which yields `(name, layer, *inputs)`; otherwise small ones are tried.
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
from collections.abc import Sequence
from typing import Any

from chainrule.gradcheck.command.cases import Case, Result, checked
from chainrule.gradcheck.command.table import last_line, stories, summary, table
from chainrule.gradcheck.command.module import UsageError
from chainrule.gradcheck.command.targets import Target, file_targets, library_targets
from chainrule.gradcheck.report.report import clip


def run(targets: list[Target], **options: Any) -> list[Result]:
    """Checks every case, with these options of `check`."""
    results: list[Result] = []
    for target in targets:
        show(f"{len(results)}/{len(targets)} {clip(target.name, 30)}")
        results.append(checked(target, **options) if isinstance(target, Case) else target)
    show("")
    return results


def show(progress: str) -> None:
    """One line on stderr, where that is a terminal, in place of the last one."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{progress}")
        sys.stderr.flush()


class Parser(argparse.ArgumentParser):
    """A parser that reports bad usage in one line."""

    def error(self, message: str) -> Any:
        raise UsageError(f"{message} ({self.prog} --help says more)")


def parser(prog: str) -> Parser:
    """The command line, where it begins with `prog`."""
    about, usage, more = (__doc__ or "\n\n\n\n").replace("chainrule check", prog).split("\n\n", 2)
    line = Parser(
        prog,
        description=f"{about}\n\n{usage}",
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    line.add_argument("file", nargs="?", help="a Python file; left out, the library")
    line.add_argument("names", nargs="*", metavar="class", help="which classes; left out, all")
    line.add_argument("--json", action="store_true", help="print reports and a summary as JSON")
    line.add_argument("--seed", type=int, default=0, help="a number from 0 on; default 0")
    line.add_argument("--strict", action="store_true", help="remarks are mistakes too")
    efforts = ("quick", "full", "entrywise")
    line.add_argument("--effort", choices=efforts, default="full", help="default full")
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
        options = parser(prog).parse_args(arguments)
        if options.seed < 0:
            raise UsageError(f"--seed must be 0 or more, not {options.seed}")
        # What the checked code prints must not end up between the lines of the JSON.
        with contextlib.redirect_stdout(sys.stderr):
            if options.file is None:
                targets = library_targets(options.seed)
            else:
                targets = file_targets(options.file, options.names, options.seed)
            # What the library ships has to stand every test.
            strict = options.strict or options.file is None
            results = run(targets, seed=options.seed, effort=options.effort, strict=strict)
    except UsageError as error:
        print(f"chainrule: {clip(str(error), 500)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        show("")
        print("chainrule: interrupted", file=sys.stderr)
        return 130
    counts = summary(results)
    if options.json:
        found = {"reports": [one.as_dict() for one in results], "summary": counts}
        text = json.dumps(found, indent=1, allow_nan=False)
    else:
        text = "\n\n".join([table(results), *stories(results), last_line(counts)])
    try:
        print(text, flush=True)
    except BrokenPipeError:  # the reader, such as head, has left; nor is there more to flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return int(counts["status"])


if __name__ == "__main__":
    raise SystemExit(main())
