"""One forward and one backward pass under watch: do they run, repeat, and leave all as it was?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.gradcheck.checks.arrays import close, same
from chainrule.gradcheck.checks.causes import cause
from chainrule.gradcheck.checks.linearity import rounding
from chainrule.gradcheck.checks.outcome import (
    PASSED,
    BadRequest,
    Outcome,
    Request,
    raised,
    told,
    wrong,
)
from chainrule.gradcheck.subject.subject import Pass, Subject, copied, random_upstream
from chainrule.gradcheck.subject.tape import Tape
from chainrule.gradcheck.subject.trees import Arrays, fingerprint

Outcomes = dict[str, Outcome]


def run(
    subject: Subject, request: Request, rng: np.random.Generator
) -> tuple[Outcomes, Pass | None]:
    """The training pass, and what was found on the way, by the names of the questions. The pass is
    None where there is none that gradients could be compared of."""
    watched = dict(zip(subject.names, subject.inputs, strict=True)) | subject.params
    before = {name: fingerprint(array) for name, array in watched.items()}
    try:
        outs, cache = first_forward(subject)
    except Exception as error:  # whatever a stranger's layer raises is told, not passed on
        return {"runs": raised(subject, "forward", "out", error)}, None
    outcomes = {"forward leaves inputs and params alone": PASSED}
    for name, array in watched.items():
        if fingerprint(array) != before[name]:
            what = "its input" if array.shape == before[name][0][0] else "the shape of its input"
            key = "forward-writes-params" if name in subject.params else "forward-writes-input"
            return dict.fromkeys(outcomes, wrong(name, key, what=what)), None
    again, _ = subject.forward(True)
    if not all(close(a, b, relative=1e-6) for a, b in zip(again, outs, strict=True)):
        return outcomes | {"randomness": wrong("out", "random")}, None
    outcomes["randomness"] = PASSED
    douts = upstream(request, outs, rng)
    outs = [o.copy() for o in outs]  # backward may write into a cache that holds them
    done, found = backward_runs(subject, outs, cache, douts)
    return outcomes | found, done


def first_forward(subject: Subject) -> tuple[Arrays, Any]:
    """The first forward pass. One that does not take float64 is tried in float32."""

    def call() -> None:
        subject.call([x.copy() for x in subject.inputs], True)

    try:
        subject.origin.watch_global(call)
    except Exception:  # a stranger's forward may raise anything on float64
        subject.narrow = True
        try:
            call()
        except Exception:  # nor on float32: the next line raises it
            subject.narrow = False
    return subject.forward(True)


def upstream(request: Request, outs: Arrays, rng: np.random.Generator) -> list[Any]:
    """The upstream gradient that was given, or a random one. Raises ValueError where its shape is
    not that of the output."""
    if request.dout is None:
        return random_upstream(outs, rng)
    given = request.dout if isinstance(request.dout, tuple) else (request.dout,)
    douts = [np.asarray(d, np.float64) for d in given]
    if [d.shape for d in douts] != [o.shape for o in outs]:
        raise BadRequest(
            f"check: dout has shape {', '.join(str(d.shape) for d in douts)}, expected "
            f"{', '.join(str(o.shape) for o in outs)}, the shape of the output"
        )
    return douts


def backward_runs(
    subject: Subject, outs: Arrays, cache: Any, douts: list[Any]
) -> tuple[Pass | None, Outcomes]:
    """One backward pass: does it run, write into what is not its own, and repeat itself?"""
    kept = {name: array.copy() for name, array in subject.params.items()}
    clean = [None if d is None else d.copy() for d in douts]
    watched: dict[str, Any] = {"its inputs": subject.inputs, "dout": douts, "the cache": cache}
    if isinstance(cache, Tape):
        watched = {**cache.guarded, "the cache": cache.saved}
    before = {word: fingerprint(tree) for word, tree in watched.items()}
    forms = ["none", "zeros", "rest"] if any(d is None for d in douts) else ["none"]
    found: dict[str, Any] = {}
    for form in forms:
        subject.whole = form
        try:
            found = subject.backward(douts, cache)
            break
        except Exception as error:
            if form == forms[-1]:
                return None, {"runs": raised(subject, "backward", "x", error)}
        finally:
            changed = [n for n, a in subject.params.items() if not same([a], [kept[n]])]
            for name in changed:
                subject.params[name][...] = kept[name]
    written = [word for word, tree in watched.items() if fingerprint(tree) != before[word]]
    done = Pass(outs, cache, clean, copied(found))
    if written == ["dout"] and subject.profile.keeps_state:
        subject.spends_dout = True
    alone, second = writes(subject, changed, written), second_backward(subject, done)
    raises = any(cause.key == "backward-raises" for cause in second.causes)
    if not changed and (written == ["the cache"] or (raises and not written)):
        if second.causes:  # its cache is its own, and spent
            level = "wrong" if written and isinstance(cache, Tape) else "remark"
            alone = Outcome([replace(writes(subject, [], ["the cache"]).causes[0], level=level)])
            subject.spends_cache = True
            second = second_backward(subject, done)
        else:  # notes of its own that make no difference
            alone = PASSED
    elif subject.spends_dout:
        alone = Outcome([replace(alone.causes[0], level="remark")])
    done.rounding = rounding(subject, done)
    outcomes = {"backward leaves params, cache and dout alone": alone}
    if subject.spends_cache or all(one.level == "remark" for one in alone.causes):
        outcomes["a second backward with the same cache"] = second
    return done, outcomes


def writes(subject: Subject, changed: list[str], written: list[str]) -> Outcome:
    """What backward wrote into: parameters, or its inputs, dout or the cache."""
    if changed:
        return Outcome([cause("backward-writes-params", name) for name in changed])
    if not written:
        return PASSED
    tensor = {"its inputs": subject.names[0] if subject.names else "x", "dout": "dout"}
    return wrong(tensor.get(written[0], "cache"), "backward-writes", what=written[0])


def second_backward(subject: Subject, done: Pass) -> Outcome:
    """Whether a second call with the same cache gives the same."""
    try:
        again = subject.backward(done.douts, done.cache)
    except Exception as error:
        return raised(subject, "backward", "x", error)
    for name, first in done.arrays().items():
        second = again.get(name)
        if second is None or same([np.asarray(second)], [first]):
            continue
        second = np.asarray(second, np.float64)
        if close(second, first, relative=1e-12):
            continue
        whole = second.shape == first.shape
        c = np.nansum(second * first) / max(np.nansum(first * first), 1e-300) if whole else 0.0
        twice = " twice" if abs(c - 2) < 1e-6 else " something else for"
        return wrong(name, "second-backward", twice=twice)
    return PASSED


def inference_pass(subject: Subject, train: Pass, rng: np.random.Generator) -> Pass | Outcome:
    """The pass without training, with the same upstream gradient where the outputs are the same;
    or what went wrong in it."""
    try:
        outs, cache = subject.forward(False)
    except Exception as error:  # there may be no cache in inference
        return Outcome(why=told(subject, error))
    alike = same(outs, train.outs)
    douts = train.douts if alike else random_upstream(outs, rng)
    try:
        found = subject.backward(douts, cache)
    except Exception as error:
        outcome = raised(subject, "backward", "x", error)
        if subject.profile.keeps_state:  # nobody goes back after a pass of inference
            return Outcome(why=told(subject, error))
        first = outcome.causes[0]
        return Outcome([replace(first, prefix="after {forward} {inference}, ", level="remark")])
    done = Pass(outs, cache, douts, copied(found))
    done.rounding = train.rounding if alike else rounding(subject, done)
    return done
