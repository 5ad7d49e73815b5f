"""What a check is given, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from chainrule.gradcheck.checks.causes import cause
from chainrule.gradcheck.report.findings import Cause
from chainrule.gradcheck.report.report import Tensor
from chainrule.gradcheck.subject.subject import Complaint, Pass, Subject
from chainrule.gradcheck.subject.trees import Arrays

Effort: TypeAlias = Literal["quick", "full", "entrywise"]


class BadRequest(ValueError):
    """An argument of `check` makes no sense."""


@dataclass(frozen=True)
class Request:
    """What was asked for: the arguments of `check`. `modes` are those that are looked at,
    `values` those in which gradients are compared."""

    dout: Any = None
    wrt: tuple[str, ...] | None = None
    modes: tuple[str, ...] = ("train", "inference")
    values: tuple[str, ...] = ("train", "inference")
    reference: Any = None
    seed: int = 0
    effort: Effort = "full"
    strict: bool = False
    single: bool = False  # whether float32 was given
    surrogate: Any = None
    on_purpose: Mapping[str, str] | None = None


@dataclass(eq=False)
class Passes:
    """What is known so far of a subject: what was asked for, the passes that were made, and the
    gradients that were compared. `powers` says how gradients depend on dout that are not linear."""

    request: Request
    rng: np.random.Generator
    train: Pass
    inference: Pass | None = None
    tensors: dict[str, Tensor] = field(default_factory=dict)
    coarse: bool = False
    powers: dict[str, tuple[str, float]] = field(default_factory=dict)


@dataclass(eq=False)
class Comparison:
    """The gradients of a pass beside slopes."""

    subject: Subject
    done: Pass
    train: bool
    tensors: dict[str, Tensor] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)  # those whose numbers are wrong
    causes: list[Cause] = field(default_factory=list)  # of the form of the others, and of ties
    on_kinks: bool = False
    coarse: bool = False  # whether forward turned out to compute with few digits

    @property
    def is_right(self) -> bool:
        return not self.wrong and not any(cause.level == "wrong" for cause in self.causes)


@dataclass(eq=False)
class Difference:
    """Outputs that are not those of a reference, `right`, which gives them for any subject."""

    subject: Subject
    train: bool
    right: Callable[[Subject], Arrays]


@dataclass(frozen=True)
class Outcome:
    """What one check found: causes; notes; why its question does not apply; or gradients that are
    wrong, which are to be explained, `where`: "where inputs are exactly 0"; or outputs that are."""

    causes: Sequence[Cause] = ()
    why: str = ""
    notes: Sequence[str] = ()
    comparison: Comparison | None = None
    difference: Difference | None = None
    where: str = ""
    replaces: bool = False  # whether its causes stand for all those that were found before


PASSED = Outcome()


def wrong(tensor: str, key: str, /, **values: Any) -> Outcome:
    """The outcome of a check that found a mistake."""
    return Outcome([cause(key, tensor, **values)])


def remark(tensor: str, key: str, /, **values: Any) -> Outcome:
    """The outcome of a check that found what works here and may bite later."""
    return Outcome([cause(key, tensor, "remark", **values)])


def told(subject: Subject, error: Exception) -> str:
    """An error in a few words."""
    if isinstance(error, Complaint):
        return subject.profile.vocabulary.finding(error.cause).message
    return f"it raises {type(error).__name__}: {error}"


def raised(subject: Subject, method: str, tensor: str, error: Exception) -> Outcome:
    """The outcome where a pass raised an error."""
    if isinstance(error, Complaint):
        return Outcome([replace(error.cause, tensors=error.cause.tensors or (tensor,))])
    if isinstance(error, NotImplementedError):
        return wrong("out", f"unwritten-{method}")
    said, place = f"{type(error).__name__}: {error}", subject.profile.raising(error)
    return wrong(tensor, f"{method}-raises", error=said, place=place)
