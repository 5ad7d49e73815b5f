"""A sigmoid output that starts on the wrong side, under squared error and under cross-entropy.

    python -m benchmarks.studies.saturation [--out docs/studies]

One weight and one bias learn to turn the input 1 into the target 0, out = σ(w + b), from starts at
which the output is more and more certainly wrong; plain gradient descent with learning rate 1. The
gradient of ½ (out - t)² by the score z = w + b is (out - t) σ'(z), and σ' = out (1 - out) is small
where the output is wrong and certain; that of the cross-entropy is out - t, since the σ' cancels.
Counted are the steps until out < ½, which leaves the plateau, and until out < 0.1.

After M. Nielsen, "Neural Networks and Deep Learning", 2015, chapter 3, whose example starts at
w = b = 2.
"""

import sys
from functools import partial

import numpy as np

from benchmarks.report import table
from benchmarks.studies.study import Study, options
from chainrule.layers import MSE, Affine, Sigmoid, SigmoidCrossEntropy
from chainrule.nets import Regressor, Sequential
from chainrule.pictures import Panel, Picture
from chainrule.pictures.drawing import BLUE, ORANGE, powers
from chainrule.solvers import SGD

STARTS = (0.0, 2.0, 4.0, 6.0, 8.0, 10.0)  # z = w + b, both the same
COLOURS = {"squared error": ORANGE, "cross-entropy": BLUE}
SHOWN = 4.0  # the start in the picture
GOALS = {"out < 0.5": 0.5, "out < 0.1": 0.1}


def model_of(loss, start):
    """out = σ(w x + b), with the loss; both w and b are half of `start`."""
    affine = Affine(1, 1)
    for array in affine.params.values():
        array[...] = start / 2
    if loss == "cross-entropy":
        return Regressor(affine, SigmoidCrossEntropy())
    return Regressor(Sequential(affine, Sigmoid()), MSE())


def measure(setting, _):
    """A run: the steps it took, and the output before each of them."""
    model, rule = model_of(setting["loss"], setting["start"]), SGD(1.0)
    half = 0.5 if setting["loss"] == "squared error" else 1.0  # of MSE, which is (out - t)²
    x, target = np.ones((1, 1)), np.zeros((1, 1))
    outputs = [output(model.params)]
    while outputs[-1] >= 0.1:
        _, grads = model.loss(x, target, half)
        rule.update(model.params, grads)
        outputs.append(output(model.params))
    steps = {title: int(np.argmax(np.array(outputs) < below)) for title, below in GOALS.items()}
    return {"steps": steps, "outputs": outputs if setting["start"] == SHOWN else []}


def output(params):
    out, _ = Sigmoid().forward(sum(array.sum(keepdims=True) for array in params.values()))
    return out.item()


def lines(study):
    """The table."""
    rows = []
    for start in STARTS:
        row = [f"{start:g}"]
        for loss in COLOURS:
            (run,) = study.found(loss=loss, start=start)
            row += [f"{steps:,}" for steps in run["steps"].values()]
        rows.append(row)
    header = [f"{loss}: {goal}" for loss in COLOURS for goal in GOALS]
    return table(["start z", *header], rows)


def picture(study):
    panels = [
        Panel(partial(draw_outputs, study), f"outputs over steps from z = {SHOWN:g}"),
        Panel(partial(draw_steps, study), "steps to leave the plateau over the start"),
    ]
    reading = "Squared error waits on the plateau, the longer the more certain the wrong answer."
    return Picture("saturation", "A saturated sigmoid", reading, panels, 4.2, 3)


def draw_outputs(study, axes):
    for loss, colour in COLOURS.items():
        (run,) = study.found(loss=loss, start=SHOWN)
        axes.plot(run["outputs"], color=colour, label=loss)
    axes.set_xlabel("step")
    axes.set_ylabel("output (the target is 0)")
    axes.set_title(f"from z = {SHOWN:g}")
    axes.grid(alpha=0.25)
    axes.legend()


def draw_steps(study, axes):
    for loss, colour in COLOURS.items():
        steps = [study.found(loss=loss, start=z)[0]["steps"]["out < 0.1"] for z in STARTS]
        axes.plot(STARTS, steps, "o-", color=colour, label=loss)
    powers(axes)
    axes.set_xlabel("start z = w + b")
    axes.set_ylabel("steps until out < 0.1")
    axes.set_title("the more certain, the longer")
    axes.grid(alpha=0.25)
    axes.legend()


def main(arguments=None):
    given = options(sys.modules[__name__], arguments, data=None)
    study = Study("saturation", given.out)
    settings = [{"loss": loss, "start": start} for start in STARTS for loss in COLOURS]
    study.carry_out(settings, measure, given.workers)
    study.finish(lines, picture)


if __name__ == "__main__":
    main()
