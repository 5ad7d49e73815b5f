"""Exponential, leaky and plain rectifiers in eight hidden layers, after Clevert et al. 2015.

    python -m benchmarks.studies.elus --data-dir FOLDER [--out docs/studies] [--workers 2]

Clevert, Unterthiner & Hochreiter, "Fast and Accurate Deep Network Learning by Exponential Linear
Units", 2015, section 4.1, "Learning behavior": eight hidden layers of 128 units on MNIST, ELU with
α = 1, the leaky rectifier with 0.1 and the rectifier, He's initialisation, gradient descent with
learning rate 0.01, minibatches of 64. After each epoch, each hidden unit's output is averaged over
a fixed part of the training images, and the median over all units is taken.

The paper trains for 300 epochs, with five seeds, and says of its figure that all lines stay flat
after epoch 25; here there are 30 epochs. What it leaves open: pixels from 0 to 1, biases 0, 55,000
images to train on and 5,000 to validate. The fixed part is every fifth training image, and the
cross-entropy of the training is that of this part, after the epoch.
"""

import sys
from functools import partial
from typing import Any

import numpy as np

from benchmarks.report import table
from benchmarks.studies.study import Study, mean_and_spread, options
from chainrule.data import load_mnist
from chainrule.layers import ELU, Affine, Layer, LeakyReLU, ReLU, he_normal
from chainrule.nets import MLP, Classifier
from chainrule.pictures import Panel, Picture
from chainrule.pictures.drawing import COLOURS, powers
from chainrule.solvers import SGD, Solver

ACTIVATIONS: dict[str, Layer] = {
    "ELU": ELU(1.0),
    "leaky rectifier": LeakyReLU(0.1),
    "rectifier": ReLU(),
}
SIZES = (784, *[128] * 8, 10)
COLOUR = dict(zip(ACTIVATIONS, COLOURS, strict=False))
EPOCHS, BATCH, RATE = 30, 64, 0.01
SEEDS = range(5)
SHOWN = (1, 3, EPOCHS)  # epochs in the table
GOALS = (0.1, 0.01)  # of the cross-entropy


def look(model, x, y):
    """The mean output of each hidden unit over the rows, the cross-entropy and the error."""
    means = []
    for layer in model.net.layers:
        x, _ = layer.forward(x, train=False)
        if not isinstance(layer, Affine):
            means.append(x.mean(axis=0, dtype=float))
    loss, _ = model.criterion.forward(x, y)
    return np.concatenate(means), float(loss), float(np.mean(x.argmax(axis=1) != y))


def measure(setting, _, folder):
    """A run: what is seen of it before the first epoch and after each."""
    data = load_mnist(folder)
    activation, seed = ACTIVATIONS[setting["activation"]], setting["seed"]
    net = MLP(SIZES, activation=activation, init=he_normal, rng=seed, dtype=np.float32)
    model = Classifier(net)
    found: dict[str, Any] = {}

    def record(_):
        means, *training = look(model, data.x_train[::5], data.y_train[::5])
        _, *validation = look(model, data.x_val, data.y_val)
        names = ("loss", "error", "validation_loss", "validation_error", "median", "mean")
        figures = (*training, *validation, float(np.median(means)), float(np.mean(means)))
        for name, figure in zip(names, figures, strict=True):
            found.setdefault(name, []).append(figure)

    record(None)
    solver = Solver(
        model,
        SGD(RATE),
        data,
        epochs=setting["epochs"],
        batch_size=BATCH,
        seed=seed,
        callbacks=[record],
        progress=False,
    )
    history = solver.train()
    return {**found, "seconds": sum(history.seconds)}


def over_epochs(study, activation, what):
    """What was seen in each seed's run, before the first epoch and after each."""
    return np.array([run[what] for run in study.found(activation=activation, epochs=EPOCHS)])


def epochs_to(goal, losses):
    """The number of epochs after which each run's loss was first below `goal`."""
    return [int(np.flatnonzero(of_a_run < goal)[0]) for of_a_run in losses]


def lines(study):
    """The outputs, and what the training came to."""
    outputs, training = [], []
    for activation in ACTIVATIONS:
        of = partial(over_epochs, study, activation)
        median, loss, validation = of("median"), of("loss"), of("validation_loss")
        outputs.append(
            [
                activation,
                *(mean_and_spread(median[:, epoch], 3) for epoch in (0, *SHOWN)),
                mean_and_spread(np.abs(np.diff(median)).mean(axis=1), 3),
                mean_and_spread(of("mean")[:, -1], 3),
            ]
        )
        training.append(
            [
                activation,
                *(mean_and_spread(loss[:, epoch], 4) for epoch in SHOWN),
                *(mean_and_spread(epochs_to(goal, loss), 1) for goal in GOALS),
                mean_and_spread(validation.min(axis=1), 3),
                mean_and_spread(validation.argmin(axis=1).tolist(), 1),
                mean_and_spread(100 * of("validation_error")[:, -1]),
            ]
        )
    titles = [f"epoch {epoch}" for epoch in SHOWN]
    header = ["median output", "at first", *titles, "change an epoch", "mean, last"]
    goals = [f"epochs to {goal:g}" for goal in GOALS]
    validated = ["validation: lowest", "at epoch", "error, last, %"]
    return [
        *table(header, outputs),
        "",
        *table(["cross-entropy", *titles, *goals, *validated], training),
    ]


def picture(study):
    panels = [
        Panel(partial(draw_outputs, study, "median"), "median of the units' mean outputs"),
        Panel(partial(draw_outputs, study, "mean"), "mean of the units' mean outputs"),
        Panel(partial(draw_losses, study), "cross-entropy in training and validation"),
    ]
    reading = "Lines are means over the seeds, bars their deviations; dotted, the validation."
    return Picture("elus", "Exponential units", reading, panels, 3.6, 3)


def draw_outputs(study, what, axes):
    for activation, colour in COLOUR.items():
        values = over_epochs(study, activation, what)
        spread = values.std(axis=0, ddof=1)
        style = {"color": colour, "lw": 1.3, "elinewidth": 0.7, "label": activation}
        axes.errorbar(range(EPOCHS + 1), values.mean(axis=0), spread, **style)
    axes.axhline(0, color="black", lw=0.6)
    axes.set_xlabel("epoch")
    axes.set_title(f"{what} over the units of their mean outputs", fontsize=9)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=7)


def draw_losses(study, axes):
    for activation, colour in COLOUR.items():
        for what, style, label in (("loss", "-", activation), ("validation_loss", ":", None)):
            losses = over_epochs(study, activation, what).mean(axis=0)
            axes.plot(range(EPOCHS + 1), losses, style, color=colour, lw=1.3, label=label)
    powers(axes)
    axes.set_xlabel("epoch")
    axes.set_title("cross-entropy; dotted: validation", fontsize=9)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=7)


def settings():
    return [
        {"activation": activation, "seed": seed, "epochs": EPOCHS}
        for seed in SEEDS
        for activation in ACTIVATIONS
    ]


def main(arguments=None):
    given = options(sys.modules[__name__], arguments)
    study = Study("elus", given.out)
    study.carry_out(settings(), partial(measure, folder=given.data_dir), given.workers)
    study.finish(lines, picture)


if __name__ == "__main__":
    main()
