"""Rectifier, tanh and softplus on MNIST, after Glorot, Bordes and Bengio 2011.

    python -m benchmarks.studies.rectifiers --data-dir FOLDER [--out docs/studies] [--workers 2]

Glorot, Bordes & Bengio, "Deep Sparse Rectifier Neural Networks", AISTATS 2011, section 4.1 and
table 1, without pre-training: three hidden layers of 1,000 units, softmax and cross-entropy,
minibatches of 10, a constant learning rate chosen on 10,000 validation images, the test error where
the validation error was lowest; 0.001 times the L1 norm of the hidden outputs joins the loss.

What the paper leaves open is the same for all three: pixels from 0 to 1, Glorot's initialisation,
biases 0. There are two plans. One is to the letter and short: minibatches of 10, and the rectifier
with 0.001 Σ|h| of each image. In the other, minibatches of 100 make epochs four times as short, and
there are more of them; and as the paper does not say how the norm is averaged, nor for which of the
three it is meant, its strength is chosen, too. A learning rate is the one with the lowest
validation error after RATE_EPOCHS epochs, with the first of the plan's penalties; the penalty is
the one with the lowest over the last three of PENALTY_EPOCHS epochs at that rate. The paper negates
the outputs of half of the rectifiers. With weights drawn symmetrically about 0 that changes nothing
about the training: negating the rows of the next matrix undoes it, before each step and after. So
it is left out. A run that diverges ends there. `FOLDER/unfinished` holds the runs in progress.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.report import table
from benchmarks.studies.study import Study, in_words, mean_and_spread, options, train
from chainrule.data import load_mnist
from chainrule.layers import Affine, ReLU, Softplus, Tanh, glorot_normal
from chainrule.layers.layer import Layer
from chainrule.nets import Classifier, Sequential
from chainrule.pictures import Panel, Picture
from chainrule.pictures.drawing import COLOURS
from chainrule.solvers import SGD, NonFiniteError, Solver

ACTIVATIONS = {"rectifier": ReLU, "tanh": Tanh, "softplus": Softplus}
COLOUR = dict(zip(ACTIVATIONS, COLOURS, strict=False))
TABLE_1 = {  # the paper's test errors in %, on SETS
    "rectifier, pre-trained": (1.20, 49.96, 32.86, 16.46),
    "tanh, pre-trained": (1.16, 50.79, 35.89, 17.66),
    "softplus, pre-trained": (1.17, 49.52, 33.27, 19.19),
    "rectifier": (1.43, 50.86, 32.64, 16.40),
    "tanh": (1.57, 52.62, 36.46, 19.29),
    "softplus": (1.77, 53.20, 35.48, 17.68),
}
SETS = ("MNIST", "CIFAR10", "NISTP", "NORB")
PUBLISHED = {activation: TABLE_1[activation][0] for activation in ACTIVATIONS}
PUBLISHED_ZEROS = 83.4  # %, of the rectifier's hidden outputs, section 4.1
WIDTHS = (784, 1000, 1000, 1000)
RATE_EPOCHS, PENALTY_EPOCHS = 3, 12


@dataclass(frozen=True)
class Plan:
    """Learning rates and, for each activation, penalties to choose from; epochs at most, ended
    `patience` after the lowest validation error; seeds."""

    rates: tuple[float, ...]
    penalties: Mapping[str, tuple[float, ...]]
    epochs: int
    patience: int
    seeds: range


AS_STATED = {"rectifier": (1e-3,), "tanh": (0.0,), "softplus": (0.0,)}
CHOICE = (0.0, 1e-4, 3e-4, 1e-3)
CHOSEN = dict.fromkeys(ACTIVATIONS, CHOICE)
PLANS = {  # by the size of the minibatches
    10: Plan((0.1, 0.03, 0.01), AS_STATED, epochs=15, patience=4, seeds=range(2)),
    100: Plan((0.4, 0.2, 0.1), CHOSEN, epochs=80, patience=15, seeds=range(3)),
}


class L1OfOutputs(Layer):
    """out = x, and `strength` Σ|x|, averaged over the rows, joins the loss.

    x (N, …).  dx = dout + strength sign(x) / N.  The loss that is reported is without it.
    """

    def __init__(self, strength):
        super().__init__()
        self.strength = strength

    def forward(self, x, *, train=True):
        return x, x

    def backward(self, dout, cache):
        return dout + np.sign(cache) * (self.strength / len(cache)), {}


def network(activation, penalty, rng):
    """784-1000-1000-1000-10 in float32."""
    parts: list[Layer] = []
    for fan_in, fan_out in pairwise(WIDTHS):
        parts.append(Affine(fan_in, fan_out, rng=rng, init=glorot_normal, dtype=np.float32))
        parts.append(ACTIVATIONS[activation]())
        if penalty:
            parts.append(L1OfOutputs(penalty))
    last = Affine(WIDTHS[-1], 10, rng=rng, init=glorot_normal, dtype=np.float32)
    return Sequential(*parts, last)


def zeros(net, x):
    """The share of exact zeros among the outputs of the hidden activations."""
    found = []
    for layer in net.layers:
        x, _ = layer.forward(x, train=False)
        if isinstance(layer, (*ACTIVATIONS.values(),)):
            found.append(np.mean(x == 0))
    return float(np.mean(found))


def measure(setting, checkpoint, folder):
    """A run: the curve of the validation error, and the test error of the best epoch."""
    data = load_mnist(folder, validation=10_000)
    seed, plan = setting["seed"], PLANS[setting["batch"]]
    net = network(setting["activation"], setting["penalty"], np.random.default_rng(seed))
    model = Classifier(net)
    solver = Solver(
        model,
        SGD(setting["lr"]),
        data,
        batch_size=setting["batch"],
        epochs=setting["epochs"],
        patience=plan.patience,
        seed=seed,
    )
    try:
        train(solver, checkpoint, in_words(setting))
        diverged = None
    except NonFiniteError as error:  # the solver has put the best parameters back
        diverged = str(error)
    history: Any = solver.history
    return {
        "loss": history.loss,
        "validation_error": [1 - score for score in history.val_score],
        "epoch": int(np.argmax(history.val_score)) + 1,
        "diverged": diverged,
        "test_error": 1 - model.score(data.x_test, data.y_test),
        "zeros": zeros(model.net, data.x_test),
        "seconds": sum(history.seconds),
    }


def stages(study):
    """The runs to be made, in three lists, each drawn up when those before it are carried out."""

    def setting(batch, activation, penalty, lr, seed, epochs):
        names = ("activation", "batch", "penalty", "lr", "seed", "epochs")
        return dict(zip(names, (activation, batch, penalty, lr, seed, epochs), strict=True))

    def best(entry, batch, activation, epochs, error):
        runs = study.found(activation=activation, batch=batch, epochs=epochs)
        return min(runs, key=error)["setting"][entry]

    nets = [(batch, activation) for batch in PLANS for activation in ACTIVATIONS]
    penalty = {(batch, name): PLANS[batch].penalties[name][0] for batch, name in nets}
    yield [
        setting(*net, penalty[net], lr, 0, RATE_EPOCHS)
        for net in nets
        for lr in PLANS[net[0]].rates
    ]
    lr = {net: best("lr", *net, RATE_EPOCHS, last) for net in nets}
    to_compare = [net for net in nets if len(PLANS[net[0]].penalties[net[1]]) > 1]
    yield [
        setting(*net, strength, lr[net], 0, PENALTY_EPOCHS)
        for net in to_compare
        for strength in PLANS[net[0]].penalties[net[1]]
    ]
    penalty |= {net: best("penalty", *net, PENALTY_EPOCHS, lately) for net in to_compare}
    long = [
        setting(*net, penalty[net], lr[net], seed, PLANS[net[0]].epochs)
        for net in nets
        for seed in PLANS[net[0]].seeds
    ]
    yield sorted(long, key=lambda one: one["seed"])


def last(run):
    return run["validation_error"][-1]


def lately(run):
    """The mean of the last three validation errors, which jump from epoch to epoch."""
    return float(np.mean(run["validation_error"][-3:]))


def runs_of(study, activation, batch):
    """The long runs, at the rate and with the penalty that were chosen."""
    *_, long = stages(study)
    runs = study.found(activation=activation, batch=batch)
    return [run for run in runs if run["setting"] in long]


def lines(study):
    """The paper's table, the errors, and the choice of the penalties."""
    return [*whole(study), "", *errors(study), "", *choices(study)]


def whole(study):
    """The paper's table 1, with ours in the rows and the column that are reproduced."""
    rows = []
    for name, (mnist, *others) in TABLE_1.items():
        ours = [[100 * run["test_error"] for run in runs_of(study, name, b)] for b in PLANS]
        found = [mean_and_spread(each) if each else "–" for each in ours]
        rows.append([name, f"{mnist:.2f}", *found, *(f"{error:.2f}" for error in others)])
    own = [f"ours, batches of {batch}" for batch in PLANS]
    return table(["table 1, %", SETS[0], *own, *SETS[1:]], rows)


def errors(study):
    """The errors on MNIST in full."""
    rows = []
    for batch in PLANS:
        for activation, published in PUBLISHED.items():
            runs = runs_of(study, activation, batch)
            test = [100 * run["test_error"] for run in runs]
            lowest = [100 * min(run["validation_error"]) for run in runs]
            zeros_published = f" ({PUBLISHED_ZEROS})" if activation == "rectifier" else ""
            rows.append(
                [
                    activation,
                    str(batch),
                    f"{published:.2f}",
                    mean_and_spread(test),
                    f"{np.mean(test) - published:+.2f}",
                    mean_and_spread(lowest),
                    f"{100 * np.mean([run['zeros'] for run in runs]):.1f}{zeros_published}",
                    f"{runs[0]['setting']['penalty']:g}",
                    f"{runs[0]['setting']['lr']:g}",
                    ", ".join(str(run["epoch"]) for run in runs),
                ]
            )
    header = ["", "batch", "paper, %", "ours, %", "difference", "validation, %"]
    return table([*header, "zeros (paper), %", "penalty", "rate", "best epochs"], rows)


def choices(study):
    """The validation errors by which penalties were chosen."""
    rows = []
    for activation in ACTIVATIONS:
        runs = study.found(activation=activation, batch=100, epochs=PENALTY_EPOCHS)
        by_penalty = {run["setting"]["penalty"]: lately(run) for run in runs}
        rows.append([activation, *(f"{100 * by_penalty[one]:.2f}" for one in CHOICE)])
    return table(["validation, %, by penalty", *(f"{one:g}" for one in CHOICE)], rows)


def picture(study):
    panels = [
        *(
            Panel(partial(draw_curves, study, batch), f"validation errors, batches of {batch}")
            for batch in PLANS
        ),
        Panel(partial(draw_errors, study), "test errors of the seeds beside the paper's"),
    ]
    reading = "The lower the better; dots are seeds, and bars the paper's figures."
    return Picture("rectifiers", "Rectifier, tanh, softplus", reading, panels, 3.6, 3)


def draw_curves(study, batch, axes):
    for activation, colour in COLOUR.items():
        for run in runs_of(study, activation, batch):
            percent = 100 * np.array(run["validation_error"])
            label = activation if run["setting"]["seed"] == 0 else None
            axes.plot(range(1, len(percent) + 1), percent, color=colour, lw=1.2, label=label)
    axes.set_ylim(1.2, 5)
    axes.set_xlabel("epoch")
    axes.set_ylabel("validation error, %")
    axes.set_title(f"batches of {batch}")
    axes.grid(alpha=0.25)
    axes.legend()


def draw_errors(study, axes):
    for place, (activation, published) in enumerate(PUBLISHED.items()):
        axes.plot([place - 0.3, place + 0.3], [published] * 2, color="black", lw=1.5)
        for batch, marker, side in zip(PLANS, "so", (-0.12, 0.12), strict=True):
            errors = [100 * run["test_error"] for run in runs_of(study, activation, batch)]
            style = {"color": COLOUR[activation], "ls": "none", "marker": marker}
            label = f"batches of {batch}" if place == 0 else None
            axes.plot([place + side] * len(errors), errors, **style, label=label)
    axes.set_xticks(range(len(PUBLISHED)), [*PUBLISHED])
    axes.set_xlim(-0.6, len(PUBLISHED) - 0.4)
    axes.set_ylabel("test error, %")
    axes.set_title("bars: the paper")
    axes.grid(alpha=0.25)
    axes.legend()


def main(arguments=None):
    given = options(sys.modules[__name__], arguments)
    study = Study("rectifiers", given.out)
    run = partial(measure, folder=given.data_dir)
    for settings in stages(study):
        study.carry_out(settings, run, given.workers)
    study.finish(lines, picture)


if __name__ == "__main__":
    main()
