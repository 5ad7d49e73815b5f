"""The pytest plugin: `pytest --gradcheck homework.py`, and the fixture `gradcheck`.

pytest loads it into every run, so that it does nothing, and imports nothing, before it is asked to.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from chainrule.gradcheck import Report
    from chainrule.gradcheck.command.cases import Target
    from chainrule.gradcheck.command.wanted import Said

EFFORTS = ("quick", "full", "entrywise")
PASSED_OVER = ("__init__.py", "__main__.py", "conftest.py", "setup.py")
SAID = "gradcheck"  # the property of an item that holds what is told though nothing failed


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gradcheck", "checks of hand-written backward passes")
    group.addoption(
        "--gradcheck",
        action="store_true",
        help="check every pair, class, loss and update rule in the Python files that are no tests",
    )
    group.addoption("--gradcheck-strict", action="store_true", help="remarks are mistakes too")
    group.addoption("--gradcheck-effort", choices=EFFORTS, default="full", help="default full")
    group.addoption("--gradcheck-seed", type=seed, default=0, help="from 0 on; default 0")
    group.addoption(
        "--gradcheck-inputs",
        type=inputs,
        action="append",
        default=[],
        metavar="NAME=VALUE; …",
        help="what the things of these names take; may be repeated",
    )


def seed(text: str) -> int:
    """A number from 0 on."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number from 0 on, not {text!r}")
    return int(text)


def inputs(text: str) -> Said:
    """What is said of inputs."""
    from chainrule.gradcheck.command.values import Unreadable, said

    try:
        return said([text])
    except Unreadable as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def options_of(config: pytest.Config) -> dict[str, Any]:
    """The options of `check`, as the command line has them."""
    return {name: config.getoption(f"gradcheck_{name}") for name in ("strict", "effort", "seed")}


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Homework | None:
    """The files in folders; those that the command line names are modules to pytest."""
    named = parent.session.isinitpath(file_path)
    return None if named else pytest_pycollect_makemodule(file_path, parent)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Homework | None:
    """In place of a module that is searched for tests."""
    if not parent.config.getoption("gradcheck") or module_path.suffix != ".py":
        return None
    tests = any(map(module_path.match, parent.config.getini("python_files")))
    if tests or module_path.name in PASSED_OVER:
        return None
    return Homework.from_parent(parent, path=module_path)


class Homework(pytest.File):
    """A file whose backward passes are checked."""

    def collect(self) -> Iterator[Check]:
        """An item for each target; of a class with several examples, one for each."""
        targets = self.targets()
        several = Counter(target.name for target in targets)
        for target in targets:
            name = target.name
            example = f"[{target.example}]" if several[name] > 1 else ""
            yield Check.from_parent(self, name=name + example, target=target)

    def targets(self) -> list[Target]:
        """What the file holds. A file that is named on the command line and holds nothing to check
        says so."""
        from chainrule.gradcheck.command.cases import UNTRIED, Result
        from chainrule.gradcheck.command.module import NothingToCheck, UsageError
        from chainrule.gradcheck.command.targets import file_targets

        options, here, path = self.config.getoption, Path.cwd(), self.path
        finders = sys.meta_path.copy()  # tests shall not find what stands beside this file
        said = {name: value for one in options("gradcheck_inputs") for name, value in one.items()}
        shown = path.relative_to(here) if path.is_relative_to(here) else path
        try:
            return file_targets(str(shown), (), options("gradcheck_seed"), said)
        except NothingToCheck as error:
            named = self.session.isinitpath(self.path)
            return [Result("nothing", "", UNTRIED, str(error))] if named else []
        except UsageError as error:
            raise self.CollectError(str(error)) from None
        finally:
            sys.meta_path[:] = finders


class Check(pytest.Item):
    """The check of one target."""

    def __init__(self, *, target: Target, **of_pytest: Any) -> None:
        super().__init__(**of_pytest)
        self.target = target

    def runtest(self) -> None:
        """Fails with the report as its text, and skips what is not written or cannot be tried."""
        from chainrule.gradcheck.command.cases import CORRECT, UNTRIED, UNWRITTEN, Case, checked

        target = self.target
        result = checked(target, **options_of(self.config)) if isinstance(target, Case) else target
        reason = f"{result.verdict}: {result.reason}".removesuffix(": ")
        report, reason = result.report, reason.replace("--inputs", "--gradcheck-inputs")
        if result.verdict in (UNTRIED, UNWRITTEN):
            self.user_properties.append((SAID, f"{self.nodeid}: {reason}"))
            pytest.skip(f"{self.name}: {reason}")
        if result.verdict != CORRECT:
            pytest.fail(reason if report is None else str(report), pytrace=False)
        if report is not None and report.remarks:
            self.user_properties.append((SAID, f"{self.nodeid}:\n{report}"))

    def reportinfo(self) -> tuple[Path, None, str]:
        """The name above a failure is that of what was checked."""
        return self.path, None, self.name


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was not checked, and why, and the remarks on what is correct."""
    reports = [*terminalreporter.getreports("skipped"), *terminalreporter.getreports("passed")]
    # A module that skips itself as a whole has no properties.
    properties = [pair for one in reports for pair in getattr(one, "user_properties", ())]
    said = [text for key, text in properties if key == SAID]
    if said:
        terminalreporter.section("gradcheck")
        terminalreporter.write_line("\n".join(said))


@pytest.fixture
def gradcheck(request: pytest.FixtureRequest) -> Callable[..., Report]:
    """`chainrule.gradcheck.check`, with its arguments and its report, for which a test fails with
    the report as the reason where a gradient is wrong."""
    from chainrule.gradcheck import GradientError, check

    defaults = options_of(request.config)

    def checked(thing: Any, *inputs: Any, **options: Any) -> Report:
        __tracebackhide__ = True
        report = check(thing, *inputs, **(defaults | options))
        if not report:
            raise GradientError(str(report))
        return report

    return checked
