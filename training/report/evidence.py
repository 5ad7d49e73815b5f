"""What a run leaves behind to be judged by."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule.nets import Sequential, weights_of
from chainrule.pictures import Picture, feature_maps, kernels, saliency_maps
from chainrule.pictures.convolution import first_kernels
from chainrule.solvers import History
from chainrule.training.measures import ACCURACY, Measure

EXAMPLES = 8  # right ones and wrong ones, of which there are saliency maps


def class_rows(
    classes: Sequence[str], confusion: np.ndarray
) -> Iterator[tuple[str, int, float | None, float | None, float | None, str]]:
    """For each class: its name, how many examples there are, recall, precision, F1 (None of none),
    and the class that it is most often mistaken for, or "". `confusion` is (true class,
    prediction)."""
    for c, name in enumerate(classes):
        right, there, named = confusion[c, c], confusion[c].sum(), confusion[:, c].sum()
        mistakes = np.where(np.arange(len(classes)) == c, 0, confusion[c])
        worst = int(mistakes.argmax())
        most = f"{classes[worst]} ({mistakes[worst]:,})" if mistakes[worst] else ""
        halves = there, named, (there + named) / 2
        recall, precision, f1 = (right / whole if whole else None for whole in halves)
        yield name, int(there), recall, precision, f1, most


@dataclass(frozen=True, eq=False, kw_only=True)
class RunEvidence:
    """What reports on a classifier and on a regressor are made of alike.

    Attributes:
        title: the headline.
        note: what has gone wrong, in words, if anything.
        summary: (name, value) pairs to stand on top: data, network, times, accuracies, …
        options: the options of the run by name.
        history: of the solver; `steps_per_epoch` is the solver's too.
        records: of the `Monitor`, or none.
        measure: what the scores in the history are.
    """

    title: str
    history: History
    steps_per_epoch: int
    note: str = ""
    summary: Sequence[tuple[str, str]] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    records: Sequence[dict[str, Any]] = ()
    measure: Measure = ACCURACY


@dataclass(frozen=True, eq=False, kw_only=True)
class Evidence(RunEvidence):
    """All that a report on a classifier is made of.

    Attributes, besides those of RunEvidence:
        classes: the names of the C classes.
        rows: the test examples (N, …) as they were before standardisation.
        labels: the true classes of the rows (N,), each in 0 … C-1.
        predicted: what the model takes the rows for (N,), likewise.
        scores: what it gives each class (N, C), and `scores_are`, in words, what that is.
        probabilities: whether scores are from 0 to 1, to be shown in per cent.
        image_shape: the shape that makes a picture of a row, (H, W) or (channels, H, W); None
            where rows are no pictures.
        weights: those of the first layer (D, M), if a row is a picture; else None.
        views: pictures of what a network of convolutions sees; none of other networks.

    Raises:
        ValueError: rows, labels, predicted and scores do not fit together or are empty.
    """

    classes: Sequence[str]
    rows: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray
    scores: np.ndarray
    scores_are: str = "scores"
    probabilities: bool = False
    image_shape: tuple[int, ...] | None = None
    weights: np.ndarray | None = None
    views: Sequence[Picture] = ()

    def __post_init__(self) -> None:
        N, C = len(self.rows), len(self.classes)
        found = (self.labels.shape, self.predicted.shape, self.scores.shape)
        if found != ((N,), (N,), (N, C)) or N == 0:
            raise ValueError(
                f"Evidence: labels, predicted and scores have the shapes {found}, expected "
                f"(N,), (N,) and (N, {C}) for N = {N} rows of {C} classes, and at least one row"
            )

    @classmethod
    def of(cls, title: str, model: Any, solver: Any, dataset: Any, **others: Any) -> Evidence:
        """The evidence on a `Classifier` that a `Solver` has trained on a `Dataset`; `others` are
        attributes by name, such as `note`, `summary`, `options` and `records`."""
        x, image_shape = dataset.x_test, dataset.image_shape
        scores, probabilities, scores_are = model.class_scores(x)
        rows, standardiser = x, dataset.standardiser
        if standardiser is not None:
            rows = x * standardiser.std.astype(x.dtype) + standardiser.mean.astype(x.dtype)
        evidence = cls(
            title=title,
            history=solver.history,
            steps_per_epoch=solver.steps_per_epoch,
            classes=dataset.classes,
            rows=rows,
            labels=dataset.y_test,
            predicted=model.predict(x),
            scores=scores,
            scores_are=scores_are,
            probabilities=probabilities,
            image_shape=image_shape,
            weights=None if image_shape is None else first_weights(model, x[0].size),
            **others,
        )
        return replace(evidence, views=views_of(model, x, evidence))

    @property
    def confusion(self) -> np.ndarray:
        """How many rows of each true class (C, ·) are taken for each class (·, C)."""
        C = len(self.classes)
        pairs = self.labels * C + self.predicted
        return np.bincount(pairs, minlength=C * C).reshape(C, C)

    @property
    def mistakes(self) -> np.ndarray:
        """The numbers of the rows that are taken for a wrong class, those first where the score
        of the wrong class is farthest above that of the right one."""
        wrong = np.flatnonzero(self.predicted != self.labels)
        scores = self.scores[wrong].astype(np.float64)
        at = np.arange(len(wrong))
        ahead = scores[at, self.predicted[wrong]] - scores[at, self.labels[wrong]]
        return wrong[np.argsort(-ahead, kind="stable")]

    def score_text(self, row: int, c: int) -> str:
        """The score of a row for class c: in per cent if it is a probability."""
        score = float(self.scores[row, c])
        return f"{score:.1%}" if self.probabilities else f"{score:.3g}"


def first_weights(model: Any, features: int) -> np.ndarray | None:
    """The weights (D, M) of a network's first layer that has any, or None where it does not take
    all D `features` at once, as a convolution does not. The pieces of a maxout unit are columns of
    their own."""
    W = next((model.params[name] for name in weights_of(model)), None)
    if W is None or W.ndim not in (2, 3) or len(W) != features:
        return None
    return W.reshape(features, math.prod(W.shape[1:]))


def views_of(model: Any, x: np.ndarray, evidence: Evidence) -> list[Picture]:
    """What a model whose network has convolutions sees in the test rows x (N, …) that there is
    evidence on: its kernels, the feature maps of one row, and saliency maps of right and wrong
    rows. None of another network, and only the first where rows are no pictures."""
    if first_kernels(model) is None:
        return []
    found = [kernels(model)]
    if evidence.image_shape is None:
        return found
    right = np.flatnonzero(evidence.predicted == evidence.labels)
    _, first = np.unique(evidence.labels[right], return_index=True)  # of each class
    row = int(right[0]) if right.size else 0
    if type(model.net).forward is Sequential.forward:
        name = f"test row {row}: {evidence.classes[evidence.labels[row]]}"
        found.append(feature_maps(model, x[row : row + 1], name))
    rows = np.concatenate([right[first][:EXAMPLES], evidence.mistakes[:EXAMPLES]])
    maps = saliency_maps(
        model, x[rows], evidence.labels[rows], evidence.classes, evidence.image_shape
    )
    return [*found, maps]
