"""Causes, as checks and explanations return them, and findings, which are causes in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

CAP = 100  # as_dict gives so many indices of wrong entries
KINDS = (
    "axis",
    "dtype",
    "forward-bug",
    "mask",
    "missing-term",
    "mode",
    "mutation",
    "off-by-one-label",
    "overwrite",
    "scale",
    "shape",
    "sign",
    "stability",
    "stale-cache",
    "swapped",
    "transpose",
    "unknown",
)


@dataclass(frozen=True)
class Cause:
    """What is wrong, as it was measured: the words come last (see `subject.vocabulary`).

    key        names the cause, whatever is checked: "lacks-factor"
    kind       one of KINDS
    message    a sentence with places to fill in: "{d} {lacks} the factor {factor}"
    hint       a sentence that says what to do, of the same form, or ""
    evidence   what the cause leaves unexplained, relative to the gradient; None for a fact
    values     what is filled in, {"factor": "gamma"}; where a name begins with d_, a tensor
    tensors    the tensors it is about
    level      "wrong", or "remark" where it works on the data given and may bite later
    prefix     what the sentence begins with: "with a batch of 1, "
    example    one concrete entry, or ""
    where      the indices of the wrong entries, as np.nonzero gives them, or None for all
    line       the line of source that computes the tensor, or ""
    """

    key: str
    kind: str
    message: str
    hint: str = ""
    evidence: float | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    tensors: tuple[str, ...] = ()
    level: str = "wrong"
    prefix: str = ""
    example: str = ""
    where: tuple[np.ndarray, ...] | None = None
    line: str = ""


def because(
    key: str,
    kind: str,
    message: str,
    hint: str = "",
    evidence: float | None = None,
    /,
    **values: Any,
) -> Cause:
    """A Cause, with its values by their names."""
    return Cause(key, kind, message, hint, evidence, values)


@dataclass(frozen=True)
class Finding:
    """One mistake, or one remark.

    kind        one of KINDS; "unknown" where the numbers are wrong and no hypothesis explains them
    tensor      what is wrong: an input ("x", "a", "scores"), a parameter ("W"), "out", "loss",
                "cache" or a state array ("running_mean")
    message     a sentence that says what is wrong: "grads['b'] is too small by a factor 5 = N"
    hint        a sentence that says what to do, or ""
    example     one concrete entry: "grads['b'][0] = 0.2471, should be 1.2355", or ""
    evidence    what the cause leaves unexplained, relative to the gradient, as measured; None
                where the finding is a plain fact
    where       the indices of the wrong entries, as np.nonzero gives them, or None for all
    line        the line of source that computes the tensor, "line 7: db = …", or "" if unknown
    cause       the key of the cause, the same in whatever words: "factor"
    level       "wrong", which makes a report false, or "remark"
    values      the numbers and words that were filled into the sentence
    """

    kind: str
    tensor: str
    message: str
    hint: str = ""
    example: str = ""
    evidence: float | None = None
    where: tuple[np.ndarray, ...] | None = None
    line: str = ""
    cause: str = ""
    level: str = "wrong"
    values: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        short = self.message if len(self.message) <= 70 else f"{self.message[:69].rstrip()}…"
        return f"<Finding {self.kind} in {self.tensor}: {short}>"

    def as_dict(self) -> dict[str, Any]:
        """The finding in strings, numbers and lists; `where` is one list per wrong entry."""
        where = None
        if self.where is not None:
            where = [[int(i) for i in at] for at in zip(*self.where, strict=True)][:CAP]
        names = ("kind", "tensor", "message", "hint", "example", "line", "cause", "level")
        told = {name: getattr(self, name) for name in names}
        return told | {"evidence": finite(self.evidence), "where": where}


def entry(name: str, got: np.ndarray, wanted: np.ndarray, says: str = "should be") -> str:
    """One concrete entry, where the two arrays differ most: "W[0, 1] = 0.2, should be 0.3"."""
    difference = np.array(np.nan_to_num(np.abs(got - wanted), nan=np.inf))
    difference[~np.isfinite(wanted)] = 0
    index = np.unravel_index(int(difference.argmax()), got.shape) if got.ndim else ()
    where = f"{name}[{', '.join(str(int(i)) for i in index)}]" if index else name
    return f"{where} = {got[index]:.8g}, {says} {wanted[index]:.8g}"


def finite(number: float | None) -> float | None:
    """`number` as a float, or None where it is nan, infinite or missing."""
    return None if number is None or not math.isfinite(number) else float(number)
