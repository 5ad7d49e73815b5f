"""A few steps of an update rule on small parameters, and where two runs part."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.gradcheck.update_rules.formula import Arrays

Path = list[Arrays]  # the parameters after each step


@dataclass(frozen=True, eq=False)
class Trial:
    """Parameters to start from, and the gradients of each step."""

    start: Arrays
    gradients: list[Arrays]

    def alike(self, names: str = "Wb", dtype: type = np.float64) -> Trial:
        """The same with some of the parameters, in another dtype."""
        everything = (self.start, *self.gradients)
        cast: list[Arrays] = [
            {name: arrays[name].astype(dtype) for name in names} for arrays in everything
        ]
        return Trial(cast[0], cast[1:])


@dataclass(frozen=True, eq=False)
class Run:
    """Where a rule went; `rebound` names parameters that it did not change in place, `written`
    gradients that it wrote into."""

    path: Path
    rebound: list[str]
    written: list[str]


def draw(steps: int, seed: int) -> Trial:
    """Parameters W (4, 3) and b (3,), and gradients: most of them near 1, some tiny (1e-8 to 1e-6,
    where eps shows), and one that is always 0."""
    rng = np.random.default_rng(seed)
    start = {"W": rng.standard_normal((4, 3)), "b": rng.standard_normal(3)}
    size = {name: 10 ** rng.uniform(-2, 0.5, w.shape) for name, w in start.items()}
    size["W"][0, 0] = 0
    size["W"][1:, 0] = 10 ** rng.uniform(-8, -6, 3)
    size["b"][0] = 10 ** rng.uniform(-8, -6)
    gradients = []
    for _ in range(steps):
        signs = {name: rng.choice([-1.0, 1.0], w.shape) for name, w in start.items()}
        gradients.append(
            {k: size[k] * signs[k] * rng.uniform(0.3, 1.7, w.shape) for k, w in start.items()}
        )
    return Trial(start, gradients)


def run(rule: Any, trial: Trial, *, reuse: bool = False) -> Run:
    """The run of a copy of `rule`. With `reuse` all gradients pass through the same arrays."""
    rule = copy.deepcopy(rule)
    params = {name: w.copy() for name, w in trial.start.items()}
    given = dict(params)
    buffers = {name: np.empty_like(w) for name, w in params.items()}
    path: Path = []
    written: list[str] = []
    for wanted in trial.gradients:
        if not reuse:
            buffers = {name: np.empty_like(g) for name, g in wanted.items()}
        for name, g in wanted.items():
            buffers[name][...] = g
        rule.update(params, dict(buffers))
        written += [k for k, g in wanted.items() if not np.array_equal(buffers[k], g)]
        path.append({name: np.array(w) for name, w in params.items()})
    rebound = [name for name, w in given.items() if params[name] is not w]
    return Run(path, rebound, list(dict.fromkeys(written)))


def apart(path: Path, wanted: Path, start: Arrays) -> tuple[int, str] | None:
    """The first step, and the parameter, where two runs differ by more than rounding."""
    for step, (got, want) in enumerate(zip(path, wanted, strict=True)):
        for name, w in want.items():
            if name not in got or got[name].shape != w.shape:
                return step, name
            tolerance = 1e-9 * moved(w, start[name]) + 1e-14 * np.abs(start[name]).max()
            if not np.allclose(got[name], w, rtol=0, atol=tolerance, equal_nan=True):
                return step, name
    return None


def left_over(path: Path, wanted: Path, start: Arrays) -> float:
    """The largest difference of two runs that are not `apart`, relative to the way gone."""
    return max(
        float(np.nan_to_num(np.abs(got[name] - w)).max() / (moved(w, start[name]) or 1.0))
        for got, want in zip(path, wanted, strict=True)
        for name, w in want.items()
    )


def moved(w: np.ndarray, start: np.ndarray) -> float:
    """How far the entry that moved farthest is from where it started."""
    return float(np.nan_to_num(np.abs(w - start)).max())
