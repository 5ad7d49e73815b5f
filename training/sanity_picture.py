"""The picture of a learning-rate range test: part of `training.sanity`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.sanity_runs import HIGHEST

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from training.sanity import Diagnosis

BLUE, ORANGE, GREEN, GREY, RED = "#2166ac", "#d95f02", "#1b7837", "#777777", "#b2182b"


def range_picture(diagnosis: Diagnosis, path: str | Path | None = None) -> Figure:
    """The loss against the learning rate while that grew step by step, with the range in which
    the loss falls, the rate asked for and the best one tried. `path` saves the picture.
    Raises ValueError where the diagnosis ended before the range test."""
    from matplotlib.figure import Figure

    rate, best, test = diagnosis.rate, diagnosis.suggested, diagnosis.range
    if best is None or test is None:
        raise ValueError("range_picture: the diagnosis ended before the range test")
    picture = Figure(figsize=(8, 5), layout="constrained")
    axes = picture.subplots()
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
    if path is not None:
        picture.savefig(path, dpi=150)
    return picture
