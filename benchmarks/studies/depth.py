"""What 50 layers make of the size of activations and gradients.

    python -m benchmarks.studies.depth [--out docs/studies]

Networks of 50 layers of 200 units before training, for each activation and each scheme for the
first weights, with and without batchnorm; 200 rows of normal random numbers go in, normal random
numbers of standard deviation 1 come back as the gradient of the output. For each layer, the mean
square over rows and units of what comes out of the activation, and of the gradient that arrives
there; the median over 5 draws of the weights.

After Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks",
2010, and He et al., "Delving Deep into Rectifiers", 2015; batchnorm's growing gradients: Yang et
al., "A Mean Field Theory of Batch Normalization", 2019, where a rectifier's grow by about
π / (π - 1) = 1.47 in each layer.
"""

import sys
from functools import partial

import numpy as np

from benchmarks.report import table
from benchmarks.studies.study import Study, options
from chainrule.layers import (
    ELU,
    Affine,
    BatchNorm,
    Layer,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softplus,
    Tanh,
    glorot_normal,
    he_normal,
    lecun_normal,
    plain_normal,
)
from chainrule.layers.annotations import Scheme
from chainrule.pictures import Panel, Picture
from chainrule.pictures.drawing import COLOURS, powers

DEPTH, WIDTH, ROWS = 50, 200, 200
SEEDS = range(5)
ACTIVATIONS = {
    "relu": ReLU(),
    "leaky relu": LeakyReLU(),
    "elu": ELU(),
    "softplus": Softplus(),
    "tanh": Tanh(),
    "sigmoid": Sigmoid(),
}
SCHEMES: dict[str, Scheme] = {
    "σ = 0.01": plain_normal(0.01),
    "LeCun": lecun_normal,
    "Glorot": glorot_normal,
    "He": he_normal,
}
NORMS = ("", "batchnorm")


def squares(activation, scheme, norm, seed):
    """The mean squares (DEPTH,) of the activations and of the gradients that arrive there."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((ROWS, WIDTH))
    steps, outputs, gradients = [], [], []
    for _ in range(DEPTH):
        block: list[Layer] = [Affine(WIDTH, WIDTH, init=SCHEMES[scheme], rng=rng)]
        block += [BatchNorm(WIDTH)] if norm else []
        for layer in [*block, ACTIVATIONS[activation]]:
            x, cache = layer.forward(x)
            steps.append((layer, cache))
        outputs.append(np.mean(np.square(x)))
    dout = rng.standard_normal(x.shape)
    for layer, cache in reversed(steps):
        if layer is ACTIVATIONS[activation]:
            gradients.append(np.mean(np.square(dout)))
        dout, _ = layer.backward(dout, cache)
    return np.array(outputs), np.array(gradients[::-1])


def measure(setting, _):
    """A run: the medians over the seeds, layer by layer."""
    found = [squares(**setting, seed=seed) for seed in SEEDS]
    outputs, gradients = (np.median(each, axis=0) for each in zip(*found, strict=True))
    return {"outputs": outputs.tolist(), "gradients": gradients.tolist()}


def a_layer(values):
    """The factor by which a root mean square changes in a layer, over the second half."""
    low, high = values[DEPTH // 2 - 1], values[-1]
    if low == 0 or high == 0:
        return "0"
    return f"{(high / low) ** (0.5 / (DEPTH - DEPTH // 2)):.2f}"


def lines(study):
    """The table: a layer's factor on the outputs, on the way up, and on the gradients, down."""
    rows = []
    for norm in NORMS:
        for activation in ACTIVATIONS:
            row = [activation + (", batchnorm" if norm else "")]
            for scheme in SCHEMES:
                (run,) = study.found(activation=activation, scheme=scheme, norm=norm)
                down = run["gradients"][::-1]
                row.append(f"{a_layer(run['outputs'])} / {a_layer(down)}")
            rows.append(row)
    return table(["", *SCHEMES], rows)


def picture(study):
    panels = [
        Panel(
            partial(draw, study, what, scheme, norm),
            f"{what} over depth, {scheme} {norm}".strip(),
        )
        for norm in NORMS
        for what in ("outputs", "gradients")
        for scheme in SCHEMES
    ]
    reading = "A level line is what one wants; down, it vanishes, up, it explodes."
    return Picture("depth", "50 layers", reading, panels, 2.7, 2.2)


def draw(study, what, scheme, norm, axes):
    for (activation, _), colour in zip(ACTIVATIONS.items(), COLOURS, strict=False):
        (run,) = study.found(activation=activation, scheme=scheme, norm=norm)
        values = np.sqrt(run[what])
        shown = np.where(values > 0, values, np.nan)
        axes.plot(range(1, DEPTH + 1), shown, color=colour, lw=1.2, label=activation)
    powers(axes)
    axes.set_ylim(1e-12, 1e6)
    axes.set_yticks([1e-12, 1e-8, 1e-4, 1, 1e4])
    axes.set_title(f"{what}, {scheme}{', ' * bool(norm)}{norm}", fontsize=8)
    axes.set_xlabel("layer")
    axes.grid(alpha=0.25)
    if (what, scheme, norm) == ("outputs", "He", ""):
        axes.legend(fontsize=6, ncols=2, loc="lower left")


def main(arguments=None):
    given = options(sys.modules[__name__], arguments, data=None)
    study = Study("depth", given.out)
    settings = [
        {"activation": activation, "scheme": scheme, "norm": norm}
        for norm in NORMS
        for scheme in SCHEMES
        for activation in ACTIVATIONS
    ]
    study.carry_out(settings, measure, given.workers)
    study.finish(lines, picture)


if __name__ == "__main__":
    main()
