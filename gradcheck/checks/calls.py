"""Probes of calls: caches, parameters, state, modes, dtypes and layouts."""

from __future__ import annotations

import numpy as np

from chainrule.gradcheck.checks.asking import PASSED, label, names, other, run
from chainrule.gradcheck.checks.gradients import Judge
from chainrule.gradcheck.report import Probe
from chainrule.gradcheck.subject.layer import (
    Subject,
    as_outputs,
    cast_copy,
    fingerprint,
    like_outputs,
    sublayers,
)
from chainrule.gradcheck.subject.passes import close, gradients, same, state_of

LIFTS = "Use Python numbers for constants: a NumPy float64 lifts float32."


def stale_cache(judge: Judge) -> Probe:
    """Forward on another batch, and in inference, then backward with the first cache."""
    subject, first = judge.subject, judge.passes[True]
    want = run(subject, True, first.douts)
    out, cache = subject.forward(True)
    for train in (True, False):
        flipped = [x[::-1] * (-1 if x.dtype.kind == "f" else 1) for x in subject.inputs]
        subject.call(flipped, train)
    subject.rewind()
    dx, grads = subject.backward(like_outputs(out, first.douts), cache)
    got = gradients(dx, grads)
    wanted = gradients(tuple(want.dxs), want.grads)
    for key, array in wanted.items():
        if key not in got or not same([array], [got[key]]):
            name = names(judge)[int(key[1:])] if key.startswith("\0") else key
            judge.say(
                "stale-cache",
                name,
                f"{label(judge, name)} comes from the latest forward call, not from the cache it "
                f"is given",
                "Keep what backward needs in the cache; nothing of a call may stay on the layer.",
            )
            break
    return PASSED


def dependence(judge: Judge) -> Probe:
    """Every parameter is one that forward uses, or has a gradient of zero."""
    subject = judge.subject
    if not subject.params:
        return Probe("not applicable", "there are no parameters")
    for name, array in subject.params.items():
        tensor = judge.report.tensors.get(name)
        if tensor is None or np.abs(tensor.analytic).max(initial=0.0) < 1e-12 or not array.size:
            continue
        if judge.ignored(name):
            break
    return PASSED


def single_precision(judge: Judge) -> Probe:
    """The layer in float32 answers in float32, to about the same numbers."""
    single = Subject(cast_copy(judge.subject.layer, np.float32), tuple(
        x.astype(np.float32) if x.dtype.kind == "f" else x for x in judge.subject.inputs
    ), np.float32)  # fmt: skip
    judge.others.append(single)
    first = judge.passes[True]
    out, cache = single.forward(True)
    for o in as_outputs(out):
        if o.ndim and o.dtype != np.float32:
            judge.say("dtype", "out", f"out has dtype {o.dtype} in a float32 layer", LIFTS)
            return PASSED
    douts = [d.astype(np.float32) for d in first.douts]
    dx, grads = single.backward(like_outputs(out, douts), cache)
    got = gradients(dx, grads)
    for key, array in got.items():
        if array.dtype == np.float64:
            name = names(judge)[int(key[1:])] if key.startswith("\0") else key
            message = f"{label(judge, name)} has dtype float64 in a float32 layer"
            judge.say("dtype", name, message, LIFTS)
            break
    return PASSED


def layout(judge: Judge) -> Probe:
    """Fortran-ordered and strided inputs and dout give the same gradients."""
    first = judge.passes[True]
    want = gradients(tuple(first.dxs), first.grads)
    # The bias before a normalisation has the gradient 0: what is left of it is rounding of sums of
    # numbers as large as the other gradients, in whatever order they are added.
    largest = max(np.nanmax(np.abs(a), initial=0.0) for a in (*first.douts, *want.values()))
    for arrange in (lambda a: a.copy(order="F"), strided):
        subject = judge.subject
        try:
            out, cache = subject.forward(True, [arrange(x) for x in subject.inputs])
            douts = [arrange(np.asarray(d)) for d in first.douts]
            dx, grads = subject.backward(like_outputs(out, douts), cache)
        except Exception as error:
            message = f"arrays that are not contiguous raise {type(error).__name__}: {error}"
            judge.say("shape", names(judge)[0], message, "Use reshape, which copies if it must.")
            return PASSED
        for key, array in gradients(dx, grads).items():
            if key in want and not close(array, want[key], noise=1e-12 * largest):
                name = names(judge)[int(key[1:])] if key.startswith("\0") else key
                judge.say("axis", name, f"{label(judge, name)} depends on the memory layout of the "
                          f"input or of dout", "Do not rely on the order in memory.")  # fmt: skip
                return PASSED
    return PASSED


def strided(a: np.ndarray) -> np.ndarray:
    wide = np.zeros([2 * n for n in a.shape], a.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in a.shape) or ...]
    view[...] = a
    return view


def four_dimensional(judge: Judge) -> Probe:
    """A layer that takes (N, D) and (N, a, b, c) alike gives dx the shape of x."""
    x = judge.subject.inputs[0]
    if len(judge.subject.inputs) != 1 or x.ndim != 2 or not x.size:
        return Probe("not applicable", "it takes one input (N, D)")
    first = judge.passes[True]
    wide = x.reshape(len(x), 1, x.shape[1], 1)
    subject = other(judge, [wide])
    try:
        out, cache = subject.forward(True)
    except Exception:
        return Probe("not applicable", "it does not take images")
    (got,), (had,) = as_outputs(out), first.outs
    if got.size != had.size or not close(got.reshape(had.shape), had):
        return Probe("not applicable", "it gives images another meaning")
    dx, _ = subject.backward(first.douts[0].reshape(got.shape), cache)
    dx = np.asarray(dx)
    if dx.shape != wide.shape:
        judge.say("shape", names(judge)[0], f"dx has shape {dx.shape} for an input of shape "
                  f"{wide.shape}", "Reshape dx to the shape of x.")  # fmt: skip
    elif not close(dx.reshape(x.shape), first.dxs[0]):
        judge.say("axis", names(judge)[0], "dx of images is not that of the same numbers as rows")
    return PASSED


def inference(judge: Judge) -> Probe:
    """In inference nothing is random, nothing is remembered and rows do not mix."""
    subject = judge.subject
    if any(f.kind == "mode" for f in judge.report.findings):
        return PASSED
    subject.rewind()
    inputs = [x.copy() for x in subject.inputs]
    before = fingerprint(state_of(subject.layer))
    out, _ = subject.call(inputs, False)
    again, _ = subject.call([x.copy() for x in subject.inputs], False)
    after = fingerprint(state_of(subject.layer))
    subject.rewind()
    inner = " on its layers" if sublayers(judge.layer) else ""
    if state_of(subject.layer) and rows_mix(judge):
        judge.say(
            "mode",
            "out",
            f"train=False has no effect{inner}: the output of a row depends on the other rows",
            "Pass train on to the layers." if inner else "Use the running statistics.",
        )
    elif after != before:
        judge.say("mode", next(iter(state_of(subject.layer)), "state"),
                  "with train=False forward changes the state",
                  "Only a training pass writes running statistics.")  # fmt: skip
    elif not same(as_outputs(out), as_outputs(again)):
        judge.say("mode", "out", "with train=False forward is random",
                  "In inference dropout is the identity.")  # fmt: skip
    else:
        default, _ = subject.layer.forward(*[x.copy() for x in subject.inputs])
        subject.rewind()
        if not same(as_outputs(default), judge.passes[True].outs):
            judge.say("mode", "out", "forward without `train` is not the training pass",
                      "Let train be True by default.")  # fmt: skip
    return PASSED


def rows_mix(judge: Judge) -> bool:
    subject = judge.subject
    x = subject.inputs[0]
    out = as_outputs(subject.forward(False)[0])[0]
    if out.ndim == 0 or x.ndim == 0 or len(x) != len(out) or len(x) < 2:
        return False
    kept = x.copy()
    x[0] += 1.0
    moved = as_outputs(subject.forward(False)[0])[0]
    x[...] = kept
    return not np.allclose(moved[1:], out[1:], rtol=1e-9, atol=1e-12)


def state(judge: Judge) -> Probe:
    """State is written in place: a network and its layers share the arrays."""
    subject = judge.subject
    if not state_of(subject.layer):
        return Probe("not applicable", "there is no state")
    arrays = dict(state_of(subject.layer))
    subject.forward(True)
    rebound = [k for k, v in state_of(subject.layer).items() if v is not arrays.get(k)]
    if rebound:
        judge.say("mutation", rebound[0], f"state['{rebound[0]}'] is replaced by a new array",
                  "Write into the array: state[...][...] = value.")  # fmt: skip
    return PASSED
