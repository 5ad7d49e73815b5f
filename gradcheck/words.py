"""A report on a layer, told in the words of functions and models."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from chainrule.gradcheck.report import Finding, Probe, Report
from chainrule.gradcheck.subject.functions import Pair, name_of

Words = list[tuple[str, str]]


def words_of(layer: Pair, forward: Any, backward: Any) -> Words:
    """What a report on a layer says, and how it is said of these functions."""
    first = name_of(forward)
    second = name_of(backward) if backward else f"the gradient of {first}"
    order = ", ".join(layer.floats)
    words = [
        (r"^forward must return out, cache", "forward must return loss, gradient"),
    ] if backward is None else []  # fmt: skip
    return [
        *words,
        (r"grads has no entry for the parameter '(\w+)'", r"d\1 is not returned"),
        (r"^Return a gradient for every parameter.*", f"Return a gradient for each of {order}."),
        (r"^Return each gradient under its own name\.", f"Return them in the order {order}."),
        (r"^params must hold the very arrays.*", f"Does {first} compute with it?"),
        (r"grads\['(\w+)'\]", r"d\1"),
        (r"params\['(\w+)'\]", r"\1"),
        (r"with train=False", "in mode 'test'"),
        (r"\bforward\(train=False\)", f"{first} in mode 'test'"),
        (r"(?<!the )(?<!latest )\bforward\b(?! pass| call| and)", first),
        (r"(?<!the )(?<!second )(?<!and )\bbackward\b(?! pass| call)", second),
    ]


def words_on_penalty(key: str) -> Words:
    """The words for a penalty reg * ΣW² without the half, whose factor is called `key`."""
    if not key:
        return []
    return [
        (rf"0\.5 \* {key} \* ΣW²", f"{key} * ΣW²"),
        (rf"\b{key} \* (?!ΣW²)", f"2 * {key} * "),
    ]


def say_again(report: Report, words: Words) -> None:
    """Put the texts of a report into other words."""

    def again(text: str) -> str:
        for pattern, instead in words:
            text = re.sub(pattern, instead, text)
        return text

    def retold(f: Finding) -> Finding:
        return replace(f, message=again(f.message), hint=again(f.hint), example=again(f.example))

    report.findings = [retold(finding) for finding in report.findings]
    report.notes = [again(note) for note in report.notes]
    report.probes = {
        name: Probe(one.outcome, again(one.why)) for name, one in report.probes.items()
    }


def excuse_float32(report: Report) -> None:
    """Functions that answer float32 with float64 are no mistake: courses hand such masks out."""
    outcome = report.probes.get("float32")
    if outcome is None or outcome.outcome != "failed":
        return
    report.findings = [f for f in report.findings if f.message != outcome.why]
    report.notes.append(outcome.why)
    report.probes["float32"] = Probe("not applicable", "functions need not keep float32")
