"""A trained network put to use in Python: `Trained`.

What it needs of a run is best.safetensors, from which the network is made anew, and which says how
inputs are standardised and what classes and features are called; and config.json, which says the
same in the folders of earlier versions, and besides what the run was trained on.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from tqdm import tqdm

from chainrule.data import Pixels, Standardiser
from chainrule.data.encoding import Encoding
from chainrule.data.frame import rows_of_frame
from chainrule.data.image_folder import read_images
from chainrule.data.known import Known, quoted
from chainrule.data.npz_file import as_floats
from chainrule.data.rows import Rows, read_rows
from chainrule.data.standardiser import check_unmasked
from chainrule.layers import Layer
from chainrule.nets import Classifier, FileError, Regressor
from chainrule.nets.files import read_arrays
from chainrule.nets.loading import DATA, net_of
from chainrule.nets.models import ROWS_AT_ONCE
from chainrule.training.options import (
    CLASS_LOSSES,
    FROM_FOLDER,
    TARGET_LOSSES,
)
from chainrule.training.run.console import tell
from chainrule.training.run.folder import RunFolder
from chainrule.training.run.setup import bar, reading, told
from chainrule.training.tables import TABLE

SLOW = 20e6  # bytes of a file that is not read at once
READING = (*TABLE, "image_size", "class_weights")  # options for `load`
FAR = 10.0  # rms of standardised inputs, 1 in training, from which on their unit is suspect


@dataclasses.dataclass(frozen=True, eq=False)
class Trained:
    """The best network of a run, and what rows go through on their way to it:

        run = Trained.open("runs/first")
        names, probabilities = run.predict(x)  # rows in the unit of the training data
        values = run.predict(x)  # of a run that predicts numbers, in their unit

    `shape` is that of a row, `dtype` that of the network; `classes` are the names of the C classes
    and `features` those of the columns, if the training data had a header; `label` and
    `label_column` are the name and the index of the column of the labels, "" and -1 where there
    was none; `dataset`, `data_dir`, `reading` and `fingerprint` are those of the data of the run;
    `image_shape` is that of a row as a picture, None where pictures cannot be made such rows;
    `encoding` says how columns become features, None where they are numbers as they are. A run
    that predicts numbers has `targets`, the names of the T of them, no `classes`, a Regressor for
    a `model`, and a `target_standardiser`.
    """

    path: Path
    model: Any
    standardiser: Standardiser
    classes: tuple[str, ...]
    features: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    dataset: str
    data_dir: str | None
    fingerprint: str
    label: str = ""
    label_column: int = -1
    reading: dict[str, Any] = dataclasses.field(default_factory=dict)
    image_shape: tuple[int, ...] | None = None
    encoding: Encoding | None = None
    targets: tuple[str, ...] = ()
    target_standardiser: Standardiser | None = None

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Trained:
        """What the run in the folder `path` has learned. Raises FileError where there is no run, it
        has no network yet, or a file of it is damaged."""
        folder = RunFolder.open(path)
        if "kind" in folder.config:
            raise FileError(f"{path}: holds several runs, expected one: name a folder in it")
        file = folder / "best.safetensors"
        if not file.exists():
            raise FileError(
                f"{path}: holds no best.safetensors, so it was ended before its first epoch was "
                f"over; go on with it by: chainrule resume {path}"
            )
        folder.check_made_for(file.name)
        arrays, words = read_arrays(file)
        net = net_of(file, arrays, words)
        try:
            return cls(folder.path, **described(agreed(folder.config, words), net))
        except (KeyError, TypeError, ValueError, MemoryError) as error:
            raise FileError(
                f"{path}/config.json: damaged, or not that of best.safetensors: {error!r}"
            ) from None

    def predict(self, x: ArrayLike) -> Any:
        """The classes of rows x (N, …), N names in an array, and what the network gives each class
        (N, C), in the order of `classes`: probabilities, or scores after a loss that makes none.
        Of a run that predicts numbers: these, (N,), or (N, T) of several targets.

        The rows are numbers of any dtype, as they stand in the data, in the same unit: they are
        standardised here as those of the training data were. The columns of a data frame, or of
        what else has `columns`, are taken by their names. x may also be the path of a picture, or
        of a folder of them, or a list of such paths, where the run was trained on pictures.

        Raises ValueError where x has no rows, rows of another shape, columns of other names, a
        mask, a number that is not finite or too large for the dtype of the network, or an integer
        that float64 cannot hold.
        """
        if paths := as_paths(x):
            x = self.read_pictures(paths)[0]
        order = self.order(x)
        if self.encoding is not None and order is not None:
            x, notes = rows_of_frame(str(self.path), x, self.encoding)
            for note in notes:
                warnings.warn(f"{self.path}: {note}", stacklevel=2)
            order = None
        check_unmasked(f"{self.path}: x", x)
        x = np.asarray(x)
        if order is not None:
            x = x[:, order]
        if x.shape[1:] != self.shape or len(x) == 0 or x.dtype.kind not in "biuf":
            expected = ", ".join(map(str, self.shape))
            raise ValueError(
                f"{self.path}: x has shape {x.shape} and dtype {x.dtype}, expected rows of numbers "
                f"(N, {expected}), at least one"
            )
        if not np.isfinite(x).all():
            first = np.argwhere(~np.isfinite(x))[0].tolist()
            raise ValueError(f"{self.path}: x{first} is {x[tuple(first)]}, expected finite numbers")
        x = as_floats(str(self.path), "x", x)
        if self.targets:
            values = np.concatenate([*map(self.values, self.blocks("x", x))])
            return values[:, 0] if len(self.targets) == 1 else values
        names, scores = zip(*map(self.judged, self.blocks("x", x)), strict=True)
        return np.concatenate(names), np.concatenate(scores)

    def order(self, x: Any) -> list[int] | None:
        """The places of the features among the columns of x, a data frame; None where x has no
        columns with names. Raises ValueError where the names are others."""
        if not hasattr(x, "columns"):
            return None
        names = [str(name) for name in x.columns]
        numbered = [str(column) for column in range(len(names))]
        known = self.known()
        if features := known.features:
            if names == numbered and not all(name.isdecimal() for name in features):
                return None  # a frame that was made of an array has no names
            aside = () if self.encoding is None else self.encoding.left_out
            lacking = [name for name in features if name not in names]
            others = [name for name in names if name not in (*features, self.label, *aside)]
            for found, words in (
                (lacking, "lacks {} of the training data"),
                (others, "has {}, which the training data did not have"),
                (sorted({n for n in names if names.count(n) > 1}), "has {} more than once"),
            ):
                if found:
                    raise ValueError(f"{self.path}: x {words.format(quoted(found))}")
            return [names.index(name) for name in features]
        if names != numbered and sorted(names) == sorted(numbered):
            raise ValueError(
                f"{self.path}: the columns of x are numbered in another order, "
                f"{', '.join(names[:9])}; the training data had no names to go by, so bring the "
                f"columns into their order"
            )
        return None

    def judged(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The classes of rows (N, …) that are standardised, and what the network gives each."""
        return np.array(self.classes)[self.model.predict(rows)], self.model.class_scores(rows)[0]

    def values(self, rows: np.ndarray) -> np.ndarray:
        """The numbers (N, T) that are predicted of rows (N, …) that are standardised, in the unit
        of the targets."""
        assert self.target_standardiser is not None
        return self.target_standardiser.inverse(self.model.predict(rows))

    def known(self) -> Known:
        """What is known of the training data, by which other rows are read."""
        columns = self.features if self.encoding is None else self.encoding.names
        rest = self.label, self.label_column, self.classes, self.standardiser, self.encoding
        return Known(columns, *rest)

    def read(self, file: str, header: str | None = None) -> Rows:
        """The rows of a file, with their labels; `header` is the option.
        Raises ValueError or OSError where they cannot be read or are not of the kind that the run
        was trained on."""
        with reading("--data", file):
            if (size := os.path.getsize(file)) > SLOW:
                print(f"reading {file} ({size / 1e6:,.0f} MB)", file=sys.stderr)
            rows = read_rows(file, self.shape, known=self.known(), header=told(header))
        tell(file, rows.notes)
        return rows

    def read_pictures(
        self, places: Sequence[str | PathLike[str]]
    ) -> tuple[Pixels, list[Path], np.ndarray | None]:
        """Pictures (N, …) of files and folders, as those of training were made; their paths; and
        their labels as text (N,), or None where some are not in folders of classes. Raises
        ValueError or OSError where they cannot be read, or the run was not trained on pictures."""
        if self.image_shape is None:
            raise ValueError(
                f"{os.fspath(places[0])}: {self.path} was trained on {self.dataset}, and its rows "
                f"cannot be made of pictures"
            )
        for place in places:
            with reading("--data", os.fspath(place)):
                os.stat(place)
        with reading("--data", os.fspath(places[0])):
            values, paths, labels, notes = read_images(places, self.image_shape, progress=bar)
        tell(os.fspath(places[0]), notes)
        return Pixels(values.reshape(-1, *self.shape), np.float64), paths, labels

    def blocks(self, name: str, x: Any) -> Iterator[np.ndarray]:
        """The rows x (N, …), block by block, as the network takes them; with a progress bar if it
        takes long. Raises ValueError, with `name`, where the dtype cannot hold them."""
        with tqdm(
            total=len(x), unit="row", delay=1, leave=False, disable=None, dynamic_ncols=True
        ) as bar:
            for start in range(0, len(x), ROWS_AT_ONCE):
                with np.errstate(over="ignore", invalid="ignore"):  # found below
                    rows = self.standardiser.transform(x[start : start + ROWS_AT_ONCE])
                    rows = rows.astype(self.dtype, copy=False)
                finite = np.isfinite(rows).reshape(len(rows), -1).all(axis=1)
                if not finite.all():
                    raise ValueError(
                        f"{name}: row {start + finite.argmin() + 1} holds a number too large for "
                        f"{self.dtype} once standardised"
                    )
                if start == 0 and (size := np.sqrt(np.mean(np.square(rows, dtype=float)))) > FAR:
                    print(
                        f"note: {name}: standardised as in training, the inputs have rms "
                        f"{size:.3g}, expected about 1: are they in the unit of the training data?",
                        file=sys.stderr,
                    )
                yield rows
                bar.update(len(rows))


def as_paths(x: Any) -> list[str | PathLike[str]]:
    """The paths that x consists of; none where it is something else."""
    listed = [x] if isinstance(x, str | PathLike) else x if isinstance(x, list | tuple) else []
    return [*listed] if all(isinstance(one, str | PathLike) for one in listed) else []


def agreed(config: Mapping[str, Any], words: Mapping[str, Any]) -> Mapping[str, Any]:
    """The config.json of a run, with what `words`, those of best.safetensors, say of the data in
    the place of what it says itself. Raises ValueError where the two say different things."""
    if not isinstance(words.get(DATA), dict):  # of an earlier version
        return config
    for name, value in words[DATA].items():
        if config["data"].get(name) != value:
            raise ValueError(f"data: {name} is not what best.safetensors says")
    return {**config, "data": {**config["data"], **words[DATA]}}


def described(config: Mapping[str, Any], net: Layer) -> dict[str, Any]:
    """What config.json says of the data and the network, as attributes of `Trained`. Raises
    ValueError where the network is one for other data."""
    data, options = config["data"], config["options"]
    dtype, dataset, data_dir = (options[name] for name in ("dtype", "dataset", "data_dir"))
    shape, classes = tuple(data["shape"]), tuple(data["classes"])
    features = tuple(data.get("features", ()))  # which runs of earlier versions do not hold
    label, label_column = data.get("label", ""), data.get("label_column", -1)
    mean, std = (
        np.broadcast_to(np.asarray(data[name], np.float64), shape) for name in ("mean", "std")
    )
    targets = tuple(data.get("targets", ()))
    kind, losses = (Regressor, TARGET_LOSSES) if targets else (Classifier, CLASS_LOSSES)
    model = kind(net, loss=losses[options["loss"]])
    width, expected = model.outputs(np.zeros((1, *shape), dtype)).shape[1], targets or classes
    if width != len(expected):
        what = "target" if targets else "class"
        raise ValueError(f"the network has {width} outputs, expected {len(expected)}, one a {what}")
    scale = [np.array(data[name], np.float64) for name in ("target_mean", "target_std") if targets]
    return {
        "model": model,
        "standardiser": Standardiser(mean, std),
        "classes": classes,
        "features": features,
        "shape": shape,
        "dtype": dtype,
        "dataset": dataset,
        "data_dir": data_dir,
        "fingerprint": data["fingerprint"],
        "label": label,
        "label_column": label_column,
        "reading": {name: options[name] for name in READING if options.get(name)},
        "encoding": data.get("encoding") and Encoding.from_words(data["encoding"]),
        "image_shape": image_shape(data.get("image_shape"), shape, options),
        "targets": targets,
        "target_standardiser": Standardiser(*scale) if targets else None,
    }


def image_shape(
    said: Sequence[int] | None, shape: tuple[int, ...], options: Mapping[str, Any]
) -> tuple[int, ...] | None:
    """The shape of a row as a picture, for data that the options say to be such, with 0 for black
    and 1 for white; else None. Raises ValueError where it is not that of a row."""
    pictures = options.get("image_size") is not None
    if said is None or not (pictures or options["dataset"] in ("digits", *FROM_FOLDER)):
        return None
    if len(said) not in (2, 3) or np.prod(said, dtype=object) != np.prod(shape, dtype=object):
        raise ValueError(f"image_shape is {said}, expected that of rows of shape {shape}")
    return tuple(said)
