"""The check of an update rule."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.gradcheck.report import Cause, Finding, Probe, Report
from chainrule.gradcheck.report.findings import because, entry
from chainrule.gradcheck.subject.layer import described
from chainrule.gradcheck.subject.vocabulary import Vocabulary
from chainrule.gradcheck.update_rules.families import FAMILIES, Unknown, Way, family_of, ways_of
from chainrule.gradcheck.update_rules.mistakes import explain
from chainrule.gradcheck.update_rules.trial import Path, Run, Trial, apart, draw, run


def check_update(rule: Any, reference: object = None, *, steps: int = 5, seed: int = 0) -> Report:
    """Compare what `rule.update(params, grads)` does in a few steps with what it should do.

    `rule` is fresh, that is, has taken no step; a copy of it is run. `reference` is an object with
    `update(params, grads)`; or a name: "sgd", "momentum", "nesterov", "adagrad", "rmsprop",
    "adam", "adamw"; or None, for the formula that belongs to the rule's class name and settings.
    Settings (lr, momentum, decay, beta1, beta2, eps, weight_decay) are read from the rule's
    attributes. Where beta1, beta2, eps or AdamW's weight_decay is not found, usual values are
    tried; where another is not found, or none of them fits, values are not compared, and a note
    says so. Also checked: parameters change in place and keep their dtype, gradients are left
    alone and not kept, parameters do not disturb each other, rules do not share a memory.

    Raises ValueError where there is no such formula.
    """
    started = time.perf_counter()
    report = Report(described(rule), seed=seed)
    name = reference if isinstance(reference, str) else None
    family = family_of(rule, name)
    if family is None and (reference is None or name is not None):
        raise ValueError(
            f"check_update: no formula is known for {name or type(rule).__name__!r}; pass "
            f"reference=, one of {sorted(FAMILIES)} or an object with update()"
        )
    trial = draw(steps, seed)
    with np.errstate(all="ignore"):
        try:
            done = run(rule, trial)
        except Exception as error:
            message = f"update raises {type(error).__name__}: {error}"
            report.findings.append(Finding("unknown", "W", message, cause="update-raises"))
            report.probes["runs"] = Probe("failed", message)
            return report
        if memory(report, done, trial):
            if reference is not None and name is None:
                values(report, done.path, trial, run(reference, trial).path)
            elif family is not None:
                try:
                    formula_values(report, done.path, trial, list(ways_of(rule, family)))
                except Unknown as reason:
                    report.probes["values"] = Probe("not applicable", str(reason))
                    report.notes.append(f"not compared with the formula of {family}: {reason}")
        habits(report, rule, done.path, trial)
    report.seconds = time.perf_counter() - started
    return report


def say(report: Report, tensor: str, cause: Cause, example: str = "") -> None:
    """Add a cause to the findings, in words."""
    cause = replace(cause, tensors=(tensor,), example=example)
    report.findings.append(Vocabulary().finding(cause))


def memory(report: Report, done: Run, trial: Trial) -> bool:
    """Whether a step moves the parameters. Says where they do not change in place, and where
    gradients change at all."""
    still = all(np.array_equal(done.path[-1][name], w) for name, w in trial.start.items())
    report.probes["in place"] = Probe("failed" if done.rebound or still else "passed")
    report.probes["gradients left alone"] = Probe("failed" if done.written else "passed")
    hint = "Write w -= … or w[...] = …, where w = … only gives a name to a new array."
    if done.rebound:
        message = "params['{name}'] is rebound to a new array, not changed in place"
        say(report, done.rebound[0], because("update-rebinds", "mutation", message, hint))
    elif still:
        report.probes["values"] = Probe("failed", "from step 1 on")
        message = "update leaves the parameters as they are"
        say(report, "W", because("update-stands-still", "mutation", message, hint))
    if done.written:
        message = "update writes into grads['{name}']"
        hint = f"Others read the gradient too: compute with a new array. So with {done.written}."
        say(report, done.written[0], because("update-writes-gradient", "mutation", message, hint))
    return not still


def formula_values(report: Report, path: Path, trial: Trial, ways: list[Way]) -> None:
    """Whether the parameters go where one of the right formulas leads; if not, why.

    Where the rule does not keep a setting, only a mistake that has nothing to do with it and
    explains all steps is told, since a right rule may have any value of it.
    """
    for way in ways:
        if apart(path, way.formula.run(trial.start, trial.gradients), trial.start) is None:
            report.probes["values"] = Probe("passed", way.note)
            report.notes += way.notes()
            return
    unknown = ways[0].assumed
    for way in ways if unknown else ways[:1]:
        causes = [] if way.note else explain(way.formula, path, trial, unknown)
        if causes or not unknown:
            wanted = way.formula.run(trial.start, trial.gradients)
            hint = "No single mistake that is known explains all steps."
            values(report, path, trial, wanted, causes, hint)
            return
    why = f"the rule keeps no {' and no '.join(unknown)}, and does not fit with the usual values"
    report.probes["values"] = Probe("not applicable", why)
    report.notes.append(f"values not compared with the formula: {why}")


def values(
    report: Report,
    path: Path,
    trial: Trial,
    wanted: Path,
    causes: Sequence[Cause] = (),
    hint: str = "",
) -> None:
    """Whether the parameters go the `wanted` way; if not, the causes, or where the ways part."""
    parted = apart(path, wanted, trial.start)
    if parted is None:
        report.probes["values"] = Probe("passed")
        return
    step, name = parted
    when, got, want = f"step {step + 1}", path[step].get(name, np.zeros(())), wanted[step][name]
    report.probes["values"] = Probe("failed", f"from {when} on")
    example = f"after {when} {name} is no array of shape {want.shape}"
    if got.shape == want.shape:
        example = entry(f"after {when} {name}", got, want)
    for cause in causes:
        say(report, name, cause, example)
    if not causes:
        message = f"update parts from the reference at {when}, in {name}"
        if step:
            hint += " The first step is right, so look at what is kept from one step to the next."
        say(report, name, because("update-unknown", "unknown", message, hint.strip()), example)


def habits(report: Report, rule: Any, path: Path, trial: Trial) -> None:
    """What must make no difference: other rules, other parameters, gradients that share arrays."""
    habits = {
        "rules are independent": (
            run(rule, trial),
            "a second rule, fed the same, goes elsewhere: rules share their memory",
            "Keep the memory on self, made in __init__, not on the class or in the module.",
        ),
        "parameters are independent": (
            run(rule, trial.alike("W")),
            "W moves differently with and without a second parameter b",
            "Key the memory by the parameter's name, and count steps once per update.",
        ),
        "gradients are not kept": (
            run(rule, trial, reuse=True),
            "update keeps the array of a gradient, which its owner may fill anew",
            "Keep a copy, or write into an array of your own.",
        ),
    }
    causes = {}
    for probe, (other, message, hint) in habits.items():
        if not all(
            np.array_equal(ours[name], w, equal_nan=True)
            for ours, step in zip(path, other.path, strict=True)
            for name, w in step.items()
        ):
            causes[probe] = "W", because("update-memory", "stale-cache", message, hint)
    for name, w in run(rule, trial.alike(dtype=np.float32)).path[-1].items():
        if w.dtype != np.float32:
            message = f"{{name}} was float32 and is {w.dtype} after an update"
            causes.setdefault("dtype", (name, because("update-dtype", "dtype", message)))
    for probe in (*habits, "dtype"):
        report.probes[probe] = Probe("failed" if probe in causes else "passed")
    for name, cause in [] if report.findings else [*causes.values()][:1]:  # one cause, one finding
        say(report, name, cause)
