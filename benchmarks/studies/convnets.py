"""Ten thousand photographs: fully connected, convolutional and residual networks, augmented or not.

    python -m benchmarks.studies.convnets --data-dir FOLDER [--out docs/studies] [--workers 2]

FOLDER holds the first training batch of CIFAR-10 and its test batch, in their binary version, and
no other batch. Of the 10,000 training images 1,000 are set aside, so that 9,000 are trained on.
Three networks of today's usual make, all with batchnorm: two hidden layers of 512 units; three
convolutions of 3 × 3 with 16, 32 and 64 channels, each with pooling, and a hidden layer of 128
units; and a residual network with as many channels. Adam, a learning rate of 0.002 that falls along
a cosine, batches of 64, the same number of epochs for all. Augmented images are mirrored with a
probability of one half, and moved by up to 4 pixels in each direction (He et al., 2016).

What is judged in the end are the parameters of the epoch with the lowest validation error.
"""

import sys
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.report import table
from benchmarks.studies.study import Study, in_words, mean_and_spread, options, train
from chainrule.data import load_cifar10
from chainrule.data.augment import Crop, Flip
from chainrule.layers import BatchNorm, Flatten
from chainrule.layers.layer import Layer
from chainrule.nets import MLP, Classifier, ConvNet, ResNet, Sequential
from chainrule.pictures import Panel, Picture
from chainrule.pictures.drawing import COLOURS
from chainrule.solvers import Adam, Cosine, Solver

SHAPE, CLASSES, IMAGES = (3, 32, 32), 10, 10_000
CHANNELS = (16, 32, 64)


def fully_connected(**given):
    net = MLP([int(np.prod(SHAPE)), 512, 512, CLASSES], norm=BatchNorm, **given)
    return Sequential(Flatten(), *net.layers)


def convolutional(**given):
    return ConvNet(SHAPE, CLASSES, channels=CHANNELS, hidden=(128,), norm=BatchNorm, **given)


def residual(**given):
    return ResNet(SHAPE, CLASSES, channels=CHANNELS, **given)


NETS: dict[str, Callable[..., Layer]] = {
    "fully connected": fully_connected,
    "convolutional": convolutional,
    "residual": residual,
}
EPOCHS, BATCH, RATE, PENALTY = 8, 64, 2e-3, 1e-4
SEEDS = range(3)


def photographs(folder):
    """CIFAR-10, standardised."""
    data = load_cifar10(folder).standardised()
    if len(data.x_train) + len(data.x_val) != IMAGES:
        raise ValueError(
            f"{folder}: the training batches hold {len(data.x_train) + len(data.x_val):,} images, "
            f"expected the first batch alone, of {IMAGES:,}"
        )
    return data


def measure(setting, checkpoint, folder):
    """A run: its training loss and validation error after each epoch, and its test error."""
    data, seed = photographs(folder), setting["seed"]
    rng = np.random.default_rng(seed)
    net = NETS[setting["net"]](rng=rng, dtype=np.float32)
    model = Classifier(net, l2=PENALTY)
    solver = Solver(
        model,
        Adam(RATE),
        data,
        epochs=setting["epochs"],
        batch_size=BATCH,
        schedule=Cosine(setting["epochs"]),
        seed=seed,
        augment=[Flip(), Crop(4)] if setting["augmented"] else (),
    )
    history = train(solver, checkpoint, in_words(setting))
    return {
        "params": sum(w.size for w in model.params.values()),
        "loss": history.loss,
        "training_error": 1 - model.score(data.x_train, data.y_train),
        "validation_error": [1 - score for score in history.val_score],
        "test_error": 1 - model.score(data.x_test, data.y_test),
        "test_images": len(data.x_test),
        "seconds": sum(history.seconds),
    }


def lines(study):
    """The table."""
    rows = []
    for net in NETS:
        for augmented in (False, True):
            runs = study.found(net=net, augmented=augmented, epochs=EPOCHS)
            rows.append(
                [
                    f"{net}, augmented" if augmented else net,
                    f"{runs[0]['params']:,}",
                    *(
                        mean_and_spread([100 * run[what] for run in runs], 1)
                        for what in ("training_error", "test_error")
                    ),
                    f"{np.median([run['seconds'] for run in runs]) / EPOCHS:.1f}",
                ]
            )
    header = ["", "parameters", "training error, %", "test error, %", "s an epoch"]
    return table(header, rows)


def picture(study):
    panels = [
        Panel(partial(draw_errors, study), "validation errors over the epochs"),
        Panel(partial(draw_losses, study), "training losses over the epochs"),
    ]
    reading = "Lines are means over the seeds, bars their deviations; dotted, without augmentation."
    return Picture("convnets", "Ten thousand photographs", reading, panels, 4.6, 3.2)


def draw(study, axes, what, factor):
    for net, colour in zip(NETS, COLOURS, strict=False):
        for augmented in (True, False):
            runs = study.found(net=net, augmented=augmented, epochs=EPOCHS)
            curves = factor * np.array([run[what] for run in runs])
            epochs = range(1, 1 + EPOCHS)
            style = {"color": colour, "lw": 1.3, "elinewidth": 0.7, "ls": "-" if augmented else ":"}
            label = net if augmented else None
            axes.errorbar(epochs, curves.mean(axis=0), curves.std(axis=0), label=label, **style)
    axes.set_xlabel("epoch")
    axes.grid(alpha=0.25)
    axes.legend(fontsize=7)


def draw_errors(study, axes):
    draw(study, axes, "validation_error", 100)
    axes.set_title("validation error, %; dotted: without augmentation", fontsize=9)


def draw_losses(study, axes):
    draw(study, axes, "loss", 1)
    axes.set_title("training loss; dotted: without augmentation", fontsize=9)


def settings():
    return [
        {"net": net, "augmented": augmented, "seed": seed, "epochs": EPOCHS}
        for seed in SEEDS
        for net in reversed(NETS)
        for augmented in (True, False)
    ]


def main(arguments=None):
    given = options(sys.modules[__name__], arguments, "CIFAR-10")
    study = Study("convnets", given.out)
    study.carry_out(settings(), partial(measure, folder=given.data_dir), given.workers)
    study.finish(lines, picture)


if __name__ == "__main__":
    main()
