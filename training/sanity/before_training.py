"""What can be told of the data and of a network before a single step."""

from __future__ import annotations

import copy
import math
from functools import partial
from typing import Any

import numpy as np

from chainrule.gradcheck import check_model
from chainrule.layers import Layer
from chainrule.nets import weights_of
from chainrule.pictures.monitor import units
from chainrule.solvers.generators import reachable
from chainrule.training.sanity.answers import Answers
from chainrule.training.sanity.check import Check

ROWS = 256  # are enough to look at a network with: units and gradients differ little over rows
LARGE, SMALL = 5.0, 0.01  # size of inputs; digits of 0 to 16, of size 8, diverge under momentum
SPREAD = 3.0  # scores of this size are a strong opinion: that of fresh networks is about 1
MEASURED = 5000  # rows, of which mean and deviation are taken
MOSTLY = 0.5  # units alike or stuck: fresh networks of 10 ReLU layers had 0.43 at most
VANISHED, EXPLODED = 1e-3, 1e3  # measured: up to 4 layers 0.0027 to 1.7, 10 of sigmoids 5e-7


def leaves(net: Any) -> list[Any]:
    """The layers of a network, however it holds them, that hold no layers themselves."""
    layers = [thing for thing in reachable(net) if isinstance(thing, Layer)]
    return [one for one in layers if sum(isinstance(it, Layer) for it in reachable(one)) == 1]


def draws(layer: Any) -> bool:
    """Whether a layer has a generator, as Dropout."""
    return any(isinstance(value, np.random.Generator) for value in vars(layer).values())


def unregularised(model: Any) -> Any:
    """A copy of the model without penalty, whose layers that draw, as Dropout, do in training what
    they do in inference."""
    model = copy.deepcopy(model)
    model.l2 = 0.0
    for layer in leaves(model.net):
        if draws(layer):
            layer.forward = partial(in_inference, layer)
    return model


def in_inference(layer: Any, *inputs: Any, **_: Any) -> Any:
    """The inference pass of a layer, whatever `train` says."""
    return type(layer).forward(layer, *inputs, train=False)


def check_inputs(data: Any) -> Check:
    """Finite numbers near 1 in size."""
    for part in ("x_train", "x_val"):
        x = getattr(data, part)
        if x is not None and not np.isfinite([x.min(), x.max()]).all():
            bad = np.argwhere(~np.isfinite(x))
            found = f"{len(bad):,} numbers of {part} are not finite, expected none"
            first = f"{part}{bad[0].tolist()} is {x[tuple(bad[0])]}"
            cause = f"Some inputs are not finite, {first}: repair or drop such rows."
            return Check("inputs", False, found, cause, fatal=True)
    x = data.x_train[:: math.ceil(len(data.x_train) / MEASURED)]
    x = x.reshape(len(x), -1).astype(np.float64)
    mean, std = float(x.mean()), float(x.std())
    size = math.hypot(mean, std)
    constant = int(np.count_nonzero(x.min(axis=0) == x.max(axis=0)))
    mean = 0.0 if abs(mean) < 0.005 * std else mean
    found = f"mean {mean:.3g}, standard deviation {std:.3g}, expected 0 and 1"
    if constant:
        found += f" ({constant} of {x.shape[1]} features are constant)"
    cause = ""
    usable = constant < x.shape[1] and math.isfinite(size)
    if constant == x.shape[1]:
        cause = "All rows of the inputs are the same: look at how the data are read."
    elif not SMALL <= size <= LARGE:
        times = size if size > 1 else 1 / size
        about = f"about {times:,.0f}" if times < 1e6 else "more than a million"
        cause = (
            f"The inputs are {about} times too {'large' if size > 1 else 'small'}: "
            f"standardise them, as dataset.standardised() does, and treat every later row the "
            f"same way."
        )
    return Check("inputs", not cause, found, cause, fatal=not usable)


def check_first_loss(
    answers: Answers, model: Any, x: np.ndarray, y: np.ndarray, rng: np.random.Generator
) -> Check:
    """The loss of a fresh network is near that of answers that say nothing."""
    scores, _ = copy.deepcopy(model.net).forward(x)
    loss = float(model.criterion.forward(scores, y)[0])
    expected = answers.indifferent(model, x, y)
    limit = answers.opinionated(model, y, SPREAD * rng.standard_normal(scores.shape))
    found = f"{loss:.4g}, expected {expected:.4g} (that of {answers.nothing}) to {limit:.4g}"
    cause = ""
    if not math.isfinite(loss):
        cause = f"The loss is {loss} before the first step: some weights are not finite or huge."
    elif loss > limit:
        cause = (
            f"The first weights are too large: the fresh network is sure of wrong answers, its "
            f"loss is {loss:.4g} where {expected:.4g} says nothing. Draw them smaller, with the "
            f"scheme of the activation (layers.init)."
        )
    return Check("first loss", not cause, found, cause, fatal=not math.isfinite(loss))


def check_gradients(model: Any, x: np.ndarray, y: np.ndarray) -> Check:
    """The gradients agree with differences of the loss."""
    report = check_model(model, x, y, effort="quick")
    if report:
        return Check("gradients", True, f"agree with differences ({len(report.tensors)} tensors)")
    finding = report.findings[0]
    found = f"wrong in {finding.tensor}, expected to agree with differences"
    cause = f"The gradients are wrong: {finding.message}. {finding.hint}".rstrip()
    return Check("gradients", False, found, cause, fatal=True)


def check_symmetry(model: Any, x: np.ndarray, y: np.ndarray) -> Check:
    """Hidden units differ in their weights or in their gradients, or they stay alike for ever."""
    _, grads = copy.deepcopy(model).loss(x, y)
    weights = [name for name in weights_of(model) if model.params[name].ndim > 1]
    worst, share = "", 0.0
    for name in weights[:-1]:
        bias = name.removesuffix("W") + "b"
        arrays = [source[key] for key in (name, bias) if key in grads
                  for source in (model.params, grads)]  # fmt: skip
        # Rounded, because a matrix product may round equal columns in different ways.
        units = np.concatenate([by_unit(np.round(a / (abs(a).max() or 1), 5)) for a in arrays])
        different = len(np.unique(units.T, axis=0))
        if (alike := (len(units.T) - different) / max(len(units.T) - 1, 1)) > share:
            worst, share = name.rpartition(".")[0] or name, alike
    found = f"{share:.0%} of the hidden units {f'of {worst} ' * bool(worst)}are alike, expected 0%"
    cause = ""
    if share > MOSTLY:
        cause = (
            f"The hidden units of {worst} are alike: they start with the same weights, get "
            f"the same gradients, and so stay one and the same unit. Draw the weights at random."
        )
    return Check("symmetry", not cause, found, cause)


def by_unit(array: np.ndarray) -> np.ndarray:
    """Weights or biases with a column per unit, which is the last axis, or of kernels (F, C, kh,
    kw) the first."""
    return (
        array.reshape(len(array), -1).T if array.ndim == 4 else array.reshape(-1, array.shape[-1])
    )


def check_units(model: Any, x: np.ndarray) -> Check:
    """Units let a gradient through for some rows at least; `units` of pictures.monitor decides."""
    net, passes = copy.deepcopy(model.net), list[tuple[Any, ...]]()
    for layer in leaves(net):
        layer.forward = recorder(layer, passes)
    net.forward(x)
    share = max((units(*one)["saturated"] or 0.0 for one in [*passes]), default=0.0)
    found = f"{share:.0%} dead or saturated, expected under {MOSTLY:.0%}"
    cause = ""
    if share >= MOSTLY:
        cause = (
            f"{share:.0%} of the units of a hidden layer are dead or saturated from the start, and "
            f"pass hardly any gradient on: draw smaller weights, with biases of 0."
        )
    return Check("units", not cause, found, cause)


def recorder(layer: Any, passes: list[tuple[Any, ...]]) -> Any:
    """The forward pass of a layer, which leaves what `units` asks of it in `passes`."""
    forward = layer.forward

    def forward_and_record(*inputs: Any, train: bool = True) -> Any:
        out, cache = forward(*inputs, train=train)
        if len(inputs) == 1 and isinstance(out, np.ndarray):
            passes.append((layer, inputs[0], out, cache))
        return out, cache

    return forward_and_record


def check_depth(model: Any, x: np.ndarray, y: np.ndarray) -> Check:
    """The gradient keeps its size on the way down, measured against the one that the first
    weights would get if the scores were right above them: xᵀ dscores."""
    name = next(iter(weights_of(model)), None)
    if name is None:
        return Check("depth", True, "no weight matrix")
    model = copy.deepcopy(model)
    _, grads = model.loss(x, y)
    scores, _ = model.net.forward(x)
    _, cache = model.criterion.forward(scores, y)
    dscores, _ = model.criterion.backward(1.0, cache)
    reference = np.linalg.norm(x.reshape(len(x), -1).T @ dscores)
    ratio = float(np.linalg.norm(grads[name]) / reference) if reference > 0 else 1.0
    expected = f"expected {VANISHED:g} to {EXPLODED:g}"
    found = f"{name} gets {ratio:.2g} of the gradient of a one-layer net, {expected}"
    cause = ""
    if not VANISHED <= ratio <= EXPLODED:
        cause = (
            f"The gradient {'vanishes' if ratio < 1 else 'explodes'} on its way down: {name} gets "
            f"{ratio:.1g} times what a net of one layer would get. Put a norm layer behind every "
            f"affine layer, take ReLU and its initialisation, or fewer layers."
        )
    return Check("depth", not cause, found, cause)
