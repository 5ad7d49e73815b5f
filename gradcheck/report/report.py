"""What a check found: `Report`, made of findings, tensors and probes."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from chainrule.gradcheck.report.findings import Finding, finite
from chainrule.gradcheck.report.html import INFERENCE, fragment

WIDTH, LINES = 100, 12  # of a printed report
NOTES = 3  # so many notes are printed
REMARKS = 3  # so many lines of remarks are printed


class GradientError(AssertionError):
    """A gradient is wrong. Its text is that of the report it is raised with."""


@dataclass(eq=False)
class Tensor:
    """The gradient of one tensor, as the layer gives it and as differences give it.

    analytic, numeric   arrays of the shape of the tensor, float64; numeric is nan where it was
                        not measured (large tensors are measured along random directions first)
    error               max |analytic - numeric| / max |numeric| over what was measured
    rounding            the error that rounding and the finite step would explain
    kinks               a mask of the entries that sit on a kink, or None where there are none
    ok                  whether the gradient is right
    meant               whether it is wrong on purpose
    """

    analytic: np.ndarray
    numeric: np.ndarray
    error: float
    rounding: float
    kinks: np.ndarray | None
    ok: bool
    meant: bool = False

    @property
    def verdict(self) -> str:
        """ "ok", "WRONG" or "on purpose"."""
        return "ok" if self.ok else "on purpose" if self.meant else "WRONG"

    def __repr__(self) -> str:
        return f"<Tensor {self.analytic.shape}: {self.verdict}, error {self.error:.0e}>"

    @property
    def is_nothing(self) -> bool:
        """Whether it is right and consists of rounding: its relative error means nothing."""
        return self.ok and self.error > 0.5

    @property
    def on_kinks(self) -> int:
        """How many entries sit on a kink."""
        return 0 if self.kinks is None else int(np.count_nonzero(self.kinks))

    def as_dict(self) -> dict[str, Any]:
        """Verdict, error, rounding and the number of kinks; the arrays are left out."""
        return {
            "ok": bool(self.ok),
            "error": finite(self.error),
            "rounding": finite(self.rounding),
            "kinks": self.on_kinks,
        }


@dataclass(frozen=True)
class Probe:
    """One question beyond values: "passed", "failed", "remark" or "not applicable", and why."""

    outcome: str
    why: str = ""


@dataclass(eq=False)
class Report:
    """What a check found. True where the layer is correct; `print(report)` tells the story.

    subject     what was checked, such as "Affine(4 → 3)"
    findings    the mistakes, most telling first; one cause, one finding
    remarks     what works on the data given and may bite later; they leave the report true
    tensors     for each tensor and pass ("W", or "W (inference)") its gradients
    probes      for each probe its outcome
    notes       what a reader should know that is no mistake: "3 inputs are exactly 0, where any
                slope between the one-sided ones is right"
    """

    subject: str
    findings: list[Finding] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    probes: dict[str, Probe] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    forwards: int = 0
    seconds: float = 0.0
    seed: int = 0
    remarks: list[Finding] = field(default_factory=list)

    def __bool__(self) -> bool:
        return not self.findings

    def __repr__(self) -> str:
        return f"<Report {clip(self.subject, 60)}: {self._outcome()}>"

    def __str__(self) -> str:
        lines = self._head()
        if self.tensors:
            lines.append("  " + self._tensor_line(WIDTH - 2))
        if failed := [name for name, probe in self.probes.items() if probe.outcome == "failed"]:
            counts = self._count_probes()
            lines.append(clip(f"  probes: {counts} (failed: {', '.join(failed)})", WIDTH))
        # Remarks stand last and take what the findings leave, but never less than a line.
        lines += self._finding_lines(LINES - len(lines) - bool(self.remarks))
        return "\n".join(lines + remark_lines(self.remarks, min(REMARKS, LINES - len(lines))))

    def _repr_html_(self) -> str:
        """The report for a notebook: verdict, findings, tensors, heat maps of wrong gradients."""
        return fragment(self, self._outcome(), self._effort(), self._count_probes())

    def as_dict(self) -> dict[str, Any]:
        """The report in strings, numbers, lists and dicts, for graders: json.dumps takes it.

        Arrays are left out, nan and infinite numbers are None, and of the indices of the wrong
        entries of a finding the first 100 are given, each as a list.
        """
        return {
            "subject": self.subject,
            "correct": bool(self),
            "findings": [finding.as_dict() for finding in self.findings],
            "remarks": [remark.as_dict() for remark in self.remarks],
            "tensors": {name: tensor.as_dict() for name, tensor in self.tensors.items()},
            "probes": {name: asdict(probe) for name, probe in self.probes.items()},
            "notes": list(self.notes),
            "forwards": int(self.forwards),
            "seconds": finite(self.seconds),
            "seed": self.seed,
        }

    def _outcome(self) -> str:
        """ "correct", "1 mistake", "3 mistakes, 2 remarks"."""
        said = [counted(len(self.findings), "mistake") if self.findings else "correct"]
        return ", ".join(said + [counted(len(self.remarks), "remark")] * bool(self.remarks))

    def _effort(self) -> str:
        """ "(62 forward calls, 9 ms)"."""
        spent = f"{self.seconds:.1f} s" if self.seconds >= 1 else f"{self.seconds * 1e3:.0f} ms"
        return f"({counted(self.forwards, 'forward call')}, {spent})"

    def _count_probes(self) -> str:
        """ "11 passed, 1 failed, 2 not applicable"."""
        outcomes = [probe.outcome for probe in self.probes.values()]
        kinds = ("passed", "failed", "remark", "not applicable")
        return ", ".join(f"{outcomes.count(kind)} {kind}" for kind in kinds if kind in outcomes)

    def _head(self) -> list[str]:
        """The verdict, and below it the notes that do not fit into its line."""
        effort, verdict = "   " + self._effort(), self._outcome()
        if not self.findings:
            passed = sum(probe.outcome == "passed" for probe in self.probes.values())
            said = ["training and inference"] * any(one.endswith(INFERENCE) for one in self.tensors)
            said += [counted(passed, "probe")] * bool(passed)
            verdict += f" ({', '.join(said)})" if said else ""
        subject = clip(self.subject, WIDTH - len(verdict) - len(effort) - 2)
        notes = [flat(note) for note in self.notes]
        lines = [f"{subject}: {verdict}{effort}"]
        if len(notes) == 1 and not self.findings:
            with_note = f"{subject}: {self._outcome()}; {notes[0]}"
            if len(with_note) <= WIDTH:
                return [with_note + (effort if len(with_note + effort) <= WIDTH else "")]
        shown = notes if len(notes) <= NOTES else notes[: NOTES - 1]
        lines += [clip(f"  note: {note}", WIDTH) for note in shown]
        if len(shown) < len(notes):
            lines.append(f"  and {len(notes) - len(shown)} more notes")
        return lines

    def _tensor_line(self, width: int) -> str:
        """ "x ok (3e-13)   W ok (2e-13)   b WRONG". A tensor whose passes agree is said once."""
        groups: dict[str, list[tuple[str, Tensor]]] = {}
        for name, tensor in self.tensors.items():
            groups.setdefault(name.removesuffix(INFERENCE), []).append((name, tensor))
        said: list[tuple[bool, str]] = []
        for base, members in groups.items():
            if len({tensor.ok for _, tensor in members}) == 1:
                members = [(base, max((one for _, one in members), key=lambda one: one.error))]
            for name, tensor in members:
                how = f" ({tensor.error:.0e})" if math.isfinite(tensor.error) else ""
                how = " (it is 0)" if tensor.is_nothing else how
                how = how if tensor.ok else ""
                said.append((tensor.ok or tensor.meant, f"{name} {tensor.verdict}{how}"))
        line = "   ".join(text for _, text in said)
        shown = len(said)
        said.sort(key=lambda one: one[0])  # what is wrong comes first where not all fits
        while len(line) > width and shown:
            shown -= 1
            rest = [ok for ok, _ in said[shown:]]
            counts = {"WRONG": rest.count(False), "ok": rest.count(True)}
            more = ", ".join(f"{count} more {what}" for what, count in counts.items() if count)
            line = "   ".join([*(text for _, text in said[:shown]), f"and {more}"])
        return line

    def _finding_lines(self, room: int) -> list[str]:
        """The findings in at most `room` lines: all in full; or as many as fit, the first with
        its hint and example, the others by their message, and a count of the rest."""
        blocks = [finding_lines(finding) for finding in self.findings]
        if sum(map(len, blocks)) <= room:
            return [line for block in blocks for line in block]
        room -= len(blocks) > 1  # one line for the count
        lines = blocks[0][:room]
        shown = 1 + room - len(lines)
        messages = (finding.message for finding in self.findings[1:shown])
        lines += [clip("  " + flat(message), WIDTH) for message in messages]
        if rest := self.findings[shown:]:
            what = ", ".join(f"{finding.tensor} ({finding.kind})" for finding in rest)
            lines.append(clip(f"  and {len(rest)} more: {what}", WIDTH))
        return lines


def finding_lines(finding: Finding) -> list[str]:
    """The finding in a few indented lines of text."""
    lines = wrap(finding.message, "  ") + wrap(finding.hint, "  ")
    lines += wrap(finding.example, "      ")
    if finding.line.strip() and not finding.hint.startswith("If line"):
        lines.append(clip(f"      in {finding.line.strip()}", WIDTH))
    return lines


def remark_lines(remarks: Sequence[Finding], room: int) -> list[str]:
    """The remarks in at most `room` lines: with their hints where these fit, else by their
    messages, a line each, and a count of the rest."""
    messages = [f"remark: {remark.message}" for remark in remarks]
    both = zip(messages, remarks, strict=True)
    hinted = (f"{text.rstrip('.')}. {one.hint}" if one.hint else text for text, one in both)
    lines = [line for text in hinted for line in wrap(text, "  ", REMARKS)]
    if len(lines) <= room:
        return lines
    shown = messages if len(messages) <= room else messages[: room - 1]
    lines = [clip(f"  {text}", WIDTH) for text in shown]
    if rest := len(messages) - len(shown):
        lines.append(
            f"  and {counted(rest, 'more remark')}" if shown else f"  {counted(rest, 'remark')}"
        )
    return lines


def counted(count: int, noun: str) -> str:
    """ "1 remark", "2 remarks"."""
    return f"{count} {noun}{'s' * (count != 1)}"


def flat(text: str) -> str:
    """`text` on one line."""
    return " ".join(str(text).split())


def wrap(text: str, indent: str, lines: int = 3) -> list[str]:
    """`text` in at most so many `lines`, each beginning with `indent`; code stays in one piece."""
    whole = re.sub("`[^`]*`", lambda code: code.group().replace(" ", "\0"), flat(text))
    wrapped = textwrap.wrap(
        whole,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        max_lines=lines,
        placeholder="…",
        break_on_hyphens=False,
    )
    return [line.replace("\0", " ") for line in wrapped]


def clip(text: str, width: int) -> str:
    """`text` in at most `width` characters, with an ellipsis where it was cut; indentation
    stays."""
    text = text[: len(text) - len(text.lstrip())] + flat(text)
    return text if len(text) <= width else text[: max(width - 1, 0)].rstrip() + "…"
