"""How the gradients of a backward pass depend on dout: for one and the same cache, linearly."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.gradcheck.checks.arrays import size
from chainrule.gradcheck.checks.outcome import PASSED, Outcome, Passes, wrong
from chainrule.gradcheck.subject.subject import Gradients, Pass, Subject, random_upstream

TOLERANCE = 1e-8  # of the largest entry of a gradient
KEYS = {"ignored": "dout-ignored", "constant": "not-zero-at-zero"}


def ask(subject: Subject, passes: Passes) -> Outcome:
    """Whether gradients grow with dout. A wrong one among them is told with its cause, if its
    values are wrong too; one whose value is right for this dout alone is told here."""
    if not subject.profile.apart:
        return Outcome(why="gradient and loss come from one call")
    passes.powers = powers(subject, passes.train, passes.rng)
    for name, (how, _) in passes.powers.items():
        tensor = passes.tensors.get(name)
        if tensor is not None and tensor.ok:
            return wrong(name, KEYS.get(how, "not-linear"))
    return PASSED


def powers(
    subject: Subject, done: Pass, rng: np.random.Generator, train: bool = True
) -> dict[str, tuple[str, float]]:
    """How each gradient depends on dout that is not linear in it, and how far it is from linear."""
    if not subject.profile.apart:
        return {}
    try:
        _, cache = subject.forward(train)
        noise = done.rounding
        if found := dependence(subject, done.douts, cache, noise):  # or one that cancels
            again = dependence(subject, random_upstream(done.outs, rng), cache, noise)
            found = {name: power for name, power in found.items() if name in again}
        return found
    except Exception:  # a backward pass that fails on another dout is judged by its values
        return {}


def dependence(
    subject: Subject, douts: list[Any], cache: Any, noise: dict[str, float]
) -> dict[str, tuple[str, float]]:
    """A gradient is "ignored" that stays the same, a "sign" that does not turn with dout,
    "constant" that is not 0 for none, and "other" if none of these.

    dout is scaled by powers of two alone, which round nothing, in whatever precision a backward
    pass computes. A gradient of nothing but rounding is not asked.
    """
    once, twice, minus, nothing = (scaled(subject, douts, cache, c) for c in (1.0, 2.0, -1.0, 0.0))
    dout = max(np.abs(d).max(initial=0.0) for d in douts if d is not None)
    largest = max([1e-5 * dout, *map(size, once.values())])
    found = {}
    for name, g in once.items():
        if name not in twice or g.shape != twice[name].shape or size(g) <= TOLERANCE * largest:
            continue
        most = max(TOLERANCE * size(g), 2 * noise.get(name, 0.0))
        double, turned = size(twice[name] - 2 * g), size(minus[name] + g)
        rest = size(nothing[name]) if name in nothing else 0.0
        if max(double, turned, rest) <= most:
            continue
        if size(twice[name] - g) <= most and size(minus[name] - g) <= most:
            how = "ignored"
        elif rest > most:
            how = "constant"
        elif double <= most:
            how = "sign"
        else:
            how = "other"
        found[name] = (how, max(double, turned, rest) / size(g))
    return found


def scaled(subject: Subject, douts: list[Any], cache: Any, c: float) -> Gradients:
    """The gradients that there are for c · dout, in float64."""
    found = subject.backward([None if d is None else np.asarray(c * d) for d in douts], cache)
    return {k: np.array(g, np.float64) for k, g in found.items() if g is not None}


def rounding(subject: Subject, done: Pass) -> dict[str, float]:
    """How much the backward pass rounds each gradient, as it shows where dout is scaled by a number
    that is no power of two: about 1e-16 of what enters its sums, or 1e-7 where it computes in
    float32. What differs where dout is doubled, too, does so for another reason."""
    first = {k: g for k, g in done.arrays().items() if g.dtype.kind in "fiub"}
    sizes = {name: size(g) for name, g in first.items()}

    def gaps(c: float) -> dict[str, float]:
        try:
            found = scaled(subject, done.douts, done.cache, c)
        except Exception:  # a backward pass that fails on another dout is judged by its values
            return {}
        pairs = {k: (g, found[k]) for k, g in first.items() if k in found}
        return {k: size(b / c - a) for k, (a, b) in pairs.items() if a.shape == b.shape}

    most = gaps(1.37)
    if all(gap <= 1e-13 * sizes[name] for name, gap in most.items()):
        return most
    least = gaps(2.0)
    likely = {name: gap for name, gap in most.items() if gap <= 1e-2 * sizes[name]}
    return {k: gap for k, gap in likely.items() if k in least and least[k] <= 0.2 * gap}
