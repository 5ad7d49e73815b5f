"""Questions beyond values: what else a forward and a backward pass must keep to.

Each probe looks at one thing, at a point or in a mode other than the one that was given, and says
"passed", "failed", or "not applicable" and why. Those that compare values run only while no
mistake is known: what goes wrong at the point itself goes wrong at the others too.
"""

from __future__ import annotations

from collections.abc import Callable

from chainrule.gradcheck.checks.asking import label
from chainrule.gradcheck.checks.calls import (
    dependence,
    four_dimensional,
    layout,
    single_precision,
    stale_cache,
    state,
)
from chainrule.gradcheck.checks.gradients import Judge
from chainrule.gradcheck.checks.other_inputs import (
    batch_of_none,
    batch_of_one,
    large,
    small,
    ties,
    zeros,
)
from chainrule.gradcheck.report import Probe


def probe(judge: Judge, modes: tuple[str, ...]) -> None:
    """Run all probes; their outcomes and findings go into the judge's report."""
    train = "train" in modes
    linear(judge)
    questions: list[tuple[str, Callable[[Judge], Probe]]] = [
        ("a cache outlives other calls", stale_cache),
        ("params are those that forward uses", dependence),
        ("memory layout", layout),
        ("four-dimensional input", four_dimensional),
        ("batch of 1", batch_of_one),
        ("batch of 0", batch_of_none),
        ("ties", ties),
        ("exact zeros", zeros),
        ("small inputs", small),
        ("large inputs", large),
        ("float32", single_precision),
    ]
    if train:
        questions.append(("state", state))
    for name, question in questions:
        if judge.report.findings and name not in ("float32", "state"):
            judge.report.probes[name] = Probe(
                "not applicable", "not asked: mend the mistake above first"
            )
            continue
        ask(judge, name, question)
    look_for_instability(judge)


def ask(judge: Judge, name: str, question: Callable[[Judge], Probe]) -> None:
    """Ask one question and note its outcome."""
    known = len(judge.report.findings)
    try:
        outcome = question(judge)
    except Exception as error:  # what a stranger's layer raises on unusual input is no mistake
        outcome = Probe("not applicable", f"it raises {type(error).__name__}: {error}")
    if len(judge.report.findings) > known:
        outcome = Probe("failed", judge.report.findings[-1].message)
    judge.report.probes[name] = outcome


def look_for_instability(judge: Judge) -> None:
    """What looks like a small error, or like another formula, may be one that breaks down: if a
    batch of 1 or large inputs show that it does, that is the mistake to tell."""
    known = judge.report.findings
    small = all(t.error < 1e-4 for t in judge.report.tensors.values())
    explained = [f for f in known if f.kind != "forward-bug" and f.evidence is not None]
    if not known or not small or explained:
        return
    for question in (batch_of_one, large):
        judge.report.findings = []
        try:
            question(judge)
        except Exception:  # as in `probe`, where the outcome is told
            continue
        if [f.kind for f in judge.report.findings] == ["stability"]:
            return
    judge.report.findings = known


def linear(judge: Judge) -> None:
    """A tensor whose value is right for this dout, and does not change in proportion to it."""
    if judge.report.findings or not judge.powers:
        return
    name, how = next(iter(judge.powers.items()))
    if how == "ignored":
        message = f"{label(judge, name)} does not change when dout changes"
        hint = "Multiply by the upstream gradient dout, also where it is usually 1."
    else:
        message = f"{label(judge, name)} is not linear in dout"
        hint = "Multiply by the upstream gradient dout once."
    judge.say("missing-term", name, message, hint)
