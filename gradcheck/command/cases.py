"""One case: a layer or a pair of functions with inputs, tried first and then checked."""

from __future__ import annotations

import contextlib
import io
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.gradcheck.check import undisturbed
from chainrule.gradcheck.report import Report
from chainrule.gradcheck.report.report import clip
from chainrule.gradcheck.subject.subject import Complaint, Subject

CORRECT, WRONG, ERROR = "correct", "WRONG", "error"
UNWRITTEN, UNTRIED = "not written yet", "not tried"


@dataclass
class Case:
    """One call to check: what makes its subject, and the check itself. `name` is that of the class
    or the pair of functions."""

    name: str
    example: str
    subject: Callable[[], Subject]
    check: Callable[..., Report]


@dataclass
class Result:
    """How the check of one case went, or why there is no case to check."""

    name: str
    example: str
    verdict: str
    reason: str = ""
    report: Report | None = None
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """The result in strings, numbers and dicts."""
        told = {key: getattr(self, key) for key in ("name", "example", "verdict", "reason")}
        return told | {"report": None if self.report is None else self.report.as_dict()}


def checked(case: Case, **options: Any) -> Result:
    """How the check of one case goes, with these options of `check`."""
    report, start = None, time.perf_counter()
    try:
        report = case.check(**options)
        verdict, reason = CORRECT if report else WRONG, ""
    except NotImplementedError as error:
        verdict, reason = UNWRITTEN, str(error)
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}, line {frame.lineno}"
        verdict, reason = ERROR, f"{described(error)} ({place})"
    seconds = time.perf_counter() - start
    if verdict != CORRECT and (dry := tried(case))[0] == UNWRITTEN:
        report, (verdict, reason) = None, dry
    return Result(case.name, case.example, verdict, reason, report, seconds)


def tried(case: Case) -> tuple[str, str]:
    """One forward and one backward pass in silence: UNTRIED and why, where forward does not take
    these inputs; UNWRITTEN and which of the two, where it returns None or raises
    NotImplementedError; else ("", ""), for the check to say more."""
    method = "forward"
    with undisturbed(), contextlib.redirect_stdout(io.StringIO()):
        try:
            subject = case.subject()
            outs, cache = subject.forward()
            if not all(np.isfinite(out).all() for out in outs):
                return UNTRIED, "out of forward is not finite"
            method = "backward"
            douts = subject.pack([np.ones_like(out) for out in outs])
            empty = nothing_in(subject.layer.backward(douts, cache))
            return (UNWRITTEN, method) if empty else ("", "")
        except NotImplementedError:
            return UNWRITTEN, method
        except Exception as error:
            if method == "backward":
                return "", ""
            if isinstance(error, Complaint):
                return UNTRIED, subject.profile.vocabulary.finding(error.cause).message
            return UNTRIED, f"forward raised {described(error)}"


def nothing_in(tree: Any) -> bool:
    """Whether nested tuples and dicts hold None and nothing else, and at least one None."""
    if isinstance(tree, dict):
        tree = tuple(tree.values())
    if isinstance(tree, (tuple, list)):
        inner = [one for one in tree if not (isinstance(one, (dict, tuple, list)) and not one)]
        return bool(inner) and all(map(nothing_in, inner))
    return tree is None


def described(error: BaseException) -> str:
    """The type and the text of an error on one line."""
    return clip(f"{type(error).__name__}: {error}".removesuffix(": "), 300)
