"""The network of `rectifiers`, 784-1000-1000-1000-10, with the methods that came after 2011.

    python -m benchmarks.studies.later_methods --data-dir FOLDER [--out docs/studies] [--workers 2]

One method is added to the other: He's initialisation (2015) with momentum, Adam (2014), batchnorm
(2015), dropout (2012) that keeps 4 of 5 inputs and half of the hidden units. Then Gaussian noise
takes the place of dropout: of standard deviation 0.3, added to the pixels and behind each
batchnorm, after Rasmus et al., "Semi-Supervised Learning with Ladder Networks", 2015, which add it
in front of its gamma and beta. Last, the rectifier is replaced by the leaky (2013), the exponential
(2015) and the parametric one (2015), and by maxout units of two pieces (2013). All see the 60,000
training images, pixels divided by 255, for EPOCHS epochs in minibatches of BATCH, while the
learning rate falls along a cosine to 0. No setting is chosen by the test images, though noise was
added since dropout had missed the aim on them; the figure is that after the last epoch.
`FOLDER/unfinished` holds the runs in progress.
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.report import table
from benchmarks.studies.study import Study, mean_and_spread, options, train
from chainrule.data import load_mnist
from chainrule.layers import ELU, BatchNorm, Dropout, LeakyReLU, Maxout, PReLU, ReLU
from chainrule.layers.layer import Layer
from chainrule.nets import MLP, Classifier, Sequential
from chainrule.pictures import Panel, Picture
from chainrule.pictures.drawing import COLOURS
from chainrule.solvers import SGD, Adam, Cosine, Solver

SIZES = (784, 1000, 1000, 1000, 10)
EPOCHS, BATCH = 40, 200
RATE = {"momentum": 0.05, "adam": 2e-3}
NOISE = 0.3
METHODS = {
    "momentum": "He's initialisation, momentum",
    "adam": "Adam in place of momentum",
    "batchnorm": "+ batchnorm",
    "dropout": "+ dropout",
    "noise": "noise in place of dropout",
}
LAST = "noise"
HIDDEN: dict[str, Callable[[], dict[str, Any]]] = {
    "rectifier": lambda: {"activation": ReLU()},
    "leaky rectifier": lambda: {"activation": LeakyReLU()},
    "ELU": lambda: {"activation": ELU()},
    "PReLU": lambda: {"activation": PReLU(SIZES[1])},
    "maxout": lambda: {"activation": None, "affine": partial(Maxout, pieces=2)},
}
SEEDS = range(3)
GOAL = 1.0  # %


class Noise(Layer):
    """Training: out = x + n, with n drawn from a normal distribution of deviation NOISE.
    Inference: out = x.

    x (N, D).  dx = dout.
    """

    def __init__(self, rng):
        super().__init__()
        self.rng = rng

    def forward(self, x, *, train=True):
        if not train:
            return x, None
        return x + np.float32(NOISE) * self.rng.standard_normal(x.shape, np.float32), None

    def backward(self, dout, cache):
        return dout, {}


def network(hidden, methods, rng):
    """The network in float32, with these of METHODS."""
    kinds = HIDDEN[hidden]()
    if methods in ("batchnorm", "dropout", "noise"):
        kinds["norm"] = BatchNorm
    if methods == "dropout":
        kinds["keep"] = 0.5
    net = MLP(SIZES, rng=rng, dtype=np.float32, **kinds)
    if methods == "dropout":
        return Sequential(Dropout(0.8, rng=rng), *net.layers)
    if methods == "noise":
        noisy: list[Layer] = [Noise(rng)]
        for layer in net.layers:
            noisy += [layer, Noise(rng)] if isinstance(layer, BatchNorm) else [layer]
        return Sequential(*noisy)
    return net


class Everything:
    """MNIST's training images, validation images among them, as data of a solver."""

    def __init__(self, folder):
        data = load_mnist(folder)
        self.x_train = np.concatenate([data.x_train, data.x_val])
        self.y_train = np.concatenate([data.y_train, data.y_val])
        self.x_val = self.y_val = None
        self.x_test, self.y_test = data.x_test, data.y_test


def measure(setting, checkpoint, folder):
    """A run: its test error in the end, its loss and its training error after each epoch."""
    methods = setting["methods"]
    rng = np.random.default_rng(setting["seed"])
    data = Everything(folder)
    model = Classifier(network(setting["hidden"], methods, rng))
    momentum = SGD(RATE["momentum"], momentum=0.9)
    rule = momentum if methods == "momentum" else Adam(RATE["adam"])
    solver = Solver(
        model,
        rule,
        data,
        epochs=EPOCHS,
        batch_size=BATCH,
        schedule=Cosine(EPOCHS),
        seed=setting["seed"],
    )
    title = f"{setting['hidden']}, {methods}, seed {setting['seed']}"
    history = train(solver, checkpoint, title)
    return {
        "loss": history.loss,
        "training_error": [1 - score for score in history.train_score],
        "test_error": 1 - model.score(data.x_test, data.y_test),
        "seconds": sum(history.seconds),
    }


def settings():
    """All the units with the last of the methods, all the methods for the rectifier, and more seeds
    of where they meet."""
    plan = [(hidden, LAST, 0) for hidden in HIDDEN]
    plan += [("rectifier", methods, 0) for methods in METHODS]
    plan += [("rectifier", LAST, seed) for seed in SEEDS]
    names = ("hidden", "methods", "seed", "epochs")
    return [dict(zip(names, (*one, EPOCHS), strict=True)) for one in dict.fromkeys(plan)]


def lines(study):
    """The table."""
    rows = []
    for hidden in HIDDEN:
        for methods in METHODS:
            runs = study.found(hidden=hidden, methods=methods, epochs=EPOCHS)
            if runs:
                rows.append(
                    [
                        METHODS[methods] if hidden == "rectifier" else f"{hidden} units instead",
                        mean_and_spread([100 * run["test_error"] for run in runs]),
                        str(len(runs)),
                        f"{100 * np.mean([run['training_error'][-1] for run in runs]):.2f}",
                        f"{np.mean([run['seconds'] for run in runs]) / 60:.0f}",
                    ]
                )
    return table(["", "test error, %", "seeds", "training error, %", "minutes"], rows)


def picture(study):
    panels = [Panel(partial(draw, study), "test errors, one row a network, and the aim of 1 %")]
    reading = "Dots are seeds; the line is the aim, 1.0 %."
    return Picture("later_methods", "What came later", reading, panels, 6.4, 3.2)


def draw(study, axes):
    names: list[str] = []
    for hidden in HIDDEN:
        for methods in METHODS:
            runs = study.found(hidden=hidden, methods=methods, epochs=EPOCHS)
            if runs:
                errors = [100 * run["test_error"] for run in runs]
                axes.plot(errors, [len(names)] * len(errors), "o", color=COLOURS[0])
                names.append(METHODS[methods] if hidden == "rectifier" else hidden)
    axes.axvline(GOAL, color="black", lw=0.8)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("test error, %")
    axes.set_title("784-1000-1000-1000-10 on MNIST")
    axes.grid(alpha=0.25)


def main(arguments=None):
    given = options(sys.modules[__name__], arguments)
    study = Study("later_methods", given.out)
    study.carry_out(settings(), partial(measure, folder=given.data_dir), given.workers)
    study.finish(lines, picture)


if __name__ == "__main__":
    main()
