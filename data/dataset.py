"""`Dataset`: what every loader of this package returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from chainrule.data.cells import is_missing
from chainrule.data.encoding import Encoding
from chainrule.data.parts import Parts, parts_of
from chainrule.data.pixels import Pixels
from chainrule.data.standardiser import Examples, Standardiser, check_unmasked
from chainrule.data.targets import check_targets
from chainrule.data.weights import Weights, check_weights

Labels = NDArray[np.integer]
Answers = NDArray[Any]  # labels, or numbers to predict


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples in three parts, to train on, to choose by, to report on: of classes, or with numbers
    that are to be predicted.

    Attributes:
        name: what messages and reports call the data.
        x_train, x_val, x_test: inputs (N, …), float32 or float64, all finite; the three parts
            agree in everything but N. x_train may be `Pixels`: images kept as bytes, of which
            a row, a slice or a batch is floats.
        y_train, y_val, y_test: integer labels (N,), from 0 to C-1; or, where there are `targets`,
            the T numbers to predict (N, T), of the dtype of x.
        w_train, w_val, w_test: what the rows weigh (N,), finite numbers of at least 0, of which
            only the ratios matter; None, by default, where all weigh the same.
        classes: the C names of the classes; label `c` means `classes[c]`. None with `targets`.
        targets: the names of the T numbers to predict, none where rows have classes.
        image_shape: the shape that turns one row of x into a picture, (H, W) or
            (channels, H, W); None where rows are no pictures.
        standardiser: what x went through in `standardised`; None before that.
        target_standardiser: what y went through there, where there are `targets`.
        features: the names of the D columns of x, where a table had a header; else none.
        label, label_column: the name, or "", and the index of the column of a table that the
            labels, or the first of the targets, stood in; -1 where they come from no table.
        encoding: how the columns of a table became x; None where they are numbers as they are.
        notes: what is to be said of the data before one believes in a result, a sentence each:
            copies of rows, a column that numbers the rows, numbers that stand for missing ones,
            classes that look like one, a class of nearly all rows, and the like.

    Raises:
        ValueError: an array is not as described above; the message names it.
    """

    name: str
    x_train: Examples | Pixels = field(repr=False)
    y_train: Answers = field(repr=False)
    x_val: Examples = field(repr=False)
    y_val: Answers = field(repr=False)
    x_test: Examples = field(repr=False)
    y_test: Answers = field(repr=False)
    classes: tuple[str, ...]
    image_shape: tuple[int, ...] | None = None
    standardiser: Standardiser | None = field(default=None, repr=False)
    features: tuple[str, ...] = field(default=(), repr=False)
    label: str = field(default="", repr=False)
    label_column: int = field(default=-1, repr=False)
    encoding: Encoding | None = field(default=None, repr=False)
    notes: tuple[str, ...] = field(default=(), repr=False)
    w_train: Weights | None = field(default=None, repr=False)
    w_val: Weights | None = field(default=None, repr=False)
    w_test: Weights | None = field(default=None, repr=False)
    targets: tuple[str, ...] = field(default=(), repr=False)
    target_standardiser: Standardiser | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.targets and self.classes:
            raise ValueError(f"{self.name}: has classes and targets, expected one of them")
        if not self.targets and self.num_classes < 2:
            raise ValueError(f"{self.name}: classes are {self.classes}, expected at least two")
        shape, dtype = self.x_train.shape[1:], self.x_train.dtype
        for part in ("train", "val", "test"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            if self.targets:
                check_inputs(self.name, f"x_{part}", x)
                check_targets(self.name, f"y_{part}", y, (len(x), len(self.targets)))
            else:
                check_rows(self.name, f"x_{part}", x, f"y_{part}", y)
                self._check_labels(f"y_{part}", y)
            check_weights(self.name, f"w_{part}", getattr(self, f"w_{part}"), len(y))
            if x.shape[1:] != shape or x.dtype != dtype:
                raise ValueError(
                    f"{self.name}: x_{part} has {x.dtype} rows of shape {x.shape[1:]}, "
                    f"expected {dtype} rows of shape {shape} as in x_train"
                )
        if self.image_shape is not None and prod(self.image_shape) != prod(shape):
            raise ValueError(
                f"{self.name}: image_shape is {self.image_shape}, "
                f"expected as many pixels as a row of x has numbers, shape {shape}"
            )

    def _check_labels(self, array: str, y: Labels) -> None:
        if not np.issubdtype(y.dtype, np.integer):
            raise ValueError(f"{self.name}: {array} has dtype {y.dtype}, expected integers")
        for label in (y.min(), y.max()):
            if not 0 <= label < self.num_classes:
                raise ValueError(
                    f"{self.name}: {array} holds the label {label}, "
                    f"expected 0 to {self.num_classes - 1}"
                )

    @classmethod
    def from_arrays(
        cls,
        name: str,
        x: Examples | Pixels,
        y: NDArray[Any],
        *,
        targets: Sequence[str] = (),
        weights: NDArray[Any] | None = None,
        image_shape: tuple[int, ...] | None = None,
        seed: int | np.random.Generator = 0,
    ) -> Dataset:
        """Divide labelled rows into 60 % training, 20 % validation and 20 % test.

        Every class is divided in this proportion (see `stratified_split`); rows that are the same
        go to the same part, as far as that is possible, and `notes` tell of them.

        Args:
            name: what messages and reports call the data.
            x: inputs (N, …), float32 or float64.
            y: labels (N,), integers or strings; the classes are its different values in
                order, and label `c` of the dataset stands for the c-th of them. What stands for
                a missing value (see `chainrule.data.cells`) is no label. Or, with `targets`,
                numbers to predict, (N, T), or (N,) for one.
            targets: what the numbers to predict are called; none for labels.
            weights: what the rows weigh (N,), as `w_train` of a Dataset.
            image_shape: as in `Dataset`.
            seed: decides which row goes to which part.

        Raises:
            ValueError: x, y or the weights are not as described, or more than a tenth of the
                classes have fewer than 3 rows; where they are fewer, these are for training alone.
        """
        if targets:
            check_inputs(name, "x", x)
            y = y[:, np.newaxis] if isinstance(y, np.ndarray) and y.ndim == 1 else y
            check_targets(name, "y", y, (len(x), len(targets)))
        else:
            check_rows(name, "x", x, "y", y)
        check_weights(name, "weights", weights, len(y))
        parts = parts_of(name, x, y, seed, targets)
        return cls.of_parts(name, x, parts, weights=weights, image_shape=image_shape)

    @staticmethod
    def from_frame(frame: Any, label: str | Sequence[str], **reading: Any) -> Dataset:
        """Load a data frame, as `chainrule.data.from_frame` says."""
        reader = import_module("chainrule.data.frame")  # by name, since it makes datasets itself
        loaded: Dataset = reader.from_frame(frame, label, **reading)
        return loaded

    @classmethod
    def of_parts(
        cls,
        name: str,
        x: Examples | Pixels,
        parts: Parts,
        *,
        weights: NDArray[Any] | None = None,
        image_shape: tuple[int, ...] | None = None,
    ) -> Dataset:
        """Return the dataset of rows x (N, …) that are divided as `parts` says."""
        train, val, test = parts.rows
        y = parts.labels
        weighed = [None if weights is None else weights[part] for part in parts.rows]
        return cls(
            name,
            *(x[train], y[train], x[val], y[val], x[test], y[test]),
            classes=parts.classes,
            targets=parts.targets,
            image_shape=image_shape,
            notes=parts.notes,
            w_train=weighed[0],
            w_val=weighed[1],
            w_test=weighed[2],
        )

    @property
    def num_classes(self) -> int:
        """The number C of classes, 0 where there are targets."""
        return len(self.classes)

    @property
    def num_outputs(self) -> int:
        """How many outputs a network needs: one for each class, or for each target."""
        return len(self.targets) or self.num_classes

    def standardised(self) -> Dataset:
        """Return the dataset with every feature at mean 0 and standard deviation 1.

        For pictures, which have an `image_shape`, the pixels share one mean and one deviation.
        Both are measured on the training part alone, are applied to all three parts, and are
        kept as `standardiser`, for the rows that a net is to judge later. A feature that is
        constant in training becomes 0. Targets likewise, with `target_standardiser`;
        `in_unit` brings predictions back. The dtype stays. A dataset that is standardised is
        returned as it is.

        Raises:
            ValueError: a number is so far from the others that the dtype cannot hold it
                standardised, or a target is the same in all training rows.
        """
        if self.standardiser is not None:
            return self
        with np.errstate(over="ignore", invalid="ignore"):  # _map_x finds what overflowed
            standardiser = self._measured()
            scaled = self._map_x(
                lambda x: (
                    x.standardised(standardiser)
                    if isinstance(x, Pixels)
                    else standardiser.transform(x)
                ),
                " once standardised",
            )
        scaled = replace(scaled, standardiser=standardiser)
        return scaled if not self.targets else scaled._with_targets_standardised()

    def _with_targets_standardised(self) -> Dataset:
        scale = Standardiser.fit(self.y_train)
        if not scale.std.all():
            target = self.targets[int(scale.std.argmin())]
            raise ValueError(f"{self.name}: the target {target!r:.40} is the same in all training "
                             f"rows, so that there is nothing to learn")  # fmt: skip
        y: dict[str, Any] = {
            name: scale.transform(getattr(self, name)) for name in ("y_train", "y_val", "y_test")
        }
        return replace(self, target_standardiser=scale, **y)

    def in_unit(self, y: Examples) -> Examples:
        """Return numbers y (N, T) that a model of this dataset predicts in the unit of the targets:
        the standardising of y is undone, if there was any."""
        scale = self.target_standardiser
        return y if scale is None else scale.inverse(y)

    def _measured(self) -> Standardiser:
        if isinstance(self.x_train, Pixels):
            return self.x_train.measure()
        return Standardiser.fit(self.x_train, shared=self.image_shape is not None)

    def balanced(self) -> Dataset:
        """Return the dataset with weights under which all classes of the training part count the
        same, times those that rows have; scores on other parts are weighted likewise. Raises
        ValueError where there are no classes."""
        if self.targets:
            raise ValueError(
                f"{self.name}: --class-weights balanced goes with classes, and these rows have "
                f"numbers to predict"
            )
        counts = np.bincount(self.y_train, minlength=self.num_classes)
        each = len(self.y_train) / (self.num_classes * np.maximum(counts, 1))
        parts: dict[str, Any] = {}
        for part in ("train", "val", "test"):
            weights = getattr(self, f"w_{part}")
            parts[f"w_{part}"] = each[getattr(self, f"y_{part}")] * (
                1.0 if weights is None else weights
            )
        told = "all classes weigh the same in training and in the accuracy of validation"
        return replace(self, notes=(*self.notes, told), **parts)

    def astype(self, dtype: DTypeLike) -> Dataset:
        """Return the dataset with x, and y where it holds targets, as float32 or float64; arrays
        of that dtype are not copied.

        Raises:
            ValueError: a number is too large for float32, or `dtype` is another.
        """
        with np.errstate(over="ignore"):
            return self._map_x(lambda x: x.astype(dtype, copy=False))

    def _map_x(self, function: Callable[[Any], Any], done: str = "") -> Dataset:
        parts: dict[str, Any] = {}
        if self.targets:
            dtype = function(self.x_train[:1]).dtype
            for name in ("y_train", "y_val", "y_test"):
                parts[name] = getattr(self, name).astype(dtype, copy=False)
        for name in ("x_train", "x_val", "x_test"):
            x = getattr(self, name)
            parts[name] = function(x)
            if first := _not_finite(parts[name]):
                kind = "" if self.standardiser is None else " (standardised)"
                raise ValueError(
                    f"{self.name}: {name}{list(first)} is {x[first]:g}{kind}, "
                    f"too large for {parts[name].dtype}{done}"
                )
        return replace(self, **parts)

    def describe(self) -> str:
        """Return name, sizes, features and classes as a few aligned lines of text."""
        shape = self.x_train.shape[1:] if self.image_shape is None else self.image_shape
        sides = f" ({' × '.join(map(str, shape))})" if len(shape) > 1 else ""
        called = self.targets or self.classes
        names = ", ".join(called[:10]) + (", …" if len(called) > 10 else "")
        rows = [
            ("training", len(self.x_train), " examples"),
            ("validation", len(self.x_val), " examples"),
            ("test", len(self.x_test), " examples"),
            ("features", self.x_train[0].size, f"{sides}, {self.x_train.dtype}"),
            ("targets" if self.targets else "classes", len(called), f": {names}"),
        ]
        lines = [f"  {what:<10} {count:>7,}{more}" for what, count, more in rows]
        if self.label_column >= 0:
            name = f", {self.label}" if self.label else ""
            lines.append(f"  {'label':<17} column {self.label_column + 1} of the file{name}")
        return "\n".join([self.name, *lines])


def check_rows(name: str, x_name: str, x: Examples | Pixels, y_name: str, y: NDArray[Any]) -> None:
    """Raise ValueError unless x (N, …) is finite float32 or float64 and y names N classes."""
    check_inputs(name, x_name, x)
    check_unmasked(f"{name}: {y_name}", y)
    if not isinstance(y, np.ndarray):
        raise ValueError(
            f"{name}: {y_name} is a {type(y).__name__}, expected an array (np.asarray)"
        )
    if y.shape != (len(x),):
        raise ValueError(
            f"{name}: {y_name} has shape {y.shape}, "
            f"expected ({len(x)},): one label for each row of {x_name}"
        )
    if y.dtype.kind not in "biuU":
        more = "; numbers to predict are named by targets" if y.dtype.kind == "f" else ""
        raise ValueError(
            f"{name}: {y_name} has dtype {y.dtype}, expected integers or strings{more}"
        )
    if y.dtype.kind == "U" and (missing := [label for label in np.unique(y) if is_missing(label)]):
        row = int(np.flatnonzero(y == missing[0])[0])
        raise ValueError(
            f"{name}: {y_name}[{row}] is {str(missing[0])!r}, a missing value: leave such rows "
            f"out, or give the class another name"
        )


def check_inputs(name: str, x_name: str, x: Examples | Pixels) -> None:
    """Raise ValueError unless x (N, …) is finite float32 or float64."""
    check_unmasked(f"{name}: {x_name}", x)
    if not isinstance(x, np.ndarray | Pixels):
        raise ValueError(
            f"{name}: {x_name} is a {type(x).__name__}, expected an array (np.asarray)"
        )
    if x.dtype not in (np.float32, np.float64):
        raise ValueError(f"{name}: {x_name} has dtype {x.dtype}, expected float32 or float64")
    if x.ndim < 2 or x.size == 0:
        raise ValueError(
            f"{name}: {x_name} has shape {x.shape}, "
            "expected (N, …): at least one row of at least one feature"
        )
    if first := _not_finite(x):
        raise ValueError(f"{name}: {x_name}{list(first)} is {x[first]}, expected finite numbers")


def _not_finite(x: Examples | Pixels) -> tuple[int, ...]:
    """Return the index of the first number of x that is not finite, () if all are."""
    if isinstance(x, Pixels):  # of bytes, all
        return ()
    # The smallest and the largest number tell whether all are finite without an array of flags.
    if np.isfinite(x.min()) and np.isfinite(x.max()):
        return ()
    return tuple(np.argwhere(~np.isfinite(x))[0].tolist())
