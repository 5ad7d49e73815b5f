"""What comparing a layer with its formula found, and when two arrays agree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.gradcheck.report import Finding

EXACT = 1e-9  # what a mistake may leave unexplained, relative to the scale of the output


@dataclass
class Comparison:
    """Mistakes, and notes that are none. `strict`: whether the user named the formula."""

    strict: bool = False
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, finding: Finding, *, explained: bool = True) -> None:
        """Adds a difference. One that nothing explains is a note, as perhaps another formula is
        meant, unless the user named this one."""
        if explained or self.strict:
            self.findings.append(finding)
        else:
            self.notes.append(f"{finding.message}, and no known mistake explains it")


def agree(out: np.ndarray, expected: Any, atol: float) -> bool:
    """Whether two arrays have one shape and, up to `atol`, the same entries, nan and inf too."""
    expected = np.asarray(expected)
    return out.shape == expected.shape and np.allclose(
        out, expected, rtol=0, atol=atol, equal_nan=True
    )


def entry(tensor: str, out: np.ndarray, expected: np.ndarray, formula: str) -> str:
    """One concrete entry, where the difference is largest."""
    difference = np.array(np.nan_to_num(np.abs(out - expected), nan=np.inf))
    difference[~np.isfinite(expected)] = 0
    index = np.unravel_index(int(difference.argmax()), out.shape) if out.ndim else ()
    where = f"{tensor}[{', '.join(str(int(i)) for i in index)}]" if index else tensor
    return f"{where} = {out[index]:.6g}, {formula} gives {expected[index]:.6g}"
