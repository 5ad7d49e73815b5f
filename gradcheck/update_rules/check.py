"""The check of an update rule."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from chainrule.gradcheck.report import Finding, Probe, Report
from chainrule.gradcheck.update_rules.explanation import explain
from chainrule.gradcheck.update_rules.families import FAMILIES, Unknown, family_of, formulas_of
from chainrule.gradcheck.update_rules.formula import Formula
from chainrule.gradcheck.update_rules.trial import Path, Run, Trial, apart, draw, entry, run


def check_update(rule: Any, reference: object = None, *, steps: int = 5, seed: int = 0) -> Report:
    """Compare what `rule.update(params, grads)` does in a few steps with what it should do.

    `rule` is fresh, that is, has taken no step; a copy of it is run. `reference` is an object with
    `update(params, grads)`; or a name: "sgd", "momentum", "nesterov", "adagrad", "rmsprop",
    "adam", "adamw"; or None, for the formula that belongs to the rule's class name and settings.
    Settings (lr, momentum, decay, beta1, beta2, eps, weight_decay) are read from the rule's
    attributes; where one is not found, values are not compared, and a note says so. Also checked:
    parameters change in place and keep their dtype, gradients are left alone and not kept,
    parameters do not disturb each other, rules do not share a memory.

    Raises ValueError where there is no such formula.
    """
    started = time.perf_counter()
    text = repr(rule)
    report = Report(type(rule).__name__ if " object at 0x" in text else text, seed=seed)
    name = reference if isinstance(reference, str) else None
    family = family_of(rule, name)
    if family is None and (reference is None or name is not None):
        raise ValueError(
            f"check_update: no formula is known for {name or type(rule).__name__!r}; pass "
            f"reference=, one of {sorted(set(FAMILIES.values()))} or an object with update()"
        )
    trial = draw(steps, seed)
    with np.errstate(all="ignore"):
        try:
            done = run(rule, trial)
        except Exception as error:
            message = f"update raises {type(error).__name__}: {error}"
            report.findings.append(Finding("unknown", "W", message))
            report.probes["runs"] = Probe("failed", message)
            return report
        memory(report, done, trial)
        if reference is not None and name is None:
            values(report, rule, done.path, trial, run(reference, trial).path)
        elif family is not None:
            formula_values(report, rule, done.path, trial, family)
        habits(report, rule, done.path, trial)
    report.seconds = time.perf_counter() - started
    return report


def memory(report: Report, done: Run, trial: Trial) -> None:
    """Whether parameters changed in place, and gradients not at all."""
    still = all(np.array_equal(done.path[-1][name], w) for name, w in trial.start.items())
    report.probes["in place"] = Probe("failed" if done.rebound or still else "passed")
    report.probes["gradients left alone"] = Probe("failed" if done.written else "passed")
    hint = "Write w -= … or w[...] = …, where w = … only gives a name to a new array."
    if done.rebound:
        name = done.rebound[0]
        message = f"params[{name!r}] is rebound to a new array, not changed in place"
        report.findings.append(Finding("mutation", name, message, hint))
    elif still:
        message = "update leaves the parameters as they are"
        report.findings.append(Finding("mutation", "W", message, hint))
    if done.written:
        message = f"update writes into grads[{done.written[0]!r}]"
        hint = f"Others read the gradient too: compute with a new array. So with {done.written}."
        report.findings.append(Finding("mutation", done.written[0], message, hint))


def formula_values(report: Report, rule: object, path: Path, trial: Trial, family: str) -> None:
    """Whether the parameters go where one of the right formulas leads; if not, why."""
    try:
        ways = list(formulas_of(rule, family))
    except Unknown as reason:
        report.probes["values"] = Probe("not applicable", str(reason))
        report.notes.append(f"not compared with the formula of {family}: {reason}")
        return
    for formula, note in ways:
        if apart(path, formula.run(trial.start, trial.gradients), trial.start) is None:
            report.probes["values"] = Probe("passed", note)
            report.notes += [note] if note else []
            return
    formula = ways[0][0]
    wanted = formula.run(trial.start, trial.gradients)
    values(report, rule, path, trial, wanted, formula)


def values(
    report: Report,
    rule: object,
    path: Path,
    trial: Trial,
    wanted: Path,
    formula: Formula | None = None,
) -> None:
    """Whether the parameters go the `wanted` way; if not, why, as far as `formula` tells."""
    parted = apart(path, wanted, trial.start)
    report.probes["values"] = Probe("passed")
    if parted is None:
        return
    step, name = parted
    report.probes["values"] = Probe("failed", f"from step {step + 1} on")
    if any(finding.message.startswith("update leaves") for finding in report.findings):
        return
    example = entry(path, wanted, step, name)
    causes = explain(rule, formula, path, trial) if formula else []
    for cause in causes:
        finding = Finding(cause.kind, name, cause.message, cause.hint, example, 1e-9)
        report.findings.append(finding)
    if not causes:
        message = f"update parts from the reference at step {step + 1}, in {name}"
        hint = "No single mistake that is known explains all steps." if formula else ""
        if step:
            hint += " The first step is right, so look at what is kept from one step to the next."
        report.findings.append(Finding("unknown", name, message, hint.strip(), example))


def habits(report: Report, rule: Any, path: Path, trial: Trial) -> None:
    """What must make no difference: other rules, other parameters, gradients that share arrays."""

    def same(probe: str, other: Path, message: str, hint: str) -> None:
        equal = all(
            np.array_equal(ours[name], w, equal_nan=True)
            for ours, step in zip(path, other, strict=True)
            for name, w in step.items()
        )
        report.probes[probe] = Probe("passed" if equal else "failed")
        if not equal and not report.findings:  # one cause, one finding
            report.findings.append(Finding("stale-cache", "W", message, hint))

    same(
        "rules are independent",
        run(rule, trial).path,
        "a second rule, fed the same, goes elsewhere: rules share their memory",
        "Keep the memory on self, made in __init__, not on the class or in the module.",
    )
    same(
        "parameters are independent",
        run(rule, trial.only("W")).path,
        "W moves differently with and without a second parameter b",
        "Key the memory by the parameter's name, and count steps once per update.",
    )
    same(
        "gradients are not kept",
        run(rule, trial, reuse=True).path,
        "update keeps the array of a gradient, which its owner may fill anew",
        "Keep a copy, or write into an array of your own.",
    )
    after = run(rule, trial.astype(np.float32)).path[-1]
    wide = [name for name, w in after.items() if w.dtype != np.float32]
    report.probes["dtype"] = Probe("failed" if wide else "passed")
    if wide and not report.findings:
        message = f"{wide[0]} was float32 and is {after[wide[0]].dtype} after an update"
        report.findings.append(Finding("dtype", wide[0], message))
