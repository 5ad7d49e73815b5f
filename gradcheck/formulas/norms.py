"""Formulas of batch and layer normalisation, and the running mean and variance of the former."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.reference import (
    Call,
    Comparison,
    Inapplicable,
    Reference,
    Said,
    State,
    agree,
    left_over,
)
from chainrule.gradcheck.report.findings import because, entry

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
    gamma: bool = True
    beta: bool = True
    view: tuple[int, ...] = ()  # the shape in which x is normalised, if it is another

    def out(self, call: Call) -> np.ndarray:
        x = call.x.reshape(self.view or call.x.shape)
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
        }[self.root]
        xhat = ((x - mean if self.centre else x) / scale).reshape(call.x.shape)
        g, b = call.param(*GAMMA, default=1.0), call.param(*BETA, default=0.0)
        g, b = (p.reshape(self.columns) if p.size > 1 else p for p in (g, b))
        return (g * xhat if self.gamma else xhat) + self.beta * b


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


def norm(
    name: str,
    norms: Callable[[Call], Iterator[Norm]],
    axes: Callable[[Call, Norm], Iterator[tuple[str, dict[str, Any]]]],
    settings: tuple[str, ...] = (),
) -> Reference:
    """The first of `norms`; the others are right, too. `axes` tells what it may go over by mistake,
    in words, and what that changes."""

    def forward(call: Call) -> np.ndarray:
        for way in norms(call):
            return way.out(call)
        raise Inapplicable("gamma does not fit the input")

    def equals(call: Call) -> Iterator[np.ndarray]:
        return (way.out(call) for way in norms(call))

    def mistakes(call: Call) -> Said:
        right = next(norms(call))
        single = [*axes(call, right), *norm_mistakes(call, right)]
        for text, changes in single:
            yield text, replace(right, **changes).out(call)
        for i, (text, changes) in enumerate(single):
            for other, more in single[:i]:
                if not changes.keys() & more.keys():
                    yield f"{other}, and {text}", replace(right, **changes, **more).out(call)

    formula = "gamma (x - mean) / √(var + eps) + beta"
    params = (*GAMMA, *BETA)
    return Reference(name, formula, forward, mistakes, equals, params, settings)


def wrong_axes(call: Call, right: Norm) -> Iterator[tuple[str, dict[str, Any]]]:
    """What batch and layer norm may go over by mistake."""
    ndim = call.x.ndim
    wrong = {
        "over the examples alone": (0,),
        "over each example, as layer norm does": tuple(range(1, ndim)),
        "over each image and channel by itself": tuple(range(2, ndim)),
        "over everything at once": tuple(range(ndim)),
    }
    for text, axes in wrong.items():
        if axes and axes != right.axes and not right.running:
            yield f"it normalises over the wrong axis: {text}", {"axes": axes}


def norm_mistakes(call: Call, right: Norm) -> Iterator[tuple[str, dict[str, Any]]]:
    """Mistakes in words, and what each changes in the formula."""
    if not right.running:
        yield "the variance is the unbiased one: it divides by N - 1, not N", {"ddof": 1}
    if call.state and call.train:
        yield "the training pass normalises with the running statistics", {"running": True}
    elif call.state:
        yield "the inference pass normalises with the statistics of the batch", {"running": False}
    roots = {
        "√var + eps": "eps stands outside the square root",
        "√var": "eps is missing",
        "var + eps": "the square root is missing: it divides by the variance",
    }
    for root, text in roots.items():
        yield text, {"root": root}
    yield "the mean is not subtracted", {"centre": False}
    yield "gamma is missing", {"gamma": False}
    yield "beta is missing", {"beta": False}


NORMS = (norm("batchnorm", batch_norms, wrong_axes), norm("layernorm", layer_norms, wrong_axes))


USUAL = (0.9, 0.99, 0.95, 0.1)  # what momentum may be where the layer does not tell


@dataclass(eq=False)
class Running:
    """One running statistic: its name, what it was, the batch's, and what it is now."""

    name: str
    what: str  # "mean" or "variance"
    old: np.ndarray
    batch: np.ndarray
    now: np.ndarray
    atol: float

    def is_now(self, value: np.ndarray) -> bool:
        """Whether it has become this."""
        return agree(self.now, value, self.atol)

    def follows(self, p: float) -> bool:
        """Whether it is the running average with momentum p."""
        return self.is_now(p * self.old + (1 - p) * self.batch)


def compare_statistics(found: Comparison, call: Call, after: State) -> None:
    """Adds to `found` where the running statistics are not momentum running + (1 - momentum) batch
    after a training pass, or not what they were after an inference pass."""
    try:
        names = running(call.state)
        changed = [name for name in names if not np.array_equal(call.state[name], after[name])]
        if call.train:
            compare_training(found, call, *statistics(call, after), frozen=not changed)
        elif changed:
            message = "an inference pass changes {name}: write it only where train is true"
            cause = because("inference-writes-state", "mode", message)
            found.add(replace(cause, tensors=(changed[0],)))
    except Inapplicable as reason:
        found.notes.append(f"running statistics not compared: {reason}")


def statistics(call: Call, after: State) -> list[Running]:
    """The running mean and the running variance."""
    axes, scale = next(batch_norms(call)).axes, abs(call.x).max()
    found = []
    for name, what in zip(running(call.state), ("mean", "variance"), strict=True):
        old = call.state[name]
        batch = call.x.mean(axes) if what == "mean" else call.x.var(axes)
        atol = (1e-5 if call.narrow else 1e-9) * max(abs(old).max(), abs(batch).max())
        atol += (1e-6 if call.narrow else 1e-14) * (scale if what == "mean" else scale**2)
        found.append(Running(name, what, old, batch.reshape(old.shape), after[name], atol))
    return found


def compare_training(
    found: Comparison, call: Call, mean: Running, var: Running, *, frozen: bool
) -> None:
    p = call.setting("momentum", "decay", default=-1.0)
    if any(mean.follows(q) and var.follows(q) for q in ((p,) if p >= 0 else USUAL)):
        return
    names: dict[str, Any] = {"mean": mean.name, "var": var.name}
    if frozen:
        message = "a training forward leaves {mean} and {var} unchanged"
        hint = "{mean}[...] = momentum * {mean} + (1 - momentum) * batch mean, and so the variance."
        cause = because("running-frozen", "mode", message, hint, **names)
        found.add(replace(cause, tensors=(mean.name, var.name)))
        return
    if p < 0:
        raise Inapplicable("the layer has no setting momentum")
    m = call.x.size // mean.old.size
    unbiased = replace(var, batch=var.batch * m / max(m - 1, 1))
    for keep, variance in product((p, 1 - p) if p < 0.5 else (p,), (var, unbiased)):
        if mean.follows(keep) and variance.follows(keep):
            if keep != p:
                found.notes.append(f"momentum = {p:g} is the weight of the batch, as in PyTorch")
            if variance is unbiased:
                note = f"{var.name} takes the unbiased batch variance, as PyTorch does"
                found.notes.append(f"{note}; ours takes the biased one")
            return
    wrong = [] if mean.follows(p) else [mean]
    wrong += [] if var.follows(p) or unbiased.follows(p) else [var]
    eps = next(batch_norms(call)).eps
    causes = [did(one, mean if one is var else var, p, eps) for one in wrong]
    alike = len(wrong) == 2 and causes[0][0] == causes[1][0]
    for one, (text, left) in list(zip(wrong, causes, strict=True))[: 1 if alike else 2]:
        who = "{mean}, and {var} likewise," if alike else one.name
        hint = f"{one.name} = momentum * {one.name} + (1 - momentum) * batch {one.what}."
        message = f"{who} {text or 'does not follow the rule'}"
        cause = because("running-statistics", "mode", message, hint, left, **names)
        right = p * one.old + (1 - p) * one.batch
        example = entry(one.name, one.now, right, "the running average gives")
        found.add(replace(cause, tensors=(one.name,), example=example), explained=bool(text))


def did(one: Running, other: Running, p: float, eps: float) -> tuple[str, float | None]:
    """What a running statistic did in place of p old + (1 - p) batch and what that leaves
    unexplained; "" and None where nothing known explains it."""
    old, batch, q = one.old, one.batch, 1 - p
    towards_other = p * old + q * other.batch
    backwards = f"moves {p:.0%} of the way in one step: momentum and 1 - momentum are exchanged"
    ways = {
        "moves towards the other statistic: mean and variance are exchanged": towards_other,
        backwards: q * old + p * batch,
        "is unchanged by a training forward": old,
        "is overwritten by the batch's statistic: momentum is ignored": batch,
        "never forgets: its old value is not multiplied by momentum": old + q * batch,
        "takes the batch's statistic without the factor 1 - momentum": p * old + batch,
    }
    if one.what == "variance":
        towards = "moves towards the standard deviation"
        for root, by in {"": 0.0, " with eps, √(var + eps)": eps}.items():
            ways[f"{towards}{root}, not the variance"] = p * old + q * np.sqrt(batch + by)
    for text, value in ways.items():
        if one.is_now(value):
            return text, left_over(one.now, value)
    return "", None
