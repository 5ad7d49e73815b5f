"""Forward against what it should compute: a formula known by name, or a correct layer."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.gradcheck import formulas as references
from chainrule.gradcheck.report import Cause, Finding, Probe
from chainrule.gradcheck.subject.layer import Subject, as_outputs
from chainrule.gradcheck.subject.passes import close, state_of
from chainrule.gradcheck.subject.vocabulary import Vocabulary

if TYPE_CHECKING:
    from chainrule.gradcheck.checks.gradients import Judge


def compare_with_reference(judge: Judge, modes: tuple[str, ...]) -> None:
    """Compare forward with what it should compute, where that is known."""
    subject, report = judge.subject, judge.report
    reference = judge.reference
    if reference is False:
        report.probes["reference"] = Probe("not applicable", "it is not asked for")
        return
    if isinstance(reference, str):
        found = references.find(reference)
        if found is None:
            raise ValueError(f"check: there is no reference called {reference!r}")
        reference = found
    elif reference is not None:
        compare_with_object(judge, reference, modes)
        return
    # A name that somebody gave is meant; one that was guessed is doubted, unless dx is wrong too.
    strict = reference is not None or bool(report.findings)
    causes: list[Cause] = []
    notes: list[str] = []
    for mode in modes:
        train = mode == "train"
        subject.rewind()
        before = {k: np.array(v) for k, v in state_of(subject.layer).items()}
        out, _ = subject.forward(train)
        after = {k: np.array(v) for k, v in state_of(subject.layer).items()}
        subject.rewind()
        comparison = references.compare(
            subject.layer, tuple(subject.inputs), train=train, out=out,
            state_before=before, state_after=after, reference=reference, strict=strict,
        )  # fmt: skip
        subject.rewind()
        causes += comparison.causes
        notes += [note for note in comparison.notes if note not in notes]
        if comparison.causes:
            break
    findings = [Vocabulary().finding(cause) for cause in causes]
    known = reference is not None or references.find(type(judge.layer)) is not None
    if not known:
        report.probes["reference"] = Probe("not applicable", "no formula is known for this class")
        return
    report.notes += notes
    if not findings:
        report.probes["reference"] = Probe("not applicable", notes[0]) if notes else Probe("passed")
        return
    first = findings[0]
    if judge.reference is None and not report.findings and causes[0].values.get("convention"):
        report.notes.append(f"consistent, but {first.message}")
        report.probes["reference"] = Probe("passed", "differs by a convention")
        return
    report.probes["reference"] = Probe("failed", first.message)
    if judge.reference is None:
        way_out = "If the class means something else, pass reference=False."
        findings = [replace(one, hint=f"{one.hint} {way_out}".strip()) for one in findings]
    if first.tensor in ("out", "loss") and not backward_is_odd(judge, reference):
        report.findings = findings
    else:
        report.findings += findings


def backward_is_odd(judge: Judge, reference: Any) -> bool:
    """Whether forward has the slopes of the formula, so that the backward pass is to blame."""
    reference = reference or references.find(type(judge.layer))
    wrong = [n for n, t in judge.report.tensors.items() if not t.ok]
    inputs = (
        dict(zip(judge.subject.names, judge.subject.inputs, strict=True)) | judge.subject.params
    )
    if not wrong or wrong[0] not in inputs:
        return False
    array, tensor = inputs[wrong[0]], judge.report.tensors[wrong[0]]
    if tensor.numeric.shape != array.shape or not np.isfinite(tensor.numeric).all():
        return False
    v, done = judge.rng.standard_normal(array.shape), judge.passes[True]
    kept, values = array.copy(), []
    for h in (1e-5, -1e-5):
        array[...] = kept + h * v
        call = references.Call(judge.subject.layer, tuple(judge.subject.inputs), True, {})
        values.append(np.asarray(reference.forward(call), float))
        array[...] = kept
    slope = float(((values[0] - values[1]) * done.douts[0]).sum() / 2e-5)
    want = float((tensor.numeric * v).sum())
    return abs(slope - want) <= 1e-5 * (abs(want) + np.sqrt(np.square(tensor.numeric * v).sum()))


def compare_with_object(judge: Judge, reference: Any, modes: tuple[str, ...]) -> None:
    """Compare output and state with those of a correct layer that is given the same parameters."""
    for mode in modes:
        train = mode == "train"
        judge.subject.rewind()
        mine, _ = judge.subject.forward(train)
        state = {k: v.copy() for k, v in state_of(judge.subject.layer).items()}
        twin = Subject(copy.deepcopy(reference), tuple(judge.subject.inputs))
        for name, array in judge.subject.params.items():
            if name in twin.params and twin.params[name].shape == array.shape:
                twin.layer.params[name][...] = array
        right, _ = twin.forward(train)
        for a, b in zip(as_outputs(mine), as_outputs(right), strict=False):
            if not close(a, b):
                c = np.nansum(a * b) / max(np.nansum(b * b), 1e-300)
                scaled = close(a, c * b)
                word = "the loss" if a.ndim == 0 else "out"
                message = (
                    f"{word} is {c:.4g} times what the reference gives"
                    if scaled
                    else f"{word} differs from what the reference gives"
                )
                kind = "forward-bug" if train else "mode"
                example = f"{word} = {np.ravel(a)[0]:.4g}, should be {np.ravel(b)[0]:.4g}"
                judge.report.findings = [Finding(kind, word.split()[-1], message, "", example)]
                judge.report.probes["reference"] = Probe("failed", message)
                return
        for name, array in state.items():
            other_state = state_of(twin.layer).get(name)
            if other_state is not None and not close(array, other_state):
                message = f"{name} after a training pass differs from the reference's"
                judge.report.findings.append(Finding("mode", name, message))
                judge.report.probes["reference"] = Probe("failed", message)
                return
        judge.subject.rewind()
    judge.report.probes["reference"] = Probe("passed")
