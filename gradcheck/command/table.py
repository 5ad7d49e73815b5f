"""What the command prints: a table, what is to be said on each class, and a summary."""

from __future__ import annotations

import collections
import itertools
import math
from typing import Any

from chainrule.gradcheck.command.cases import CORRECT, ERROR, UNTRIED, UNWRITTEN, WRONG, Result
from chainrule.gradcheck.command.guessing import GUESSED
from chainrule.gradcheck.report.findings import finite
from chainrule.gradcheck.report.report import clip, counted

VERDICTS = (ERROR, WRONG, UNTRIED, UNWRITTEN, CORRECT)  # of several, the first one counts
HEAD = (
    *("name", "kind", "verdict", "examples", "worst error", "passed", "failed", "n.a.", "remarks"),
    "ms",
)
PLURALS = {"class": "classes", "static class": "static classes", "loss": "losses"}


def by_name(results: list[Result]) -> list[tuple[str, list[Result]]]:
    """The results of each class or pair of functions."""
    groups = itertools.groupby(results, lambda one: (one.file, one.name, one.kind))
    return [(name, list(some)) for (_, name, _), some in groups]


def overall(results: list[Result]) -> str:
    """The verdict on several examples of one class."""
    return next(verdict for verdict in VERDICTS if verdict in {one.verdict for one in results})


def table(results: list[Result]) -> str:
    """A line per class or pair of functions."""
    rows = [[clip(name, 30), *row(some)] for name, some in by_name(results)]
    widths = [max(map(len, column)) for column in zip(HEAD, *rows, strict=True)]
    form = "  ".join(f"{{:{'<' if at < 3 else '>'}{width}}}" for at, width in enumerate(widths))
    lines = [HEAD, ["─" * width for width in widths], *rows]  # words, then numbers
    return "\n".join(form.format(*line).rstrip() for line in lines)


def row(results: list[Result]) -> list[str]:
    """What the table says of one class."""
    reports = [one.report for one in results if one.report is not None]
    tensors = [tensor for report in reports for tensor in report.tensors.values()]
    # An error is nan, and all right, where a gradient was measured along random directions alone;
    # and it means nothing where a gradient is 0.
    errors = [one.error for one in tensors if not (one.ok and not one.error < 1e-2)]
    outcomes = [probe.outcome for report in reports for probe in report.probes.values()]
    worst = "nan" if any(map(math.isnan, errors)) else f"{max(errors, default=0):.0e}"
    counts = [outcomes.count(kind) for kind in ("passed", "failed", "not applicable")]
    counts.append(remarks_of(results))
    took = f"{sum(one.seconds for one in results) * 1e3:.0f}"
    told = [worst if errors else "-", *map(str, counts), took] if reports else ["-"] * 6
    return [
        results[0].kind,
        overall(results),
        str(sum(bool(one.example) for one in results)),
        *told,
    ]


def remarks_of(results: list[Result]) -> int:
    """How many different remarks there are on the examples of each class."""
    reports = [(one.name, one.report) for one in results if one.report is not None]
    return len({(name, one.cause, one.message) for name, r in reports for one in r.remarks})


def stories(results: list[Result]) -> list[str]:
    """What is to be said on what is not correct, and on what is remarked upon; the same in several
    examples of a class is told once."""
    told: dict[tuple[Any, ...], str] = {}
    texts = []
    for one in results:
        title = titled(one)
        if one.report is not None and one.reason:
            texts.append(f"{title}: {one.verdict}, but {one.reason}")
        if one.report is not None and (one.report.findings or one.report.remarks):
            found = (*one.report.findings, *one.report.remarks)
            facts = [(finding.kind, finding.tensor, finding.level) for finding in found]
            first = told.setdefault((one.name, *facts), one.example)
            same = first != one.example
            texts.append(f"{title}: as in {first!r}" if same else f"{title}:\n{one.report}")
        elif one.verdict == UNWRITTEN:
            texts.append(f"{one.name}: {one.verdict}: {one.reason}".removesuffix(": "))
        elif one.verdict != CORRECT:
            texts.append(f"{title}: {one.verdict}: {one.reason}")
    return list(dict.fromkeys(texts))


def titled(one: Result) -> str:
    """What a result is of, and with which inputs, or which example."""
    if one.example in ("", GUESSED):
        return f"{one.name}, with {one.inputs}" if one.inputs else one.name
    return f"{one.name}, example {one.example!r}"


def summary(results: list[Result]) -> dict[str, Any]:
    """How many classes there are of each verdict, and which are not correct."""
    groups = by_name(results)
    named = {kind: [name for name, some in groups if overall(some) == kind] for kind in VERDICTS}
    return {
        "classes": len(groups),
        "kinds": dict(collections.Counter(some[0].kind for _, some in groups)),
        "examples": sum(bool(one.example) for one in results),
        "correct": len(named[CORRECT]),
        "wrong": named[WRONG] + named[ERROR],
        "not written yet": named[UNWRITTEN],
        "not tried": named[UNTRIED],
        "remarks": remarks_of(results),
        "seconds": finite(sum(one.seconds for one in results)),
        "status": int(len(named[CORRECT]) < len(groups)),
    }


def last_line(counts: dict[str, Any]) -> str:
    """ "45 classes, 112 examples: all correct", "2 of 45 classes are wrong, 3 remarks"."""
    total, wrong = counts["classes"], len(counts["wrong"])
    kinds = [several(count, kind) for kind, count in counts["kinds"].items()]
    of = kinds[0] if len(kinds) == 1 else str(total)
    if not counts["status"]:
        said = [*kinds, f"{counted(counts['examples'], 'example')}: all correct"]
    elif wrong:
        said = [f"{wrong} of {of} {'is' if wrong == 1 else 'are'} wrong"]
    else:
        correct = counts["correct"]
        said = [f"{of}: {correct} correct" if len(kinds) == 1 else f"{correct} of {total} correct"]
    for kind in (UNWRITTEN, UNTRIED):
        said += [f"{len(counts[kind])} {kind}"] if counts[kind] else []
    said += [counted(counts["remarks"], "remark")] if counts["remarks"] else []
    return ", ".join(said)


def several(count: int, kind: str) -> str:
    """ "1 class", "3 classes"."""
    return f"{count} {kind if count == 1 else PLURALS.get(kind, f'{kind}s')}"
