"""One case: a layer or a pair of functions with inputs, tried first and then checked."""

from __future__ import annotations

import contextlib
import importlib
import io
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from chainrule.gradcheck.check import check, undisturbed
from chainrule.gradcheck.report import Report
from chainrule.gradcheck.report.report import clip
from chainrule.gradcheck.subject.recognise import subject_of
from chainrule.gradcheck.subject.subject import Complaint, Subject

CORRECT, WRONG, ERROR = "correct", "WRONG", "error"
HERE = Path(__file__).parents[1]  # where an error comes from that nobody's code has raised
UNWRITTEN, UNTRIED = "not written yet", "not tried"
TOLD = ("file", "name", "kind", "example", "inputs", "verdict", "reason")


@dataclass
class Case:
    """One call to check: what makes its subject, None where it has none, and the check itself.
    `name` is that of the class or the functions, `kind` what they are, as the table says it, and
    `inputs` what is passed, as it could be said."""

    name: str
    example: str
    subject: Callable[[], Subject] | None
    check: Callable[..., Report]
    kind: str = "class"
    inputs: str = ""
    note: str = ""  # what is to be told beside the report


@dataclass
class Result:
    """How the check of one case went, or why there is no case to check."""

    name: str
    example: str
    verdict: str
    reason: str = ""
    report: Report | None = None
    seconds: float = 0.0
    kind: str = "class"
    inputs: str = ""
    file: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The result in strings, numbers and dicts."""
        told = {key: getattr(self, key) for key in TOLD}
        return told | {"report": None if self.report is None else self.report.as_dict()}


Target = Case | Result  # what is to be checked, or why it cannot be


def case_of(
    name: str,
    example: str,
    thing: Any,
    inputs: tuple[Any, ...],
    kind: str = "class",
    told: str = "",
) -> Case:
    """The check of anything on these inputs, which may be `told` in words."""
    subject = partial(subject_of, thing, inputs)
    return Case(name, example, subject, partial(check, thing, *inputs), kind, told)


def case_of_tensors(
    name: str, example: str, function: Any, inputs: Sequence[Any], kind: str, told: str
) -> Target:
    """The check of a torch.autograd.Function on tensors with the values of these inputs; or why
    its forward pass does not take them."""
    torch = importlib.import_module("torch")
    tensors = [torch.from_numpy(x) if isinstance(x, np.ndarray) else x for x in inputs]
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            function.apply(*tensors)
    except Exception as error:
        verdict = UNWRITTEN if isinstance(error, NotImplementedError) else UNTRIED
        why = "forward" if verdict == UNWRITTEN else f"forward raised {described(error)}"
        return Result(name, "", verdict, why, kind=kind, inputs=told)
    return Case(name, example, None, partial(check, function, *tensors), kind, told)


def checked(case: Case, **options: Any) -> Result:
    """How the check of one case goes, with these options of `check`."""
    report, start = None, time.perf_counter()
    try:
        report = case.check(**options)
        verdict, reason = CORRECT if report else WRONG, case.note
    except NotImplementedError as error:
        verdict, reason = UNWRITTEN, str(error)
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}, line {frame.lineno}"
        verdict, reason = ERROR, f"{described(error)} ({place})"
    seconds = time.perf_counter() - start
    if verdict != CORRECT and (dry := tried(case)).verdict == UNWRITTEN:
        report, verdict, reason = None, dry.verdict, dry.why
    return Result(case.name, case.example, verdict, reason, report, seconds, case.kind, case.inputs)


class Trial(NamedTuple):
    """How a trial of a case went. `verdict` is UNTRIED where forward does not take the inputs,
    UNWRITTEN where one of the two returns None or raises NotImplementedError, and else "", for the
    check to say more; `why` is the reason, or what backward does amiss; `fits` is False where that
    may come from inputs that do not fit."""

    verdict: str = ""
    why: str = ""
    fits: bool = True


def tried(case: Case) -> Trial:
    """One forward and one backward pass in silence."""
    if case.subject is None:
        return Trial()
    method, subject = "forward", None
    with undisturbed(), contextlib.redirect_stdout(io.StringIO()):
        try:
            subject = case.subject()
            outs, cache = subject.forward()
            if not subject.floats:
                return Trial(UNTRIED, "there is nothing to differentiate")
            if not all(np.isfinite(out).all() for out in outs):
                return Trial(UNTRIED, "out of forward is not finite")
            method = "backward"
            douts = [np.ones_like(out) for out in outs]
            if nothing_in(subject.layer.backward(subject.pack(douts), cache)):
                return Trial(UNWRITTEN, method)
            found, floats = subject.backward(douts, cache), subject.floats
        except NotImplementedError:
            return Trial(UNWRITTEN, method)
        except Exception as error:
            return failed(error, method, subject)
    odd = [k for k, g in found.items() if k in floats and np.shape(g) != floats[k].shape]
    why = f"backward gives {odd[0]} a gradient of another shape" if odd else ""
    return Trial("", why, not odd)


def failed(error: Exception, method: str, subject: Subject | None) -> Trial:
    """What an error in a trial of this method means; `subject` is None where there is none yet."""
    verdict = UNTRIED if method == "forward" else ""
    if isinstance(error, Complaint) and subject is not None:
        return Trial(verdict, subject.profile.vocabulary.finding(error.cause).message)
    raised_by = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    if isinstance(error, (TypeError, ValueError)) and raised_by.is_relative_to(HERE):
        text = str(error).removeprefix("check: ")
        return Trial(
            UNTRIED, text if subject is None else f"{method} takes other arguments: {text}"
        )
    return Trial(verdict, f"{method} raised {described(error)}", False)


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
