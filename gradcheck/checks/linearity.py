"""How the gradients of a backward pass depend on dout: for one and the same cache, linearly."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.gradcheck.checks.outcome import PASSED, Outcome, Passes, not_applicable, wrong
from chainrule.gradcheck.subject.subject import Pass, Subject, random_upstream

TOLERANCE = 1e-8  # of the largest entry of a gradient


def ask(subject: Subject, passes: Passes) -> Outcome:
    """Whether gradients grow with dout. A wrong one among them is told with its cause, if its
    values are wrong too; one whose value is right for this dout alone is told here."""
    if not subject.profile.apart:
        return not_applicable("gradient and loss come from one call")
    passes.powers = powers(subject, passes.train, passes.rng)
    for name, (how, _) in passes.powers.items():
        tensor = passes.tensors.get(name)
        if tensor is None or not tensor.ok:
            continue
        if how == "ignored":
            return wrong(
                name, "dout-ignored", "missing-term", "{d} {does} not change when dout changes",
                "Multiply by the upstream gradient dout, also where it is usually 1.",
            )  # fmt: skip
        if how == "constant":
            return wrong(
                name, "not-zero-at-zero", "missing-term",
                "{d} {has} a part that does not depend on dout: for dout = 0 it is not 0",
                "Every term holds the upstream gradient dout once.",
            )  # fmt: skip
        return wrong(
            name, "not-linear", "missing-term", "{d} {is} not linear in dout",
            "Multiply by the upstream gradient dout once.",
        )  # fmt: skip
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
    """A gradient is "ignored" that stays the same, a "sign" that does not turn with dout, a
    "square" that grows with it, "constant" that is not 0 for none, and "other" if none of these.

    dout is scaled by powers of two alone, which round nothing, in whatever precision a backward
    pass computes. A gradient of nothing but rounding is not asked.
    """

    def at(c: float) -> dict[str, np.ndarray]:
        found = subject.backward([None if d is None else np.asarray(c * d) for d in douts], cache)
        return {k: np.array(g, np.float64) for k, g in found.items() if g is not None}

    once, twice, minus = at(1.0), at(2.0), at(-1.0)
    dout = max(np.abs(d).max(initial=0.0) for d in douts if d is not None)
    largest = max([1e-5 * dout, *map(size, once.values())])
    found = {}
    for name, g in once.items():
        if name not in twice or g.shape != twice[name].shape or size(g) <= TOLERANCE * largest:
            continue
        most = max(TOLERANCE * size(g), 2 * noise.get(name, 0.0))
        double, turned = size(twice[name] - 2 * g), size(minus[name] + g)
        if double <= most and turned <= most:
            continue
        residual = max(double, turned) / size(g)
        if size(twice[name] - g) <= most and size(minus[name] - g) <= most:
            found[name] = ("ignored", residual)
        elif double <= most:
            found[name] = ("sign", residual)
        elif size(twice[name] - 4 * g) <= most:
            found[name] = ("square", residual)
        else:
            nothing = at(0.0).get(name, np.zeros(()))
            found[name] = ("constant" if size(nothing) > most else "other", residual)
    return found


def size(array: np.ndarray) -> float:
    """The largest |entry| of an array, nan apart; 0 where there is none."""
    return float(np.nanmax(np.abs(array), initial=0.0))
