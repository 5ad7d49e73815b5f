"""Rectifiers and exponential units in a deep convolutional network, after Clevert et al. 2015.

    python -m benchmarks.studies.conv_units --data-dir FOLDER [--out docs/studies] [--workers 2]

Clevert, Unterthiner & Hochreiter, "Fast and Accurate Deep Network Learning by Exponential Linear
Units", 2015, compare units, with batchnorm and without, in a network of 11 convolutions on
CIFAR-100. Here it is nine convolutions of 3 × 3, with 16 to 32 channels, on the first training
batch of CIFAR-10: 9,000 images to train on. FOLDER holds that batch and the test batch, in their
binary version. The second, fourth and sixth have a stride of 2; the last is averaged over the image
and goes into an affine layer. Each unit has the initialisation that suits it (`weight_init`).
Gradient descent with momentum 0.9, minibatches of 50, a learning rate that falls along a cosine,
the same for all, with batchnorm and without; images are mirrored with a probability of one half.
"""

import sys
from functools import partial
from typing import Any

import numpy as np

from benchmarks.report import table
from benchmarks.studies.convnets import photographs
from benchmarks.studies.study import Study, in_words, mean_and_spread, options, train
from chainrule.data.augment import Flip
from chainrule.layers import (
    ELU,
    SELU,
    Affine,
    BatchNorm,
    Conv,
    GlobalAveragePool,
    Layer,
    LeakyReLU,
    ReLU,
)
from chainrule.nets import Classifier, Sequential
from chainrule.pictures import Panel, Picture
from chainrule.pictures.drawing import COLOURS
from chainrule.solvers import SGD, Cosine, Solver

UNITS: dict[str, Layer] = {
    "rectifier": ReLU(),
    "leaky rectifier": LeakyReLU(0.1),
    "ELU": ELU(1.0),
    "SELU": SELU(),
}
NORMS = (False, True)
CONVOLUTIONS = (  # filters and stride
    *((16, 1), (16, 2), (24, 1), (24, 2), (32, 1), (32, 2)),
    *((32, 1), (32, 1), (32, 1)),
)
EPOCHS, BATCH, RATE = 6, 50, 0.02
SEEDS = range(2)
SHOWN = (1, 3, EPOCHS)  # epochs in the table


def network(unit, norm, rng):
    layers: list[Layer] = []
    channels = 3
    for filters, stride in CONVOLUTIONS:
        given: dict[str, Any] = {"stride": stride, "pad": 1, "bias": not norm, "dtype": np.float32}
        layers.append(Conv(channels, filters, 3, **given, init=unit.weight_init, rng=rng))
        layers += [BatchNorm(filters, dtype=np.float32)] if norm else []
        layers.append(unit)
        channels = filters
    return Sequential(*layers, GlobalAveragePool(), Affine(channels, 10, rng=rng, dtype=np.float32))


def means(model, x):
    """The mean output of each channel behind a unit, over images and pixels: the median of the
    channels' absolute values for each of the units, from the first to the last."""
    found = []
    for layer in model.net.layers:
        x, _ = layer.forward(x, train=False)
        if type(layer) in map(type, UNITS.values()):
            found.append(float(np.median(np.abs(x.mean(axis=(0, 2, 3), dtype=float)))))
    return found


def measure(setting, checkpoint, folder):
    """A run: its training loss and validation error after each epoch, its test error in the end,
    and the mean outputs of its units."""
    data, seed = photographs(folder), setting["seed"]
    rng = np.random.default_rng(seed)
    model = Classifier(network(UNITS[setting["unit"]], setting["norm"], rng))
    solver = Solver(
        model,
        SGD(RATE, momentum=0.9),
        data,
        epochs=setting["epochs"],
        batch_size=BATCH,
        schedule=Cosine(setting["epochs"]),
        seed=seed,
        augment=[Flip()],
    )
    history = train(solver, checkpoint, in_words(setting))
    return {
        "loss": history.loss,
        "validation_error": [1 - score for score in history.val_score],
        "test_error": 1 - model.score(data.x_test, data.y_test),
        "means": means(model, data.x_val),
        "seconds": sum(history.seconds),
    }


def lines(study):
    """The table."""
    rows = []
    for norm in NORMS:
        for unit in UNITS:
            runs = study.found(unit=unit, norm=norm, epochs=EPOCHS)
            loss = np.array([run["loss"] for run in runs])
            rows.append(
                [
                    f"{unit}, batchnorm" if norm else unit,
                    *(mean_and_spread(loss[:, epoch - 1].tolist(), 3) for epoch in SHOWN),
                    mean_and_spread([100 * run["test_error"] for run in runs], 1),
                    f"{np.mean([run['means'] for run in runs]):.2f}",
                    f"{np.mean([run['seconds'] for run in runs]) / EPOCHS:.1f}",
                ]
            )
    losses = [f"loss, epoch {epoch}" for epoch in SHOWN]
    return table(["", *losses, "test error, %", "mean output", "s an epoch"], rows)


def picture(study):
    panels = [
        Panel(partial(draw_losses, study), "training loss over the epochs"),
        Panel(partial(draw_means, study), "mean outputs over depth"),
    ]
    reading = "Lines are means over the seeds; dotted, with batchnorm."
    return Picture("conv_units", "Units in a deep convolutional network", reading, panels, 4.6, 3.2)


def curves(study, what):
    for unit, colour in zip(UNITS, COLOURS, strict=False):
        for norm in NORMS:
            runs = study.found(unit=unit, norm=norm, epochs=EPOCHS)
            style = {"color": colour, "lw": 1.3, "ls": ":" if norm else "-"}
            mean = np.mean([run[what] for run in runs], axis=0)
            yield mean, {**style, "label": None if norm else unit}


def draw_losses(study, axes):
    for loss, style in curves(study, "loss"):
        axes.plot(range(1, EPOCHS + 1), loss, **style)
    axes.set_xlabel("epoch")
    axes.set_title("training loss; dotted: with batchnorm", fontsize=9)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=7)


def draw_means(study, axes):
    for mean, style in curves(study, "means"):
        axes.plot(range(1, len(CONVOLUTIONS) + 1), mean, **style)
    axes.set_xlabel("convolution")
    axes.set_title("median over channels of |mean output|", fontsize=9)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=7)


def settings():
    return [
        {"unit": unit, "norm": norm, "seed": seed, "epochs": EPOCHS}
        for seed in SEEDS
        for norm in NORMS
        for unit in UNITS
    ]


def main(arguments=None):
    given = options(sys.modules[__name__], arguments, "CIFAR-10")
    study = Study("conv_units", given.out)
    study.carry_out(settings(), partial(measure, folder=given.data_dir), given.workers)
    study.finish(lines, picture)


if __name__ == "__main__":
    main()
