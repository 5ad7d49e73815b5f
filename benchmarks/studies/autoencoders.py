"""Exponential, leaky and plain rectifiers in a deep autoencoder, after Clevert et al. 2015.

    python -m benchmarks.studies.autoencoders --data-dir FOLDER [--out docs/studies] [--workers 2]

Clevert, Unterthiner & Hochreiter, "Fast and Accurate Deep Network Learning by Exponential Linear
Units", 2015, section 4.1, "Autoencoder learning": MNIST's images through layers of 1000, 500, 250
and 30 units and back, gradient descent in minibatches of 64 with the learning rates 0.01, 0.001,
0.0001 and 0.00001, 500 epochs. The images to be reconstructed are the ones that go in.

Here it is smaller: 10,000 training images, 12 epochs, no rate of 0.00001, and three seeds at 0.001
alone. What the paper leaves open: the outputs are logistic, the loss is the cross-entropy, summed
over the pixels and averaged over the images; He's initialisation; pixels from 0 to 1. The figure is
the squared error in percent of what the mean image would have, on 1,000 of the training images and
on 2,000 test images, after each epoch. A run that diverges ends there. `FOLDER/unfinished` holds
the runs in progress.
"""

import sys
from functools import partial
from typing import Any

import numpy as np

from benchmarks.report import table
from benchmarks.studies.elus import ACTIVATIONS, COLOUR
from benchmarks.studies.study import Study, in_words, mean_and_spread, options, train
from chainrule.data import load_mnist
from chainrule.layers import Sigmoid, SigmoidCrossEntropy, he_normal
from chainrule.nets import MLP, Regressor
from chainrule.pictures import Panel, Picture
from chainrule.solvers import SGD, NonFiniteError, Solver

SIZES = (784, 1000, 500, 250, 30, 250, 500, 1000, 784)
IMAGES, EPOCHS, BATCH = 10_000, 12, 64
SEEDS = {0.01: range(1), 0.001: range(3), 0.0001: range(1)}  # by the learning rate
SHOWN = (1, 5, EPOCHS)  # epochs in the table


class Autoencoder(Regressor):
    """The network's output is a score for each pixel, the reconstruction its sigmoid; the loss is
    the cross-entropy, summed over the pixels and averaged over the images."""

    def __init__(self, net):
        super().__init__(net, SigmoidCrossEntropy("sum"))

    def loss(self, x, y, weight=1.0, row_weights=None):
        return super().loss(x, y, weight / len(x), row_weights)

    def outputs(self, x):
        out, _ = Sigmoid().forward(super().outputs(x))
        return out


class Images:
    """MNIST's images as inputs and as targets; to validate, every fifth test image."""

    def __init__(self, folder):
        data = load_mnist(folder)
        self.x_train = self.y_train = data.x_train[:IMAGES]
        self.x_val = self.y_val = data.x_test[::5]


def measure(setting, checkpoint, folder):
    """A run: its errors after each epoch, as shares of the mean image's."""
    seed = setting["seed"]
    activation = ACTIVATIONS[setting["activation"]]
    net = MLP(SIZES, activation=activation, init=he_normal, rng=seed, dtype=np.float32)
    rule = SGD(setting["lr"])
    solver = Solver(
        Autoencoder(net),
        rule,
        Images(folder),
        epochs=setting["epochs"],
        batch_size=BATCH,
        seed=seed,
    )
    try:
        train(solver, checkpoint, in_words(setting))
        diverged = None
    except NonFiniteError as error:
        diverged = str(error)
    history: Any = solver.history
    return {
        "loss": history.loss,
        "training_error": [1 - score for score in history.train_score],
        "test_error": [1 - score for score in history.val_score],
        "diverged": diverged,
        "seconds": sum(history.seconds),
    }


def settings():
    found = [
        {"activation": activation, "lr": lr, "seed": seed, "epochs": EPOCHS}
        for lr, seeds in SEEDS.items()
        for seed in seeds
        for activation in ACTIVATIONS
    ]
    return sorted(found, key=lambda one: one["seed"])


def runs_of(study, activation, lr):
    """The runs of its seeds."""
    return study.found(activation=activation, lr=lr, epochs=EPOCHS)


def lines(study):
    """The errors, rate by rate."""
    rows = []
    for lr in SEEDS:
        for activation in ACTIVATIONS:
            runs = runs_of(study, activation, lr)
            diverged = [run["diverged"].partition(":")[0] for run in runs if run["diverged"]]
            if diverged:
                figures = ["–"] * (len(SHOWN) + 1)
            else:
                test = 100 * np.array([run["test_error"] for run in runs])
                training = [100 * run["training_error"][-1] for run in runs]
                figures = [mean_and_spread(test[:, epoch - 1]) for epoch in SHOWN]
                figures.append(mean_and_spread(training))
            rows.append([activation, f"{lr:g}", *figures, ", ".join(diverged)])
    titles = [f"test, epoch {epoch}" for epoch in SHOWN]
    header = ["squared error, %", "rate", *titles, f"training, epoch {EPOCHS}", "diverged in"]
    return table(header, rows)


def picture(study):
    panels = [
        Panel(partial(draw, study, lr), f"reconstruction errors over epochs, learning rate {lr:g}")
        for lr in SEEDS
        if not any(runs_of(study, activation, lr)[0]["diverged"] for activation in ACTIVATIONS)
    ]
    reading = "Each line is a seed; dotted, the test images. 100 % is the mean image's error."
    return Picture("autoencoders", "Autoencoders", reading, panels, 4.2, 3)


def draw(study, lr, axes):
    for activation, colour in COLOUR.items():
        for run in runs_of(study, activation, lr):
            for what, style in (("training_error", "-"), ("test_error", ":")):
                first = what == "training_error" and run["setting"]["seed"] == 0
                percent = 100 * np.array(run[what])
                label = activation if first else None
                axes.plot(range(1, EPOCHS + 1), percent, style, color=colour, lw=1.2, label=label)
    axes.set_xlabel("epoch")
    axes.set_ylabel("% of the mean image's error")
    axes.set_title(f"rate {lr:g}; dotted: test images")
    axes.grid(alpha=0.25)
    axes.legend()


def main(arguments=None):
    given = options(sys.modules[__name__], arguments)
    study = Study("autoencoders", given.out)
    study.carry_out(settings(), partial(measure, folder=given.data_dir), given.workers)
    study.finish(lines, picture)


if __name__ == "__main__":
    main()
