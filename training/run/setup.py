"""From options to data, a network and a solver."""

import argparse
import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from chainrule import data
from chainrule.nets import Classifier, Regressor
from chainrule.nets.models import Model
from chainrule.solvers import Solver
from chainrule.training.options import (
    FROM_FOLDER,
    LOSSES,
    RULES,
    SCHEDULES,
    TOYS,
)
from chainrule.training.run.augmentation import augmentation
from chainrule.training.run.networks import network
from chainrule.training.run.ranks import ALONE, Alone
from chainrule.training.tables import TABLE

SIZE, LARGEST = (32,), 4096  # pixels of --image-size
bar = partial(tqdm, unit="picture", delay=1, leave=False, disable=None, dynamic_ncols=True)


def load(
    name: str,
    folder: str | None,
    dtype: str,
    team: Alone = ALONE,
    *,
    image_size: Sequence[int] | None = None,
    class_weights: str | None = None,
    **table: str | None,
) -> data.Dataset:
    """The data set called `name`, its inputs standardised by the training part. Each of several
    processes reads the rows that it needs, where the file is one that allows it. `image_size`,
    `class_weights` and `table`, those of TABLE, are the options of these names."""
    if image_size is not None and not is_folder(name):
        raise ValueError(f"--image-size: goes with a folder of pictures; --dataset {name} is none")
    given = {option: value for option, value in table.items() if value is not None}
    if (not Path(name).suffix or is_folder(name)) and given:
        raise ValueError(f"--{next(iter(given))} goes with a CSV file, not with --dataset {name}")
    if folder is not None and name not in FROM_FOLDER:
        raise ValueError(f"--data-dir goes with --dataset {' or '.join(FROM_FOLDER)}, not {name}")
    if name == "digits":
        dataset = data.load_digits()
    elif name in FROM_FOLDER:
        sharing = {"mapped": True} if team.ranks > 1 and name == "mnist" else {}
        dataset = FROM_FOLDER[name](folder, **sharing)
    elif name in TOYS:
        dataset = TOYS[name]()
    elif is_folder(name):
        with reading("--dataset", name):
            dataset = data.load_images(name, size=pair(image_size or SIZE), progress=bar)
    elif Path(name).suffix:
        with reading("--dataset", name):
            dataset = data.load_file(name, **as_read(given))
    else:
        raise ValueError(
            f"--dataset {name}: expected digits, {', '.join((*FROM_FOLDER, *TOYS))}, a file that "
            f"ends in .csv, .csv.gz or .npz, or a folder that holds one of pictures for each class"
        )
    if class_weights is not None:
        dataset = dataset.balanced()
    return dataset.standardised().astype(dtype)


def load_for(options: argparse.Namespace, team: Alone = ALONE) -> data.Dataset:
    """The data set that the options of a run ask for."""
    table: dict[str, Any] = {name: getattr(options, name) for name in TABLE}
    given = options.dataset, options.data_dir, options.dtype
    size = options.image_size
    if is_folder(options.dataset):
        size = options.image_size = size or SIZE
    return load(*given, team, image_size=size, class_weights=options.class_weights, **table)


def as_read(table: Mapping[str, str]) -> dict[str, Any]:
    """What options of TABLE say, as `data.load_csv` takes it."""
    read: dict[str, Any] = dict(table)
    for name in ("drop", "categories", "na"):
        if name in read:
            read[name] = next(csv.reader([read[name]])) or [""]
    return read | ({"header": told(table["header"])} if "header" in table else {})


def is_folder(name: str) -> bool:
    """Whether --dataset asks for a folder of pictures."""
    return name not in ("digits", *FROM_FOLDER, *TOYS) and Path(name).is_dir()


def pair(sizes: Sequence[int]) -> tuple[int, int]:
    """Height and width, as --image-size says. Raises ValueError where it says something else."""
    if not 1 <= len(sizes) <= 2 or max(sizes) > LARGEST:
        raise ValueError(
            f"--image-size {','.join(map(str, sizes))}: expected one number of pixels, or height "
            f"and width, up to {LARGEST:,}"
        )
    return sizes[0], sizes[-1]


def told(header: str | None) -> bool | None:
    """What --header says."""
    return None if header is None else header == "yes"


@contextmanager
def reading(option: str, file: str) -> Iterator[None]:
    """Within it, an OSError becomes one that names the option which asked for the file."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(f"{option} {file}: there is no such file") from None
    except ImportError as error:
        raise ValueError(f"{option} {file}: {error}") from None
    except OSError as error:
        raise OSError(f"{option} {file}: cannot be read: {error.strerror or error}") from None


def build(
    options: argparse.Namespace, dataset: data.Dataset, team: Alone = ALONE
) -> tuple[Model, Solver]:
    """The classifier, or for targets the regressor, and the solver that the options ask for, for a
    `team` to train. Raises ValueError where an option is wrong."""
    rng = np.random.default_rng(options.seed)
    shape, image_shape = dataset.x_train.shape[1:], dataset.image_shape
    net = network(options, shape, image_shape, dataset.num_outputs, rng=rng)
    if options.batch_size > len(dataset.x_train):
        raise ValueError(
            f"--batch-size {options.batch_size}: expected at most {len(dataset.x_train)}, the "
            f"number of training examples"
        )
    kind = Regressor if dataset.targets else Classifier
    model = kind(net, loss=LOSSES[options.loss], l2=options.l2)
    rate = {} if options.lr is None else {"lr": options.lr}
    solver = team.solver(
        model,
        RULES[options.rule](**rate),
        dataset,
        epochs=options.epochs,
        batch_size=options.batch_size,
        schedule=SCHEDULES[options.schedule](options.epochs)(warmup=options.warmup),
        clip_norm=options.clip_norm,
        patience=options.patience,
        augment=augmentation(options.augment, dataset),
        seed=rng,
        progress=sys.stderr.isatty(),
    )
    return model, solver
