"""The running mean and variance of batch normalisation, after a forward pass."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from chainrule.gradcheck.formulas.norms import GAMMA, Norm, batch_norms, running
from chainrule.gradcheck.formulas.outcome import Comparison, agree, entry
from chainrule.gradcheck.formulas.reference import Call, Inapplicable, State
from chainrule.gradcheck.report import Finding

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

    def is_mix(self, keep: float, take: float, of: np.ndarray | None = None) -> bool:
        """Whether it is now keep · old + take · batch."""
        of = self.batch if of is None else of
        return agree(self.now, keep * self.old + take * of, self.atol)


def compare_statistics(found: Comparison, call: Call, after: State) -> None:
    """Adds to `found` where the running statistics are not momentum running + (1 - momentum) batch
    after a training pass, or not what they were after an inference pass."""
    try:
        names = running(call.state)
        changed = [name for name in names if not np.array_equal(call.state[name], after[name])]
        if call.train:
            compare_training(found, call, *statistics(call, after), frozen=not changed)
        elif changed:
            message = f"an inference pass changes {changed[0]}: write it only where train is true"
            found.add(Finding("mode", changed[0], message))
    except Inapplicable as reason:
        found.notes.append(f"running statistics not compared: {reason}")


def statistics(call: Call, after: State) -> tuple[Running, Running]:
    """The running mean and the running variance."""
    way = next(batch_norms(call))
    scale = abs(call.x).max()
    both = zip(
        running(call.state),
        ("mean", "variance"),
        (call.x.mean(way.axes), call.x.var(way.axes)),
        (scale, scale**2),
        strict=True,
    )
    found = []
    for name, what, batch, size in both:
        old = call.state[name]
        atol = (1e-5 if call.narrow else 1e-9) * max(abs(old).max(), abs(batch).max())
        atol += (1e-6 if call.narrow else 1e-14) * size
        found.append(Running(name, what, old, batch.reshape(old.shape), after[name], atol))
    return found[0], found[1]


def compare_training(
    found: Comparison, call: Call, mean: Running, var: Running, *, frozen: bool
) -> None:
    p = call.setting("momentum", "decay", default=-1.0)
    if any(mean.is_mix(q, 1 - q) and var.is_mix(q, 1 - q) for q in ((p,) if p >= 0 else USUAL)):
        return
    if frozen:
        message = f"a training forward leaves {mean.name} and {var.name} unchanged"
        hint = (
            f"{mean.name}[...] = momentum * {mean.name} + (1 - momentum) * batch mean, "
            "and so the variance."
        )
        found.add(Finding("mode", mean.name, message, hint))
        return
    if p < 0:
        raise Inapplicable("the layer has no setting momentum")
    m = call.x.size // mean.old.size
    unbiased = var.batch * m / max(m - 1, 1)
    for keep, of in product((p, 1 - p) if p < 0.5 else (p,), (var.batch, unbiased)):
        if mean.is_mix(keep, 1 - keep) and var.is_mix(keep, 1 - keep, of):
            if keep != p:
                found.notes.append(f"momentum = {p:g} is the weight of the batch, as in PyTorch")
            if of is unbiased:
                note = f"{var.name} takes the unbiased batch variance, as PyTorch does"
                found.notes.append(f"{note}; ours takes the biased one")
            return
    wrong = [] if mean.is_mix(p, 1 - p) else [mean]
    wrong += [] if var.is_mix(p, 1 - p) or var.is_mix(p, 1 - p, unbiased) else [var]
    causes = [cause(call, one, mean if one is var else var, p, m) for one in wrong]
    alike = len(wrong) == 2 and causes[0] == causes[1]
    for one, text in list(zip(wrong, causes, strict=True))[: 1 if alike else 2]:
        who = f"{mean.name}, and {var.name} likewise," if alike else one.name
        message = f"{who} {text or 'does not follow the rule'}"
        hint = f"{one.name} = momentum * {one.name} + (1 - momentum) * batch {one.what}."
        right = p * one.old + (1 - p) * one.batch
        example = entry(one.name, one.now, right, "the running average")
        finding = Finding("mode", one.name, message, hint, example)
        found.add(finding, explained=bool(text))


def cause(call: Call, one: Running, other: Running, p: float, m: int) -> str:
    """What a running statistic did in place of p old + (1 - p) batch, or ""."""
    way = next(batch_norms(call))
    for text, target in targets(call, one, other, way, m).items():
        if one.is_mix(p, 1 - p, target):
            return f"moves towards {text}"
    mixes = {
        f"moves {p:.0%} of the way in one step: momentum and 1 - momentum are exchanged": (
            1 - p,
            p,
        ),
        "is unchanged by a training forward": (1, 0),
        "is overwritten by the batch's statistic: momentum is ignored": (0, 1),
        "never forgets: its old value is not multiplied by momentum": (1, 1 - p),
        "takes the batch's statistic without the factor 1 - momentum": (p, 1),
        "takes the batch's statistic with the factor momentum": (p, p),
        "lacks the old value": (0, 1 - p),
        "forgets without taking in the batch": (p, 0),
        "is updated twice in one forward": (p * p, 1 - p * p),
        "adds up the batches' statistics": (1, 1),
        "is the plain average of old value and batch": (0.5, 0.5),
        "has the sign of the batch's part flipped": (p, p - 1),
        "moves with momentum 0.9, not the layer's": (0.9, 0.1),
        "moves with momentum 0.99, not the layer's": (0.99, 0.01),
    }
    return next((text for text, mix in mixes.items() if one.is_mix(*mix)), "")


def targets(call: Call, one: Running, other: Running, way: Norm, m: int) -> dict[str, np.ndarray]:
    """What a running statistic may move towards in place of the batch's."""
    batch, shape = one.batch, one.old.shape
    found = {
        "the other statistic: mean and variance are exchanged": other.batch,
        "the sum over the batch, not its mean": batch * m,
        "minus the batch's statistic: a sign is flipped": -batch,
        "gamma times the batch's statistic": batch * call.param(*GAMMA, default=1.0).reshape(-1),
        "the first example alone": call.x[0].reshape(*shape, -1).mean(-1),
    }
    if one.what == "mean":
        return found
    return {
        "the standard deviation, not the variance": np.sqrt(batch),
        "the standard deviation with eps, √(var + eps), not the variance": np.sqrt(batch + way.eps),
        "var + eps, not the variance": batch + way.eps,
        "1 / √(var + eps), not the variance": 1 / np.sqrt(batch + way.eps),
        "the mean of x², from which mean² is not subtracted": (
            (call.x**2).mean(way.axes).reshape(shape)
        ),
        "the squared deviations' sum": batch * m,
        "the variance squared": batch**2,
        "the unbiased standard deviation": np.sqrt(batch * m / max(m - 1, 1)),
        "the variance of the whole batch": np.full(shape, call.x.var()),
    } | found
