"""The notebook magic: `%load_ext chainrule`, then `%%check` at the top of a cell."""

from __future__ import annotations

import shlex
import types
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from IPython.core.error import UsageError as BadMagic

from chainrule.gradcheck.__main__ import Parser, run
from chainrule.gradcheck.command.cases import CORRECT, UNTRIED, UNWRITTEN, Result
from chainrule.gradcheck.command.module import UsageError
from chainrule.gradcheck.command.table import last_line, stories, summary, table
from chainrule.gradcheck.command.targets import module_targets
from chainrule.gradcheck.command.values import said
from chainrule.gradcheck.report import html

OTHER = {"_forward": "_backward", "_backward": "_forward"}


def register(shell: Any) -> None:
    """Makes `%check` and `%%check` known to an IPython shell."""

    def check(line: str, cell: str | None = None) -> Checks | None:
        """Check gradients, and say what is wrong with them.

        %%check                          what the cell defines: pairs, classes, losses, …
        %%check affine --effort quick    some of it
        %check affine                    what was defined before
        %check                           all of that

        Options are --effort quick, full or entrywise, --seed, --strict, for which remarks are
        mistakes too, and --inputs "x=(5,4); p=0.5", where something takes what cannot be guessed.
        """
        try:
            options = vars(parser().parse_intermixed_args(shlex.split(line)))
            inputs = said(options.pop("inputs"))
            if options["seed"] < 0:
                raise UsageError(f"--seed must be 0 or more, not {options['seed']}")
        except SystemExit:
            return None  # after --help
        except (UsageError, ValueError) as error:  # ValueError of shlex, and what is unreadable
            raise BadMagic(str(error)) from None
        names, things, where = options.pop("names"), shell.user_ns, "the notebook"
        if cell is not None:
            before = dict(things)
            # With a line in place of the magic, lines have the numbers that the notebook shows.
            if not shell.run_cell(f"# %%check {line}\n{cell}").success:
                return None  # the error is shown
            things, where = in_pairs(shell.user_ns, before), "the cell"
        module = types.ModuleType(shell.user_module.__name__)  # that of all that a notebook defines
        vars(module).update(things)
        try:
            targets = module_targets(module, where, names, options["seed"], inputs)
            return Checks(run(targets, **options))
        except UsageError as error:
            raise BadMagic(str(error)) from None

    shell.register_magic_function(check, "line_cell")


def parser() -> Parser:
    """What may stand behind the magic."""
    usage = '%%check [NAME …] [--effort quick] [--inputs "x=(5,4)"] [--seed 1] [--strict]'
    line = Parser("%check", usage, allow_abbrev=False)
    line.add_argument("names", nargs="*")
    line.add_argument("--inputs", action="append", default=[])
    line.add_argument("--effort", choices=("quick", "full", "entrywise"), default="full")
    line.add_argument("--seed", type=int, default=0)
    line.add_argument("--strict", action="store_true")
    return line


def in_pairs(now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What a cell has defined, and the other function of a pair that it has defined one of."""
    names = {name for name, thing in now.items() if before.get(name) is not thing}
    for name in [*names]:
        stem, line, last = name.rpartition("_")
        names.add(stem + OTHER.get(line + last, line + last))
    return {name: thing for name, thing in now.items() if name in names}


@dataclass
class Checks:
    """What a notebook shows: of several results a short table, then the report of each."""

    results: list[Result]

    def __repr__(self) -> str:
        last = last_line(summary(self.results))
        return "\n\n".join([table(self.results), *stories(self.results), last])

    def _repr_html_(self) -> str:
        reports = [one.report._repr_html_() for one in self.results if one.report is not None]
        if len(reports) == len(self.results) == 1:
            return reports[0]
        return html.table(("", "verdict", ""), map(row, self.results)) + "".join(reports)


def row(result: Result) -> tuple[str, str, str]:
    """Name, verdict, and why, in a word."""
    colour = {CORRECT: html.GREEN, UNTRIED: html.GREY, UNWRITTEN: html.GREY}
    shown = html.badge(result.verdict, colour.get(result.verdict, html.RED))
    report = result.report
    told = [] if report is None else [one.message for one in (*report.findings, *report.remarks)]
    return escape(result.name), shown, escape(next(iter(told), result.reason))
