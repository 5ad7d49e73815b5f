"""The gradients in the dtype that was given, such as bfloat16, beside those in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.gradcheck.checks.arrays import size
from chainrule.gradcheck.checks.gradients import compare
from chainrule.gradcheck.checks.outcome import PASSED, Outcome, Passes, remark, wrong
from chainrule.gradcheck.subject.subject import Gradients, Subject
from chainrule.gradcheck.subject.tape import TapedFunction

TRIALS = 4  # so many times everything that comes in is moved by its last digit
EXPLAINED = 30.0  # times as much as that makes of a gradient may be rounding


def in_given_dtype(given: Mapping[str, float]) -> Callable[[Subject, Passes], Outcome]:
    """The question for the dtypes that were given, by name, with their relative precision.

    Rounding explains what becomes of a gradient where all that comes in is moved by its last digit,
    in float64 and in the dtype itself. More than that is wrong only where slopes of the forward
    pass in this dtype contradict it, too, and else a remark; so is what is finite in float64 alone.
    """

    def ask(subject: Subject, passes: Passes) -> Outcome:
        lower = [name for name in given if name != "float64"]
        if not lower or not subject.layer.exact:
            return Outcome(why="all was in the dtype given")
        return compare_in(subject, passes, " and ".join(lower), max(given.values()))

    return ask


def compare_in(subject: Subject, passes: Passes, dtype: str, eps: float) -> Outcome:
    """The gradients in a dtype beside those in float64."""
    exact, low, rng = subject.at(subject.inputs), lowered(subject), passes.rng
    douts = passes.train.douts
    right = gradients_at(exact, douts)
    got = gradients_at(low, douts)
    if infinite := [n for n, g in got.items() if not np.isfinite(g).all()]:
        if all(np.isfinite(right[name]).all() for name in infinite):
            return remark(infinite[0], "overflow-in-dtype", dtype=dtype)
        return Outcome(why="gradients are infinite in float64, too")
    spread = dict.fromkeys(right, 0.0)
    for _ in range(TRIALS):
        for one, base in ((exact, right), (low, got)):
            inputs = [moved(x, eps, rng) for x in subject.inputs]
            others = [None if d is None else moved(np.asarray(d), eps, rng) for d in douts]
            there = gradients_at(one.at(inputs), others)
            for name, g in there.items():
                spread[name] = max(spread[name], size(g - base[name]))
    for name, g in got.items():
        gap, scale = size(g - right[name]), size(right[name])
        if gap <= EXPLAINED * (spread[name] + eps * scale) or gap <= 1e-2 * scale:
            continue
        found = compare(low, passes, low.run(True, douts), True, brief=True)
        say = remark if found.is_right else wrong
        return say(name, "off-in-dtype", dtype=dtype, part=f"{gap / max(scale, 1e-300):.0%}")
    return PASSED


def lowered(subject: Subject) -> Subject:
    """The subject in the dtypes that were given."""
    low = subject.at(subject.inputs)
    taped: TapedFunction = low.layer
    taped.exact = False
    return low


def gradients_at(subject: Subject, douts: list[Any]) -> Gradients:
    """The gradients of a training pass."""
    outs, cache = subject.forward(True)
    return {n: np.asarray(g) for n, g in subject.backward(douts, cache).items() if g is not None}


def moved(x: np.ndarray, eps: float, rng: np.random.Generator) -> np.ndarray:
    """Numbers moved by about the last digit of a dtype; others as they are."""
    return x * (1 + eps * rng.uniform(-1, 1, x.shape)) if x.dtype.kind == "f" else x
