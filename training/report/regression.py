"""What a report on predicted numbers is made of, and its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.pictures.drawing import GREEN, INK, Panel, Picture, short
from chainrule.training.measures import R_SQUARED
from chainrule.training.report.errors import errors_of
from chainrule.training.report.evidence import RunEvidence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 6  # targets in pictures
DOTS = 2000  # rows in a picture


@dataclass(frozen=True, eq=False, kw_only=True)
class TargetEvidence(RunEvidence):
    """All that a report on a regressor is made of.

    Attributes, besides those of RunEvidence:
        targets: the names of the T targets.
        truth: their values in the test rows (N, T), in their unit.
        predicted: what the model predicts (N, T), likewise.

    Raises:
        ValueError: truth and predicted do not fit together or are empty.
    """

    targets: Sequence[str]
    truth: np.ndarray
    predicted: np.ndarray

    def __post_init__(self) -> None:
        N, T = len(self.truth), len(self.targets)
        if self.truth.shape != (N, T) or self.predicted.shape != (N, T) or N == 0:
            raise ValueError(
                f"TargetEvidence: truth and predicted have the shapes {self.truth.shape} and "
                f"{self.predicted.shape}, expected (N, {T}), and at least one row"
            )

    @classmethod
    def of(cls, title: str, model: Any, solver: Any, dataset: Any, **others: Any) -> TargetEvidence:
        """The evidence on a `Regressor` that a `Solver` has trained on a `Dataset`; `others` are
        attributes by name, such as `note`, `summary`, `options` and `records`."""
        return cls(
            title=title,
            history=solver.history,
            steps_per_epoch=solver.steps_per_epoch,
            measure=R_SQUARED,
            targets=dataset.targets,
            truth=dataset.in_unit(dataset.y_test),
            predicted=dataset.in_unit(model.predict(dataset.x_test)),
            **others,
        )

    @property
    def farthest(self) -> np.ndarray:
        """The numbers of the rows, those first whose worst target is farthest off, in deviations
        of the target."""
        deviation = self.truth.std(axis=0)
        away = np.abs(self.truth - self.predicted) / np.where(deviation > 0, deviation, 1)
        return np.argsort(-away.max(axis=1), kind="stable")


def pictures_of_targets(evidence: TargetEvidence) -> list[Picture]:
    """Predicted against true numbers, and what is left between them."""
    errors = errors_of(evidence.targets, evidence.truth, evidence.predicted)[:SHOWN]
    rows = np.linspace(0, len(evidence.truth) - 1, min(DOTS, len(evidence.truth))).astype(int)
    pairs = [
        (one, evidence.truth[rows, t], evidence.predicted[rows, t]) for t, one in enumerate(errors)
    ]
    return [
        Picture(
            "predicted",
            "Predicted and true",
            "Each dot is a test row; on the line a prediction is right. A cloud that lies flatter "
            "than the line draws all predictions to the mean; a bend asks for a larger network, "
            "and dots far off for a look at their rows.",
            [
                Panel(
                    partial(against_truth, one.target, truth, guess),
                    f"predicted against true {one.target}, "
                    f"{'no' if one.r_squared is None else f'{one.r_squared:.4f} as'} R²",
                )
                for one, truth, guess in pairs
            ],
            width=4.0,
        ),
        Picture(
            "residuals",
            "Residuals",
            "What is true minus what was predicted, against the prediction: it should scatter "
            "evenly about 0. A slope or a bend is something that was not learned; a funnel says "
            "that large values are predicted less well, for which the logarithm of the target may "
            "be the better one to learn.",
            [
                Panel(
                    partial(residuals, one.target, truth, guess),
                    f"residuals of {one.target}, {one.mean_absolute:.3g} in the mean",
                )
                for one, truth, guess in pairs
            ],
            width=4.0,
        ),
    ]


def against_truth(name: str, truth: np.ndarray, guess: np.ndarray, axes: Axes) -> None:
    """Dots, and the line on which they should lie."""
    ends = min(truth.min(), guess.min()), max(truth.max(), guess.max())
    axes.plot(ends, ends, color=INK, lw=1, alpha=0.6)
    axes.plot(truth, guess, "o", color=GREEN, ms=3, alpha=0.5, mew=0)
    axes.set_title(short(name))
    axes.set_xlabel("true")
    axes.set_ylabel("predicted")
    axes.grid(alpha=0.25)


def residuals(name: str, truth: np.ndarray, guess: np.ndarray, axes: Axes) -> None:
    """Dots about 0."""
    axes.axhline(0, color=INK, lw=1, alpha=0.6)
    axes.plot(guess, truth - guess, "o", color=GREEN, ms=3, alpha=0.5, mew=0)
    axes.set_title(short(name))
    axes.set_xlabel("predicted")
    axes.set_ylabel("true − predicted")
    axes.grid(alpha=0.25)
