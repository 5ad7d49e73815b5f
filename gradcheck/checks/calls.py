"""Calls beside the one that was judged: another batch before it, another layout, another dtype."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import numpy as np

from chainrule.gradcheck.checks.arrays import close, rows_mix, same, size
from chainrule.gradcheck.checks.outcome import PASSED, Outcome, Passes, remark, wrong
from chainrule.gradcheck.subject.subject import Subject
from chainrule.gradcheck.subject.tape import Tape
from chainrule.gradcheck.subject.trees import Arrays, state_of


def stale_cache(subject: Subject, passes: Passes) -> Outcome:
    """Forward on another batch, and in inference, then backward with the first cache."""
    if subject.spends_cache:
        return Outcome(why="its cache serves one backward pass")
    first = passes.train
    want = subject.run(True, first.douts).arrays()
    _, cache = subject.forward(True)
    floats = [-x if x.dtype.kind == "f" else x for x in subject.inputs]
    flipped = [x[::-1] if x.ndim else x for x in floats]
    for train in (True, False) if subject.profile.has_mode else (True,):
        with suppress(Exception):  # such inputs may be out of its domain
            subject.call(flipped, train)
    got = subject.backward(first.douts, cache)
    for name, array in want.items():
        noise = 10 * first.rounding.get(name, 0.0)
        other = got.get(name)
        if other is None or not close(np.asarray(other), array, noise, relative=1e-13):
            return wrong(name, "latest-call")
    return PASSED


def unused_params(subject: Subject, passes: Passes) -> Outcome:
    """Every parameter is one that forward uses, or has a gradient of zero."""
    if not subject.params:
        return Outcome(why="there are no parameters")
    for name, array in subject.params.items():
        tensor = passes.tensors.get(name)
        if tensor is None or np.abs(tensor.analytic).max(initial=0.0) < 1e-12 or not array.size:
            continue
        if (found := ignored(subject, passes, name)).causes:
            return found
    return PASSED


def ignored(subject: Subject, passes: Passes, name: str, train: bool = True) -> Outcome:
    """Whether the output is the same whatever the parameter `name` holds."""
    array = subject.params.get(name)
    done = passes.train if train else passes.inference
    if array is None or done is None or array.dtype.kind != "f":
        return PASSED
    kept = array.copy()
    array += 0.5 * np.maximum(np.abs(kept), 1.0) * passes.rng.standard_normal(array.shape)
    try:
        moved, _ = subject.forward(train)
    finally:
        array[...] = kept
    return wrong(name, "ignored-param") if same(done.outs, moved) else PASSED


def single_precision(subject: Subject, passes: Passes) -> Outcome:
    """The layer in float32 answers in float32. Asked where float32 was given, or all is asked."""
    if not (passes.request.strict or passes.request.single):
        return Outcome(why="no float32 was given")
    single = subject.at(list(subject.inputs), np.float32)
    outs, cache = single.forward(True)
    if any(o.ndim and o.dtype == np.float64 for o in outs):
        return remark("out", "out-dtype")
    douts = [None if d is None else d.astype(np.float32) for d in passes.train.douts]
    for name, array in single.backward(douts, cache).items():
        if array is not None and np.asarray(array).dtype == np.float64:
            return remark(name, "float32-lifted")
    return PASSED


def layout(subject: Subject, passes: Passes) -> Outcome:
    """Fortran-ordered and strided inputs and dout give the same gradients."""
    first = passes.train
    want = first.arrays()
    # The bias before a normalisation has the gradient 0: what is left of it is rounding of sums of
    # numbers as large as the other gradients, in whatever order they are added.
    arrays = [d for d in first.douts if d is not None] + list(want.values())
    largest = max(map(size, arrays))
    for arrange in (partial(np.array, order="F"), strided):
        try:
            outs, cache = subject.forward(True, [arrange(x) for x in subject.inputs])
            if isinstance(cache, Tape) and not all(map(close, outs, first.outs)):
                return Outcome(why="its output depends on it, as that of random numbers does")
            douts = [None if d is None else arrange(np.asarray(d)) for d in first.douts]
            got = subject.backward(douts, cache)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            return remark(subject.names[0] if subject.names else "x", "layout-raises", error=said)
        for name, array in want.items():
            noise = max(1e-12 * largest, 100 * first.rounding.get(name, 0.0))
            if name in got and not close(np.asarray(got[name]), array, noise):
                return wrong(name, "layout")
    return PASSED


def strided(a: np.ndarray) -> np.ndarray:
    wide = np.zeros([2 * n for n in a.shape], a.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in a.shape) or ...]
    view[...] = a
    return view


def inference(subject: Subject, passes: Passes) -> Outcome:
    """In inference nothing is random, nothing is remembered and rows do not mix."""
    if not subject.profile.has_mode:
        return Outcome(why="forward is not told whether it trains")

    def call(train: bool | None) -> Arrays:
        return subject.call([x.copy() for x in subject.inputs], train)[0]

    def first_output(x: np.ndarray) -> np.ndarray:
        return subject.forward(False, [x, *subject.inputs[1:]])[0][0]

    subject.origin.restore()
    before = {k: v.copy() for k, v in state_of(subject.layer).items()}
    outs, again = call(False), call(False)
    written = [k for k, v in state_of(subject.layer).items() if not same([v], [before.get(k, v)])]
    inner = " on its layers" if subject.profile.is_net else ""
    if before and rows_mix(first_output, subject.inputs[0]):
        advice = "Pass train on to the layers." if inner else "Use the running statistics."
        return remark("out", "no-inference", inner=inner, advice=advice)
    if written:
        return remark(written[0], "inference-writes")
    if not same(outs, again):
        return remark("out", "inference-random")
    subject.origin.restore()
    return PASSED if same(call(None), passes.train.outs) else remark("out", "default-mode")


def state(subject: Subject, _: Passes) -> Outcome:
    """State is written in place: a network and its layers share the arrays."""
    if not state_of(subject.layer):
        return Outcome(why="there is no state")
    subject.origin.restore()
    arrays = dict(state_of(subject.layer))
    subject.call([x.copy() for x in subject.inputs], True)
    rebound = [k for k, v in state_of(subject.layer).items() if v is not arrays.get(k)]
    return remark(rebound[0], "state-rebound") if rebound else PASSED
