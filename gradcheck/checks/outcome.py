"""What a check is given, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from chainrule.gradcheck.checks.causes import cause
from chainrule.gradcheck.report.findings import Cause
from chainrule.gradcheck.report.report import Tensor
from chainrule.gradcheck.subject.subject import Complaint, Pass, Subject

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
    """The gradients of a pass beside slopes.

    tensors   all that were looked at
    wrong     the names of those whose numbers are wrong
    causes    what is wrong with the form of the others, and at ties
    coarse    whether forward turned out to compute with few digits
    """

    subject: Subject
    done: Pass
    train: bool
    tensors: dict[str, Tensor] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    causes: list[Cause] = field(default_factory=list)
    on_kinks: bool = False
    coarse: bool = False

    @property
    def is_right(self) -> bool:
        return not self.wrong and not any(cause.level == "wrong" for cause in self.causes)


@dataclass(frozen=True)
class Outcome:
    """What one check found: causes; notes; why its question does not apply; or gradients that are
    wrong, which are to be explained, `where`: "where inputs are exactly 0"."""

    causes: Sequence[Cause] = ()
    why: str = ""
    notes: Sequence[str] = ()
    comparison: Comparison | None = None
    where: str = ""
    replaces: bool = False  # whether its causes stand for all those that were found before


PASSED = Outcome()


def not_applicable(why: str) -> Outcome:
    return Outcome(why=why)


def wrong(tensor: str, key: str, /, **values: Any) -> Outcome:
    """The outcome of a check that found a mistake."""
    return Outcome([cause(key, tensor, **values)])


def remark(tensor: str, key: str, /, **values: Any) -> Outcome:
    """The outcome of a check that found what works here and may bite later."""
    return Outcome([cause(key, tensor, "remark", **values)])


def raised(subject: Subject, method: str, tensor: str, error: Exception) -> Outcome:
    """The outcome where a pass raised an error."""
    if isinstance(error, Complaint):
        return Outcome([replace(error.cause, tensors=error.cause.tensors or (tensor,))])
    if isinstance(error, NotImplementedError):
        return wrong("out", f"unwritten-{method}")
    said, place = f"{type(error).__name__}: {error}", subject.profile.raising(error)
    return wrong(tensor, f"{method}-raises", error=said, place=place)


def same(some: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> bool:
    """Whether two lists hold the same arrays, to the bit."""
    return len(some) == len(others) and all(
        a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(some, others, strict=True)
    )


def close(a: np.ndarray, b: np.ndarray, noise: float = 0.0, relative: float = 1e-9) -> bool:
    """Whether two arrays are the same but for rounding, which is at least `noise`."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return False
    atol = max(relative * size(b), noise)
    return bool(np.allclose(a, b, rtol=relative, atol=atol, equal_nan=True))


def size(array: np.ndarray) -> float:
    """The largest |entry| of an array, nan apart; 0 where there is none."""
    return float(np.nanmax(np.abs(array), initial=0.0))


def rows_mix(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> bool:
    """Whether in function(x) a row depends on another row of x."""
    out = function(x)
    if out.ndim == 0 or x.ndim == 0 or len(x) != len(out) or len(x) < 2:
        return False
    moved = x.copy()
    moved[0] += 1
    return not np.allclose(function(moved)[1:], out[1:], rtol=1e-9, atol=1e-12)
