"""What a run prints."""

import math

import numpy as np
from tqdm import tqdm

from gradcheck import check


def check_gradients(net, x):
    """Prints how well the backward pass agrees with differences; false where it does not."""
    report = check(net, x)
    print(f"\ngradient check of {report}")
    return bool(report)


def report_epoch(solver):
    """A line about the epoch just finished, above the progress bar; some ten or twenty in a run."""
    history = solver.history
    if solver.epoch % math.ceil(solver.goal / 10) == 0 or solver.epoch in (1, solver.goal):
        tqdm.write(
            f"epoch {solver.epoch:>3}   loss {history.loss[-1]:.4f}   "
            f"train {history.train_score[-1]:7.2%}   validation {history.val_score[-1]:7.2%}"
        )


def class_table(classes, y, predicted):
    """For each class: how many there are, recall, precision, and what it is mistaken for."""
    C = len(classes)
    confusion = np.bincount(y * C + predicted, minlength=C * C).reshape(C, C)  # truth, prediction
    wide = max(len("class"), *map(len, classes))
    lines = [f"{'class':<{wide}}  examples   recall  precision  most often mistaken for"]
    for c, name in enumerate(classes):
        right, there, named = confusion[c, c], confusion[c].sum(), confusion[:, c].sum()
        mistakes = np.where(np.arange(C) == c, 0, confusion[c])
        worst = mistakes.argmax()
        lines.append(
            f"{name:<{wide}}  {there:8,}  {percent(right, there)}  {percent(right, named):>9}  "
            + (f"{classes[worst]} ({mistakes[worst]:,})" if mistakes[worst] else "")
        )
    return "\n".join(line.rstrip() for line in lines)


def percent(part, whole):
    return f"{part / whole:7.1%}" if whole else "      -"


def report(model, solver, dataset):
    """Prints what the trained model is worth."""
    predicted = model.predict(dataset.x_test)
    right = int((predicted == dataset.y_test).sum())
    print(
        f"\ntrained {solver.epoch} epochs in {sum(solver.history.seconds):.1f} s\n"
        f"validation accuracy {solver.best.score:.2%}, the best, after epoch {solver.best.epoch}\n"
        f"test accuracy {right / len(predicted):.2%} ({right:,} of {len(predicted):,})\n"
    )
    print(class_table(dataset.classes, dataset.y_test, predicted))
