"""What people write in place of an update rule, as settings of its formula."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chainrule.gradcheck.update_rules.formula import Formula


@dataclass(frozen=True)
class Mistake:
    """What changes in the formula, and the words for it."""

    kind: str
    message: str
    hint: str
    changes: dict[str, Any]


def mistakes(f: Formula) -> Iterator[Mistake]:
    """Every single mistake that this formula can be made with, the likelier ones first."""
    hint = "Subtract lr times the gradient from w."
    yield Mistake("sign", "the update goes uphill", hint, {"lr": -f.lr})
    if f.nesterov:
        yield from look_ahead()
    if f.keep1:
        yield from first_moment(f)
    if f.keep2 is not None:
        yield from second_moment(f)
    if f.beta1 is not None and f.beta2 is not None:
        yield from bias_correction(f.beta1, f.beta2)
    if f.weight_decay:
        yield from weight_decay(f)
    factors = {
        "lr is applied twice": f.lr**2,
        "lr is missing": 1.0,
        "the learning rate is halved": f.lr / 2,
        "the learning rate is doubled": f.lr * 2,
        "the step is divided by lr instead of multiplied": 1 / f.lr,
        "the square root of lr is used": f.lr**0.5,
    }
    for message, lr in factors.items():
        hint = f"The step is lr = {f.lr:g} times the direction."
        yield Mistake("scale", message, hint, {"lr": lr})


def look_ahead() -> Iterator[Mistake]:
    """Mistakes with the look-ahead of Nesterov's momentum."""
    hint = (
        "w moves by momentum v - lr g with the new v, which is (1 + momentum) v - momentum v_prev."
    )
    cases = [
        ("missing-term", "the look-ahead is missing or cancels: this is plain momentum", "old"),
        (
            "missing-term",
            "the look-ahead (1 + momentum) v lacks its other half, - momentum v_prev",
            "twice",
        ),
        (
            "missing-term",
            "the look-ahead lacks the factor momentum: the velocity is added whole",
            "gradient",
        ),
        ("sign", "the sign of momentum v_prev in the look-ahead is flipped", "plus"),
        ("sign", "the sign of momentum v in the look-ahead is flipped", "minus"),
    ]
    for kind, message, direction in cases:
        yield Mistake(kind, message, hint, {"direction": direction})
    message = "the previous velocity is used where the new one belongs"
    yield Mistake("swapped", message, hint, {"nesterov": False, "direction": "old"})


def first_moment(f: Formula) -> Iterator[Mistake]:
    """Mistakes with the velocity of momentum, and with Adam's m."""
    adam, k = f.beta1 is not None, f.keep1
    m, mu = ("m", "beta1") if adam else ("the velocity", "momentum")
    hint = f"m = {mu} m + (1 - {mu}) g." if adam else f"v = {mu} v - lr g, then w += v."
    cases: list[tuple[str, str, dict[str, Any]]] = [
        ("overwrite", f"{m} is overwritten instead of accumulated", {"keep1": 0.0}),
        ("missing-term", f"{m} does not decay", {"keep1": 1.0}),
        ("sign", f"the sign of {mu} is flipped", {"keep1": -k}),
        (
            "swapped",
            f"{mu} and 1 - {mu} are exchanged",
            {"keep1": 1 - k, "add1": k if adam else 1.0},
        ),
    ]
    if not f.nesterov:
        bare = {"direction": "gradient", "correct1": "none"}
        cases += [
            ("stale-cache", f"the step uses {m} from before its update", {"direction": "old"}),
            ("missing-term", f"{m} is not used: the step follows the bare gradient", bare),
            ("missing-term", "the step is Nesterov's, with a look-ahead", {"nesterov": True}),
        ]
    if adam:
        message = "the gradient goes into m without the factor 1 - beta1"
        cases.append(("missing-term", message, {"add1": 1.0}))
    else:
        message = "the gradient goes into the velocity with a factor"
        cases.append(("scale", f"{message} 1 - momentum", {"add1": 1 - k}))
        cases.append(("scale", f"{message} momentum", {"add1": k}))
    for kind, message, changes in cases:
        yield Mistake(kind, message, hint, changes)


def second_moment(f: Formula) -> Iterator[Mistake]:
    """Mistakes with the average, or the sum, of squared gradients."""
    assert f.keep2 is not None
    adam, summed, k = f.beta2 is not None, f.keep2 == 1, f.keep2
    v, d = ("v", "beta2") if adam else ("s", "decay")
    step = "w moves by - lr " + ("m̂ / (√v̂ + eps)." if adam else f"g / (√{v} + eps).")
    rule = f"{v} = {v} + g²." if summed else f"{v} = {d} {v} + (1 - {d}) g²."
    roots = [
        (
            "stability",
            "eps is inside the square root, which holds tiny gradients back",
            "√(v + eps)",
        ),
        ("stability", "eps is missing: a gradient of 0 gives 0 / 0", "√v"),
        ("missing-term", "the square root is missing", "v + eps"),
        ("swapped", f"the step is multiplied by √{v}, not divided by it", "1 / (√v + eps)"),
        ("missing-term", f"the step is not divided by √{v}", "1"),
    ]
    for kind, message, root in roots:
        yield Mistake(kind, message, step, {"root": root})
    for square in ("|g|", "g", "g⁴"):
        message = f"{v} collects {square} instead of g²"
        yield Mistake("missing-term", message, rule, {"square": square})
    for start in (0.0, 1.0):
        message = f"the step divides by the previous {'sum' if summed else 'average'}"
        hint = f"Update {v} first, then divide by its root."
        yield Mistake("stale-cache", message, hint, {"average": "old", "start": start})
    cases: list[tuple[str, str, dict[str, Any]]] = [
        ("unknown", f"{v} starts at 1, not at 0", {"start": 1.0}),
        ("overwrite", "squared gradients are overwritten instead of accumulated", {"keep2": 0.0}),
    ]
    if summed:
        forgets = {"keep2": 0.9, "add2": 0.1}
        message = "the sum of squares forgets: this is RMSProp with decay 0.9"
        cases.append(("missing-term", message, forgets))
    else:
        cases += [
            (
                "overwrite",
                "squared gradients are overwritten instead of averaged",
                {"keep2": 0.0, "add2": 1.0},
            ),
            (
                "swapped",
                f"the decay weights are exchanged: {d} and 1 - {d}",
                {"keep2": 1 - k, "add2": k},
            ),
            ("missing-term", f"{v} does not decay: {d} is missing", {"keep2": 1.0}),
            (
                "missing-term",
                f"{v} is a sum, not an average: this is AdaGrad's",
                {"keep2": 1.0, "add2": 1.0},
            ),
            ("missing-term", f"g² goes into {v} without the factor 1 - {d}", {"add2": 1.0}),
            ("scale", f"g² goes into {v} with the factor {d}", {"add2": k}),
        ]
    for kind, message, changes in cases:
        yield Mistake(kind, message, rule, changes)


def bias_correction(a: float, b: float) -> Iterator[Mistake]:
    """Mistakes with Adam's beta1 = a, beta2 = b, and the bias correction."""
    hint = "beta1 = 0.9 belongs to m, beta2 = 0.999 to v."
    m_with_b, v_with_a = {"keep1": b, "add1": 1 - b}, {"keep2": a, "add2": 1 - a}
    cases: list[tuple[str, dict[str, Any]]] = [
        ("beta1 and beta2 are exchanged", m_with_b | v_with_a),
        ("beta1 and beta2 are exchanged", m_with_b | v_with_a | {"beta1": b, "beta2": a}),
        ("beta1 and beta2 are exchanged in the bias correction", {"beta1": b, "beta2": a}),
        ("beta1 is used for v too", v_with_a),
        ("beta1 is used for v too", v_with_a | {"beta2": a}),
        ("beta2 is used for m too", m_with_b),
        ("beta2 is used for m too", m_with_b | {"beta1": b}),
        ("g² goes into v with the factor 1 - beta1", {"add2": 1 - a}),
        ("g goes into m with the factor 1 - beta2", {"add1": 1 - b}),
        ("the bias correction of v uses beta1", {"beta2": a}),
        ("the bias correction of m uses beta2", {"beta1": b}),
    ]
    for message, changes in cases:
        yield Mistake("swapped", message, hint, changes)
    for counts in ("parameters", "both"):
        message = "t advances more than once per update, once for each parameter"
        hint = "Count t once at the top of update, outside the loop."
        yield Mistake("stale-cache", message, hint, {"t_counts": counts})
    hint = "m̂ = m / (1 - beta1**t), v̂ = v / (1 - beta2**t), with t = 1 in the first step."
    words = {
        "none": ("missing-term", "is missing"),
        "multiply": ("swapped", "multiplies by 1 - beta**t where it should divide"),
        "constant": ("missing-term", "ignores t: 1 - beta instead of 1 - beta**t"),
        "behind": ("stale-cache", "is one step behind: t starts at 0"),
        "ahead": ("stale-cache", "is one step ahead: t starts at 2"),
    }
    for how, (kind, text) in words.items():
        both = {"correct1": how, "correct2": how}
        yield Mistake(kind, f"the bias correction {text}", hint, both)
        yield Mistake(kind, f"the bias correction of m {text}", hint, {"correct1": how})
        yield Mistake(kind, f"the bias correction of v {text}", hint, {"correct2": how})


def weight_decay(f: Formula) -> Iterator[Mistake]:
    """Mistakes with weight decay."""
    wd, decoupled = f.weight_decay, f.decay_by == "weights"
    hint = "Weights alone: w -= lr weight_decay w." if decoupled else "g + weight_decay w."
    factors = [
        ("missing-term", "the weights do not decay", 0.0),
        (
            "scale",
            f"the weight decay is not scaled by lr: it is too large by 1/lr = {1 / f.lr:g}",
            1 / f.lr,
        ),
        ("sign", "the sign of the weight decay is flipped: weights grow", -1.0),
        ("scale", "the weight decay is off by a factor 2", 2.0),
        ("scale", "the weight decay is off by a factor 1/2", 0.5),
        ("scale", "the weight decay is off by a factor lr", f.lr),
        ("scale", "the weight decay is off by a factor weight_decay", wd),
    ]
    for kind, message, factor in factors:
        yield Mistake(kind, message, hint, {"weight_decay": wd * factor})
    gradient = {"decay_by": "gradient"}
    cases: list[tuple[str, str, dict[str, Any]]] = [
        ("missing-term", "the weight decay acts on biases too", {"decays": "all"}),
        (
            "swapped",
            "the weight decay goes through the gradient: this is L2, not AdamW",
            gradient,
        ),
        (
            "swapped",
            "the weight decay goes through the gradient, of biases too: this is L2, not AdamW",
            gradient | {"decays": "all"},
        ),
        ("swapped", "the weights decay after the step, not before", {"decay_by": "after"}),
    ]
    if not decoupled:
        cases = [
            ("swapped", "the weight decay bypasses the gradient", {"decay_by": "weights"}),
            (
                "missing-term",
                "the weight decay adds weight_decay times w², not w",
                {"decay_of": "w²"},
            ),
            (
                "missing-term",
                "the weight decay adds weight_decay times sign(w), not w: this is L1",
                {"decay_of": "sign(w)"},
            ),
        ]
    cases.append(("swapped", "biases decay and weights do not", {"decays": "biases"}))
    for kind, message, changes in cases:
        yield Mistake(kind, message, hint, changes)
