"""`chainrule evaluate`: how good a run is on labelled rows."""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.data.cells import number, numbered, plain
from chainrule.data.rows import Rows
from chainrule.nets import FileError
from chainrule.training.metrics import in_a_line
from chainrule.training.options import Parser, add_run, folder_of
from chainrule.training.prediction import of_pictures
from chainrule.training.report.errors import error_table
from chainrule.training.run.console import class_table, tell
from chainrule.training.run.folder import fingerprint
from chainrule.training.run.setup import load
from chainrule.training.tables import add_reading
from chainrule.training.trained import Trained


def evaluate_parser() -> Parser:
    out = Parser(prog="chainrule evaluate", description="Judges a run by labelled rows.")
    add_run(out)
    out.add_argument(
        "--data",
        metavar="FILE",
        help="labelled rows: .csv, .csv.gz or .npz as for training, in the same unit, or a folder "
        "with pictures in a subfolder for each class; left out, the test part of the data that the "
        "run was trained on",
    )
    add_reading(out, label=False)
    return out


def evaluate(options: argparse.Namespace) -> str:
    """Loss, accuracy and the table of the classes, or the errors of numbers that are predicted, as
    text. Raises ValueError or OSError where the run or the data are wrong."""
    trained = Trained.open(folder_of(options))
    if trained.targets:
        return evaluated_numbers(trained, options)
    if options.data is None:
        subject, out, y = own_test_part(trained)
    else:
        x: Any
        if of_pictures(options.data):
            x, _, labels = trained.read_pictures([options.data])
        else:
            rows = trained.read(options.data, options.header)
            x, labels = rows.x, rows.labels
        subject, y = options.data, numbers(labels, trained.classes, options.data)
        out = np.concatenate([trained.model.outputs(rows) for rows in trained.blocks(subject, x)])
    loss, predicted = trained.model.criterion.forward(out, y)[0], out.argmax(axis=1)
    scores, probabilities, _ = trained.model.class_scores_of(out)
    right = int((predicted == y).sum())
    return (
        f"{subject}, judged by {trained.path}\n\n"
        f"loss {loss:.4f}, {trained.model.criterion!r} without the penalty\n"
        f"accuracy {right / len(y):.2%} ({right:,} of {len(y):,})\n"
        f"{in_a_line(y, predicted, scores, probabilities=probabilities)}\n\n"
        f"{class_table(trained.classes, y, predicted)}"
    )


def evaluated_numbers(trained: Trained, options: argparse.Namespace) -> str:
    """Loss, R² and the errors of each target, as text."""
    assert trained.target_standardiser is not None
    scale = trained.target_standardiser
    if options.data is None:
        subject, out, y = own_test_part(trained)
    else:
        rows = trained.read(options.data, options.header)
        subject, y = options.data, scale.transform(true_numbers(trained, options.data, rows))
        blocks = trained.blocks(subject, rows.x)
        out = np.concatenate([trained.model.outputs(block) for block in blocks])
    y = y.astype(out.dtype)
    if (y.min(axis=0) == y.max(axis=0)).all():
        raise ValueError(f"{subject}: the targets are the same in all {len(y):,} rows, expected "
                         f"different ones")  # fmt: skip
    loss = trained.model.criterion.forward(out, y)[0]
    return (
        f"{subject}, judged by {trained.path}\n\n"
        f"loss {loss:.4f}, {trained.model.criterion!r} of standardised targets, without the "
        f"penalty\nR² {trained.model.rating(out, y):.4f} ({len(y):,} rows)\n\n"
        f"{error_table(trained.targets, scale.inverse(y), scale.inverse(out))}"
    )


def true_numbers(trained: Trained, file: str, rows: Rows) -> np.ndarray:
    """The true numbers (N, T) in a file. Raises ValueError where they are missing."""
    if rows.y is not None:  # of an NPZ file
        found = rows.y
    elif len(trained.targets) == 1 and rows.labels is not None:
        found = np.array([[number(text)] for text in rows.labels.tolist()])
    else:
        columns = rows.kept(True)
        if lacking := [name for name in trained.targets if name not in columns]:
            raise ValueError(f"{file}: lacks the target {lacking[0]!r:.40}")
        found = np.array([[*map(number, columns[name])] for name in trained.targets]).T
    if found.shape[1:] != (len(trained.targets),):
        raise ValueError(f"{file}: y has shape {found.shape}, expected (N, {len(trained.targets)})")
    if not np.isfinite(found).all():
        row, t = np.argwhere(~np.isfinite(found))[0].tolist()
        raise ValueError(f"{file}: row {row + 1} has no number for {trained.targets[t]!r:.40}")
    return found


def own_test_part(trained: Trained) -> tuple[str, np.ndarray, np.ndarray]:
    """The name of the run's test part, the network's outputs for it (N, …), and its labels (N,) or
    standardised targets (N, T). Raises ValueError or OSError where the data are not there or not
    what they were."""
    dataset = load(
        trained.dataset,
        trained.data_dir,
        trained.dtype,
        **trained.reading,
    )
    if fingerprint(dataset) != trained.fingerprint:
        raise FileError(
            f"{trained.path}: the data of {trained.dataset} are not those that the run was "
            f"trained on; name a file by --data"
        )
    return f"the test part of {dataset.name}", trained.model.outputs(dataset.x_test), dataset.y_test


def numbers(labels: np.ndarray | None, classes: Sequence[str], file: str) -> np.ndarray:
    """The classes (N,) that labels (N,) in words stand for, numbers 0 … C-1. Raises ValueError
    where there are no labels, or one is not among the classes."""
    if labels is None:
        raise ValueError(
            f"{file}: has no labels, expected a last column of them, or one where the training "
            f"data had them, or y in an NPZ file, or a folder for each class in one of pictures"
        )
    number, other = numbered(classes), dict[str, int]()
    found = np.full(len(labels), -1)
    for row, label in enumerate(labels.tolist()):
        found[row] = number.get(label, number.get(plain(label), -1))
        if found[row] >= 0 and label != classes[found[row]]:
            other[label] = int(found[row])
    if (unknown := found < 0).any():
        row = int(unknown.argmax())
        known = ", ".join(classes[:10]) + (", …" if len(classes) > 10 else "")
        raise ValueError(
            f"{file}: row {row + 1} has the label {str(labels[row])!r:.40}, expected one of {known}"
        )
    if other:
        label, c = next(iter(other.items()))
        tell(file, [f"the label {label} is taken for the class {classes[c]}, the same number"])
    return found
