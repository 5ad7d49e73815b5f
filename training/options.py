"""The options of the command line, and what their words stand for."""

import argparse
import dataclasses
import difflib
import math
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NoReturn

from chainrule import data, layers, solvers
from chainrule.training.recipes import (
    MOST_EPOCHS,
    STEPS,
    TAKEN,
    recipe_for,
    recipes,
    taken_by,
)
from chainrule.training.tables import add_reading

ACTIVATIONS: dict[str, dict[str, Any]] = {
    "relu": {"activation": layers.ReLU()},
    "leaky-relu": {"activation": layers.LeakyReLU()},
    "prelu": {"activation": layers.PReLU()},
    "elu": {"activation": layers.ELU()},
    "sigmoid": {"activation": layers.Sigmoid()},
    "tanh": {"activation": layers.Tanh()},
    "softplus": {"activation": layers.Softplus()},
    "gelu": {"activation": layers.GELU()},
    "swish": {"activation": layers.Swish()},
    "selu": {"activation": layers.SELU()},
    "mish": {"activation": layers.Mish()},
    "hard-swish": {"activation": layers.HardSwish()},
    "softsign": {"activation": layers.Softsign()},
    "maxout": {"activation": None, "affine": layers.Maxout},
}


def group_norm(width: int, **options: Any) -> layers.Layer:
    """Group normalisation with up to 8 groups, of at least two channels."""
    groups = max(n for n in (1, 2, 4, 8) if n == 1 or (width % n == 0 and width >= 2 * n))
    return layers.GroupNorm(width, groups, **options)


NORMS = {
    "none": None,
    "batchnorm": layers.BatchNorm,
    "layernorm": layers.LayerNorm,
    "groupnorm": group_norm,
}
#: By the task; the first is the one if left out.
CLASS_LOSSES: dict[str, layers.Loss] = {
    "softmax": layers.SoftmaxCrossEntropy(),
    "sigmoid": layers.SigmoidCrossEntropy(),
    "hinge": layers.Hinge(),
    "mse": layers.MSE(),
}
TARGET_LOSSES: dict[str, layers.Loss] = {
    "mse": layers.MSE(),
    "l1": layers.L1(),
    "huber": layers.Huber(),
}
LOSSES = CLASS_LOSSES | TARGET_LOSSES
RULES: dict[
    str, Callable[..., solvers.UpdateRule]
] = {  # each with the learning rate that does for most networks
    "sgd": partial(solvers.SGD, lr=0.1),
    "momentum": partial(solvers.SGD, lr=0.05, momentum=0.9),
    "nesterov": partial(solvers.SGD, lr=0.05, momentum=0.9, nesterov=True),
    "adagrad": partial(solvers.AdaGrad, lr=0.01),
    "rmsprop": partial(solvers.RMSProp, lr=1e-3),
    "adam": partial(solvers.Adam, lr=2e-3),
    "adamw": partial(solvers.AdamW, lr=2e-3),
}
SCHEDULES: dict[
    str, Callable[[int], Callable[..., solvers.Schedule]]
] = {  # each made for the number of epochs, the warm-up still to be given
    "constant": lambda _: solvers.Constant,
    "step": lambda epochs: partial(solvers.Step, math.ceil(epochs / 3), 0.1),
    "exponential": lambda epochs: partial(solvers.Exponential, 0.01 ** (1 / epochs)),
    "cosine": lambda epochs: partial(solvers.Cosine, epochs),
}
FROM_FOLDER: dict[str, Callable[..., data.Dataset]] = {
    "mnist": data.load_mnist,
    "cifar10": data.load_cifar10,
}
TOYS: dict[str, Callable[..., data.Dataset]] = {
    "spirals": data.spirals,
    "moons": data.moons,
    "circles": data.circles,
    "blobs": data.blobs,
    "xor": data.xor,
}


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line, without the whole usage above it, and which knows
    options by their whole names alone; `alone` says why there are no others."""

    def __init__(self, *, alone: str = "", **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)
        self.alone = alone

    def parse_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> Any:
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            first = unknown[0].partition("=")[0]
            close = difflib.get_close_matches(first, self._option_string_actions, n=1)
            hint = self.alone or (f"did you mean {close[0]}?" if close else "see --help")
            self.error(f"unrecognized arguments: {' '.join(unknown)}; {hint}")
        return found

    def _print_message(self, message: str, file: Any = None) -> None:
        """As argparse does, which says nothing where it cannot be written, as to a closed pipe."""
        (file or sys.stderr).write(message)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"chainrule: {message}\n")


def sizes(text: str) -> tuple[int, ...]:
    """ "256,128" as (256, 128); "" as no hidden layers at all."""
    return tuple(count(size.strip()) for size in text.split(",")) if text else ()


def count(text: str, least: int = 1, digits: int = 9) -> int:
    """A whole number, at least `least`, with at most so many digits."""
    if not (text.isdecimal() and len(text) <= digits and int(text) >= least):
        raise argparse.ArgumentTypeError(
            f"expected a whole number, at least {least}, of at most {digits} digits, "
            f"got {text!r:.40}"
        )
    return int(text)


def port(text: str) -> int:
    """The number of a port; 0 is any that is free."""
    if not (text.isdecimal() and int(text[:6]) <= 65535):
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {text!r:.40}")
    return int(text)


def number(text: str, least: float, most: float) -> float:
    """A number from `least` to `most`."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(
            f"expected a number from {least:g} to {most:g}, got {text!r:.40}"
        )
    return value


def parser() -> Parser:
    out = Parser(
        prog="chainrule train",
        usage="chainrule train [options]",
        description="Trains a network, on handwritten digits unless --dataset names other\n"
        "data, and writes the run into a folder. chainrule resume, evaluate, predict and\n"
        "compare take such folders; each has a --help of its own.",
        epilog=f"What is used of these where it is left out:\n{recipes()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = out.add_argument
    add(
        "--dataset",
        default="digits",
        metavar="NAME",
        help=f"digits (the default), mnist, cifar10, {', '.join(TOYS)}, "
        "a .csv, .csv.gz or .npz file, or a folder with a subfolder of pictures for each class",
    )
    add("--image-size", type=sizes, metavar="PIXELS", help="height and width that the pictures of "
        "a folder are brought to, as in 48 or 32,64; 32 if left out")  # fmt: skip
    add("--data-dir", metavar="DIR", help="folder with the files of mnist or cifar10; left out, "
        "they are downloaded once")  # fmt: skip
    add_reading(out)
    add("--class-weights", choices=["balanced"], help="have all classes count the same in training "
        "and in the scores of validation, however many rows they have")  # fmt: skip
    add("--net", choices=TAKEN, default="mlp", help="a network of affine layers, mlp (if left out),"
        " one of convolutions for data that are images, a recurrent one that reads them row by "
        "row, or a transformer, vit, patch by patch")  # fmt: skip
    add("--channels", type=sizes, metavar="SIZES", help="of the convolutions of --net cnn, or of "
        "the stages of resnet, as in 16,32")  # fmt: skip
    add("--hidden", type=sizes, metavar="SIZES", help="units of the hidden layers of --net mlp or "
        "cnn, or of the recurrent ones, as in 256,128")  # fmt: skip
    add("--activation", choices=ACTIVATIONS, help="relu if left out, of recurrent networks tanh, "
        "of vit gelu")  # fmt: skip
    add("--sequence", type=count, metavar="T", help="have --net rnn, lstm or gru read a row as T "
        "steps; pictures are read row by row if it is left out")  # fmt: skip
    add("--augment", metavar="WAYS", help="change the pictures at random each time that they are "
        "trained on: flip (left is right, not for digits and letters), crop (moved, with a black "
        "border), shift (moved, the edge repeated), as in flip,crop; crop=4 is by up to 4 pixels, "
        "left out an eighth of the picture")  # fmt: skip
    add("--norm", choices=NORMS, help="batchnorm if left out, of tables none; groupnorm has up to "
        "8 groups")  # fmt: skip
    add("--dropout", type=partial(number, least=0, most=1), metavar="KEEP",
        help="probability of keeping a unit; 1 for no dropout")  # fmt: skip
    add("--loss", choices=LOSSES, help="of classes softmax if left out, sigmoid, hinge or mse; of "
        "numbers to predict mse if left out, l1 or huber")  # fmt: skip
    add("--rule", choices=RULES, default="adam", help="update rule, adam if left out")
    add(
        "--lr",
        type=partial(number, least=1e-100, most=1e100),
        metavar="RATE",
        help="learning rate; each rule has its own default",
    )
    add("--schedule", choices=SCHEDULES, default="cosine",
        help="of the learning rate, cosine if left out")  # fmt: skip
    add(
        "--warmup",
        type=partial(number, least=0, most=1e9),
        default=0.0,
        metavar="EPOCHS",
        help="linear warm-up",
    )
    add("--epochs", type=count, metavar="N", help="how often to go through the training data")
    add("--batch-size", type=count, metavar="N", help="examples per step")
    add("--l2", type=partial(number, least=0, most=1e100), metavar="L2",
        help="strength of the penalty 0.5 · l2 · ΣW²")  # fmt: skip
    add("--clip-norm", type=partial(number, least=1e-100, most=1e100), metavar="NORM",
        help="largest norm of the gradient")  # fmt: skip
    add("--patience", type=count, metavar="EPOCHS", help="stop after so many without improvement")
    add(
        "--seed",
        type=partial(count, least=0, digits=40),
        default=0,
        help="of weights, dropout and the order of the examples",
    )
    add("--dtype", choices=["float32", "float64"], default="float32", help="float32 if left out")
    add("--gradcheck", action="store_true", help="check the network's gradients before training")
    add("--sanity", action="store_true", help="look for what keeps the network from learning, "
        "with sanity.png in the folder of --run-dir or else in the current one, and train nothing"
        )  # fmt: skip
    add("--no-report", action="store_true", help="leave out report.html")
    add(
        "--pictures",
        action="store_true",
        help="write the pictures of report.html as PNG files, too",
    )
    add("--log", metavar="FILE", help="write a line of JSON for each epoch into this file")
    add("--live", type=port, nargs="?", const=0, metavar="PORT",
        help="follow the run on a page of this machine, on any free port if left out")  # fmt: skip
    add("--tensorboard", action="store_true", help="write events for TensorBoard into the run")
    add("--run-dir", metavar="DIR",
        help="a new folder for the run, runs/DATE_TIME_NAME if left out")  # fmt: skip
    add(
        "--seeds",
        type=partial(count, digits=4),
        metavar="N",
        help="train N times, with the seeds from --seed on",
    )
    add(
        "--search",
        nargs="+",
        action="extend",
        metavar="NAME=RANGE",
        help="train with options drawn at random from a range, on a log scale with :log, or from "
        "some values, as in lr=1e-4..1e-1:log hidden=50,100,100x100, two layers of 100",
    )
    add("--trials", type=partial(count, digits=4), metavar="N", help="how often --search draws; "
        "20 if left out")  # fmt: skip
    add("--sampler", choices=("tpe",), help="how --search draws: tpe, by Optuna, after ten random "
        "trials those that the results so far promise most of; at random if left out")  # fmt: skip
    add("--jobs", type=count, metavar="N", help="how many runs of --seeds or --search go on at "
        "once; one per core, or per worker of --scheduler, if left out")  # fmt: skip
    add("--scheduler", metavar="ADDRESS", help="carry out the runs of --seeds or --search by the "
        "workers of this Dask scheduler, on other machines that see this folder")  # fmt: skip
    add("--resume", metavar="DIR", help="go on with the run, or the runs, in this folder; goes "
        "with --epochs or --jobs alone")  # fmt: skip
    return out


def resume_parser() -> Parser:
    out = Parser(
        prog="chainrule resume",
        description="Goes on with a run, or with several.",
        alone="resume goes with --epochs or --jobs alone, all else is as the run was begun",
    )
    add_run(out)
    out.add_argument(
        "--epochs", type=count, help="train until there are so many; as planned if left out"
    )
    out.add_argument("--jobs", type=count, help="how many of several runs go on at once")
    out.add_argument("--scheduler", metavar="ADDRESS", help="that of Dask, for several runs")
    return out


def add_run(out: Parser) -> None:
    """Has a parser take the folder of a run, with or without --run; `folder_of` tells which."""
    out.add_argument("folder", metavar="RUN", nargs="?", help="the folder of the run")
    out.add_argument("--run", metavar="RUN", help="the same")


def folder_of(options: argparse.Namespace) -> str:
    """The folder that was asked for. Raises ValueError where there is none, or there are two."""
    if (options.folder is None) == (options.run is None):
        raise ValueError(
            f"expected the folder of one run, got "
            f"{'none' if options.run is None else f'{options.folder} and {options.run}'}"
        )
    return options.run or options.folder


def fill_in(options: argparse.Namespace, dataset: data.Dataset) -> None:
    """Sets the options that were left out, with a batch that is no larger than the data. Raises
    ValueError where one was given that the network does not take."""
    net = options.net
    for name in ("channels", "hidden", "dropout", "sequence"):
        if getattr(options, name) and net not in taken_by(name):
            raise ValueError(
                f"--{name}: goes with --net {' or '.join(taken_by(name))}, not with {net}"
            )
    losses = TARGET_LOSSES if dataset.targets else CLASS_LOSSES
    options.loss = options.loss or next(iter(losses))
    if options.loss not in losses:
        kinds = "numbers to predict", "classes"
        other, held = kinds if dataset.classes else kinds[::-1]
        raise ValueError(
            f"--loss {options.loss}: goes with {other}, and {options.dataset} has {held}; expected "
            f"{', '.join(losses)}"
        )
    own = options.dataset not in ("digits", *FROM_FOLDER, *TOYS)
    table = own and net == "mlp" and dataset.image_shape is None and dataset.x_train.ndim == 2
    recipe = recipe_for(net, "a table" if table else options.dataset)
    rows = len(dataset.x_train)
    batch_size = min(recipe.batch_size, rows)
    if own:
        a_file = math.ceil(STEPS / math.ceil(rows / (options.batch_size or batch_size)))
        recipe = dataclasses.replace(recipe, epochs=max(recipe.epochs, min(a_file, MOST_EPOCHS)))
    for name, value in (dataclasses.asdict(recipe) | {"batch_size": batch_size}).items():
        if getattr(options, name) is None:
            setattr(options, name, value)


def worded(value: Any) -> str:
    """The value of an option as one would type it."""
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)
