"""Checks of many layers from the command line.

    chainrule check                          every layer and network of the library
    chainrule check homework.py              every layer of a file of yours
    chainrule check homework.py ReLU affine  some of them

Of a file, every class that has `forward` and `backward` is checked, and every pair of functions
`name_forward(x, …)` and `name_backward(dout, cache)`. A class shows its inputs itself where it
has `examples(rng)`, which yields `(name, layer, *inputs)`; otherwise small ones are tried.

Exit status: 0 where all is checked and correct, 1 where something is wrong, not written yet or
could not be tried, 2 where the command or the file makes no sense.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import math
import os
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.gradcheck.command.targets import (
    CORRECT,
    ERROR,
    GUESSED,
    UNTRIED,
    UNWRITTEN,
    WRONG,
    Target,
    UsageError,
    file_targets,
    library_targets,
)
from chainrule.gradcheck.command.trying import Case, described, unwritten
from chainrule.gradcheck.report.findings import finite
from chainrule.gradcheck.report.report import Report, clip

VERDICTS = (ERROR, WRONG, UNTRIED, UNWRITTEN, CORRECT)  # of several, the first one counts


@dataclass
class Result:
    """How one case of a target went."""

    name: str
    example: str
    verdict: str
    reason: str = ""
    report: Report | None = None
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """The result in strings, numbers and dicts."""
        report = None if self.report is None else self.report.as_dict()
        return {
            "name": self.name,
            "example": self.example,
            "verdict": self.verdict,
            "reason": self.reason,
            "report": report,
        }


def run(targets: list[Target], seed: int, effort: str) -> list[Result]:
    """Checks every case of every target."""
    results = []
    total = sum(max(len(target.cases), 1) for target in targets)
    with Progress(total) as progress:
        for target in targets:
            if not target.cases:
                results.append(Result(target.name, "", target.verdict, target.reason))
                progress.step(target.name)
            for case in target.cases:
                results.append(checked(target.name, case, seed, effort))
                progress.step(target.name)
    return results


def checked(name: str, case: Case, seed: int, effort: str) -> Result:
    """Checks one case."""
    if method := unwritten(case):
        return Result(name, case.example, UNWRITTEN, method)
    start = time.perf_counter()
    try:
        report = case.check(seed=seed, effort=effort)
    except NotImplementedError as error:
        return Result(name, case.example, UNWRITTEN, str(error))
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{described(error)} ({Path(frame.filename).name}, line {frame.lineno})"
        return Result(name, case.example, ERROR, reason)
    seconds = time.perf_counter() - start
    return Result(name, case.example, CORRECT if report else WRONG, "", report, seconds)


class Progress:
    """A bar on stderr, where that is a terminal, from one second on; gone at the end."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.shown = total, 0, False
        self.start = time.perf_counter()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        if self.shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def step(self, name: str) -> None:
        """One more case is done, of the target `name`."""
        self.done += 1
        if sys.stderr.isatty() and time.perf_counter() - self.start > 1:
            full = 30 * self.done // self.total
            bar = "#" * full + "." * (30 - full)
            sys.stderr.write(f"\r\x1b[K[{bar}] {self.done}/{self.total} {clip(name, 30)}")
            sys.stderr.flush()
            self.shown = True


def by_name(results: list[Result]) -> list[tuple[str, list[Result]]]:
    """The results of each class or pair of functions."""
    return [(name, list(some)) for name, some in itertools.groupby(results, lambda one: one.name)]


def overall(results: list[Result]) -> str:
    """The verdict on several examples of one class."""
    return next(verdict for verdict in VERDICTS if verdict in {one.verdict for one in results})


HEAD = ("class", "verdict", "examples", "worst error", "probes passed", "failed", "n.a.", "ms")


def table(results: list[Result]) -> str:
    """A line per class or pair of functions."""
    rows = [[clip(name, 30), *row(some)] for name, some in by_name(results)]
    widths = [max(map(len, column)) for column in zip(HEAD, *rows, strict=True)]
    lines = [HEAD, ["─" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at < 2 else cell.rjust(width)  # words, then numbers
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def row(results: list[Result]) -> list[str]:
    """What the table says of one class."""
    reports = [one.report for one in results if one.report is not None]
    errors = [tensor.error for report in reports for tensor in report.tensors.values()]
    outcomes = [probe.outcome for report in reports for probe in report.probes.values()]
    worst = "nan" if any(map(math.isnan, errors)) else f"{max(errors, default=0):.0e}"
    counts = [outcomes.count(kind) for kind in ("passed", "failed", "not applicable")]
    took = f"{sum(one.seconds for one in results) * 1e3:.0f}"
    told = [worst if errors else "-", *map(str, counts), took] if reports else ["-"] * 5
    return [overall(results), str(sum(bool(one.example) for one in results)), *told]


def stories(results: list[Result]) -> list[str]:
    """What is to be said on what is not correct; the same mistakes in several examples of a class
    are told once."""
    told: dict[tuple[Any, ...], str] = {}
    texts = []
    for one in results:
        title = one.name if one.example in ("", GUESSED) else f"{one.name}, example {one.example!r}"
        if one.report is not None and not one.report:
            facts = [(finding.kind, finding.tensor) for finding in one.report.findings]
            first = told.setdefault((one.name, *facts), one.example)
            same = first != one.example
            texts.append(f"{title}: as in {first!r}" if same else f"{title}:\n{one.report}")
        elif one.verdict == UNWRITTEN:
            texts.append(f"{one.name}: {one.verdict}: {one.reason}".removesuffix(": "))
        elif one.verdict != CORRECT:
            texts.append(f"{title}: {one.verdict}: {one.reason}")
    return list(dict.fromkeys(texts))


def summary(results: list[Result]) -> dict[str, Any]:
    """How many classes there are of each verdict, and which are not correct."""
    verdicts = {name: overall(some) for name, some in by_name(results)}
    named = {
        kind: [name for name, verdict in verdicts.items() if verdict == kind] for kind in VERDICTS
    }
    return {
        "classes": len(verdicts),
        "examples": sum(bool(one.example) for one in results),
        "correct": len(named[CORRECT]),
        "wrong": named[WRONG] + named[ERROR],
        "not written yet": named[UNWRITTEN],
        "not tried": named[UNTRIED],
        "seconds": finite(sum(one.seconds for one in results)),
        "status": int(len(named[CORRECT]) < len(verdicts)),
    }


def last_line(counts: dict[str, Any]) -> str:
    """ "45 classes, 112 examples: all correct", "2 of 45 classes are wrong"."""
    total, wrong = counts["classes"], len(counts["wrong"])
    classes = f"{total} class" if total == 1 else f"{total} classes"
    if not counts["status"]:
        examples = f"{counts['examples']} example{'s' * (counts['examples'] != 1)}"
        return f"{classes}, {examples}: all correct"
    if wrong:
        said = [f"{wrong} of {classes} {'is' if wrong == 1 else 'are'} wrong"]
    else:
        said = [f"{classes}: {counts['correct']} correct"]
    for kind in (UNWRITTEN, UNTRIED):
        said += [f"{len(counts[kind])} {kind}"] if counts[kind] else []
    return ", ".join(said)


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
            results = run(targets, options.seed, options.effort)
    except UsageError as error:
        print(f"gradcheck: {clip(str(error), 500)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("gradcheck: interrupted", file=sys.stderr)
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
