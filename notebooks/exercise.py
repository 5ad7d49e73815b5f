"""The check cells of the homework: what is right, what is not, and why."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from html import escape
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

import numpy as np
from numpy.typing import ArrayLike

from chainrule.gradcheck import Report, check_functions
from chainrule.gradcheck import check as check_layer
from chainrule.notebooks.diagnosis import (
    brief_kind,
    differing,
    in_words,
    misfit,
    recognised,
    shared,
)
from chainrule.notebooks.going_on import go_on, statements, written
from chainrule.notebooks.lines import own_line, raised_in, students

KIND = "chainrule"  # the key of a verdict in the metadata of a cell's output
COLOURS = {"right": "#1a7f37", "wrong": "#c62f3b", "unwritten": "#8c959f", "borrowed": "#9a6700"}
#: What the checker says to those who may tell it so, as nobody can in a check cell.
NO_REFERENCE = "If it means something else"
NOTHING = "None came: is it written, and is there a `return`?"
#: The exercises of the notebook by number, as they were last run.
RUN: dict[int, exercise] = {}


class NotWritten(Exception):
    """What a student is asked to write is not there yet."""


class WrongReturn(Exception):
    """A function returns something else than it is asked to."""


class NotOwn(Exception):
    """What a student is asked to write calls what the library has."""


class exercise:
    """Checks an exercise, and says how far it has come:

        with exercise(3, "the sigmoid", sigmoid, points=4) as check:
            check("at 0", sigmoid(0.0), 0.5)
            check.functions("its gradient", sigmoid, sigmoid_backward, x)

    number     of the exercise in its notebook, from 1
    title      a few words
    functions  what the student wrote: what was borrowed from the library gives no points
    points     that it gives where all is right

    A wrong answer does not end the block. Nor does an exception, in a cell of a notebook: it is
    told in a line, and those statements after it that need nothing of what failed are carried out.
    `NotImplementedError`, or None in the place of a number, means "not written yet". At the end
    the verdict is shown. `require()` raises AssertionError unless all was right.
    """

    kind = "exercise"

    def __init__(self, number: int, title: str, *functions: Any, points: int = 0) -> None:
        self.number, self.title, self.points = number, title, points
        self.borrowed = any(getattr(function, "borrowed", False) for function in functions)
        #: What was asked: a label, whether it is right, and lines that explain.
        self.steps: list[tuple[str, bool, list[str]]] = []
        self.unwritten = False
        self.left_out = 0  # checks that were not carried out, for they need what failed
        self.told: set[str] = set()  # what errors and reports have said

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is not None and not isinstance(error, Exception):
            return False  # Ctrl-C
        if error is not None and trace is not None:
            left = statements(trace.tb_frame, trace.tb_lineno)
            here = trace.tb_frame.f_code.co_filename
            self.failed(error, left[0] if left else None, here)
            for statement, another in go_on(trace.tb_frame, left):
                if another is None:
                    self.left_out += isinstance(statement, ast.Expr)
                else:
                    self.failed(another, statement, here)
        if self.points:
            RUN[self.number] = self
        told = {self.kind: self.number, "verdict": self.verdict, "share": round(self.share, 4)}
        show(str(self), "text/html", self._repr_html_(), **{KIND: told})
        return True

    def failed(self, error: Exception, statement: ast.stmt | None, here: str) -> None:
        """Adds an exception that came up in a statement of the block, if that is known. `here` is
        the file of the cell with the checks, whose lines are not the student's."""
        if isinstance(error, NotImplementedError):
            self.unwritten = True
        elif isinstance(error, NotWritten):
            if not self.unwritten:
                self.note_step(written(statement, 0) or "None came", NOTHING)
            self.unwritten = True
        elif "NoneType" in str(error):
            if not self.unwritten:
                self.note_step("a function returned None: is its `return` missing?")
            self.unwritten = True
        else:
            mine = statement if raised_in(error.__traceback__) == here else None
            if isinstance(error, (WrongReturn, NotOwn)):
                lines = [str(error)]
            else:
                lines = in_words(error, mine) + own_line(error.__traceback__, here)
            lines = self.once(lines)
            label = written(statement, 0)
            self.note_step(*([label] if label else []), *lines)

    def __call__(
        self,
        label: str,
        got: Any,
        expected: ArrayLike,
        *,
        hint: str = "",
        mistakes: Sequence[tuple[ArrayLike, str]] = (),
        among: Mapping[str, Any] | None = None,
        rtol: float = 1e-6,
        atol: float = 1e-9,
    ) -> None:
        """Compares `got`, a number or an array, with `expected`: in shape, then entry by entry,
        right where |got - expected| ≤ atol + rtol · |expected|.

        hint      what to think of, told where it is wrong and nothing better is known
        mistakes  pairs (value to four digits, what a student did who got it), tried first
        among     the dict that `got` stands in: told where two of its names are one array
        """
        if got is None:
            raise NotWritten
        why = differing(got, expected, rtol, atol)
        if why:
            told = [said for value, said in mistakes if not differing(got, value, 1e-4, atol)]
            seen = shared(got, among or {}) or next(iter(told), "")
            seen = seen or recognised(got, np.asarray(expected, float), rtol)
            self.note_step(label, why, seen or thought(hint))
        else:
            self.add(label, True, [])

    def true(self, label: str, condition: Any, hint: str = "", *, why: str = "") -> None:
        """Asks whether `condition` holds.

        hint  what to think of where it does not
        why   what that proves, told in its place
        """
        if condition is None:
            raise NotWritten
        self.add(label, condition, [] if condition else [why or thought(hint)])

    def returns(self, value: Any, *names: str) -> Any:
        """`value`, which a function returned, as it is, if it is a tuple of so many things as
        there are names; else the checks that need it are left out, and why is told:

            out, cache = check.returns(forward(x), "out", "cache")
        """
        if value is None:
            raise NotWritten
        if not isinstance(value, tuple) or len(value) != len(names):
            came = f"{len(value)} things" if isinstance(value, tuple) else brief_kind(value)
            raise WrongReturn(f"return {', '.join(names)}: {len(names)} things, not {came}")
        return value

    @contextmanager
    def without(self, *classes: type, forward: bool = False) -> Iterator[None]:
        """Within it the backward passes of these classes of the library, and the traces of a
        graph, are out of reach, and whoever calls one is told so; not where the exercise is
        borrowed:

            with exercise(5, "the sigmoid", sigmoid_backward) as check, check.without(Sigmoid):

        With `forward=True` so are their forward passes.
        """

        def refusing(way: str) -> Callable[..., Any]:
            def refuse(layer: Any, *_: Any, **__: Any) -> Any:
                name = type(layer).__name__
                raise NotOwn(f"this calls the {way} pass of the library's {name}; write your own")

            return refuse

        ways = {"backward": "backward", "trace": "backward"}
        if forward:
            ways["forward"] = "forward"
        with ExitStack() as stack:
            for one in () if self.borrowed else classes:
                for name in ways.keys() & {*dir(one)}:
                    stack.enter_context(patch.object(one, name, refusing(ways[name])))
            yield

    def functions(
        self,
        label: str,
        forward: Callable[..., Any],
        backward: Callable[..., Any] | None,
        *inputs: Any,
        **options: Any,
    ) -> None:
        """Checks a pair of functions by `gradcheck.check_functions`, and says what it found; what
        would be a remark is a mistake in homework."""
        options = dict[str, Any](effort="quick", strict=True) | options
        self.report(label, check_functions(forward, backward, *inputs, **options))

    def layer(self, label: str, layer: Any, *inputs: Any, **options: Any) -> None:
        """Checks a layer by `gradcheck.check`, and says what it found; as `functions`. All of its
        effort is for what passes a quick look: beyond that it would write the right line."""
        options = dict[str, Any](strict=True) | options
        report = check_layer(layer, *inputs, **options | {"effort": "quick"})
        if report and options.get("effort", "quick") != "quick":
            report = check_layer(layer, *inputs, **options)
        self.report(label, report)

    def report(self, label: str, report: Report) -> None:
        """Adds what a `gradcheck.Report` found."""
        lines: list[str] = []
        for found in report.findings:
            line, raised = students(found.line.strip()), " raises " in found.message
            other = ": it is not the gradient of what forward computes"
            message = found.message.replace("<lambda>", "a function")
            told = message + (other if found.kind == "unknown" and " wrong " in message else "")
            lines += misfit(message) or [told]
            lines += [found.hint.partition(NO_REFERENCE)[0].strip(), found.example]
            lines.append(f"{'in' if raised else 'computed in'} {line}" if line else "")
        self.add(label, report, self.once(lines))

    def once(self, lines: list[str]) -> list[str]:
        """The lines that explain a step; where those of an earlier step were the same, that."""
        whole = "\n".join(lines)
        if whole in self.told:
            return ["the same once more"]
        self.told |= {whole} - {""}
        return lines

    def note_step(self, label: str, *lines: str) -> None:
        """Adds a step that is wrong, and why."""
        self.add(label, False, lines)

    def add(self, label: str, right: object, lines: Sequence[str]) -> None:
        """Adds a step. Where something is not written yet, what is wrong after it may be so for
        that reason alone, and is left out."""
        if right or not self.unwritten:
            self.steps.append((label, bool(right), [line for line in lines if line]))

    @property
    def share(self) -> float:
        """Which part of its checks is right, from 0 to 1; 0 where something is not written yet or
        borrowed."""
        count = len(self.steps) + self.left_out
        if self.verdict in ("unwritten", "borrowed") or not count:
            return 0.0
        return sum(right for _, right, _ in self.steps) / count

    def opens(self, what: str) -> bool:
        """Whether `what`, a picture or a comparison that shows the answer, may be seen: where the
        exercise is right or borrowed. Else it says when it comes.

            if check_3.opens("this picture"):
                plt.plot(…)
        """
        if self.verdict in ("right", "borrowed"):
            return True
        print(f"{what} comes when {self.kind} {self.number} is right")
        return False

    @property
    def verdict(self) -> str:
        """ "right", "wrong", "unwritten" or "borrowed"."""
        if self.unwritten:
            return "unwritten"
        if not all(right for _, right, _ in self.steps):
            return "wrong"
        return "borrowed" if self.borrowed else "right"

    @property
    def headline(self) -> str:
        """The verdict in a line."""
        name = f"{self.kind} {self.number}, {self.title}"
        right = sum(right for _, right, _ in self.steps)
        so_far = f", but {right} of {len(self.steps)} checks pass" if right else ""
        return {
            "right": f"{name}: right",
            "wrong": f"{name}: not yet{so_far}",
            "unwritten": f"not written yet: {name}",
            "borrowed": f"{name}: borrowed from the library; go on, and come back",
        }[self.verdict]

    @property
    def total(self) -> str:
        """The points of this exercise, and of all that were run so far, in a line; "" without."""
        if not self.points:
            return ""
        got, most = (self.points if self.verdict == "right" else 0), self.points
        run = [one for number, one in RUN.items() if number != self.number]
        so_far = got + sum(one.points for one in run if one.verdict == "right")
        return f"points: {got} of {most}; so far {so_far} of {most + sum(o.points for o in run)}"

    def require(self) -> None:
        """Raises AssertionError, with the verdict, unless the exercise is right."""
        if self.verdict != "right":
            raise AssertionError(self.headline)

    def __str__(self) -> str:
        lines = [self.headline]
        for label, right, why in self.steps:
            lines.append(f"  {'✓' if right else '✗'} {label}")
            lines += [f"      {line}" for line in why]
        return "\n".join(lines + [f"  {self.total}"] * bool(self.total))

    def _repr_html_(self) -> str:
        colour = COLOURS[self.verdict]
        steps = "".join(
            f'<div><span style="color:{COLOURS["right" if right else "wrong"]}">'
            f"{'✓' if right else '✗'}</span> {escape(label)}</div>"
            + "".join(f'<div style="margin-left:1.6em">{escape(line)}</div>' for line in why)
            for label, right, why in self.steps
        )
        return (
            f'<div style="border-left:4px solid {colour};padding:2px 12px;line-height:1.5">'
            f'<b style="color:{colour}">{escape(self.headline)}</b>{steps}'
            f'<div style="color:{COLOURS["unwritten"]}">{self.total}</div></div>'
        )


class further(exercise):
    """Checks an exercise that goes further: as `exercise`, without points.

    with further(1, "a tape of one's own", Value) as go_1:
    """

    kind = "go further"


def thought(hint: str) -> str:
    return f"Think of: {hint}" if hint else ""


def show(text: str, form: str, shown: str, **metadata: Any) -> None:
    """Shows a text, in a notebook as what it is in another form, such as "text/html"."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(text)
        return
    if get_ipython() is None:
        print(text)
        return
    display({"text/plain": text, form: shown}, raw=True, metadata=metadata)
