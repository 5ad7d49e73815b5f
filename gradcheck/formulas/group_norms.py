"""Formulas of group, instance and RMS normalisation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.norms import (
    BETA,
    EPSILONS,
    GAMMA,
    Norm,
    epsilons,
    norm,
)
from chainrule.gradcheck.formulas.reference import Call, Inapplicable, Reference, Said

GROUPS = ("G", "groups", "num_groups", "n_groups", "group")
Change = tuple[str, dict[str, Any]]


def channels(call: Call, least: int) -> int:
    """How many channels x (N, C, *space) has. Raises Inapplicable where it has no such shape, or
    gamma not that size."""
    x = call.x
    sizes = {call.param(*names, default=1.0).size for names in (GAMMA, BETA)}
    if x.ndim < least or not x.size or not sizes <= {1, x.shape[1]}:
        raise Inapplicable(f"x {x.shape} and gamma do not fit: there is one for each channel")
    return x.shape[1]


def group_norms(call: Call) -> Iterator[Norm]:
    """Group norm of consecutive channels; all numbers of groups where the layer tells none."""
    x, C = call.x, channels(call, 2)
    told = int(call.setting(*GROUPS, default=0.0))
    if told and C % told:
        raise Inapplicable(f"{C} channels do not fall into {told} groups")
    columns = (1, C, *[1] * (x.ndim - 2))
    divisors = [G for G in range(2, C) if C % G == 0]
    for G in [told] if told else [*divisors, C, 1]:
        view = (len(x), G, C // G, *x.shape[2:])
        for eps in epsilons(call):
            yield Norm(tuple(range(2, len(view))), columns, eps, view=view)


def wrong_groups(_: Call, right: Norm) -> Iterator[Change]:
    """What group norm may go over by mistake."""
    N, G, size, *space = right.view
    inner = tuple(range(3, len(right.view)))
    every = {"view": (N, size, G, *space), "axes": (1, *inner)}
    yield f"a group is every {G}-th channel: it should be {size} consecutive ones", every
    text = f"{G} is taken for the number of channels in a group, not for the number of groups"
    yield text, {"view": (N, size, G, *space)}
    wrong = {
        "over each channel by itself, as instance norm does": inner,
        "over all groups, as layer norm does": tuple(range(1, len(right.view))),
        "over the examples, too": (0, *right.axes),
        "over the channels of a group alone, pixel by pixel": (2,),
    }
    for text, axes in wrong.items():
        if axes and axes != right.axes:
            yield f"it normalises over the wrong axis: {text}", {"axes": axes}


def instance_norms(call: Call) -> Iterator[Norm]:
    x, C = call.x, channels(call, 3)
    for eps in epsilons(call):
        yield Norm(tuple(range(2, x.ndim)), (1, C, *[1] * (x.ndim - 2)), eps)


def wrong_instances(call: Call, right: Norm) -> Iterator[Change]:
    """What instance norm may go over by mistake."""
    wrong = {
        "over the examples, too, as batch norm does": (0, *right.axes),
        "over the channels, too, as layer norm does": (1, *right.axes),
        "over everything at once": tuple(range(call.x.ndim)),
    }
    for text, axes in wrong.items():
        yield f"it normalises over the wrong axis: {text}", {"axes": axes}


def rms(
    call: Call, eps: float, inside: bool = True, one: float = 0.0, root: bool = True
) -> np.ndarray:
    """x / √(mean x² + eps), or with eps outside of the root or no root, times gamma + `one`."""
    gamma = call.param(*GAMMA, default=1.0)
    if call.x.ndim < 2 or not call.x.size or gamma.shape not in ((), call.x.shape[-1:]):
        raise Inapplicable(f"x {call.x.shape} and gamma {gamma.shape} do not fit")
    square = np.mean(call.x**2, axis=-1, keepdims=True)
    scale = square + eps if inside else square
    scale = np.sqrt(scale) if root else scale
    return (gamma + one) * call.x / (scale if inside else scale + eps)


def rms_norms(call: Call) -> Iterator[np.ndarray]:
    """Some keep gamma - 1 as the parameter."""
    for eps in epsilons(call):
        yield rms(call, eps)
    for eps in epsilons(call) if call.params else ():
        yield rms(call, eps, one=1.0)


def rms_mistakes(call: Call) -> Said:
    x, gamma = call.x, call.param(*GAMMA, default=1.0)
    told = call.setting("eps", "epsilon", default=-1.0) >= 0
    # An eps that is seen is not tiny, where the layer does not tell it.
    for eps in epsilons(call) if told else (*EPSILONS, 0.01, 0.1, 1.0):
        yield "eps stands outside the square root", rms(call, eps, inside=False)
    for eps in epsilons(call):
        right = rms(call, eps)
        centred = x - x.mean(axis=-1, keepdims=True)
        of_var = gamma * centred / np.sqrt(x.var(axis=-1, keepdims=True) + eps)
        yield "the square root is missing", rms(call, eps, root=False)
        yield "gamma is missing", rms(call, eps) / gamma
        yield "the mean is subtracted, as layer norm does", of_var
        total = gamma * x / np.sqrt((x**2).sum(axis=-1, keepdims=True) + eps)
        yield "the squares are summed, not averaged", total
        whole = gamma * x / np.sqrt((x**2).mean() + eps)
        yield "the mean is over everything, not over each row", whole
        column = gamma * x / np.sqrt((x**2).mean(axis=0) + eps)
        yield "the mean is over the examples, not over each row", column
        yield "it divides by gamma, and does not multiply", right / gamma**2
    yield "eps is missing", rms(call, 0.0)


GROUP_NORMS = (
    norm("groupnorm", group_norms, wrong_groups, GROUPS),
    norm("instancenorm", instance_norms, wrong_instances),
    Reference(
        "rmsnorm",
        "gamma x / √(mean x² + eps)",
        lambda call: next(rms_norms(call)),
        rms_mistakes,
        rms_norms,
        params=GAMMA,
    ),
)
