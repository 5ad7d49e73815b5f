"""Trains a classifier: `python train.py` on the handwritten digits that come with the package.

`python train.py --help` lists the options. Exit status: 0 trained, 1 training or printing failed,
2 an option or the data are wrong, 130 interrupted, 141 nobody reads the output any more.
"""

import argparse
import dataclasses
import math
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import data
import layers
import solvers
from gradcheck import check
from nets import MLP, Classifier

ACTIVATIONS: dict[str, dict[str, Any]] = {
    "relu": {"activation": layers.ReLU()},
    "leaky-relu": {"activation": layers.LeakyReLU()},
    "prelu": {"activation": layers.PReLU()},
    "elu": {"activation": layers.ELU()},
    "sigmoid": {"activation": layers.Sigmoid()},
    "tanh": {"activation": layers.Tanh()},
    "softplus": {"activation": layers.Softplus()},
    "maxout": {"activation": None, "affine": layers.Maxout},
}
NORMS = {"none": None, "batchnorm": layers.BatchNorm, "layernorm": layers.LayerNorm}
LOSSES = {
    "softmax": layers.SoftmaxCrossEntropy(),
    "sigmoid": layers.SigmoidCrossEntropy(),
    "hinge": layers.Hinge(),
    "mse": layers.MSE(),
}
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


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What is used for an option that is left out."""

    hidden: tuple[int, ...] = (128,)
    dropout: float | None = None
    epochs: int = 40
    batch_size: int = 32
    l2: float = 1e-4


RECIPES = {
    "digits": Recipe(dropout=0.8),
    "mnist": Recipe(hidden=(512, 512), dropout=0.6, epochs=15, batch_size=128, l2=0.0),
    "cifar10": Recipe(hidden=(512, 256), dropout=0.7, epochs=15, batch_size=128, l2=1e-4),
}


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line, without the whole usage above it."""

    def error(self, message):
        self.exit(2, f"train.py: {message}\n")


def sizes(text):
    """ "256,128" as (256, 128); "" as no hidden layers at all."""
    return tuple(count(size.strip()) for size in text.split(",")) if text else ()


def count(text, least=1, digits=9):
    """A whole number, at least `least`, with at most so many digits."""
    if not (text.isdecimal() and len(text) <= digits and int(text) >= least):
        raise argparse.ArgumentTypeError(
            f"expected a whole number, at least {least}, of at most {digits} digits, "
            f"got {text!r:.40}"
        )
    return int(text)


def number(text, least, most):
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


def parser():
    out = Parser(prog="train.py", description=__doc__.partition("\n")[0])
    add = out.add_argument
    add(
        "--dataset",
        default="digits",
        metavar="NAME",
        help=f"digits (the default), mnist, cifar10, {', '.join(TOYS)}, "
        "or a .csv, .csv.gz or .npz file",
    )
    add("--data-dir", metavar="DIR", help="folder with the files of mnist or cifar10; left out, "
        "they are downloaded once")  # fmt: skip
    add("--hidden", type=sizes, metavar="SIZES", help="units of the hidden layers, as in 256,128")
    add("--activation", choices=ACTIVATIONS, default="relu")
    add("--norm", choices=NORMS, default="batchnorm")
    add("--dropout", type=float, metavar="KEEP", help="probability of keeping a unit; 1 for none")
    add("--loss", choices=LOSSES, default="softmax")
    add("--rule", choices=RULES, default="adam", help="update rule")
    add(
        "--lr",
        type=partial(number, least=1e-100, most=1e100),
        metavar="RATE",
        help="learning rate; each rule has its own default",
    )
    add("--schedule", choices=SCHEDULES, default="cosine", help="of the learning rate")
    add(
        "--warmup",
        type=partial(number, least=0, most=1e9),
        default=0.0,
        metavar="EPOCHS",
        help="linear warm-up",
    )
    add("--epochs", type=count)
    add("--batch-size", type=count)
    add("--l2", type=float, help="strength of the penalty 0.5 · l2 · ΣW²")
    add("--clip-norm", type=float, metavar="NORM", help="largest norm of the gradient")
    add("--patience", type=count, metavar="EPOCHS", help="stop after so many without improvement")
    add(
        "--seed",
        type=partial(count, least=0, digits=40),
        default=0,
        help="of weights, dropout and the order of the examples",
    )
    add("--dtype", choices=["float32", "float64"], default="float32")
    add("--gradcheck", action="store_true", help="check the network's gradients before training")
    return out


def load(name, folder, dtype):
    """The data set called `name`, its inputs standardised by the training part."""
    if folder is not None and name not in FROM_FOLDER:
        raise ValueError(f"--data-dir goes with --dataset {' or '.join(FROM_FOLDER)}, not {name}")
    if name == "digits":
        dataset = data.load_digits()
    elif name in FROM_FOLDER:
        dataset = FROM_FOLDER[name](folder)
    elif name in TOYS:
        dataset = TOYS[name]()
    elif Path(name).suffix:
        dataset = data.load_file(name)
    else:
        raise ValueError(
            f"--dataset {name}: expected digits, {', '.join((*FROM_FOLDER, *TOYS))}, or a file "
            f"that ends in .csv, .csv.gz or .npz"
        )
    return dataset.standardised().astype(dtype)


def check_gradients(net, x):
    """Prints how well the backward pass agrees with differences; false where it does not."""
    report = check(net, x)
    print(f"\ngradient check of {report}")
    return bool(report)


def report_epoch(solver, every):
    """A line about the epoch just finished, above the progress bar."""
    history = solver.history
    if solver.epoch % every == 0 or solver.epoch in (1, solver.goal):
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


def fill_in(options, dataset):
    """Sets the options that were left out, with a batch that is no larger than the data."""
    recipe = RECIPES.get(options.dataset, Recipe())
    batch_size = min(recipe.batch_size, len(dataset.x_train))
    for name, value in (dataclasses.asdict(recipe) | {"batch_size": batch_size}).items():
        if getattr(options, name) is None:
            setattr(options, name, value)


def build(options, dataset):
    """The classifier and the solver that the options ask for."""
    rng = np.random.default_rng(options.seed)
    try:
        net = MLP(
            [dataset.x_train[0].size, *options.hidden, dataset.num_classes],
            **ACTIVATIONS[options.activation],
            norm=NORMS[options.norm],
            dropout=None if options.dropout == 1 else options.dropout,
            rng=rng,
            dtype=options.dtype,
        )
    except MemoryError as error:
        raise ValueError(f"--hidden {','.join(map(str, options.hidden))}: {error}") from None
    model = Classifier(net, loss=LOSSES[options.loss], l2=options.l2)
    rate = {} if options.lr is None else {"lr": options.lr}
    solver = solvers.Solver(
        model,
        RULES[options.rule](**rate),
        dataset,
        epochs=options.epochs,
        batch_size=options.batch_size,
        schedule=SCHEDULES[options.schedule](options.epochs)(warmup=options.warmup),
        clip_norm=options.clip_norm,
        patience=options.patience,
        callbacks=[partial(report_epoch, every=math.ceil(options.epochs / 10))],
        seed=rng,
    )
    return model, solver


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


def main(arguments=None):
    """Trains as the command line says; returns the exit status."""
    try:
        return run(parser().parse_args(arguments))
    except KeyboardInterrupt:
        print("train.py: interrupted", file=sys.stderr)
        return 130


def run(options):
    """Loads, builds, trains and reports; returns the exit status."""
    try:
        dataset = load(options.dataset, options.data_dir, options.dtype)
        fill_in(options, dataset)
        model, solver = build(options, dataset)
    except (ValueError, OSError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2
    print(dataset.describe())
    print(f"\n{model.net.summary(dataset.x_train.shape[1:])}")
    print(f"\n{model.criterion!r}, {solver.rule!r}, {solver.schedule!r}, l2={model.l2:g}")
    if options.gradcheck and not check_gradients(model.net, dataset.x_train[:8]):
        print("train.py: the gradients are wrong, see above; nothing was trained", file=sys.stderr)
        return 1
    print()
    try:
        solver.train()
    except solvers.NonFiniteError as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 1
    report(model, solver, dataset)
    return 0


def program():
    """Runs main() and ends the process in good order where its output is not taken."""
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # it may lack → and Σ
    try:
        try:
            sys.exit(main())
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os._exit(141)  # 128 + SIGPIPE; an orderly exit would try to write the rest once more
    except OSError as error:
        print(f"train.py: the output cannot be written: {error.strerror}", file=sys.stderr)
        os._exit(1)


if __name__ == "__main__":
    program()
