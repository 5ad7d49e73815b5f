"""What people write in place of an update rule, as settings of its formula, and which of these
mistakes give at every step what a rule did."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
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


# Kind, message and changes of a mistake.
Cases = list[tuple[str, str, dict[str, Any]]]
OLD = {"direction": "old"}


def mistakes(f: Formula) -> Iterator[Mistake]:
    """Every single mistake that this formula can be made with, the likelier ones first."""
    hint = "Subtract lr times the gradient from w."
    yield Mistake("sign", "the update goes uphill", hint, {"lr": -f.lr}, "update-sign")
    rates: Cases = [
        ("scale", "lr is applied twice", {"lr": f.lr**2}),
        ("scale", "lr is missing", {"lr": 1.0}),
    ]
    groups = (
        ("update-look-ahead", look_ahead() if f.nesterov else ()),
        ("update-first-moment", first_moment(f) if f.keep1 else ()),
        ("update-second-moment", second_moment(f) if f.keep2 is not None else ()),
        ("update-bias-correction", bias_correction(f) if f.beta2 is not None else ()),
        ("update-weight-decay", weight_decay(f) if f.weight_decay else ()),
        ("update-rate", [(f"The step is lr = {f.lr:g} times the direction.", rates)]),
    )
    for key, group in groups:
        for hint, cases in group:
            for kind, message, changes in cases:
                yield Mistake(kind, message, hint, changes, key)


def look_ahead() -> Iterator[tuple[str, Cases]]:
    """Mistakes with the look-ahead of Nesterov's momentum."""
    missing = "the look-ahead is missing or cancels: this is plain momentum"
    hint = "w moves by (1 + momentum) v - momentum v_prev, which is v where v_prev is the new v."
    yield hint, [("missing-term", missing, OLD)]
    half = "the look-ahead lacks its half - momentum v_prev"
    hint = "w moves by momentum v - lr g with the new v, (1 + momentum) v - momentum v_prev."
    yield hint, [("missing-term", half, {"direction": "twice"})]


def first_moment(f: Formula) -> Iterator[tuple[str, Cases]]:
    """Mistakes with the velocity of momentum, and with Adam's m."""
    adam, k = f.beta1 is not None, f.keep1
    m, mu = ("m", "beta1") if adam else ("the velocity", "momentum")
    goes = f"the gradient goes into {m}"
    exchanged = {"keep1": 1 - k, "add1": k if adam else 1.0}
    cases: Cases = [
        ("overwrite", f"{m} is overwritten instead of accumulated", {"keep1": 0.0}),
        ("missing-term", f"{m} does not decay", {"keep1": 1.0}),
        ("sign", f"the sign of {mu} is flipped", {"keep1": -k}),
        ("swapped", f"{mu} and 1 - {mu} are exchanged", exchanged),
        ("missing-term", f"{goes} without the factor 1 - beta1", {"add1": 1.0})
        if adam
        else ("scale", f"{goes} with a factor 1 - momentum", {"add1": 1 - k}),
    ]
    if not f.nesterov:
        cases.append(("stale-cache", f"the step uses {m} from before its update", OLD))
    yield f"m = {mu} m + (1 - {mu}) g." if adam else f"v = {mu} v - lr g, then w += v.", cases


def second_moment(f: Formula) -> Iterator[tuple[str, Cases]]:
    """Mistakes with the average, or the sum, of squared gradients."""
    adam, summed, k = f.beta2 is not None, f.keep2 == 1, f.keep2 or 0.0
    v, d = ("v", "beta2") if adam else ("s", "decay")
    inside = "eps is inside the square root, which holds tiny gradients back"
    yield (
        "w moves by - lr " + ("m̂ / (√v̂ + eps)." if adam else f"g / (√{v} + eps)."),
        [
            ("stability", inside, {"root": "√(v + eps)"}),
            ("stability", "eps is missing: a gradient of 0 gives 0 / 0", {"root": "√v"}),
            ("missing-term", "the square root is missing", {"root": "v + eps"}),
            ("missing-term", f"the step is not divided by √{v}", {"root": "1"}),
        ],
    )
    message = f"the step divides by the previous {'sum' if summed else 'average'}"
    stale: Cases = [("stale-cache", message, {"average": "old"})]
    yield f"Update {v} first, then divide by its root.", stale
    squared, last = "squared gradients are overwritten instead of", {"keep2": 0.0, "add2": 1.0}
    cases: Cases = [("missing-term", f"{v} collects |g| instead of g²", {"square": "|g|"})]
    if summed:
        cases.append(("overwrite", f"{squared} accumulated", last))
    else:
        exchanged, plain = {"keep2": 1 - k, "add2": k}, {"keep2": 1.0, "add2": 1.0}
        cases += [
            ("overwrite", f"{squared} accumulated", {"keep2": 0.0}),
            ("overwrite", f"{squared} averaged", last),
            ("swapped", f"the decay weights are exchanged: {d} and 1 - {d}", exchanged),
            ("missing-term", f"{v} does not decay: {d} is missing", {"keep2": 1.0}),
            ("missing-term", f"{v} is a sum, not an average: this is AdaGrad's", plain),
            ("missing-term", f"g² goes into {v} without the factor 1 - {d}", {"add2": 1.0}),
        ]
    yield f"{v} = {v} + g²." if summed else f"{v} = {d} {v} + (1 - {d}) g².", cases


def bias_correction(f: Formula) -> Iterator[tuple[str, Cases]]:
    """Mistakes with Adam's beta1 = a, beta2 = b, and the bias correction."""
    a, b = f.beta1 or 0.0, f.beta2 or 0.0
    moments = {"keep1": b, "add1": 1 - b, "keep2": a, "add2": 1 - a}
    corrections, exchanged = {"beta1": b, "beta2": a}, "beta1 and beta2 are exchanged"
    yield (
        "beta1 = 0.9 belongs to m, beta2 = 0.999 to v.",
        [
            ("swapped", exchanged, moments),
            ("swapped", exchanged, moments | corrections),
            ("swapped", f"{exchanged} in the bias correction", corrections),
            ("swapped", "the bias correction of v uses beta1", {"beta2": a}),
        ],
    )
    message = "t advances more than once per update, once for each parameter"
    counts: Cases = [("stale-cache", message, {"t_counts": how}) for how in ("parameters", "both")]
    yield "Count t once at the top of update, outside the loop.", counts
    words = {
        "none": ("missing-term", "is missing"),
        "multiply": ("swapped", "multiplies by 1 - beta**t where it should divide"),
        "constant": ("missing-term", "ignores t: 1 - beta instead of 1 - beta**t"),
    }
    places = {"": ("correct1", "correct2"), " of m": ("correct1",), " of v": ("correct2",)}
    cases: Cases = [
        (kind, f"the bias correction{place} {text}", dict.fromkeys(switches, how))
        for how, (kind, text) in words.items()
        for place, switches in places.items()
    ]
    yield "m̂ = m / (1 - beta1**t), v̂ = v / (1 - beta2**t), with t = 1 in the first step.", cases


def weight_decay(f: Formula) -> Iterator[tuple[str, Cases]]:
    """Mistakes with weight decay."""
    wd, decoupled = f.weight_decay, f.decay_by == "weights"
    large = f"the weight decay is not scaled by lr: it is too large by 1/lr = {1 / f.lr:g}"
    cases: Cases = [
        ("missing-term", "the weights do not decay", {"weight_decay": 0.0}),
        ("scale", large, {"weight_decay": wd / f.lr}),
        ("sign", "the sign of the weight decay is flipped: weights grow", {"weight_decay": -wd}),
        ("scale", "the weight decay is off by a factor 2", {"weight_decay": 2 * wd}),
    ]
    if decoupled:
        through = "the weight decay goes through the gradient"
        gradient = {"decay_by": "gradient"}
        cases += [
            ("swapped", f"{through}: this is L2, not AdamW", gradient),
            (
                "swapped",
                f"{through}, of biases too: this is L2, not AdamW",
                gradient | {"decays": "all"},
            ),
        ]
    else:
        cases.append(("swapped", "the weight decay bypasses the gradient", {"decay_by": "weights"}))
    yield "Weights alone: w -= lr weight_decay w." if decoupled else "g + weight_decay w.", cases


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
