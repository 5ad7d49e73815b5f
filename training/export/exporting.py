"""`chainrule export`: a run as a file of another program, compared before it is written."""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from chainrule.data.frame import rows_of_frame
from chainrule.layers.annotations import Floats
from chainrule.nets.files import read_description, write_file
from chainrule.training.export import c_file, numpy_file, onnx_file, torch_file
from chainrule.training.export.frame import Frame, cells_of, with_gaps
from chainrule.training.export.steps import Plan, Strings, plain_name, plan_of
from chainrule.training.options import Parser, add_run, folder_of
from chainrule.training.run.folder import fingerprint
from chainrule.training.run.setup import load
from chainrule.training.trained import Trained

ROWS = 256  # that are compared
TIMES = 100  # the rounding of the network itself, and so much more may come out otherwise
LEAST = 1000  # ulps that may, however little the network itself rounds


class Target(Protocol):
    """A module that writes networks for a program."""

    SUFFIXES: tuple[str, ...]

    def write(self, plan: Plan, name: str) -> dict[str, bytes]: ...

    def run(
        self, paths: Sequence[Path], plan: Plan, rows: Floats | Frame
    ) -> tuple[Floats, Strings | None]: ...

    def usage(self, path: Path, plan: Plan) -> str: ...


TARGETS: dict[str, Target] = {
    "onnx": onnx_file,
    "torch": torch_file,
    "numpy": numpy_file,
    "c": c_file,
}
NAMES = {"onnx": "model", "torch": "model_torch", "numpy": "model_numpy", "c": "model"}
#: What is missing where a module cannot be imported, by its name.
MISSING = {
    "onnx": 'ONNX needs its libraries: pip install "chainrule[onnx]"',
    "onnxruntime": 'onnxruntime is not there: pip install "chainrule[onnx]"',
    "torch": "PyTorch is not there: pip install torch",
}


class Export(NamedTuple):
    """What was written, and how it was compared with `Trained.predict`: on so many rows (0 where it
    could not be), of a kind in words; the largest difference in what is `given` for a row, of that
    the largest number, and how many ulps of it the difference is; or why it was not compared; and
    how the file is run."""

    paths: tuple[Path, ...]
    rows: int
    of: str
    given: str
    difference: float
    largest: float
    ulps: float
    why_not: str = ""
    usage: str = ""

    def __str__(self) -> str:
        files = " and ".join(map(str, self.paths))
        run = f"to run it: {self.usage}"
        if self.why_not:
            return f"{files}\nnot compared with Trained.predict: {self.why_not}\n{run}"
        same = "" if self.given == "values" else "the same classes, "
        ulps = math.ceil(self.ulps)
        return (
            f"{files}\ncompared with Trained.predict on {self.rows} {self.of}: {same}{self.given} "
            f"that differ by {self.difference:.2g} at most, {ulps} ulp{'s' * (ulps != 1)} of the "
            f"largest, {self.largest:.3g}\n{run}"
        )


def export(
    run: str | PathLike[str] | Trained, to: str, out: str | PathLike[str] | None = None
) -> Export:
    """Writes the best network of a run, with all that lies between a row of its data and what is
    predicted, as a file that another program runs: `to` is "onnx", "torch", "numpy" or "c". What is
    to be written computes rows of the run's data first, and is compared with `Trained.predict`.

    The file is `out`, or one called model in the folder of the run; for "torch" there are two, the
    tensors beside the module. Those that are there already are replaced. Raises ValueError where
    the network has a layer that the target does not know, what comes out differs by more than
    rounding, a library is missing or the name is none; FileError where a file cannot be read or
    written. Then nothing is written.
    """
    trained = run if isinstance(run, Trained) else Trained.open(run)
    if to not in TARGETS:
        raise ValueError(f"--to {to}: expected one of {', '.join(TARGETS)}")
    target = TARGETS[to]
    places = places_of(target, Path(out or trained.path / f"{NAMES[to]}{target.SUFFIXES[0]}"))
    plan = plan_of(trained)
    name = plain_name(places[0].stem)
    try:
        contents = target.write(plan, name)
    except ImportError as error:
        raise ValueError(f"--to {to}: {missing(error)}") from None
    done = compared(trained, plan, target, contents, name, to)
    for place, suffix in zip(places, target.SUFFIXES, strict=True):
        write_file(place, contents[suffix])
    return done._replace(paths=tuple(places), usage=target.usage(places[0], plan))


def places_of(target: Target, out: Path) -> list[Path]:
    """Where the files of a target go. Raises ValueError where `out` has another suffix, or a file
    is there that is one of our own."""
    first = target.SUFFIXES[0]
    if out.suffix != first:
        raise ValueError(f"--out {out}: expected a name that ends in {first}")
    places = [out.with_suffix(suffix) for suffix in target.SUFFIXES]
    for place in places:
        if place.suffix == ".safetensors" and is_ours(place):
            raise ValueError(f"--out {out}: {place} is a file of Chainrule; choose another name")
    return places


def is_ours(path: Path) -> bool:
    """Whether there is a file at `path` that `write_arrays` wrote."""
    try:
        read_description(path)
    except ValueError:
        return False
    return True


def missing(error: ImportError) -> str:
    """What is not there, in words."""
    return MISSING.get(error.name or "", str(error))


def compared(
    trained: Trained,
    plan: Plan,
    target: Target,
    contents: dict[str, bytes],
    name: str,
    to: str,
) -> Export:
    """How what the files compute compares with what the run predicts. Raises ValueError where it
    differs by more than rounding."""
    rows, of = some_rows(trained)
    given: Floats | Frame = rows
    if plan.encoding is not None:
        given = with_gaps(plan.encoding, cells_of(plan.encoding, rows))
        rows, _ = rows_of_frame(str(trained.path), given, plan.encoding)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}{suffix}" for suffix in target.SUFFIXES]
        for path in paths:
            path.write_bytes(contents[path.suffix])
        try:
            theirs, classes = target.run(paths, plan, given)
        except ImportError as error:
            return Export((), 0, of, plan.given, np.nan, np.nan, np.nan, missing(error))
    said = trained.predict(rows)
    names, ours = (None, said.reshape(len(rows), -1)) if plan.targets else said
    unit = np.where(plan.target_std > 0, plan.target_std, 1) if plan.targets else 1.0
    difference = float((abs(theirs - ours) / unit).max())
    limit = rounding(trained, rows, to)
    right = difference <= limit
    if names is not None:
        best = np.sort(ours, axis=1)
        close = best[:, -1] - best[:, -2] <= 2 * limit  # either class may come out
        right = right and bool(((names == classes) | close).all())
    if not right:
        raise ValueError(
            f"--to {to}: what it computes differs from Trained.predict by {difference:.3g} on "
            f"{len(rows)} {of}, where {limit:.3g} would be rounding; nothing was written"
        )
    largest = abs((ours - plan.target_mean) / unit if plan.targets else ours).max()
    ulps = difference / float(np.spacing(largest.astype(dtype_of(trained, to))))
    difference, largest = float(abs(theirs - ours).max()), float(abs(ours).max())
    return Export((), len(rows), of, plan.given, difference, largest, ulps)


def dtype_of(trained: Trained, to: str) -> str:
    """In which a target computes."""
    return "float32" if to == "onnx" else trained.dtype


def rounding(trained: Trained, rows: Floats, to: str) -> float:
    """By how much what comes out for rows (N, …) may differ through rounding, in the unit of what
    comes out of the network: TIMES what the network itself does in float32, or in float64 that much
    less."""
    net, loss = trained.model.net, trained.model.criterion
    x = trained.standardiser.transform(rows)
    largest, outs = 1.0, list[Floats]()
    for dtype in (np.float32, np.float64):
        model = type(trained.model)(net.astype(dtype), loss=loss)
        if trained.targets:
            outs.append(model.predict(x.astype(dtype)))
            are_probabilities = False
        else:
            out, are_probabilities, _ = model.class_scores(x.astype(dtype))
            outs.append(out)
        largest = 1.0 if are_probabilities else float(abs(outs[-1]).max())
    eps = float(np.finfo(np.float32).eps)
    limit = TIMES * float(abs(outs[0] - outs[1]).max()) + LEAST * eps * largest
    double = dtype_of(trained, to) == "float64"
    return limit * float(np.finfo(np.float64).eps) / eps if double else limit


def some_rows(trained: Trained) -> tuple[Floats, str]:
    """Rows (N, …) of the data of a run, and in words what they are; drawn ones, around the mean of
    the training data, where the data are no longer there."""
    scale = trained.standardiser
    try:
        data = load(trained.dataset, trained.data_dir, trained.dtype, **trained.reading)
        if fingerprint(data) == trained.fingerprint:
            x = np.asarray(data.x_train[:ROWS], np.float64)
            return x * scale.std + scale.mean, f"rows of {data.name}"
    except (ValueError, OSError):
        pass
    noise = np.random.default_rng(0).standard_normal((ROWS, *trained.shape))
    words = "drawn rows, since the training data are not there as they were"
    return scale.mean + scale.std * noise, words


def export_parser() -> Parser:
    out = Parser(
        prog="chainrule export",
        description="Writes the network of a run, with all that lies between a row of its data and "
        "what is predicted, as a file that other programs run, and compares the two first.",
    )
    add_run(out)
    out.add_argument(
        "--to",
        choices=TARGETS,
        required=True,
        help="onnx: for onnxruntime and its like; torch: a module of PyTorch, its tensors in a "
        "safetensors file beside it; numpy: one Python file that needs NumPy alone; c: one file of "
        "C99 that needs nothing",
    )
    out.add_argument(
        "--out",
        metavar="FILE",
        help="the file that is written, in the place of any that is there; left out, one called "
        "model in the folder of the run",
    )
    return out


def export_run(options: argparse.Namespace) -> str:
    """Exports the run that the options name; returns what is to be printed. Raises ValueError or
    OSError as `export` does."""
    return str(export(folder_of(options), options.to, options.out))
