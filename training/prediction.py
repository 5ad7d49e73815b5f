"""`chainrule predict`: what a run says of rows in a file, as a table."""

import argparse
import csv
import io
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from chainrule.data import Pixels
from chainrule.data.image_folder import is_picture
from chainrule.nets.files import write_file
from chainrule.training.options import Parser, add_run, folder_of
from chainrule.training.run.console import printable
from chainrule.training.tables import add_reading
from chainrule.training.trained import Trained

SHOWN = 20  # pictures whose classes are printed


def predict_parser() -> Parser:
    out = Parser(
        prog="chainrule predict", description="Writes the classes of rows in a file, or numbers."
    )
    add_run(out)
    out.add_argument(
        "--data",
        metavar="FILE",
        nargs="+",
        required=True,
        help=".csv or .csv.gz with the columns of the training data, in their order if there is no "
        "header, the column of the label where it was or missing; or .npz with x; in the unit of "
        "the training data; or, after training on pictures, PNG and JPEG files and folders of them",
    )
    add_reading(out, label=False)
    out.add_argument(
        "--out",
        metavar="FILE",
        help="the table that is written, in the place of any that is there; left out, "
        "DATA.predictions.csv in the current folder",
    )
    out.add_argument("--keep-columns", action="store_true", help="write the columns of the table "
        "into it, too; those that training left out, such as a name of each row, are written anyway"
        )  # fmt: skip
    return out


def predict(options: argparse.Namespace) -> str:
    """Writes what the run predicts for each row of a file; returns a line that says so. Raises
    ValueError or OSError where the run or a file is wrong."""
    if options.folder is options.run is None and len(options.data) > 1:  # RUN stands last
        *options.data, options.folder = options.data
    trained = Trained.open(folder_of(options))
    file, paths, shown, what, kept = options.data[0], None, "", "rows", None
    x: Any
    if all(map(of_pictures, options.data)):
        x, paths, labels = trained.read_pictures(options.data)
        shown = "" if trained.targets else sure_of(trained, x, paths)
        what = "pictures" if len(paths) > 1 else "picture"
    elif len(options.data) == 1:
        rows = trained.read(file, options.header)
        x, labels, kept = rows.x, rows.labels, rows.kept(options.keep_columns)
    else:
        raise ValueError(
            f"--data {' '.join(options.data)}: several have to be pictures, all of them"
        )
    out = Path(options.out or f"{stem(file)}.predictions.csv")
    if out.exists() and any(map(out.samefile, options.data)):
        raise ValueError(f"--out {out}: is the file with the data; choose another name")
    if options.keep_columns and not kept:
        raise ValueError(f"--keep-columns: goes with a table, not with {file}")
    content, words = predictions(trained, file, x, paths, kept or {})
    write_file(out, content)
    whose = "labels of the file" if paths is None else "names of their folders"
    ignored = "" if labels is None else f" (the {whose} were not used)"
    of = f"of {len(x):,} {what}{ignored}"
    if trained.targets:
        return f"{out}: {words} {of}, in the unit of the training data"
    return f"{shown}{out}: the class {of}, and {words}"


def sure_of(trained: Trained, x: Pixels, paths: Sequence[Path]) -> str:
    """A line for each of the first pictures x (N, …): what the network takes it for, and how sure
    it is of the three classes that it is surest of."""
    rows = next(trained.blocks(str(paths[0]), x[:SHOWN]))
    names, (scores, are_probabilities, _) = (
        trained.judged(rows)[0],
        trained.model.class_scores(rows),
    )
    lines = []
    for path, name, row in zip(paths, names, scores, strict=False):
        best = np.argsort(-row, kind="stable")[:3]
        text = "{:.1%}" if are_probabilities else "{:.3g}"
        given = ", ".join(f"{trained.classes[c]} {text.format(row[c])}" for c in best)
        lines.append(printable(f"{path}: {name} ({given})"))
    if len(paths) > SHOWN:
        lines.append(f"and {len(paths) - SHOWN:,} more")
    return "\n".join([*lines, "", ""])


def stem(file: str) -> str:
    """The name of a data file without .csv, .csv.gz, .npz or that of a picture."""
    name = Path(file).resolve().name if os.path.isdir(file) else Path(file).name
    return name[: -len(".csv.gz")] if name.lower().endswith(".csv.gz") else Path(name).stem


def predictions(
    trained: Trained,
    file: str,
    x: Any,
    paths: Sequence[Path] | None,
    kept: Mapping[str, Sequence[str]],
) -> tuple[bytes, str]:
    """A CSV table of a line for each of the rows x (N, …): its number from 1, or its path, what
    stands in the columns that are `kept`, and what is predicted; and in words what that is."""
    names, words, columns_of = (numbers_of if trained.targets else classes_of)(trained)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    known = range(1, len(x) + 1) if paths is None else [*map(str, paths)]
    table.writerow(["row" if paths is None else "file", *kept, *names])
    done = 0
    for rows in trained.blocks(file, x):
        these = slice(done, done + len(rows))
        before = known[these], *(column[these] for column in kept.values())
        table.writerows(zip(*before, *columns_of(rows), strict=True))
        done += len(rows)
    return text.getvalue().encode(errors="surrogateescape"), words


#: The names of the columns that are predicted, in words what they are, and what makes them of rows.
Predicted: TypeAlias = tuple[list[str], str, Callable[[np.ndarray], list[list[Any]]]]


def classes_of(trained: Trained) -> Predicted:
    """The class of each row, and what the network gives each class."""
    any_row = np.zeros((1, *trained.shape), trained.dtype)
    _, probabilities, words = trained.model.class_scores(any_row)
    kind = "probability" if probabilities else "score"

    def columns_of(rows: np.ndarray) -> list[list[Any]]:
        names, scores = trained.judged(rows)
        return [names.tolist(), *scores.astype(str).T.tolist()]

    return ["predicted", *(f"{kind}_{name}" for name in trained.classes)], words, columns_of


def numbers_of(trained: Trained) -> Predicted:
    """The numbers that are predicted of each row, in the unit of the targets."""
    names = [f"predicted_{name}" for name in trained.targets]
    return names, " and ".join(names), lambda rows: trained.values(rows).T.tolist()


def of_pictures(file: str) -> bool:
    """Whether --data is a picture, or a folder of them."""
    return os.path.isdir(file) or is_picture(Path(file))
