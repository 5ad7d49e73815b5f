"""What people write in place of an update rule, as settings of its formula, and which of these
mistakes give at every step what a rule did."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

import numpy as np

from chainrule.gradcheck.report import Cause
from chainrule.gradcheck.report.findings import because
from chainrule.gradcheck.update_rules.formula import Formula
from chainrule.gradcheck.update_rules.trial import Path, Trial, apart, left_over


@dataclass(frozen=True)
class Mistake:
    """What changes in the formula, and the words for it; `key` is that of the cause."""

    kind: str
    message: str
    hint: str
    changes: dict[str, Any]
    key: str = ""


# Kind, message, hint and changes.
Cases = Iterator[tuple[str, str, str, dict[str, Any]]]
OLD = {"direction": "old"}


def mistakes(f: Formula) -> Iterator[Mistake]:
    """Every single mistake that this formula can be made with, the likelier ones first."""
    hint = "Subtract lr times the gradient from w."
    yield Mistake("sign", "the update goes uphill", hint, {"lr": -f.lr}, "update-sign")
    groups: list[tuple[str, Cases]] = []
    if f.nesterov:
        groups.append(("update-look-ahead", look_ahead()))
    if f.keep1:
        groups.append(("update-first-moment", first_moment(f, f.keep1)))
    if f.keep2 is not None:
        groups.append(("update-second-moment", second_moment(f, f.keep2)))
    if f.beta1 is not None and f.beta2 is not None:
        groups.append(("update-bias-correction", bias_correction(f.beta1, f.beta2)))
    if f.weight_decay:
        groups.append(("update-weight-decay", weight_decay(f, f.weight_decay)))
    for key, cases in groups:
        for case in cases:
            yield Mistake(*case, key)
    hint = f"The step is lr = {f.lr:g} times the direction."
    yield Mistake("scale", "lr is applied twice", hint, {"lr": f.lr**2}, "update-rate")
    yield Mistake("scale", "lr is missing", hint, {"lr": 1.0}, "update-rate")


def look_ahead() -> Cases:
    """Mistakes with the look-ahead of Nesterov's momentum."""
    message = "the look-ahead is missing or cancels: this is plain momentum"
    hint = "w moves by (1 + momentum) v - momentum v_prev, which is v where v_prev is the new v."
    yield "missing-term", message, hint, OLD
    message = "the look-ahead lacks its half - momentum v_prev"
    hint = "w moves by momentum v - lr g with the new v, (1 + momentum) v - momentum v_prev."
    yield "missing-term", message, hint, {"direction": "twice"}


def first_moment(f: Formula, k: float) -> Cases:
    """Mistakes with the velocity of momentum, and with Adam's m; k is momentum, or beta1."""
    adam = f.beta1 is not None
    m, mu = ("m", "beta1") if adam else ("the velocity", "momentum")
    hint = "m = beta1 m + (1 - beta1) g." if adam else "v = momentum v - lr g, then w += v."
    yield "overwrite", f"{m} is overwritten instead of accumulated", hint, {"keep1": 0.0}
    yield "missing-term", f"{m} does not decay", hint, {"keep1": 1.0}
    yield "sign", f"the sign of {mu} is flipped", hint, {"keep1": -k}
    exchanged = {"keep1": 1 - k, "add1": k if adam else 1.0}
    yield "swapped", f"{mu} and 1 - {mu} are exchanged", hint, exchanged
    if not f.nesterov:
        yield "stale-cache", f"the step uses {m} from before its update", hint, OLD
    goes = f"the gradient goes into {m}"
    if adam:
        yield "missing-term", f"{goes} without the factor 1 - beta1", hint, {"add1": 1.0}
    else:
        yield "scale", f"{goes} with a factor 1 - momentum", hint, {"add1": 1 - k}


def second_moment(f: Formula, k: float) -> Cases:
    """Mistakes with the average, or the sum, of squared gradients; k is decay, beta2, or 1."""
    adam, summed = f.beta2 is not None, k == 1
    v, d = ("v", "beta2") if adam else ("s", "decay")
    hint = "w moves by - lr " + ("m̂ / (√v̂ + eps)." if adam else f"g / (√{v} + eps).")
    message = "eps is inside the square root, which holds tiny gradients back"
    yield "stability", message, hint, {"root": "√(v + eps)"}
    yield "stability", "eps is missing: a gradient of 0 gives 0 / 0", hint, {"root": "√v"}
    yield "missing-term", "the square root is missing", hint, {"root": "v + eps"}
    yield "missing-term", f"the step is not divided by √{v}", hint, {"root": "1"}
    message = f"the step divides by the previous {'sum' if summed else 'average'}"
    hint = f"Update {v} first, then divide by its root."
    for start in (0.0, 1.0):
        yield "stale-cache", message, hint, {"average": "old", "start": start}
    hint = f"{v} = {v} + g²." if summed else f"{v} = {d} {v} + (1 - {d}) g²."
    yield "missing-term", f"{v} collects |g| instead of g²", hint, {"square": "|g|"}
    message = "squared gradients are overwritten instead of"
    yield "overwrite", f"{message} accumulated", hint, {"keep2": 0.0}
    if summed:
        return
    yield "overwrite", f"{message} averaged", hint, {"keep2": 0.0, "add2": 1.0}
    message = f"the decay weights are exchanged: {d} and 1 - {d}"
    yield "swapped", message, hint, {"keep2": 1 - k, "add2": k}
    yield "missing-term", f"{v} does not decay: {d} is missing", hint, {"keep2": 1.0}
    message = f"{v} is a sum, not an average: this is AdaGrad's"
    yield "missing-term", message, hint, {"keep2": 1.0, "add2": 1.0}
    yield "missing-term", f"g² goes into {v} without the factor 1 - {d}", hint, {"add2": 1.0}


def bias_correction(a: float, b: float) -> Cases:
    """Mistakes with Adam's beta1 = a, beta2 = b, and the bias correction."""
    moments = {"keep1": b, "add1": 1 - b, "keep2": a, "add2": 1 - a}
    corrections, exchanged = {"beta1": b, "beta2": a}, "beta1 and beta2 are exchanged"
    hint = "beta1 = 0.9 belongs to m, beta2 = 0.999 to v."
    yield "swapped", exchanged, hint, moments
    yield "swapped", exchanged, hint, moments | corrections
    yield "swapped", f"{exchanged} in the bias correction", hint, corrections
    yield "swapped", "the bias correction of v uses beta1", hint, {"beta2": a}
    message = "t advances more than once per update, once for each parameter"
    for counts in ("parameters", "both"):
        hint = "Count t once at the top of update, outside the loop."
        yield "stale-cache", message, hint, {"t_counts": counts}
    words = {
        "none": ("missing-term", "is missing"),
        "multiply": ("swapped", "multiplies by 1 - beta**t where it should divide"),
        "constant": ("missing-term", "ignores t: 1 - beta instead of 1 - beta**t"),
    }
    places = {"": ("correct1", "correct2"), " of m": ("correct1",), " of v": ("correct2",)}
    hint = "m̂ = m / (1 - beta1**t), v̂ = v / (1 - beta2**t), with t = 1 in the first step."
    for (how, (kind, text)), (place, switches) in product(words.items(), places.items()):
        yield kind, f"the bias correction{place} {text}", hint, dict.fromkeys(switches, how)


def weight_decay(f: Formula, wd: float) -> Cases:
    """Mistakes with weight decay."""
    decoupled = f.decay_by == "weights"
    hint = "Weights alone: w -= lr weight_decay w." if decoupled else "g + weight_decay w."
    yield "missing-term", "the weights do not decay", hint, {"weight_decay": 0.0}
    message = f"the weight decay is not scaled by lr: it is too large by 1/lr = {1 / f.lr:g}"
    yield "scale", message, hint, {"weight_decay": wd / f.lr}
    message = "the sign of the weight decay is flipped: weights grow"
    yield "sign", message, hint, {"weight_decay": -wd}
    yield "scale", "the weight decay is off by a factor 2", hint, {"weight_decay": 2 * wd}
    if decoupled:
        message = "the weight decay goes through the gradient: this is L2, not AdamW"
        for decays in ("weights", "all"):
            yield "swapped", message, hint, {"decay_by": "gradient", "decays": decays}
    else:
        yield "swapped", "the weight decay bypasses the gradient", hint, {"decay_by": "weights"}


# What a mistake changes in a formula that has to do with a setting.
ABOUT = {
    "eps": {"eps", "root"},
    "beta1": {"keep1", "add1", "beta1"},
    "beta2": {"keep2", "add2", "beta2"},
    "weight_decay": {"weight_decay"},
}


def explain(f: Formula, path: Path, trial: Trial, unknown: Collection[str] = ()) -> list[Cause]:
    """The mistakes, one or two, that together give exactly what a rule did; none where nothing
    that is known does. Where other single mistakes give the same, the hint tells one of them.
    Where settings of the rule are `unknown`, single mistakes alone that are not about these."""

    def cause(*some: Mistake, of: Mistake | None = None) -> Cause | None:
        changes = {key: value for one in some for key, value in one.changes.items()}
        wrong = replace(f, **changes).run(trial.start, trial.gradients)
        if apart(path, wrong, trial.start) is not None:
            return None
        left = left_over(path, wrong, trial.start)
        one = of or some[0]
        return because(one.key, one.kind, "{mistake}", one.hint, left, mistake=one.message)

    about = {key for name in unknown for key in ABOUT[name]}
    single = [one for one in mistakes(f) if not about & one.changes.keys()]
    found = [(one, told) for one in single if (told := cause(one))]
    if found:
        first, told = found[0]
        others = [one.message for one, _ in found if one.message != first.message]
        same = f" The same numbers come where {others[0]}." if others else ""
        return [replace(told, hint=first.hint + same)]
    if (one := off_by(f, path, trial)) and (told := cause(one)):
        return [told]
    for pair in () if unknown else combinations(single, 2):
        if not pair[0].changes.keys() & pair[1].changes and cause(*pair):
            return [told for one in pair if (told := cause(*pair, of=one))]
    return []


def off_by(f: Formula, path: Path, trial: Trial) -> Mistake | None:
    """The learning rate that gives the rule's first step, as a mistake."""
    if path[0]["W"].shape != trial.start["W"].shape:
        return None
    moved = path[0]["W"] - trial.start["W"]
    wanted = f.run(trial.start, trial.gradients[:1])[0]["W"] - trial.start["W"]
    size = float((wanted * wanted).sum())
    factor = float((moved * wanted).sum()) / size if size else 1.0
    if not np.isfinite(factor) or abs(factor) < 1e-12:
        return None
    message = f"the learning rate is off by a factor {factor:.6g}"
    return Mistake("scale", message, f"lr is {f.lr:g}.", {"lr": f.lr * factor}, "update-rate")
