"""A report as HTML for a notebook: verdict, findings, remarks, tables and heat maps.

Every colour is set inline and every background is either transparent or comes with its own text
colour, so that a fragment reads the same on a light and on a dark page.
"""

import math
from collections.abc import Iterable, Sequence
from html import escape
from itertools import starmap
from typing import Any

import numpy as np

INFERENCE = " (inference)"  # how the name of a tensor of the inference pass ends
MAPS = 4  # so many heat maps are drawn
SIDE = 24  # a heat map has at most so many rows and columns
LINE = "1px solid rgba(128,128,128,.4)"
GREEN, RED, GREY, AMBER = "#1a7f37", "#c62f3b", "#6e7781", "#9a6700"
UNKNOWN, BROKEN = "#a8a8a8", "#4a148c"
LOW, MIDDLE, HIGH = (33, 102, 172), (247, 247, 247), (178, 24, 43)


def fragment(report: Any, outcome: str, effort: str, counts: str) -> str:
    """A `gradcheck.report.Report` as a self-contained fragment.

    `outcome`, `effort` and `counts` are its verdict, what it took and how the probes went, in
    words.
    """
    calls = f'<span style="opacity:.7">{escape(effort)}</span>'
    verdict = badge(outcome, GREEN if report else RED)
    parts = [f"<div><b>{escape(report.subject)}</b> {verdict} {calls}</div>"]
    parts.append(listed("ol", map(item, report.findings)))
    marked = (f"{badge('remark', AMBER)} {item(remark)}" for remark in report.remarks)
    parts += [listed("ul", marked), listed("ul", map(escape, report.notes))]
    if report.tensors:
        head = ("gradient of", "verdict", "error", "rounding explains", "on kinks")
        parts.append(table(head, starmap(tensor_row, report.tensors.items())))
    wrong = [name for name, tensor in report.tensors.items() if not tensor.ok and not tensor.meant]
    # Where the training pass is wrong as well, one map of the two is enough.
    twice = {name + INFERENCE for name in wrong}
    wrong = [name for name in wrong if name not in twice]
    for name in wrong[:MAPS]:
        parts.append(heat_map(name, report.tensors[name].analytic, report.tensors[name].numeric))
    if wrong[MAPS:]:
        parts.append(f"<div>No map is drawn of {escape(', '.join(wrong[MAPS:]))}.</div>")
    if report.probes:
        probes = table(("probe", "outcome", "why"), starmap(probe_row, report.probes.items()))
        summary = f'<summary style="cursor:pointer">{escape(f"Probes: {counts}")}</summary>'
        parts.append(f'<details style="margin:6px 0">{summary}{probes}</details>')
    return f'<div style="line-height:1.5;color:inherit">{"".join(parts)}</div>'


def listed(tag: str, items: Iterable[str]) -> str:
    """A list of HTML items, numbered for "ol"; "" where there are none."""
    rows = "".join(f"<li>{one}</li>" for one in items)
    return f'<{tag} style="margin:8px 0;padding-left:24px">{rows}</{tag}>' if rows else ""


def item(finding: Any) -> str:
    """A finding as the content of an item of a list: message, hint, example, line of source."""
    code = "font-family:monospace;background:none;color:inherit;padding:0"
    parts = [f"<b>{escape(finding.message)}</b>", escape(finding.hint)]
    parts += [
        f'<code style="{code}">{escape(text)}</code>' if text else ""
        for text in (finding.example, finding.line.strip())
    ]
    return "<br>".join(part for part in parts if part)


def tensor_row(name: str, tensor: Any) -> tuple[str, ...]:
    """Name, verdict, error, what rounding explains, and how many entries sit on a kink. There is
    no error of a right gradient that was measured along random directions alone."""
    verdict = badge(tensor.verdict, RED if tensor.verdict == "WRONG" else GREEN)
    kinks = str(tensor.on_kinks or "")
    error = "" if tensor.ok and math.isnan(tensor.error) else f"{tensor.error:.1e}"
    return escape(name), verdict, error, f"{tensor.rounding:.1e}", kinks


def probe_row(name: str, probe: Any) -> tuple[str, ...]:
    """Name, outcome and why."""
    colour = {"passed": GREEN, "failed": RED, "remark": AMBER}.get(probe.outcome, GREY)
    return escape(name), badge(probe.outcome, colour), escape(probe.why)


def badge(text: str, colour: str) -> str:
    """`text` in white on `colour`."""
    return (
        f'<span style="background:{colour};color:#fff;border-radius:4px;padding:1px 7px;'
        f'font-weight:600">{escape(text)}</span>'
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with the plain texts `head` above `rows`, whose cells are HTML."""
    cell = f"padding:3px 12px 3px 0;text-align:left;border-bottom:{LINE};background:none"
    names = "".join(f'<th style="{cell};font-weight:600">{escape(name)}</th>' for name in head)
    body = "".join(
        f'<tr style="background:none">{"".join(f"<td style={cell!r}>{one}</td>" for one in row)}'
        "</tr>"
        for row in rows
    )
    return (
        '<table style="border-collapse:collapse;margin:8px 0;border:none;color:inherit">'
        f'<thead><tr style="background:none">{names}</tr></thead><tbody>{body}</tbody></table>'
    )


def as_matrix(array: np.ndarray) -> np.ndarray:
    """`array` as two axes: (M,) becomes a row, (N, d1, …, dk) becomes (N, d1 · … · dk)."""
    return array.reshape(1, -1) if array.ndim < 2 else array.reshape(len(array), -1)


def largest(difference: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """At most SIDE x SIDE entries that stand for all of a matrix.

    Returns flat indices, one for the largest entry in absolute value of each block (nan counts as
    smallest, an infinity as largest), and the rows and columns of the largest block.
    """
    size = np.nan_to_num(np.abs(difference), nan=-1.0, posinf=np.inf)
    rows, columns = (
        np.array_split(np.arange(length), min(length, SIDE)) for length in difference.shape
    )
    flat = np.arange(difference.size).reshape(difference.shape)
    chosen = [
        [flat[np.ix_(r, c)].flat[int(np.argmax(size[np.ix_(r, c)]))] for c in columns] for r in rows
    ]
    return np.array(chosen), (len(rows[0]), len(columns[0]))


def colour(value: float, limit: float) -> str:
    """Blue for -limit, almost white for 0, red for limit."""
    share = value / limit if limit else 0.0
    mixed = [np.interp(share, (-1, 0, 1), ends) for ends in zip(LOW, MIDDLE, HIGH, strict=True)]
    return f"#{bytes(map(round, mixed)).hex()}"


def heat_map(name: str, analytic: np.ndarray, numeric: np.ndarray) -> str:
    """Analytic minus numeric of the tensor `name` as coloured cells; a cell says its index, yours
    and the right value when the mouse rests on it. Grey was not measured. A tensor of more than
    SIDE x SIDE entries is cut into blocks, each shown by its largest difference."""
    title = f"<b>{escape(name)}</b> {escape(str(analytic.shape))}"
    if analytic.shape != numeric.shape:
        return f"<p>{title} should have the shape {escape(str(numeric.shape))}.</p>"
    if not np.isfinite(numeric).any():
        return f"<p>{title} was measured along random directions, not entry by entry.</p>"
    with np.errstate(invalid="ignore"):
        # A gradient that is not finite is infinitely wrong; one not measured is not known.
        error = np.where(np.isfinite(analytic), analytic - numeric, np.inf)
    error = as_matrix(np.where(np.isnan(numeric), np.nan, error))
    chosen, (tall, wide) = largest(error)
    limit = float(np.abs(error[np.isfinite(error)]).max(initial=0.0))
    edge = 26 if max(chosen.shape) <= 10 else 16
    cells, entries = [], error.reshape(-1)
    for (row, column), entry in np.ndenumerate(chosen):
        at = ", ".join(map(str, np.unravel_index(entry, analytic.shape))) if analytic.ndim else ""
        yours, right, off = analytic.flat[entry], numeric.flat[entry], entries[entry]
        if math.isnan(off):
            fill, text = UNKNOWN, f"[{at}]: not measured"
        else:
            fill = colour(off, limit) if math.isfinite(off) else BROKEN
            text = f"[{at}]: yours {yours:.4g}, should be {right:.4g}"
        cells.append(
            f'<rect x="{column * edge}" y="{row * edge}" width="{edge - 1}" height="{edge - 1}" '
            f'fill="{fill}"><title>{escape(name + text)}</title></rect>'
        )
    height, width = (edge * length for length in chosen.shape)
    meaning = {colour(-1, 1): f"too low by {limit:.3g}", colour(0, 1): "right"}
    meaning[colour(1, 1)] = f"too high by {limit:.3g}"
    meaning |= {UNKNOWN: "not measured"} if np.isnan(entries[chosen]).any() else {}
    meaning |= {BROKEN: "nan or infinite"} if np.isinf(entries[chosen]).any() else {}
    said = "yours minus what it should be"
    if analytic.ndim > 2:
        said += f"; rows are axis 0, columns the other {analytic.ndim - 1} axes in a row"
    if chosen.size < analytic.size:
        said += f"; a cell is the largest error in a block of up to {tall} x {wide} entries"
    return (
        f'<div style="margin:10px 0"><div>{title}: {escape(said)}</div>'
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'style="display:block;margin:5px 0;border:{LINE}">{"".join(cells)}</svg>'
        f"<div>{''.join(starmap(swatch, meaning.items()))}</div></div>"
    )


def swatch(fill: str, text: str) -> str:
    """A square of a colour and what it means."""
    return (
        f'<span style="display:inline-block;width:11px;height:11px;background:{fill};'
        f'border:{LINE};margin-right:5px"></span>'
        f'<span style="margin-right:14px">{escape(text)}</span>'
    )
