"""Pictures for data that are pictures: the worst mistakes, and what the first layer looks for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from chainrule.pictures.drawing import Panel, Picture, short
from chainrule.pictures.tiles import image, sheet, to_largest
from chainrule.training.report.evidence import Evidence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MISTAKES = 24
TILES = 64
COLUMNS = 8  # of tiles


def mistakes(evidence: Evidence) -> Picture:
    """The most confident mistakes, a panel for each; none where rows are no pictures."""
    rows = [] if evidence.image_shape is None else evidence.mistakes[:MISTAKES].tolist()
    panels = [
        Panel(
            partial(mistake, evidence, row),
            f"test row {row}: {evidence.classes[evidence.labels[row]]} "
            f"taken for {evidence.classes[evidence.predicted[row]]}",
        )
        for row in rows
    ]
    wide = 1.15 if max(map(len, evidence.classes)) <= 4 else 1.5
    return Picture(
        "mistakes",
        "Most confident mistakes",
        "Above each test picture stand what it is and, after the arrow, what it was taken for, "
        "each with its score, the surest mistake first; a picture that puzzles you as well is no "
        "worry, but plain ones point to wrong labels or to something that training never showed.",
        panels,
        width=wide,
        height=wide + 0.35,
    )


def mistake(evidence: Evidence, row: int, axes: Axes) -> None:
    """One test picture, from black, the smallest pixel of all, to white, the largest."""
    low, high = float(evidence.rows.min()), float(evidence.rows.max())
    pixels = (evidence.rows[row] - low) / ((high - low) or 1)
    axes.imshow(
        image(pixels, evidence.image_shape), cmap="gray", vmin=0, vmax=1, interpolation="none"
    )
    axes.set_axis_off()
    truth, taken = (
        f"{short(evidence.classes[c], 10)} ({evidence.score_text(row, c)})"
        for c in (evidence.labels[row], evidence.predicted[row])
    )
    axes.set_title(f"{truth}\n→ {taken}", fontsize=8, loc="left")


def weights(evidence: Evidence) -> Picture:
    """The weights of the first layer's units, unit by unit; none where rows are no pictures."""
    W = evidence.weights if evidence.image_shape is not None else None
    tiles = 0 if W is None else min(W.shape[1], TILES)
    which = "" if W is None or tiles == W.shape[1] else f", the {tiles} largest of {W.shape[1]:,}"
    return Picture(
        "weights",
        "Weights of the first layer",
        f"A tile shows what one unit looks for{which}: where it wants a pixel bright it is red, "
        "where dark, blue (in colour pictures, grey means no weight). Strokes, blobs and edges "
        "are features that one can name; tiles that look like noise are common even where the "
        "accuracy is high, and a bad sign only beside a validation accuracy far below that on "
        "training data, where more weight decay or dropout may help.",
        [] if W is None else [Panel(partial(mosaic, evidence), f"weights of {tiles} units")],
        width=0.7 * COLUMNS,
        height=0.7 * -(-tiles // COLUMNS) + 0.1,
    )


def mosaic(evidence: Evidence, axes: Axes) -> None:
    """The columns of W (D, M) with the largest norms as pictures, a pixel apart, each scaled to
    its own largest weight."""
    W, shape = evidence.weights, evidence.image_shape
    assert W is not None
    assert shape is not None
    largest = np.argsort(-np.linalg.norm(W, axis=0), kind="stable")[:TILES]
    tiles = to_largest(W[:, np.sort(largest)].T)  # (TILES, D)
    pictures = [image(tile, shape) for tile in tiles]
    axes.imshow(sheet(pictures, COLUMNS), cmap="RdBu_r", vmin=0, vmax=1, interpolation="none")
    axes.set_axis_off()
