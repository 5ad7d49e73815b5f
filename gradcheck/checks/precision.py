"""The gradients in the dtype that was given, such as bfloat16, beside those in float64."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.gradcheck.checks.arrays import size
from chainrule.gradcheck.checks.gradients import compare
from chainrule.gradcheck.checks.outcome import PASSED, Outcome, Passes, remark, wrong
from chainrule.gradcheck.subject.subject import Gradients, Subject

TRIALS = 4  # so many times everything that comes in is moved by its last digit
OUT = "out"
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
    exact, low, rng = subject.at(subject.inputs), lowered(subject, eps), passes.rng
    douts = passes.train.douts
    right, got = passed(exact, douts), passed(low, douts)
    if infinite := [name for name, g in got.items() if not np.isfinite(g).all()]:
        if all(np.isfinite(right[name]).all() for name in infinite):
            what = (
                "the output"
                if infinite[0] == OUT
                else subject.profile.vocabulary.label(infinite[0])
            )
            return remark(infinite[0], "overflow-in-dtype", dtype=dtype, what=what)
        return Outcome(why="there it is infinite in float64, too")
    spread = dict.fromkeys(right, 0.0)
    for _ in range(TRIALS):
        for one, base in ((exact, right), (low, got)):
            inputs = [moved(x, eps, rng) for x in subject.inputs]
            others = [None if d is None else moved(np.asarray(d), eps, rng) for d in douts]
            there = passed(one.at(inputs), others)
            for name, g in there.items():
                spread[name] = max(spread[name], size(g - base[name]))

    def differs(name: str) -> bool:
        gap, scale = size(got[name] - right[name]), size(right[name])
        return gap > max(EXPLAINED * (spread[name] + eps * scale), 1e-2 * scale)

    for name in (name for name in got if name != OUT and differs(name)):
        found = compare(low, passes, low.run(True, douts), True, brief=True)
        if found.is_right and differs(OUT):  # another function in this dtype, such as a random one
            continue
        say = remark if found.is_right else wrong
        part = size(got[name] - right[name]) / max(size(right[name]), 1e-300)
        return say(name, "off-in-dtype", dtype=dtype, part=f"{part:.0%}")
    return PASSED


def lowered(subject: Subject, eps: float) -> Subject:
    """The subject in the dtypes that were given."""
    taped = copy.copy(subject.layer)
    taped.exact = False
    profile = replace(subject.profile, precision=eps / 2)
    return Subject(taped, tuple(subject.inputs), profile)


def passed(subject: Subject, douts: list[Any]) -> Gradients:
    """The outputs of a training pass, as one array, and its gradients."""
    outs, cache = subject.forward(True)
    found = {n: np.asarray(g) for n, g in subject.backward(douts, cache).items() if g is not None}
    return {OUT: np.concatenate([np.ravel(out) for out in outs])} | found


def moved(x: np.ndarray, eps: float, rng: np.random.Generator) -> np.ndarray:
    """Numbers moved by about the last digit of a dtype; others as they are."""
    return x * (1 + eps * rng.uniform(-1, 1, x.shape)) if x.dtype.kind == "f" else x
