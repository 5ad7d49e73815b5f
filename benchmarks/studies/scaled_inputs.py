"""Inputs scaled by 1000: what it does to the gradients and to the learning rate.

    python -m benchmarks.studies.scaled_inputs [--out docs/studies]

On the digits that come with the package, standardised and then multiplied by a factor: a linear
map 64-10 under squared error that starts at 0, a network 64-32-10 of rectifiers under
cross-entropy, and the same network behind a batchnorm of its inputs. Given are the norm of the
gradient of the first matrix before the first step, and the largest learning rate on a ladder of
powers of √2 that still converges: after STEPS steps of gradient descent on all the training data
the loss is below GOALS, which is that of the zero map, or half of what guessing costs.

A loss sees the first matrix only through x W, so that a factor c on x puts c on the gradient and c²
on the curvature; the largest stable rate, 2 over the largest curvature, falls by c². For the linear
map it can be computed, and stands beside. LeCun et al., "Efficient BackProp", 1998, section 5.
"""

import sys
from functools import partial

import numpy as np

from benchmarks.report import table
from benchmarks.studies.study import Study, options
from chainrule.data import load_digits
from chainrule.layers import MSE, Affine, BatchNorm, ReLU, SoftmaxCrossEntropy, plain_normal
from chainrule.nets import Classifier, Sequential
from chainrule.pictures import Panel, Picture
from chainrule.pictures.drawing import COLOURS, powers
from chainrule.solvers import SGD

FACTORS = (1, 10, 100, 1000)
STEPS = 200
LADDER = [2.0 ** (power / 2) for power in range(10, -60, -1)]  # 32 to 1e-9


def linear(_):
    return Classifier(Affine(64, 10, init=plain_normal(0)), MSE())


def network(rng, *before):
    hidden = Affine(64, 32, init=ReLU.weight_init, rng=rng)
    net = Sequential(*before, hidden, ReLU(), Affine(32, 10, rng=rng))
    return Classifier(net, SoftmaxCrossEntropy())


MODELS = {
    "linear, squared error": linear,
    "network": network,
    "network behind a batchnorm": lambda rng: network(rng, BatchNorm(64)),
}
GUESS = np.log(10) / 2
GOALS = {"linear, squared error": 0.1, "network": GUESS, "network behind a batchnorm": GUESS}


def converges(name, lr, x, y):
    """Whether the loss is below the goal of the model after STEPS steps."""
    model, rule = MODELS[name](np.random.default_rng(0)), SGD(lr)
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            loss, grads = model.loss(x, y)
            if not np.isfinite(loss):
                return False
            rule.update(model.params, grads)
        last, _ = model.loss(x, y)
    return bool(last < GOALS[name])


def measure(setting, _):
    """A run: the gradient's norm, and the largest rate."""
    data = load_digits().standardised()
    x, y = data.x_train * setting["factor"], data.y_train
    model = MODELS[setting["model"]](np.random.default_rng(0))
    _, grads = model.loss(x, y)
    first = grads[next(name for name in model.params if name.endswith("W"))]
    rate = next(lr for lr in LADDER if converges(setting["model"], lr, x, y))
    return {"gradient": float(np.linalg.norm(first)), "rate": rate}


def stable_rate(factor):
    """2 over the largest curvature of the linear map's loss, Σ (out - t)² / 10 N."""
    x = load_digits().standardised().x_train * factor
    x = np.hstack([x, np.ones((len(x), 1))])  # the bias
    return 2 / (2 / (10 * len(x)) * np.linalg.eigvalsh(x.T @ x)[-1])


def lines(study):
    """The table."""
    rows = []
    for model in MODELS:
        for factor in FACTORS:
            (run,) = study.found(model=model, factor=factor)
            computed = f"{stable_rate(factor):.2g}" if model.startswith("linear") else "–"
            rows.append(
                [model, str(factor), f"{run['gradient']:.2g}", f"{run['rate']:.2g}", computed]
            )
    header = ["", "factor", "norm of the gradient", "largest rate", "2 ÷ curvature"]
    return table(header, rows)


def picture(study):
    panels = [
        Panel(partial(draw, study, "gradient", "norm of the gradient"), "gradient over factor"),
        Panel(partial(draw, study, "rate", "largest learning rate"), "largest rate over factor"),
    ]
    reading = "The gradient grows with the factor; a linear map's rate falls with its square."
    return Picture("scaled_inputs", "Inputs times 1000", reading, panels, 4, 3)


def draw(study, what, title, axes):
    for model, colour in zip(MODELS, COLOURS, strict=False):
        values = [study.found(model=model, factor=factor)[0][what] for factor in FACTORS]
        axes.semilogx(FACTORS, values, "o-", color=colour, label=model)
    powers(axes)
    axes.set_xticks(FACTORS, [str(factor) for factor in FACTORS])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("factor on the inputs")
    axes.set_title(title)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=7)


def main(arguments=None):
    given = options(sys.modules[__name__], arguments, data=None)
    study = Study("scaled_inputs", given.out)
    settings = [{"model": model, "factor": factor} for model in MODELS for factor in FACTORS]
    study.carry_out(settings, measure, given.workers)
    study.finish(lines, picture)


if __name__ == "__main__":
    main()
