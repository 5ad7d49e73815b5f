"""What measurements come to: ratios, geometric means, exponents, and tables in Markdown."""

import json
import math
from collections import defaultdict

import numpy as np

from chainrule.nets.files import write_file

TITLES = {  # of the contenders, in the order of the columns
    "floor": "floor",
    "textbook": "textbook",
    "pytorch": "torch",
    "pytorch_foreach": "torch foreach",
    "pytorch_fused": "torch fused",
    "jax_jit": "JAX",
    "scikit_learn": "sklearn",
    "hips_autograd": "autograd",
}
CASE_WIDTH, WIDTH = 50, 9  # of the columns
STEADY = 1.5  # upper ÷ lower quartile, at most, of a time that means something


def write_json(path, content):
    """Replace the file by `content`, whole at any moment."""
    write_file(path, (json.dumps(content, indent=1) + "\n").encode())


def line(cells, widths):
    """A row of a Markdown table, its columns padded: the first to the left, the others right."""
    first, *others = cells
    padded = [first.ljust(widths[0])]
    padded += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
    return f"| {' | '.join(padded)} |"


def table(header, rows):
    """The lines of a Markdown table."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (w + 1) + ":" for w in widths[1:])]) + "|"
    return [line(header, widths), rule, *(line(row, widths) for row in rows)]


def ratios(record):
    """Ours ÷ each other contender: the medians' ratio; below 1, ours is faster."""
    ours = record["times"]["ours"]["median"]
    others = {name: t["median"] for name, t in record["times"].items() if name != "ours"}
    return {name: ours / median for name, median in others.items()}


def unsteady(record):
    """The contenders whose ratio rests on a time whose quartiles are far apart."""
    shaky = {n for n, t in record["times"].items() if t["high"] > STEADY * t["low"]}
    return record["times"].keys() - {"ours"} if "ours" in shaky else shaky


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def geometric_means(records):
    """{(kind, threads): {contender: (mean ratio, number of cases)}}, over the cases it is in."""
    found: dict = defaultdict(lambda: defaultdict(list))
    for record in records:
        for name, ratio in ratios(record).items():
            found[record["case"]["kind"], record["threads"]][name].append(ratio)
    return {
        group: {name: (geometric_mean(own), len(own)) for name, own in by_name.items()}
        for group, by_name in found.items()
    }


def slower(records):
    """(ratio, case, threads, contender) where ours takes longer than another library or the
    textbook, the worst first."""
    return sorted(
        (
            (ratio, record["name"], record["threads"], name)
            for record in records
            for name, ratio in ratios(record).items()
            if ratio > 1 and name != "floor"
        ),
        reverse=True,
    )


def exponent(sizes, times):
    """The k of times ≈ c sizesᵏ, by least squares on the logarithms, and its standard error."""
    x, y = np.log(sizes), np.log(times)
    x = x - x.mean()
    slope = x @ y / (x @ x)
    rest = y - y.mean() - slope * x
    return float(slope), float(math.sqrt(rest @ rest / max(len(x) - 2, 1) / (x @ x)))


def columns(records):
    """The contenders that take part in any of the records, in the order of the columns."""
    return [name for name in TITLES if any(name in record["times"] for record in records)]


def header(names):
    return ["case", "ours, µs", "quartiles", *(f"÷ {TITLES[name]}" for name in names)]


def row(record, names):
    """The cells of a case: our time, and the ratio of ours to each contender's, with ~ behind it
    where it is unsteady."""
    ours, found, shaky = record["times"]["ours"], ratios(record), unsteady(record)
    texts = {name: f"{ratio:.2f}{'~' * (name in shaky)}" for name, ratio in found.items()}
    cells = [texts.get(name, "–") for name in names]
    quartiles = f"{micro(ours['low'])}–{micro(ours['high'])}"
    return [record["name"], micro(ours["median"]), quartiles, *cells]


def micro(seconds):
    return f"{1e6 * seconds:.3g}" if seconds < 1e-3 else f"{1e6 * seconds:.0f}"


def widths(names):
    return [CASE_WIDTH, WIDTH, 13, *(max(WIDTH, 2 + len(TITLES[name])) for name in names)]


def means_table(records):
    names = columns(records)
    rows = [
        [kind, str(threads), *(f"{means[n][0]:.2f}" if n in means else "–" for n in names)]
        for (kind, threads), means in geometric_means(records).items()
    ]
    return table(["kind", "threads", *(f"÷ {TITLES[name]}" for name in names)], rows)


def slower_table(records):
    rows = [
        [name, str(threads), TITLES[contender], f"{ratio:.2f}"]
        for ratio, name, threads, contender in slower(records)
    ]
    return table(["case", "threads", "contender", "ours ÷ it"], rows) if rows else ["None."]


def summary(records):
    """Lines: the geometric means, and where ours is slower than another."""
    shaky, total = sum(len(unsteady(r)) for r in records), sum(len(ratios(r)) for r in records)
    return [
        f"Of {total} ratios {shaky} are unsteady (~): the quartiles of a time are further apart",
        f"than a factor of {STEADY}, as on a machine that does something else as well.",
        "",
        "Geometric means of ours ÷ contender; below 1, ours is faster:",
        "",
        *means_table(records),
        "",
        "Where ours takes longer:",
        "",
        *slower_table(records),
    ]


def markdown(records, about):
    """All results as a page; `about` is a line on the machine and how it was measured."""
    parts = [f"# Speed\n\n{about}\n", *summary(records)]
    for kind, threads in geometric_means(records):
        own = [r for r in records if (r["case"]["kind"], r["threads"]) == (kind, threads)]
        names = columns(own)
        parts += ["", f"## {kind}, {threads} thread{'s' if threads > 1 else ''}", ""]
        parts += table(header(names), [row(record, names) for record in own])
    return "\n".join(parts) + "\n"
