"""One forward and one backward pass under watch: do they run, repeat, and leave all as it was?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.gradcheck.report import Probe
from chainrule.gradcheck.subject.layer import Arrays, as_outputs, fingerprint, like_outputs
from chainrule.gradcheck.subject.passes import Pass, gradients, same, unpack

if TYPE_CHECKING:
    from chainrule.gradcheck.checks.gradients import Judge


def runs(judge: Judge) -> bool:
    """Whether the training pass runs, repeats itself and leaves everything as it was."""
    subject = judge.subject
    try:
        subject.settle_randomness(True)
        kept = [x.copy() for x in subject.inputs]
        before = fingerprint(subject.inputs)
        params = fingerprint(subject.params)
        out, cache = unpack(subject.forward(True), "forward", "out, cache")
    except Exception as error:  # whatever a stranger's layer raises is told, not passed on
        return judge.failed("forward", error)
    if out is None:
        return judge.unwritten("forward")
    for at, (name, x) in enumerate(zip(subject.names, subject.inputs, strict=True)):
        if fingerprint(x) != [before[at]]:
            what = "the shape of its input" if x.shape != kept[at].shape else "its input"
            judge.say(
                "mutation",
                name,
                f"forward changed {what} {name} in place",
                "Compute into a new array: the caller still needs this one.",
            )
    if fingerprint(subject.params) != params:
        judge.say("mutation", "params", "forward changed a parameter in place", "")
    judge.report.probes["forward leaves inputs and params alone"] = outcome(judge)
    if judge.report.findings:
        return False
    again, _ = subject.forward(True)
    if not same(as_outputs(out), as_outputs(again)):
        judge.say(
            "unknown",
            "out",
            "cannot check: forward gives different results for the same input",
            "Give the layer a numpy.random.Generator or a seed, and keep no memory of calls.",
        )
        return False
    judge.report.probes["randomness"] = Probe("passed")
    return backward_runs(judge, out, cache)


def backward_runs(judge: Judge, out: Any, cache: Any) -> bool:
    subject = judge.subject
    douts = judge.upstream(as_outputs(out))
    kept = {name: array.copy() for name, array in subject.params.items()}
    watched = {"its inputs": subject.inputs, "dout": douts, "the cache": cache}
    before = {word: fingerprint(tree) for word, tree in watched.items()}
    try:
        result = subject.backward(like_outputs(out, douts), cache)
        dx, grads = unpack(result, "backward", "dx, grads")
    except Exception as error:
        return judge.failed("backward", error)
    finally:
        changed = [n for n, a in subject.params.items() if not same([a], [kept[n]])]
        for name in changed:
            subject.layer.params[name][...] = kept[name]
    if dx is None:
        return judge.unwritten("backward")
    dxs = [None if d is None else np.array(d) for d in (dx if isinstance(dx, tuple) else (dx,))]
    grads = {k: np.array(g) for k, g in grads.items()} if isinstance(grads, dict) else grads
    for name in changed:
        judge.say(
            "mutation",
            name,
            f"backward changed params['{name}'] in place",
            "Return gradients: the update rule changes parameters, after the backward pass.",
        )
    if not changed:
        for word, tree in watched.items():
            if fingerprint(tree) != before[word]:
                judge.say(
                    "mutation",
                    word.split()[-1] if word != "its inputs" else subject.names[0],
                    f"backward changed {word} in place, so that a second call differs",
                    "Compute into a new array.",
                )
                break
    judge.report.probes["backward leaves params, cache and dout alone"] = outcome(judge)
    if not judge.report.findings:
        second_backward(judge, out, cache, douts, dx, grads)
    judge.passes[True] = Pass(out, cache, douts, dxs, grads)
    return not judge.report.findings


def second_backward(judge: Judge, out: Any, cache: Any, douts: Arrays, dx: Any, grads: Any) -> None:
    again, more = judge.subject.backward(like_outputs(out, douts), cache)
    first, second = gradients(dx, grads), gradients(again, more)
    for name, array in first.items():
        if name in second and not same([array], [second[name]]):
            label = f"grads['{name}']" if name in judge.subject.params else "dx"
            c = np.nansum(second[name] * array) / max(np.nansum(array * array), 1e-300)
            twice = " twice" if abs(c - 2) < 1e-6 else " something else for"
            judge.say(
                "stale-cache",
                name if name in judge.subject.params else judge.subject.names[0],
                f"a second backward call with the same cache returns{twice} {label}",
                "Start from zero in every call: nothing of a call may stay on the layer.",
            )
            break
    judge.report.probes["a second backward with the same cache"] = outcome(judge)


def outcome(judge: Judge) -> Probe:
    findings = judge.report.findings
    return Probe("failed", findings[-1].message) if findings else Probe("passed")
