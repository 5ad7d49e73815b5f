"""Pictures of measurements."""

from functools import partial

from benchmarks.report import TITLES, columns, ratios
from chainrule.pictures import Panel, Picture
from chainrule.pictures.drawing import COLOURS

MARKERS = "|xo^vsD*"


def plain(axis):
    """A log scale whose ticks read 0.5, 1, 20."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter(NullFormatter())


def ratio_picture(kind, records):
    """A row per case, a mark per contender at ours ÷ its time; a panel per number of threads."""
    panels = []
    for threads in sorted({record["threads"] for record in records}):
        own = [record for record in records if record["threads"] == threads]
        title = f"{kind}, {threads} thread{'s' if threads > 1 else ''}: ours ÷ contender"
        panels.append(Panel(partial(draw_ratios, own, title), title))
    rows = max(len({record["name"] for record in records}), 4)
    reading = "Left of the line at 1, ours is faster."
    return Picture(kind, f"Speed: {kind}", reading, panels, 5.5, 1.6 + 0.17 * rows)


def draw_ratios(records, title, axes):
    names = columns(records)
    places = range(len(records))
    for name in names:
        found = [ratios(record).get(name, float("nan")) for record in records]
        at = [*TITLES].index(name)
        axes.plot(found, places, MARKERS[at], ms=4.5, color=COLOURS[at - 1], label=TITLES[name])
    axes.axvline(1, color="black", lw=0.8)
    axes.set_xscale("log")
    plain(axes.xaxis)
    axes.set_yticks(places, [record["name"] for record in records], fontsize=6.5)
    axes.set_ylim(len(records) - 0.5, -0.5)
    axes.grid(axis="both", alpha=0.2)
    axes.set_title(title)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.6 / (1 + 0.17 * len(records))), ncols=4)
