"""The check cells of the homework: what is right, what is not, and why."""

from __future__ import annotations

import ast
import linecache
import traceback
from collections.abc import Callable, Sequence
from html import escape
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from chainrule.gradcheck import Report, check_functions
from chainrule.gradcheck import check as check_layer
from chainrule.notebooks.going_on import go_on, statements, written

KIND = "chainrule"  # the key of a verdict in the metadata of a cell's output
COLOURS = {"right": "#1a7f37", "wrong": "#c62f3b", "unwritten": "#8c959f", "borrowed": "#9a6700"}
LONG = 40  # characters of a number or an array, at most, in one line


class NotWritten(Exception):
    """What a student is asked to write is not there yet."""


class exercise:
    """Checks an exercise, and says how far it has come:

        with exercise(3, "the sigmoid", sigmoid) as check:
            check("at 0", sigmoid(0.0), 0.5)
            check.functions("its gradient", sigmoid, sigmoid_backward, x)

    number     of the exercise in its notebook, from 1
    title      a few words
    functions  what the student wrote: what was borrowed from the library gives no points

    A wrong answer does not end the block. Nor does an exception, in a cell of a notebook: it is
    told in a line, and those statements after it that need nothing of what failed are carried out.
    `NotImplementedError`, or None in the place of a number, means "not written yet". At the end
    the verdict is shown. `require()` raises AssertionError unless all was right.
    """

    def __init__(self, number: int, title: str, *functions: Any) -> None:
        self.number, self.title = number, title
        self.borrowed = any(getattr(function, "borrowed", False) for function in functions)
        #: What was asked: a label, whether it is right, and lines that explain.
        self.steps: list[tuple[str, bool, list[str]]] = []
        self.unwritten = False

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
            self.failed(error, left[0] if left else None)
            for statement, another in go_on(trace.tb_frame, left):
                self.failed(another, statement)
        show(self)
        return True

    def failed(self, error: Exception, statement: ast.stmt | None) -> None:
        """Adds an exception that came up in a statement of the block, if that is known."""
        if isinstance(error, (NotImplementedError, NotWritten)):
            self.unwritten = True
        elif "NoneType" in str(error):
            if not self.unwritten:
                self.note_step("a function returned None: is its `return` missing?")
            self.unwritten = True
        else:
            told = f"{type(error).__name__}: {error}"
            label, hint = written(statement, 0), written(statement, "hint")
            lines = [*own_line(error.__traceback__), hint]
            self.note_step(*([label, told] if label else [told]), *lines)

    def __call__(
        self,
        label: str,
        got: Any,
        expected: ArrayLike,
        *,
        hint: str = "",
        mistakes: Sequence[tuple[ArrayLike, str]] = (),
        rtol: float = 1e-6,
        atol: float = 1e-9,
    ) -> None:
        """Compares `got`, a number or an array, with `expected`: in shape, then entry by entry,
        right where |got - expected| ≤ atol + rtol · |expected|.

        hint      what to think about where it is wrong
        mistakes  pairs (value to four digits, what a student did who got it), tried first
        """
        if got is None:
            raise NotWritten
        why = differing(got, expected, rtol, atol)
        if why:
            told = [said for value, said in mistakes if not differing(got, value, 1e-4, atol)]
            self.note_step(label, why, *(told or [hint]))
        else:
            self.add(label, True, [])

    def true(self, label: str, condition: Any, hint: str = "") -> None:
        """Asks whether `condition` holds."""
        if condition is None:
            raise NotWritten
        self.add(label, condition, [] if condition else [hint])

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
        """Checks a layer by `gradcheck.check`, and says what it found; as `functions`."""
        options = dict[str, Any](effort="quick", strict=True) | options
        self.report(label, check_layer(layer, *inputs, **options))

    def report(self, label: str, report: Report) -> None:
        """Adds what a `gradcheck.Report` found."""
        lines: list[str] = []
        for found in report.findings:
            lines += [found.message, found.hint, found.example]
            lines.append(f"in {found.line.strip()}" if found.line.strip() else "")
        self.add(label, report, lines)

    def note_step(self, label: str, *lines: str) -> None:
        """Adds a step that is wrong, and why."""
        self.add(label, False, lines)

    def add(self, label: str, right: object, lines: Sequence[str]) -> None:
        """Adds a step. Where something is not written yet, what is wrong after it may be so for
        that reason alone, and is left out."""
        if right or not self.unwritten:
            self.steps.append((label, bool(right), [line for line in lines if line]))

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
        name = f"exercise {self.number}, {self.title}"
        right = sum(right for _, right, _ in self.steps)
        so_far = f", but {right} of {len(self.steps)} checks pass" if right else ""
        return {
            "right": f"{name}: right",
            "wrong": f"{name}: not yet{so_far}",
            "unwritten": f"not written yet: {name}",
            "borrowed": f"{name}: borrowed from the library; go on, and come back",
        }[self.verdict]

    def require(self) -> None:
        """Raises AssertionError, with the verdict, unless the exercise is right."""
        if self.verdict != "right":
            raise AssertionError(self.headline)

    def __str__(self) -> str:
        lines = [self.headline]
        for label, right, why in self.steps:
            lines.append(f"  {'✓' if right else '✗'} {label}")
            lines += [f"      {line}" for line in why]
        return "\n".join(lines)

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
            f'<b style="color:{colour}">{escape(self.headline)}</b>{steps}</div>'
        )


def differing(got: Any, expected: ArrayLike, rtol: float, atol: float) -> str:
    """In what `got` differs from `expected`, in a line; "" where it does not."""
    try:
        found, right = np.asarray(got), np.asarray(expected, float)
        found = found.astype(float, casting="same_kind")
    except (TypeError, ValueError):
        return f"got {brief(got)}, expected {brief(expected)}"
    if found.shape != right.shape:
        return f"got an array of shape {found.shape}, expected {right.shape}"
    wrong = ~np.isclose(found, right, rtol=rtol, atol=atol, equal_nan=True)
    if not wrong.any():
        return ""
    if not right.ndim:
        return f"got {found:.6g}, expected {right:.6g}"
    at = tuple(np.argwhere(wrong)[0].tolist())
    where = f"entry [{', '.join(map(str, at))}]"
    return (
        f"{where} is {found[at]:.6g}, expected {right[at]:.6g} "
        f"({wrong.sum()} of {wrong.size} entries are wrong)"
    )


def brief(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= LONG else f"{text[:LONG]}…"


def own_line(trace: TracebackType | None) -> list[str]:
    """The line of a notebook's cell in which an exception came up, in a list; [] for none."""
    for frame in reversed(traceback.extract_tb(trace)):
        if "ipykernel" in frame.filename or frame.filename.startswith("<ipython"):
            line = linecache.getline(frame.filename, frame.lineno or 0).strip()
            return [f"in the line: {line}"] if line else []
    return []


def show(done: exercise) -> None:
    """Shows a verdict: in a notebook as a box with its text beside it, elsewhere as text."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(done)
        return
    if get_ipython() is None:
        print(done)
        return
    verdict = {"exercise": done.number, "verdict": done.verdict}
    bundle = {"text/plain": str(done), "text/html": done._repr_html_()}
    display(bundle, raw=True, metadata={KIND: verdict})
