"""The page of `chainrule train --live`: curves that go on, and a button that stops the run."""

from __future__ import annotations

from html import escape

from chainrule.pictures.drawing import BLUE, ORANGE
from chainrule.training.measures import Measure
from chainrule.training.report.page import CSS

OWN = f"""
:root {{ --training: {BLUE}; --validation: {ORANGE}; }}
.curves {{ display: grid; gap: 16px; grid-template-columns: repeat(auto-fit,
  minmax(min(100%, 340px), 1fr)); margin: 16px 0; }}
figure {{ margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 8px 12px; }}
figcaption {{ font-size: .92rem; color: var(--soft); }}
svg {{ width: 100%; height: auto; display: block; }}
svg text {{ fill: var(--soft); font-size: 10.5px; }}
svg .axis {{ stroke: var(--line); }}
svg polyline {{ fill: none; stroke-width: 2; stroke-linejoin: round; }}
.training {{ color: var(--training); stroke: var(--training); }}
.validation {{ color: var(--validation); stroke: var(--validation); }}
b.training, b.validation {{ stroke: none; }}
button {{ font: inherit; padding: 6px 14px; border-radius: 8px; border: 1px solid var(--line);
  background: var(--card); color: var(--ink); cursor: pointer; }}
button:disabled {{ cursor: default; color: var(--soft); }}
iframe {{ width: 100%; height: 90vh; border: 1px solid var(--line); border-radius: 8px; }}
progress {{ width: 100%; }}
"""

SCRIPT = """
const epochs = [], page = name => document.getElementById(name);
const text = (value, score) => value === undefined ? "" :
  score && PER_CENT ? (100 * value).toFixed(2) + " %" : Number(value.toPrecision(4)).toString();

function curve(name, keys) {
  const svg = page(name), W = 340, H = 200, left = 58, bottom = 22, top = 8;
  const last = Math.max(2, epochs.at(-1).goal);
  const values = keys.flatMap(key => epochs.map(one => one[key]).filter(Number.isFinite));
  let low = Math.min(...values), high = Math.max(...values);
  const marks = low === high ? [low] : [low, high];
  if (low === high) { low -= 0.5; high += 0.5; }
  const x = epoch => left + (W - left - 8) * (epoch - 1) / (last - 1);
  const y = value => top + (H - bottom - top) * (high - value) / (high - low);
  const parts = [`<line class="axis" x1="${left}" y1="${top}" x2="${left}" y2="${H - bottom}"/>`,
    `<line class="axis" x1="${left}" y1="${H - bottom}" x2="${W - 8}" y2="${H - bottom}"/>`];
  for (const value of marks) parts.push(`<text x="${left - 6}" y="${y(value) + 4}" ` +
    `text-anchor="end">${text(value, name === "score")}</text>`);
  for (const epoch of [1, last]) parts.push(`<text x="${x(epoch)}" y="${H - 6}" ` +
    `text-anchor="${epoch === 1 ? "start" : "end"}">${epoch}</text>`);
  keys.forEach((key, at) => {
    const kind = at ? "validation" : "training";
    const dots = epochs.filter(one => Number.isFinite(one[key]));
    parts.push(`<polyline class="${kind}" points="` +
      dots.map(one => `${x(one.epoch).toFixed(1)},${y(one[key]).toFixed(1)}`).join(" ") + '"/>');
  });
  svg.innerHTML = parts.join("");
}

function show() {
  const one = epochs.at(-1);
  curve("loss", ["loss", "val_loss"]);
  curve("score", ["train_score", "val_score"]);
  page("now").textContent = `epoch ${one.epoch} of ${one.goal}`;
  page("bar").max = one.goal;
  page("bar").value = one.epoch;
  for (const key of ["loss", "val_loss", "train_score", "val_score"])
    page(`now_${key}`).textContent = text(one[key], key.endsWith("score"));
}

const source = new EventSource("events");
let waiting = false;
source.addEventListener("epoch", event => {
  const one = JSON.parse(event.data);
  if (epochs.length && one.epoch <= epochs.at(-1).epoch) return;
  epochs.push(one);
  if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; show(); }); }
});
source.addEventListener("end", event => {
  source.close();
  const end = JSON.parse(event.data);
  page("state").textContent = end.said;
  page("stop").disabled = true;
  if (end.report) page("report").innerHTML =
    '<h2>The report</h2><iframe src="report" title="The report of the run"></iframe>';
});
source.onerror = () => {
  if (source.readyState !== EventSource.CLOSED) page("state").textContent =
    "no connection to the run; it may have ended";
};
page("stop").addEventListener("click", async () => {
  page("stop").disabled = true;
  page("state").textContent = "stopping after the step in progress …";
  await fetch("stop", {method: "POST", headers: {"X-Token": TOKEN}});
});
"""


def live_page(title: str, measure: Measure, *, token: str, nonce: str) -> str:
    """The whole page of the run called `title`, whose score is the `measure`; `token` goes with the
    request to stop, `nonce` with the script and the style."""
    score = escape(measure.name)
    figures = "".join(
        f'<div><dt>{name}</dt><dd id="now_{key}">–</dd></div>'
        for key, name in (
            ("loss", "loss, training"),
            ("val_loss", "loss, validation"),
            ("train_score", f"{score}, training"),
            ("val_score", f"{score}, validation"),
        )
    )
    key = '<b class="training">training</b>, <b class="validation">validation</b>'
    constants = f"const TOKEN = '{token}', PER_CENT = {'true' if measure.per_cent else 'false'};"
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}, live</title><link rel="icon" href="data:,">
<style nonce="{nonce}">{CSS}{OWN}</style></head>
<body><h1>{escape(title)}</h1>
<p><span id="now">before the first epoch</span>. <span id="state" role="status">training</span></p>
<progress id="bar" value="0" max="1" aria-labelledby="now"></progress>
<p><button id="stop">Stop; what is learned is kept</button></p>
<dl>{figures}</dl>
<div class="curves">
<figure><figcaption>loss: {key}</figcaption>
<svg id="loss" viewBox="0 0 340 200" role="img" aria-label="loss over the epochs"></svg></figure>
<figure><figcaption>{score}: {key}</figcaption>
<svg id="score" viewBox="0 0 340 200" role="img" aria-label="{score} over the epochs"></svg>
</figure>
</div>
<div id="report"></div>
<script nonce="{nonce}">{constants}{SCRIPT}</script>
</body></html>
"""
