"""The report on a run: a page that needs nothing but itself, and its pictures as files.

`write_report(path, evidence)` writes the one, `write_pictures(folder, evidence)` the others.
"""

from __future__ import annotations

from functools import singledispatch
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from chainrule.nets.files import write_file
from chainrule.pictures.drawing import Picture
from chainrule.training.metrics import in_a_line
from chainrule.training.report.charts import pictures_of
from chainrule.training.report.errors import HEAD, errors_of, rows_of
from chainrule.training.report.evidence import Evidence, RunEvidence, class_rows
from chainrule.training.report.images import MISTAKES
from chainrule.training.report.page import folded, page, pairs, section, table
from chainrule.training.report.regression import TargetEvidence

FEATURES = 3  # named of a mistaken row that is no picture
FARTHEST = 8  # rows of a regressor that are shown
LONG = 12  # tables of more rows are folded
#: The sections in their order, those that are not pictures included.
ORDER = (
    *("curves", "confusion", "reliability", "mistakes", "predicted", "residuals", "weights"),
    *("kernels", "features", "saliency"),
    *("activations", "gradients", "units", "updates", "layers", "options"),
)


def write_report(path: str | PathLike[str], evidence: RunEvidence) -> None:
    """Write the report as one HTML page, whole or not at all.

    Raises:
        FileError: the file cannot be written.
    """
    write_file(path, report(evidence).encode(errors="replace"))  # of a name that is no text


def write_pictures(folder: str | PathLike[str], evidence: RunEvidence) -> None:
    """Write the report's pictures to `folder` as curves.png, confusion.png, mistakes.png,
    reliability.png, weights.png, kernels.png, features.png, saliency.png, predicted.png,
    residuals.png, activations.png, gradients.png, units.png and updates.png, those that there is
    evidence for.

    Raises:
        FileError: a file cannot be written.
    """
    for picture in pictures_of(evidence):
        write_file(Path(folder) / f"{picture.name}.png", picture.png())


def report(evidence: RunEvidence) -> str:
    """The report as HTML."""
    pictures = pictures_of(evidence)
    with tqdm(
        total=sum(len(one.panels) for one in pictures), desc="drawing the report", unit="picture",
        delay=0.5, leave=False, disable=None, dynamic_ncols=True,
    ) as bar:  # fmt: skip
        sections = {one.name: (one.title, shown(one, bar)) for one in pictures}
    add_words(evidence, sections)
    if evidence.records and evidence.records[-1]["layers"]:
        sections["layers"] = ("Layers at the end", at_the_end(evidence.records[-1]))
    if evidence.options:
        sections["options"] = ("Options", pairs(evidence.options.items()))
    names = [name for name in ORDER if name in sections]
    links = (f'<a href="#{name}">{escape(sections[name][0])}</a>' for name in names)
    return page(
        evidence.title,
        [
            pairs(evidence.summary),
            f'<p class="note">{escape(evidence.note)}</p>' if evidence.note else "",
            f"<nav>{''.join(links)}</nav>",
            *(section(name, *sections[name]) for name in names),
        ],
    )


@singledispatch
def add_words(evidence: RunEvidence, sections: dict[str, tuple[str, str]]) -> None:
    """Add what one kind of evidence says in words and tables to the `sections`."""
    raise TypeError(f"a {type(evidence).__name__} has no words for {', '.join(sections)}")


@add_words.register
def add_words_on_classes(evidence: Evidence, sections: dict[str, tuple[str, str]]) -> None:
    """Add how well each class is told from the others, and the mistakes."""
    add(sections, "confusion", "Confusion", by_class(evidence))
    if evidence.views and "units" in sections:
        add(sections, "units", "", "<p>Of a layer that gives images, a channel is one unit.</p>")
    add(sections, "mistakes", "Most confident mistakes", mistaken(evidence))


@add_words.register
def add_words_on_targets(evidence: TargetEvidence, sections: dict[str, tuple[str, str]]) -> None:
    """Add how far each target is missed, and in which rows most."""
    errors = errors_of(evidence.targets, evidence.truth, evidence.predicted)
    content = table(("target…", *HEAD[1:]), rows_of(errors))
    add(sections, "predicted", "Predicted and true", content)
    lines = [
        (row, name, f"{truth:.6g}", f"{guess:.6g}", f"{truth - guess:+.5g}")
        for row in evidence.farthest[:FARTHEST].tolist()
        for name, truth, guess in zip(
            evidence.targets, evidence.truth[row], evidence.predicted[row], strict=True
        )
    ]
    head = ("test row", "target…", "true", "predicted", "true − predicted")
    add(sections, "residuals", "Residuals", f"<p>The rows farthest off:</p>{table(head, lines)}")


def add(sections: dict[str, tuple[str, str]], name: str, title: str, content: str) -> None:
    """Put more HTML below a section, or begin it."""
    title, before = sections.get(name, (title, ""))
    sections[name] = (title, before + content)


def shown(picture: Picture, bar: tqdm[Any]) -> str:
    """A picture, and above it how to read it. Moves the bar on by each of its panels."""
    panels = ""
    for panel in picture.svgs():
        panels += panel
        bar.update()
    return (
        f'<p class="how">{escape(picture.reading)}</p>'
        f'<div class="panels" style="--panel: {96 * picture.width:.0f}px">{panels}</div>'
    )


def by_class(evidence: Evidence) -> str:
    """How well each class is told from the others."""
    counts, classes = evidence.confusion, evidence.classes
    rows = []
    for name, there, *shares, most in class_rows(classes, counts):
        told = ("" if share is None else f"{share:.1%}" for share in shares)
        rows.append((name, f"{there:,}", *told, most))
    head = ("class…", "examples", "recall", "precision", "F1", "most often mistaken for…")
    content = table(head, rows)
    right, there = int(counts.trace()), int(counts.sum())
    given = evidence.labels, evidence.predicted, evidence.scores
    line = in_a_line(*given, probabilities=evidence.probabilities)
    total = f"{right:,} of {there:,} test examples are right, {right / there:.2%}"
    return f"<p>{total}.</p><p>{line[0].upper()}{line[1:]}.</p>" + (
        folded(f"All {len(rows)} classes", content) if len(rows) > LONG else content
    )


def mistaken(evidence: Evidence) -> str:
    """What the scores of the mistakes are and, of rows that are no pictures, a table."""
    rows = evidence.mistakes[:MISTAKES].tolist()
    if not rows:
        return "<p>There are none: every test example is right.</p>"
    scores = f"<p>The numbers are {escape(evidence.scores_are)}.</p>"
    if evidence.image_shape is not None:
        return scores
    lines = [
        (
            row,
            evidence.classes[evidence.labels[row]],
            evidence.score_text(row, evidence.labels[row]),
            evidence.classes[evidence.predicted[row]],
            evidence.score_text(row, evidence.predicted[row]),
            strongest,
        )
        for row, strongest in zip(rows, striking(evidence.rows, rows), strict=True)
    ]
    head = ("test row", "true class…", "score", "taken for…", "score", "strongest features…")
    reading = (
        "The mistakes of which the network was surest come first, each with the features that are "
        "farthest from their mean over the test rows, in standard deviations: one feature that "
        "is far out in row after row is a bad sign, of values that are wrong or of another kind."
    )
    return f'<p class="how">{reading}</p>{table(head, lines)}{scores}'


def striking(x: np.ndarray, rows: list[int]) -> list[str]:
    """For each of the `rows` of x (N, …), its features farthest from their mean, in words."""
    x = x.reshape(len(x), -1).astype(np.float64)
    std = x.std(axis=0)
    away = (x[rows] - x.mean(axis=0)) / np.where(std > 0, std, np.inf)  # (rows, D)
    first = np.argsort(-np.abs(away), axis=1, kind="stable")[:, :FEATURES]
    return [
        ", ".join(f"#{at} = {x[row, at]:.4g} ({one[at]:+.1f} σ)" for at in chosen)
        for row, one, chosen in zip(rows, away, first, strict=True)
    ]


def at_the_end(record: dict[str, Any]) -> str:
    """The figures of the last record, layer by layer."""
    rows = []
    for name, figures in record["layers"].items():
        steps = [
            f"{key.removeprefix(name + '.')} {ratio:.1e}"
            for key, ratio in record["updates"].items()
            if key.startswith(name + ".") and ratio is not None
        ]
        spread = (number(figures[key], ".3g") for key in ("mean", "std"))
        shares = (number(figures[key], ".1%") for key in ("dead", "saturated", "zeros"))
        rows.append((name, *spread, *shares, ", ".join(steps)))
    head = ("layer…", "mean", "std", "dead", "saturated", "gradient 0", "‖Δw‖ / ‖w‖…")
    return f"<p>After epoch {record['epoch']}.</p>{table(head, rows)}"


def number(value: float | None, form: str) -> str:
    """A number as text; nothing for None."""
    return "" if value is None else format(value, form)
