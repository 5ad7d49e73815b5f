"""Formulas of batch and layer normalisation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.reference import Call, Inapplicable, Reference, Said, State

GAMMA, BETA = ("gamma", "g", "weight", "scale"), ("beta", "b", "bias", "shift")
# What eps may be where the layer does not tell.
EPSILONS = (1e-5, 1e-8, 1e-6, 1e-4, 1e-3, 1e-7, 1e-10, 1e-12, 0.0)


@dataclass(frozen=True)
class Norm:
    """gamma (x - mean) / √(var + eps) + beta, and what can be exchanged in it."""

    axes: tuple[int, ...]  # over which mean and variance are taken
    columns: tuple[int, ...]  # the shape of gamma, for broadcasting
    eps: float
    ddof: int = 0
    root: str = "√(var + eps)"
    centre: bool = True
    running: bool = False
    gamma: str = "gamma x̂"
    beta: float = 1.0

    def out(self, call: Call) -> np.ndarray:
        x = call.x
        if self.running:
            mean, var = (call.state[key].reshape(self.columns) for key in running(call.state))
        else:
            mean = x.mean(axis=self.axes, keepdims=True)
            var = x.var(axis=self.axes, ddof=self.ddof, keepdims=True)
        scale = {
            "√(var + eps)": np.sqrt(var + self.eps),
            "√var + eps": np.sqrt(var) + self.eps,
            "√var": np.sqrt(var),
            "var + eps": var + self.eps,
            "1": 1.0,
            "√(var + eps²)": np.sqrt(var + self.eps**2),
            "1 / √(var + eps)": 1 / np.sqrt(var + self.eps),
        }[self.root]
        xhat = (x - mean if self.centre else x) / scale
        g, b = call.param(*GAMMA, default=1.0), call.param(*BETA, default=0.0)
        g, b = (p.reshape(self.columns) if p.size > 1 else p for p in (g, b))
        scaled = {
            "gamma x̂": g * xhat,
            "x̂": xhat,
            "(1 + gamma) x̂": (1 + g) * xhat,
            "gamma² x̂": g * g * xhat,
            "x̂ / gamma": xhat / g,
        }[self.gamma]
        return scaled + self.beta * b


def running(state: State) -> tuple[str, str]:
    """The names of the running mean and variance among the arrays of a state."""
    means = [key for key in state if key.endswith("mean")]
    variances = [key for key in state if key.endswith(("var", "variance"))]
    if len(means) != 1 or len(variances) != 1:
        raise Inapplicable("the layer's state holds no running mean and variance")
    return means[0], variances[0]


def epsilons(call: Call) -> tuple[float, ...]:
    eps = call.setting("eps", "epsilon", default=-1.0)
    return (eps,) if eps >= 0 else EPSILONS


def batch_norms(call: Call) -> Iterator[Norm]:
    """BatchNorm as the layer may mean it: the channels come second, or last."""
    x = call.x
    if x.ndim < 2 or len(x) == 0:
        raise Inapplicable("the input has no rows")
    size = max([call.param(*GAMMA, default=1.0).size, *(s.size for s in call.state.values())])
    for channel in dict.fromkeys((1, x.ndim - 1)):
        if x.shape[channel] == size:
            axes = tuple(axis for axis in range(x.ndim) if axis != channel)
            columns = tuple(size if axis == channel else 1 for axis in range(x.ndim))
            for eps in epsilons(call):
                yield Norm(axes, columns, eps, running=not call.train)


def layer_norms(call: Call) -> Iterator[Norm]:
    """LayerNorm over all axes of gamma, or over the last one."""
    x, gamma = call.x, call.param(*GAMMA, default=1.0)
    for ndim in dict.fromkeys((max(gamma.ndim, 1), 1)):
        if ndim < x.ndim and gamma.shape in ((), x.shape[-ndim:]):
            axes = tuple(range(x.ndim - ndim, x.ndim))
            for eps in epsilons(call):
                yield Norm(axes, gamma.shape or (1,), eps)


def norm(name: str, norms: Callable[[Call], Iterator[Norm]]) -> Reference:
    """The first of `norms`; the others are right, too."""

    def forward(call: Call) -> np.ndarray:
        for way in norms(call):
            return way.out(call)
        raise Inapplicable("gamma does not fit the input")

    def equals(call: Call) -> Iterator[np.ndarray]:
        return (way.out(call) for way in norms(call))

    def mistakes(call: Call) -> Said:
        right = next(norms(call))
        single = list(norm_mistakes(call, right))
        for text, changes in single:
            yield text, replace(right, **changes).out(call)
        for i, (text, changes) in enumerate(single):
            for other, more in single[:i]:
                if not changes.keys() & more.keys():
                    yield f"{other}, and {text}", replace(right, **changes, **more).out(call)

    formula = "gamma (x - mean) / √(var + eps) + beta"
    return Reference(name, formula, forward, mistakes, equals, params=(*GAMMA, *BETA))


def norm_mistakes(call: Call, right: Norm) -> Iterator[tuple[str, dict[str, Any]]]:
    """Mistakes in words, and what each changes in the formula."""
    if not right.running:
        yield "the variance is the unbiased one: it divides by N - 1, not N", {"ddof": 1}
        ndim = call.x.ndim
        subsets: dict[tuple[int, ...], str] = {
            (0,): "over the examples alone",
            (ndim - 1,): "over each row",
        }
        subsets[tuple(range(1, ndim))] = "over each example, as layer norm does"
        subsets[tuple(range(2, ndim))] = "over each image and channel by itself"
        subsets[tuple(range(ndim))] = "over everything at once"
        for axes, text in subsets.items():
            if axes and axes != right.axes:
                yield f"it normalises over the wrong axis: {text}", {"axes": axes}
    if call.state and call.train:
        yield "the training pass normalises with the running statistics", {"running": True}
    elif call.state:
        yield "the inference pass normalises with the statistics of the batch", {"running": False}
    roots = {
        "√var + eps": "eps stands outside the square root",
        "√var": "eps is missing",
        "var + eps": "the square root is missing: it divides by the variance",
        "1": "it does not divide by the standard deviation",
        "√(var + eps²)": "eps is squared",
        "1 / √(var + eps)": "it multiplies by the standard deviation, not divides",
    }
    for root, text in roots.items():
        yield text, {"root": root}
    yield "the mean is not subtracted", {"centre": False}
    yield "gamma is missing", {"gamma": "x̂"}
    yield "gamma enters as 1 + gamma", {"gamma": "(1 + gamma) x̂"}
    yield "gamma is applied twice", {"gamma": "gamma² x̂"}
    yield "it divides by gamma", {"gamma": "x̂ / gamma"}
    yield "beta is missing", {"beta": 0.0}
    yield "beta is subtracted", {"beta": -1.0}
    yield "beta is added twice", {"beta": 2.0}


NORMS = (norm("batchnorm", batch_norms), norm("layernorm", layer_norms))
