"""The frame of a report: an HTML page that asks for nothing from outside itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

CSS = """
:root { color-scheme: light dark; --ink: #24292f; --soft: #59636e; --line: #d1d9e0;
  --page: #ffffff; --card: #f6f8fa; --link: #0969da; --shade: #7f7f7f80; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9198a1; --line: #3d444d;
  --page: #0d1117; --card: #161b22; --link: #6cb0ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1120px; padding: 24px 16px 64px; color: var(--ink);
  background: var(--page); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto,
  "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 12px; }
h2 { font-size: 1.25rem; margin: 48px 0 4px; padding-top: 12px;
  border-top: 1px solid var(--line); }
p { margin: 4px 0 12px; max-width: 75ch; }
a { color: var(--link); }
nav { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 16px 0; }
.note { font-weight: 600; border-left: 4px solid var(--link); padding-left: 12px; margin: 16px 0; }
.how, dt, footer { color: var(--soft); }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 160px), 1fr));
  gap: 8px; margin: 0; }
dl > div { background: var(--card); padding: 8px 12px; border: 1px solid var(--line);
  border-radius: 8px; }
dt { font-size: .82rem; } dd { margin: 0; font-weight: 600; }
.panels { display: grid; gap: 12px;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, var(--panel)), 1fr)); }
.panels svg { width: 100%; max-width: calc(1.25 * var(--panel)); height: auto; display: block;
  overflow: visible; }
.panels text { font-family: inherit !important; }
.panels image { image-rendering: pixelated; }
/* A shadow at the side to which a table goes on; it scrolls away with its cover at the end. */
.wide { overflow-x: auto; margin: 12px 0; background:
  linear-gradient(to right, var(--page) 40%, transparent) 0 0 / 48px 100% local no-repeat,
  linear-gradient(to left, var(--page) 40%, transparent) 100% 0 / 48px 100% local no-repeat,
  linear-gradient(to right, var(--shade), transparent) 0 0 / 16px 100% scroll no-repeat,
  linear-gradient(to left, var(--shade), transparent) 100% 0 / 16px 100% scroll no-repeat; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem;
  overflow-wrap: normal; }
th, td { padding: 5px 14px 5px 0; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
th:first-child, td:first-child, .text { text-align: left; }
summary { cursor: pointer; color: var(--link); }
"""


def page(title: str, body: Iterable[str]) -> str:
    """A whole page of the HTML fragments `body`, headed by the text `title`."""
    head = escape(title)
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{head}</title>",
            f"<style>{CSS}</style></head>",
            f"<body><h1>{head}</h1>",
            *body,
            "</body></html>",
        ]
    )


def section(name: str, title: str, *content: str) -> str:
    """HTML fragments under a heading, to be reached as #name."""
    return f'<section id="{name}"><h2>{escape(title)}</h2>{"".join(content)}</section>'


def pairs(rows: Iterable[tuple[str, object]]) -> str:
    """Names and values, as cards."""
    cards = (
        f"<div><dt>{escape(str(name))}</dt><dd>{escape(str(value))}</dd></div>"
        for name, value in rows
    )
    return f"<dl>{''.join(cards)}</dl>"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table that scrolls sideways where it is too wide. Numbers stand to the right; a column
    whose heading ends in "…" holds words, which stand to the left."""
    kinds = [' class="text"' if name.endswith("…") else "" for name in head]
    names = "".join(
        f"<th{kind}>{escape(name.removesuffix('…'))}</th>"
        for name, kind in zip(head, kinds, strict=True)
    )
    body = "".join(
        f"<tr>{''.join(f'<td{k}>{escape(str(c))}</td>' for c, k in zip(row, kinds, strict=True))}"
        "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>'
        "</div>"
    )


def folded(title: str, content: str) -> str:
    """HTML `content` behind a `title` that opens at a click."""
    return f"<details><summary>{escape(title)}</summary>{content}</details>"
