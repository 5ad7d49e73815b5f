"""Pictures of how a model trained, and of what a classifier confuses."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.pictures.drawing import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    Panel,
    Picture,
    curve,
    over_epochs,
    powers,
    short,
)
from chainrule.pictures.over_time import (
    gradients_over_time,
    outputs_over_time,
    units_over_time,
    updates_over_time,
)
from chainrule.training.measures import ACCURACY
from chainrule.training.metrics import Reliability, reliability, sum_to_one
from chainrule.training.report.evidence import Evidence, RunEvidence
from chainrule.training.report.images import mistakes, weights
from chainrule.training.report.regression import TargetEvidence, pictures_of_targets

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 300  # of a curve over steps, about
NAMED = 25  # up to so many classes are named and counted in the confusion matrix
OVER_TIME = (outputs_over_time, gradients_over_time, units_over_time, updates_over_time)
LEGEND = {"fontsize": 8, "labelspacing": 0.3}


def pictures_of(evidence: RunEvidence) -> list[Picture]:
    """All pictures that there is evidence for."""
    over_time = [draw(evidence.records) for draw in OVER_TIME]
    found = [curves(evidence), *pictures_of_kind(evidence), *over_time]
    return [picture for picture in found if picture.panels]


@singledispatch
def pictures_of_kind(evidence: RunEvidence) -> list[Picture]:
    """The pictures of one kind of evidence alone."""
    raise TypeError(f"a {type(evidence).__name__} has no pictures")


pictures_of_kind.register(TargetEvidence, pictures_of_targets)


@pictures_of_kind.register
def pictures_of_classes(evidence: Evidence) -> list[Picture]:
    """What is confused, the worst mistakes, and what the network sees."""
    own = confusion(evidence), reliability_diagram(evidence), mistakes(evidence), weights(evidence)
    return [*own, *evidence.views]


def curves(evidence: RunEvidence) -> Picture:
    """Loss, score, learning rate and norm of the gradient over the epochs."""
    history, per_epoch = evidence.history, evidence.steps_per_epoch
    steps = partial(over_steps, per_epoch)
    rate, norm, name = history.step_lr, history.step_grad_norm, evidence.measure.name
    both = "both accuracies rise together" if name == "accuracy" else "R² rises on both"
    panels = [
        Panel(partial(losses, evidence), "loss on training and validation data"),
        Panel(partial(scores, evidence), f"{name} on training and validation data"),
        Panel(partial(steps, "learning rate", rate, ()), "learning rate"),
        Panel(partial(steps, "norm of the gradient", norm, history.grad_norm), "gradient norm"),
    ]
    return Picture(
        "curves",
        "Training",
        f"The losses should fall and level off while {both}; a loss or a "
        "gradient that jumps or grows asks for a smaller learning rate, and a validation loss that "
        "rises again while the one on training data still falls is overfitting. The loss of "
        "training is that of batches as they come, dropout and penalty included, so that it may "
        "lie above.",
        [Panel(one.draw, f"{one.alt} over {len(history.epoch)} epochs") for one in panels],
        width=4.0,
    )


def losses(evidence: RunEvidence, axes: Axes) -> None:
    """The loss of every step, its mean over an epoch, and the loss on the validation data."""
    history = evidence.history
    y = [np.nan if loss is None else loss for loss in history.val_loss]
    if not np.isnan(y).all():
        axes.plot(history.epoch, y, **curve(ORANGE, len(y)), label="validation")
    over_steps(evidence.steps_per_epoch, "loss", history.step_loss, history.loss, axes)


def over_steps(
    per_epoch: int, title: str, steps: list[float], means: Sequence[float], axes: Axes
) -> None:
    """A figure of every step, in blocks of steps where there are many, and its epochs' means."""
    size = max(1, len(steps) // POINTS)
    blocks = [(at, steps[at : at + size]) for at in range(0, len(steps), size)]
    x = [(at + len(block) / 2) / per_epoch for at, block in blocks]
    low, mean, high = ([float(one(block)) for _, block in blocks] for one in (min, np.mean, max))
    style: dict[str, Any] = {"color": BLUE, "label": "step by step"}
    if means and size > 1:  # each block from its smallest to its largest
        axes.fill_between(x, low, high, alpha=0.35, lw=0, **style)
    else:
        axes.plot(x, mean, lw=1, alpha=0.45 if means else 1, **style)
    if means:  # each in the middle of its epoch
        middles = np.arange(len(means)) + 0.5
        axes.plot(middles, means, **curve(BLUE, len(means)), label="mean of the epoch")
        axes.legend(**LEGEND)
        if min(low) > 0 and max(high) > 20 * min(low):
            powers(axes)
    over_epochs(axes, title)


def scores(evidence: RunEvidence, axes: Axes) -> None:
    """The score on the sample of the training data and on the validation data."""
    history, measure = evidence.history, evidence.measure
    parts = (
        ("training (a sample)", history.train_score, BLUE),
        ("validation", history.val_score, ORANGE),
    )
    for name, found, colour in parts:
        y = [np.nan if score is None else score for score in found]
        if not np.isnan(y).all():
            axes.plot(history.epoch, y, **curve(colour, len(y)), label=name)
    known = [score for score in history.val_score if score is not None]
    if known:
        best = max(known)
        at = history.epoch[history.val_score.index(best)]
        label = f"the best, {measure.text(best)}"
        axes.plot(at, best, "o", ms=9, mfc="none", mec=ORANGE, ls="", label=label)
    if axes.lines:
        axes.legend(**LEGEND)
    axes.yaxis.set_major_formatter(measure.tick)
    over_epochs(axes, measure.name)


def confusion(evidence: Evidence) -> Picture:
    """The confusion matrix."""
    C, N = len(evidence.classes), len(evidence.labels)
    right = int(np.trace(evidence.confusion))
    side = float(np.clip(1.4 + 0.38 * C, 2.6, 6.4))
    return Picture(
        "confusion",
        "Confusion",
        "A row holds the test examples of one true class, a column those taken for one class; "
        "right answers are blue, on the diagonal, mistakes orange, and the deepest orange marks "
        "the pair that is confused most: a bad sign is a diagonal cell that pales, or a whole "
        "column of orange, a class that others are taken for.",
        [
            Panel(
                partial(confusion_matrix, evidence),
                f"confusion matrix of {C} classes: {right:,} of {N:,} test examples are right",
            )
        ],
        width=side,
        height=side,
    )


def reliability_diagram(evidence: Evidence) -> Picture:
    """How far probabilities can be taken at their word; without panels of other scores."""
    panels = []
    if evidence.probabilities and sum_to_one(evidence.scores):
        found = reliability(evidence.labels, evidence.scores)
        alt = f"share of right answers against probability, {found.error:.1%} apart in the mean"
        panels = [Panel(partial(right_against_sure, found), alt)]
    return Picture(
        "reliability",
        "Reliability",
        "Test examples by how sure the network is of the class it names: the share of them that is "
        "right should be as high, on the line. Dots below it are a network that is too sure of "
        "itself, dots above it one that is right more often than it says; large dots stand for "
        "many examples.",
        panels,
        width=4.0,
    )


def right_against_sure(found: Reliability, axes: Axes) -> None:
    """A dot for each bin of probabilities, and the line on which they should lie."""
    axes.plot((0, 1), (0, 1), color=INK, lw=1, alpha=0.6)
    sizes = 12 + 188 * found.rows / found.rows.max()
    axes.scatter(
        found.confidence, found.right, s=sizes, color=GREEN, alpha=0.7, lw=0, clip_on=False
    )
    axes.set_xlim(0, 1.03)
    axes.set_ylim(0, 1.03)
    axes.xaxis.set_major_formatter(ACCURACY.tick)
    axes.yaxis.set_major_formatter(ACCURACY.tick)
    axes.set_xlabel("probability of the class named")
    axes.set_ylabel("share that is right")
    axes.set_title(f"calibration error {found.error:.2%}")
    axes.grid(alpha=0.25)


def confusion_matrix(evidence: Evidence, axes: Axes) -> None:
    """Counts on colours: the share of the true class, for mistakes on a scale of their own."""
    from matplotlib.colors import to_rgb

    counts, C = evidence.confusion, len(evidence.classes)
    right = np.eye(C, dtype=bool)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    worst = share[~right].max() or 1
    cells = np.empty((C, C, 4))
    cells[..., :3] = np.where(right[..., np.newaxis], to_rgb(BLUE), to_rgb(ORANGE))
    cells[..., 3] = 0.9 * np.where(right, share, np.sqrt(share / worst))
    axes.imshow(cells, interpolation="none")
    few = C <= NAMED
    shown = range(0, C, 1 if few else -(-C // 20))
    names = [short(evidence.classes[c]) for c in shown]
    turned = C > 3 and max(map(len, names)) > 2
    axes.set_xticks(shown, names, rotation=90 if turned else 0)
    axes.set_yticks(shown, names)
    axes.tick_params(length=0 if few else 2, labelsize=9 if few else 7)
    axes.set_xlabel("taken for")
    axes.set_ylabel("true class")
    for row, column in np.argwhere(counts) if few else ():
        colour = "white" if cells[row, column, 3] > 0.5 else INK
        style: dict[str, Any] = {"ha": "center", "va": "center", "color": colour}
        text = str(counts[row, column])
        axes.text(column, row, text, fontsize=8 if C <= 12 else 6, **style)
