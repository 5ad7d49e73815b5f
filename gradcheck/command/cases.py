"""One case: a layer or a pair of functions with inputs, tried first and then checked."""

from __future__ import annotations

import contextlib
import copy
import io
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.gradcheck.report import Report
from chainrule.gradcheck.report.report import clip

CORRECT, WRONG, ERROR = "correct", "WRONG", "error"
UNWRITTEN, UNTRIED = "not written yet", "not tried"


@dataclass
class Case:
    """One call to check: a forward and a backward of a fresh copy, and the check itself. `name`
    is that of the class or the pair of functions."""

    name: str
    example: str
    inputs: tuple[Any, ...]
    fresh: Callable[[], tuple[Callable[..., Any], Callable[..., Any]]]
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
    verdict, reason = tried(case)
    report, start = None, time.perf_counter()
    if verdict != UNWRITTEN:
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
    return Result(case.name, case.example, verdict, reason, report, seconds)


def tried(case: Case) -> tuple[str, str]:
    """One forward and one backward pass in silence: UNTRIED and why, where forward does not take
    these inputs; UNWRITTEN and which of the two, where it returns None or raises
    NotImplementedError; else ("", ""), for the check to say more."""
    method = "forward"
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                forward, backward = case.fresh()
                result = forward(*copy.deepcopy(case.inputs))
                if result is None or (isinstance(result, tuple) and result and result[0] is None):
                    return UNWRITTEN, method
                if complaint := complaint_of(result):
                    return UNTRIED, complaint
                method = "backward"
                out, cache = result
                empty = nothing_in(backward(np.ones_like(out), cache))
                return (UNWRITTEN, method) if empty else ("", "")
            except NotImplementedError:
                return UNWRITTEN, method
            except Exception as error:
                failed = method == "forward"
                return (UNTRIED, f"forward raised {described(error)}") if failed else ("", "")


def complaint_of(result: Any) -> str:
    """Why this is no result of a forward pass, or ""."""
    if not isinstance(result, tuple) or len(result) != 2:
        kind = type(result).__name__
        return f"forward must return (out, cache), and returned an object of type {kind}"
    try:
        return "" if np.isfinite(np.asarray(result[0])).all() else "out of forward is not finite"
    except (TypeError, ValueError):
        kind = type(result[0]).__name__
        return f"out of forward must be an array of floats, and is an object of type {kind}"


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
