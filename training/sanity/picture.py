"""The picture of a learning-rate range test, as `training.sanity.examination` makes it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from chainrule.pictures.drawing import BLUE, COLOURS, ORANGE, RED, Panel, Picture
from chainrule.training.sanity.examination import Diagnosis
from chainrule.training.sanity.short_runs import HIGHEST

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GREEN, GREY = COLOURS[2], COLOURS[-1]


def range_picture(diagnosis: Diagnosis) -> Picture:
    """The loss against the learning rate while that grew step by step, with the range in which
    the loss falls, the rate asked for and the best one tried.
    Raises ValueError where the diagnosis ended before the range test."""
    if diagnosis.suggested is None or diagnosis.range is None:
        raise ValueError("range_picture: the diagnosis ended before the range test")
    alt = f"loss over learning rate; best of those tried {diagnosis.suggested:.3g}"
    reading = "A good rate is about a tenth of the one with the least loss."
    panel = Panel(partial(draw, diagnosis), alt)
    return Picture("sanity", "Learning-rate range test", reading, [panel], 8, 5)


def draw(diagnosis: Diagnosis, axes: Axes) -> None:
    rate, best, test = diagnosis.rate, diagnosis.suggested, diagnosis.range
    assert best is not None
    assert test is not None
    axes.axvspan(test.begin, test.lowest, color=GREEN, alpha=0.12, lw=0, label="the loss falls")
    if test.end is not None:
        axes.axvspan(test.end, HIGHEST, color=RED, alpha=0.1, lw=0, label="through the roof")
    axes.plot(test.rates, test.losses, color=GREY, lw=0.7, alpha=0.6, label="loss of a batch")
    axes.plot(test.rates, test.smooth, color=BLUE, lw=2, label="smoothed")
    axes.axhline(diagnosis.chance, color=GREY, ls="--", lw=1, label="knows nothing")
    if best != rate:
        axes.axvline(best, color=GREEN, lw=2, label=f"best of those tried: {best:.3g}")
    axes.axvline(rate, color=ORANGE, lw=2, ls="--", label=f"yours: {rate:.3g}")
    axes.set_xscale("log")
    start, least = np.max(test.smooth[:30]), np.min(test.smooth)
    if start > 30 * least:
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, 1.6 * max(start, diagnosis.chance))
    axes.set_xlabel("learning rate, growing step by step")
    axes.set_ylabel("loss")
    axes.set_title("Range test: a good rate is about a tenth of the one with the least loss")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=9)
