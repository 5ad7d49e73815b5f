"""Activations on equal terms, on the digits that come with the package and on MNIST.

    python -m benchmarks.studies.activations --data-dir FOLDER [--out docs/studies] [--workers 2]

Four hidden layers, of 64 units on the digits and of 256 on MNIST, Adam, the initialisation that
each activation asks for (`weight_init`), and for each activation the learning rate of RATES with
the best validation error, of one seed for it; then ten seeds on the digits and three on MNIST.
Maxout has two pieces, and so twice the parameters.

Given are the training loss over the epochs, the test error, the seconds of an epoch in the fastest
run (one thread, `--workers` runs at a time), the share of dead and of saturated units (see
`pictures.Monitor`), and the mean of the activations layer by layer after training, relative to
their standard deviation: Clevert, Unterthiner & Hochreiter, "Fast and Accurate Deep Network
Learning by Exponential Linear Units", 2015, argue that means near 0 make learning fast.
"""

import math
import sys
from functools import partial
from typing import Any

import numpy as np

from benchmarks.report import table
from benchmarks.studies.study import Study, mean_and_spread, options
from chainrule.data import load_digits, load_mnist
from chainrule.layers import ELU, LeakyReLU, Maxout, PReLU, ReLU, Sigmoid, Softplus, Tanh
from chainrule.nets import MLP, Classifier
from chainrule.pictures import Monitor, Panel, Picture
from chainrule.pictures.drawing import COLOURS, powers
from chainrule.solvers import Adam, Solver

ACTIVATIONS: dict[str, dict[str, Any]] = {
    "relu": {"activation": ReLU()},
    "leaky relu": {"activation": LeakyReLU()},
    "prelu": {"activation": PReLU()},
    "elu": {"activation": ELU()},
    "softplus": {"activation": Softplus()},
    "tanh": {"activation": Tanh()},
    "sigmoid": {"activation": Sigmoid()},
    "maxout": {"activation": None, "affine": Maxout},
}
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
TRAINING: dict[str, dict[str, Any]] = {
    "digits": {"width": 64, "epochs": 40, "batch": 32},
    "MNIST": {"width": 256, "epochs": 8, "batch": 100},
}
SEEDS = {"digits": range(10), "MNIST": range(3)}


def measure(setting, _, folder):
    """A run: its curve, its errors, and the state of its units in the end."""
    data = load_digits().standardised() if setting["data"] == "digits" else load_mnist(folder)
    kinds, seed = ACTIVATIONS[setting["activation"]], setting["seed"]
    sizes = [math.prod(data.x_train.shape[1:]), *[setting["width"]] * 4, 10]
    model = Classifier(MLP(sizes, rng=seed, dtype=data.x_train.dtype, **kinds))
    monitor = Monitor(model, data.x_train[:256], data.y_train[:256])
    solver = Solver(
        model,
        Adam(setting["lr"]),
        data,
        epochs=setting["epochs"],
        batch_size=setting["batch"],
        seed=seed,
        callbacks=[monitor],
        progress=False,
    )
    history = solver.train()
    units = {
        name: figures
        for name, figures in monitor.records[-1]["layers"].items()
        if name.startswith("maxout") or not name.startswith("affine")
    }
    return {
        "loss": history.loss,
        "validation_error": 1 - model.score(data.x_val, data.y_val),
        "test_error": 1 - model.score(data.x_test, data.y_test),
        "seconds": float(np.median(history.seconds)),
        "means": [figures["mean"] / figures["std"] for figures in units.values()],
        **{what: share(units, what) for what in ("dead", "saturated")},
    }


def share(units, what):
    """The mean over the layers of a share of units; None for maxout, whose units are mixtures."""
    found = [figures[what] for figures in units.values() if figures[what] is not None]
    return float(np.mean(found)) if found else None


def all_of(study, data, activation):
    """The runs of an activation at all learning rates."""
    return study.found(data=data, **TRAINING[data], activation=activation)


def best_rate(study, data, activation):
    runs = [run for run in all_of(study, data, activation) if run["setting"]["seed"] == 0]
    return min(runs, key=lambda run: run["validation_error"])["setting"]["lr"]


def chosen(study, data, activation):
    """The runs of an activation at the learning rate chosen for it."""
    lr = best_rate(study, data, activation)
    return [run for run in all_of(study, data, activation) if run["setting"]["lr"] == lr]


def lines(study):
    """A table for each set of data."""
    found = []
    for data in TRAINING:
        rows = []
        for activation in ACTIVATIONS:
            runs = chosen(study, data, activation)
            rows.append(
                [
                    activation,
                    mean_and_spread([100 * run["test_error"] for run in runs]),
                    f"{np.mean([run['loss'][-1] for run in runs]):.1e}",
                    percent([run["dead"] for run in runs]),
                    percent([run["saturated"] for run in runs]),
                    f"{min(run['seconds'] for run in all_of(study, data, activation)):.2g}",
                    f"{runs[0]['setting']['lr']:g}",
                ]
            )
        header = [data, "test error, %", "last loss", "dead, %", "saturated, %", "s an epoch"]
        found += [*table([*header, "rate"], rows), ""]
    return found[:-1]


def percent(shares):
    return "–" if None in shares else f"{100 * np.mean(shares):.1f}"


def picture(study):
    panels = [
        Panel(partial(draw, study, data), f"{data}: {title}")
        for draw, title in (
            (draw_losses, "training loss over epochs"),
            (draw_errors, "test errors of the seeds"),
            (draw_means, "mean of the activations over depth"),
        )
        for data in TRAINING
    ]
    reading = "Below, the nearer to 0 the mean of a layer's outputs, the better the argument holds."
    return Picture("activations", "Activations compared", reading, panels, 4.6, 3)


def coloured():
    return zip(ACTIVATIONS, COLOURS, strict=True)


def draw_losses(study, data, axes):
    for activation, colour in coloured():
        losses = np.median([run["loss"] for run in chosen(study, data, activation)], axis=0)
        axes.plot(range(1, len(losses) + 1), losses, color=colour, lw=1.3, label=activation)
    powers(axes)
    axes.set_title(f"{data}: training loss, median over seeds")
    axes.set_xlabel("epoch")
    axes.grid(alpha=0.25)
    axes.legend(fontsize=6, ncols=2)


def draw_errors(study, data, axes):
    for place, (activation, colour) in enumerate(coloured()):
        errors = [100 * run["test_error"] for run in chosen(study, data, activation)]
        axes.plot([place] * len(errors), errors, "o", color=colour, ms=4, alpha=0.6)
        axes.plot([place - 0.3, place + 0.3], [np.mean(errors)] * 2, color=colour, lw=2)
    axes.set_xticks(range(len(ACTIVATIONS)), [*ACTIVATIONS], rotation=30, fontsize=7)
    axes.set_title(f"{data}: test error, %; dots are seeds, lines means")
    axes.grid(alpha=0.25)


def draw_means(study, data, axes):
    for activation, colour in coloured():
        means = np.mean([run["means"] for run in chosen(study, data, activation)], axis=0)
        axes.plot(range(1, len(means) + 1), means, "o-", color=colour, ms=3, label=activation)
    axes.axhline(0, color="black", lw=0.6)
    axes.set_xticks(range(1, len(means) + 1))
    axes.set_xlabel("hidden layer")
    axes.set_title(f"{data}: mean of the outputs ÷ their deviation")
    axes.grid(alpha=0.25)


def main(arguments=None):
    given = options(sys.modules[__name__], arguments)
    study = Study("activations", given.out)
    run = partial(measure, folder=given.data_dir)

    def carry_out(settings):
        settings = [
            {"data": data, **TRAINING[data], "activation": activation, "lr": lr, "seed": seed}
            for data, activation, lr, seed in settings
        ]
        study.carry_out(settings, run, given.workers)

    pairs = [(data, activation) for data in TRAINING for activation in ACTIVATIONS]
    carry_out((*pair, lr, 0) for pair in pairs for lr in RATES)
    carry_out(
        (data, activation, best_rate(study, data, activation), seed)
        for data, activation in pairs
        for seed in SEEDS[data]
    )
    study.finish(lines, picture)


if __name__ == "__main__":
    main()
