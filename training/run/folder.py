"""The folder of a run: what it was asked to do, how it went, and what it has learned."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import hashlib
import importlib.metadata
import io
import json
import platform
from collections.abc import Callable
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from chainrule.data import Dataset
from chainrule.nets import FileError
from chainrule.nets.files import brief, read_description, read_file, write_file
from chainrule.solvers import History
from chainrule.training.run.config import FORMAT, check_config, checksum, fingerprint_of

CHECKPOINT = "checkpoint.safetensors"
LOCK = "run.lock"
#: What may lie in a folder before a run begins there: of --sanity, of --seeds and of --search.
EARLIER = ("sanity.png", "run.log", LOCK)
COLUMNS = ("epoch", "loss", "val_loss", "train_score", "val_score", "grad_norm", "seconds")
#: Those of versions that did not keep the loss on the validation data.
EARLIER_COLUMNS = tuple(name for name in COLUMNS if name != "val_loss")


class InUse(FileError):
    """Another process trains in the folder of a run."""


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """A folder with these files:

    config.json             options, versions, and the data: their fingerprint, their classes, and
                            the mean and deviation that inputs were standardised by
    metrics.csv             a line per epoch: losses, scores, norm of the gradient, seconds
    checkpoint.safetensors  the run between two steps, to go on from
    best.safetensors        the network with the best validation score, for `nets.load`
    report.html             the run in pictures
    """

    path: Path
    config: dict[str, Any]
    #: Gives the folder free for other processes; None where it is not claimed.
    release: Callable[[], object] | None = None

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    @classmethod
    def create(cls, path: str | PathLike[str], config: dict[str, Any]) -> RunFolder:
        """Makes the folder at `path`, with those above it, keeps it from other processes as `claim`
        does, and writes `config` into it. Raises FileError where there is a run already or anything
        else, another process begins one, or nothing can be written."""
        path = Path(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(
                f"--run-dir {path}: cannot be made: {error.strerror}; choose another folder"
            ) from None
        check_empty(path)
        try:
            release = cls(path, {}).claim()
        except InUse:
            raise InUse(
                f"--run-dir {path}: another process begins a run there; choose another folder"
            ) from None
        try:
            check_empty(
                path
            )  # nobody else has written there meanwhile, and from now on nobody will
            folder = cls(path, {"format": FORMAT, **config}, release)
            folder.write_config()
        except FileError as error:
            release()
            if str(error).startswith("--run-dir"):
                raise
            raise FileError(f"--run-dir {error}; choose another folder") from None
        return folder

    @classmethod
    def open(cls, path: str | PathLike[str]) -> RunFolder:
        """The folder of a run that was begun. Raises FileError where there is none, or where its
        config.json is not as it was written."""
        path = Path(path)
        try:
            config = json.loads(read_file(path / "config.json").decode())
            check_config(config)
        except FileError:
            raise
        except OSError as error:
            raise FileError(
                f"{path}: expected the folder of a run, but {why_not(path, error)}"
            ) from None
        except (ValueError, RecursionError) as error:
            raise FileError(f"{path}/config.json: damaged: {brief(error)}") from None
        if config["format"] > FORMAT:
            raise FileError(
                f"{path}: a run of a newer version of Chainrule, in format "
                f"{brief(config['format'], 20)}; this one reads up to format {FORMAT}"
            )
        config.pop("checksum", None)
        return cls(path, config)

    def claim(self) -> Callable[[], object]:
        """Keeps other processes from training in this folder, as far as the system can; returns a
        function that gives it free again. Raises InUse where another process trains there."""
        lock = filelock.FileLock(self / LOCK, timeout=0, thread_local=False)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise InUse(
                f"{self.path}: another process is training this run; wait until it has ended, or "
                f"stop it"
            ) from None
        except (OSError, NotImplementedError):  # without locks, or only to be read
            return lambda: None
        return lock.release

    def claimed(self) -> RunFolder:
        """The same folder, kept from other processes, as the last of them left it. Raises FileError
        as `open` and `claim` do."""
        release = self.claim()
        try:
            return dataclasses.replace(RunFolder.open(self.path), release=release)
        except BaseException:
            release()
            raise

    @property
    def fingerprint(self) -> str:
        """That of the options and the data, which the other files of the run hold, too."""
        return fingerprint_of(self.config)

    def check_made_for(self, name: str) -> dict[str, Any]:
        """What the safetensors file called `name` says of itself. Raises FileError where that
        cannot be read, or is of other options or other data than those of config.json. Files of
        earlier versions do not say of which."""
        told = read_description(self / name)
        run = told.get("run")
        notes = run.get("notes") if isinstance(run, dict) else told
        found = notes.get("config") if isinstance(notes, dict) else None
        if found is not None and found != self.fingerprint:
            raise FileError(
                f"{self.path}: config.json and {name} are not of one run, or one of them is "
                f"damaged: the options or the data are others"
            )
        return told

    def write_config(self) -> None:
        """Writes config.json, with a checksum."""
        content = self.config | {"checksum": checksum(self.config)}
        write_file(self / "config.json", json.dumps(content, indent=2).encode() + b"\n")

    def write_metrics(self, history: History) -> None:
        """Writes metrics.csv; an empty field where there is no figure."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(zip(*(getattr(history, name) for name in COLUMNS), strict=True))
        write_file(self / "metrics.csv", text.getvalue().encode())


def check_empty(path: Path) -> None:
    """Raises FileError where the folder at `path` holds a run, or anything else that is not of one
    who begins it."""
    try:
        held = sorted(one.name for one in path.iterdir() if one.suffix != ".tmp")
    except OSError as error:
        raise FileError(
            f"--run-dir {path}: cannot be made: {error.strerror}; choose another folder"
        ) from None
    if "config.json" in held:
        raise FileError(
            f"--run-dir {path}: holds a run already; go on with it by chainrule resume {path}, "
            f"or choose another folder"
        )
    if others := [name for name in held if name not in EARLIER]:
        raise FileError(
            f"--run-dir {path}: holds {others[0]} and no run, expected a new or an empty "
            f"folder; choose another"
        )


def why_not(path: Path, error: OSError) -> str:
    """Why the config.json in the folder `path` could not be read, in words."""
    if isinstance(error, NotADirectoryError):
        return "it is no folder"
    if not isinstance(error, FileNotFoundError):
        return f"its config.json cannot be read: {error.strerror}"
    if not path.exists():
        return "there is no such folder"
    if inside := runs_in(path):
        return f"it holds folders of runs; name one of them, such as {inside[0]}"
    return "it holds none: its config.json is missing"


def runs_in(path: str | PathLike[str]) -> list[Path]:
    """The folders of runs in the folder `path`, by name."""
    return sorted(config.parent for config in Path(path).glob("*/config.json"))


def fresh_path(name: str) -> Path:
    """A new folder for a run on the data called `name`: runs/DATE_TIME_NAME. It is made at once,
    since another process may be looking for one, too."""
    start = Path("runs") / f"{datetime.now():%Y-%m-%d_%H%M%S}_{name[:40]}"
    path, count = start, 1
    while True:
        try:
            path.mkdir(parents=True)
            return path
        except FileExistsError:
            count += 1
            path = start.with_name(f"{start.name}-{count}")
        except OSError:
            return path  # whoever writes there will say what is wrong


def description(options: argparse.Namespace, dataset: Dataset) -> dict[str, Any]:
    """What config.json says of a run."""
    words = {name: value for name, value in vars(options).items() if name not in ("run_dir",)}
    scale = dataset.standardiser
    assert scale is not None  # `load` standardises
    return {
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "options": words,
        "versions": {
            "chainrule": importlib.metadata.version("chainrule"),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "data": {
            "name": dataset.name,
            "features": dataset.features,
            "label": dataset.label,
            "label_column": dataset.label_column,
            "encoding": dataset.encoding and dataset.encoding.words(),
            "fingerprint": fingerprint(dataset),
            "examples": [len(dataset.y_train), len(dataset.y_val), len(dataset.y_test)],
            "shape": dataset.x_train.shape[1:],
            "image_shape": dataset.image_shape,
            "classes": dataset.classes,
            "mean": one_or_all(scale.mean),
            "std": one_or_all(scale.std),
            **of_targets(dataset),
        },
    }


def of_targets(dataset: Dataset) -> dict[str, Any]:
    """What config.json says of numbers to predict, nothing of classes."""
    scale = dataset.target_standardiser
    if scale is None:
        return {}
    return {
        "targets": dataset.targets,
        "target_mean": scale.mean.tolist(),
        "target_std": scale.std.tolist(),
    }


def one_or_all(array: np.ndarray) -> Any:
    """The numbers of an array as nested lists, or as one number where they are all equal."""
    first = array.flat[0]
    return float(first) if (array == first).all() else array.tolist()


def fingerprint(dataset: Dataset) -> str:
    """A hash of all inputs, labels, weights and class names of a data set."""
    digest = hashlib.blake2b(repr(dataset.classes).encode(), digest_size=16)
    digest.update(repr(dataset.targets).encode() if dataset.targets else b"")
    for part in ("train", "val", "test"):
        for name in (f"x_{part}", f"y_{part}"):
            array = np.ascontiguousarray(getattr(dataset, name))
            digest.update(f"{name} {array.dtype} {array.shape}".encode())
            digest.update(array.reshape(-1).view(np.uint8).data)
        if (weights := getattr(dataset, f"w_{part}")) is not None:
            digest.update(f"w_{part} {weights.tolist()}".encode())
    return digest.hexdigest()
