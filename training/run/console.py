"""What a run prints."""

import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from chainrule.data import Dataset
from chainrule.gradcheck import check
from chainrule.layers import Layer
from chainrule.solvers import Solver
from chainrule.training.measures import measure_of
from chainrule.training.metrics import in_a_line
from chainrule.training.report.errors import error_table
from chainrule.training.report.evidence import class_rows

# Of the way from the accuracy of naming the most frequent class to 100 %, or to the best one.
HARDLY, LOST = 0.1, 0.5
SURE = 3.0  # standard errors that a loss of accuracy has to be above what chance does to it
LAST = 3  # epochs


def tell(name: str, notes: Sequence[str]) -> None:
    """Says on stderr what is to be said of the data called `name`, a line each."""
    for note in notes:
        print(f"note: {name}: {printable(note)}", file=sys.stderr)


def printable(text: str) -> str:
    """A text in one line, with escapes for what cannot be printed."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def check_gradients(net: Layer, x: np.ndarray) -> bool:
    """Prints how well the backward pass agrees with differences; false where it does not."""
    report = check(net, x)
    print(f"\ngradient check of {report}")
    return bool(report)


def report_epoch(solver: Solver) -> None:
    """A line about the epoch just finished, above the progress bar; some ten or twenty in a run."""
    history = solver.history
    if solver.epoch % math.ceil(solver.goal / 10) == 0 or solver.epoch in (1, solver.goal):
        val_loss, measure = history.val_loss[-1], measure_of(getattr(solver.data, "targets", ()))
        score = measure.beside
        tqdm.write(
            f"epoch {solver.epoch:>3}   training: loss {history.loss[-1]:.4f}, "
            f"{score(history.train_score[-1])}   validation: "
            f"{'' if val_loss is None else f'loss {val_loss:.4f}, '}{score(history.val_score[-1])}"
        )


def class_table(classes: Sequence[str], y: np.ndarray, predicted: np.ndarray) -> str:
    """For each class: how many there are, recall, precision, F1, and what it is mistaken for."""
    C = len(classes)
    confusion = np.bincount(y * C + predicted, minlength=C * C).reshape(C, C)  # truth, prediction
    wide = max(len("class"), *map(len, classes))
    lines = [f"{'class':<{wide}}  examples   recall  precision      F1  most often mistaken for"]
    for name, there, *shares, most in class_rows(classes, confusion):
        recall, precision, f1 = ("-" if share is None else f"{share:.1%}" for share in shares)
        lines.append(f"{name:<{wide}}  {there:8,}  {recall:>7}  {precision:>9}  {f1:>6}  {most}")
    return "\n".join(line.rstrip() for line in lines)


def misgiving(scores: Sequence[float | None], dataset: Dataset) -> str:
    """What is to be said of a run with these validation scores, a list, where it learned hardly
    more than the most frequent class or the mean, or lost most of it again; else ""."""
    known, y, measure = (
        [score for score in scores if score is not None],
        dataset.y_val,
        measure_of(dataset.targets),
    )
    best = max(known)
    chance = 0.0 if dataset.targets else np.bincount(y).max() / len(y)
    name, text = f"validation {measure.name}", measure.text
    ask = "To see why: chainrule train --sanity, with the same options."
    if best - chance < HARDLY * (1 - chance):
        return (
            f"This run has hardly learned: the best {name} is {text(best)}, and "
            f"{measure.naive} gives {text(chance)}. {ask}"
        )
    lately = max(known[-LAST:])
    variance = best * (1 - best) + lately * (1 - lately)  # of two shares of right answers
    error = 0.0 if dataset.targets else math.sqrt(variance / len(y))
    if best - lately > max(LOST * (best - chance), SURE * error):
        return (
            f"This run has lost what it knew: the {name} was {text(best)} after epoch "
            f"{known.index(best) + 1}, and in the last {LAST} epochs {text(lately)} at best. {ask}"
        )
    return ""


def best_of(solver: Solver) -> tuple[float, int]:
    """The best validation score of a run that has trained, and the epoch after which it had it."""
    assert solver.best is not None
    assert solver.best.score is not None
    return solver.best.score, solver.best.epoch


def report(model: Any, solver: Solver, dataset: Dataset) -> None:
    """Prints what the trained model is worth."""
    best, epoch = best_of(solver)
    measure = measure_of(dataset.targets)
    print(
        f"\ntrained {solver.epoch} epochs in {sum(solver.history.seconds):.1f} s\n"
        f"validation {measure.name} {measure.text(best)}, the best, after epoch {epoch}"
    )
    predicted, y = model.predict(dataset.x_test), dataset.y_test
    if dataset.targets:
        unit = dataset.in_unit
        print(f"test R² {model.score(dataset.x_test, y):.4f}\n")
        print(error_table(dataset.targets, unit(y), unit(predicted)))
    else:
        right = int((predicted == y).sum())
        scores, probabilities, _ = model.class_scores(dataset.x_test)
        print(
            f"test accuracy {right / len(y):.2%} ({right:,} of {len(y):,})\n"
            f"{in_a_line(y, predicted, scores, probabilities=probabilities)}\n"
        )
        print(class_table(dataset.classes, y, predicted))
    if doubt := misgiving(solver.history.val_score, dataset):
        print(f"\n{doubt}")
