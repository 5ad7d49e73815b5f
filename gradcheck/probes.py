"""Questions beyond values: what else a forward and a backward pass must keep to.

Each probe looks at one thing, at a point or in a mode other than the one that was given, and says
"passed", "failed", or "not applicable" and why. Those that compare values run only while no
mistake is known: what goes wrong at the point itself goes wrong at the others too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gradcheck.diagnosis import diagnose
from gradcheck.judge import Judge
from gradcheck.passes import Pass, close, gradients, same, state_of, unpack
from gradcheck.report import Probe
from gradcheck.subject import (
    Subject,
    as_outputs,
    cast_copy,
    fingerprint,
    like_outputs,
    sublayers,
)
from gradcheck.values import Point, direction, measure

PASSED = Probe("passed")
LIFTS = "Use Python numbers for constants: a NumPy float64 lifts float32."


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
    known = {f.tensor for f in judge.report.findings}
    for name in judge.nonlinear:
        if judge.report.findings and name not in known:
            continue
        if name in known:
            continue
        label = f"grads['{name}']" if name in judge.subject.params else f"d{name}"
        if judge.powers.get(name) == "ignored":
            judge.say(
                "missing-term",
                name,
                f"{label} does not change when dout changes",
                "Multiply by the upstream gradient dout, also where it is usually 1.",
            )
        else:
            judge.say("missing-term", name, f"{label} is not linear in dout",
                      "Multiply by the upstream gradient dout once.")  # fmt: skip


def run(subject: Subject, train: bool, douts: list[np.ndarray] | None = None) -> Pass:
    """One forward and backward pass."""
    out, cache = unpack(subject.forward(train), "forward", "out, cache")
    outs = as_outputs(out)
    if douts is None:
        rng = np.random.default_rng(7)
        douts = [np.ones(()) if o.ndim == 0 else rng.standard_normal(o.shape) for o in outs]
    dx, grads = unpack(subject.backward(like_outputs(out, douts), cache), "backward", "dx, grads")
    dxs = [np.array(d) for d in (dx if isinstance(dx, tuple) else (dx,))]
    return Pass(out, cache, douts, dxs, {k: np.array(g) for k, g in grads.items()})


def other(judge: Judge, inputs: list[np.ndarray]) -> Subject:
    subject = judge.subject.with_inputs(tuple(inputs))
    judge.others.append(subject)
    return subject


def changed(judge: Judge, change: Callable[[np.ndarray], np.ndarray]) -> list[np.ndarray]:
    """The inputs with `change` applied to those that are differentiated."""
    count = len(judge.passes[True].dxs)
    floats = 0
    inputs = []
    for x in judge.subject.inputs:
        if x.dtype.kind == "f" and floats < count:
            inputs.append(change(x))
            floats += 1
        else:
            inputs.append(x)
    return inputs


def rows(judge: Judge) -> int | None:
    """The number of rows, where all inputs have the same number of them."""
    lengths = {x.shape[:1] for x in judge.subject.inputs}
    found = lengths.pop() if len(lengths) == 1 else ()
    inputs = judge.subject.inputs
    single = is_loss(judge) or all(x.shape == inputs[0].shape for x in inputs)
    return found[0] if found and single else None


def is_loss(judge: Judge) -> bool:
    return all(o.ndim == 0 for o in judge.passes[True].outs)


def names(judge: Judge) -> list[str]:
    """The names of the inputs that have a gradient."""
    floats = [n for n, x in zip(judge.subject.names, judge.subject.inputs, strict=True)
              if x.dtype.kind == "f"]  # fmt: skip
    return floats[: len(judge.passes[True].dxs)]


def label(judge: Judge, name: str) -> str:
    return f"grads['{name}']" if name in judge.subject.params else f"d{name}"


# ---- calls -------------------------------------------------------------------------------------


def stale_cache(judge: Judge) -> Probe:
    """Forward on another batch, and in inference, then backward with the first cache."""
    subject, first = judge.subject, judge.passes[True]
    out, cache = subject.forward(True)
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
            if key in want and (array.shape != want[key].shape or not close(array, want[key])):
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


# ---- other points ------------------------------------------------------------------------------


def values_elsewhere(
    judge: Judge, inputs: list[np.ndarray], where: str, kind: str | None, train: bool = True
) -> Probe:
    """Compare values at another point; a mistake there is of `kind`, or as diagnosed if None."""
    subject = other(judge, inputs)
    subject.settle_randomness(train)
    done = run(subject, train)
    if not all(np.isfinite(o).all() for o in done.outs):
        bad = "nan" if any(np.isnan(o).any() for o in done.outs) else "inf"
        if kind is not None and (bad == "nan" or (is_loss(judge) and breaks_early(judge))):
            word = "the loss" if is_loss(judge) else "the output"
            judge.say("stability", "loss" if is_loss(judge) else "out", f"{where}, {word} is {bad}",
                      "Rewrite the formula so that no step of it overflows.")  # fmt: skip
            return PASSED
        return Probe("not applicable", f"{where}, the output is {bad}")
    for name, array in zip((*names(judge), *done.grads), (*done.dxs, *done.grads.values()),
                           strict=False):  # fmt: skip
        if not np.isfinite(array).all():
            bad = "nan" if np.isnan(array).any() else "inf"
            if bad == "nan" and (kind is not None or len(judge.subject.inputs[0]) > len(inputs[0])):
                hint = "Something overflows, and is then multiplied by 0 or subtracted."
                judge.say("stability", name, f"{where}, {label(judge, name)} is nan", hint)
                return PASSED
            return Probe("not applicable", f"{where}, {label(judge, name)} is {bad}")
    found = judge.compare(subject, done, train, directions=1)
    if found is None or not found[2]:
        return PASSED
    tensors, scene, (name, *_) = found
    if kind is None:
        wrong = diagnose(scene, name)
        judge.say(wrong.kind, name, f"{where}, {wrong.message}", wrong.hint, wrong.example)
    else:
        error = f"error {tensors[name].error:.1e}"
        judge.say(kind, name, f"{where}, {label(judge, name)} is wrong ({error}), else right")
    return PASSED


def breaks_early(judge: Judge) -> bool:
    """Whether a loss that overflows was still small just before: a loss that really grows beyond
    all numbers has been huge for a while."""
    for factor in (300, 100, 30, 10, 3):
        closer = [factor * x if x.dtype.kind == "f" else x for x in judge.subject.inputs]
        out, _ = other(judge, closer).forward(True)
        if np.isfinite(out):
            return bool(abs(out) < 1e6)
    return True


def large(judge: Judge) -> Probe:
    return values_elsewhere(
        judge, changed(judge, lambda x: x * 1000), "for inputs 1000 times as large", "stability"
    )


def small(judge: Judge) -> Probe:
    return values_elsewhere(
        judge, changed(judge, lambda x: x * 3e-3), "for inputs 300 times smaller", None
    )


def zeros(judge: Judge) -> Probe:
    if is_loss(judge):
        return Probe("not applicable", "zeros mean nothing special to a loss")
    inputs = changed(judge, lambda x: np.where(judge.rng.random(x.shape) < 0.7, x, 0.0))
    return values_elsewhere(judge, inputs, "where inputs are exactly 0", None)


def batch_of_one(judge: Judge) -> Probe:
    count = rows(judge)
    if count is None or count < 2:
        return Probe("not applicable", "it has no batch axis to cut")
    inputs = [x[:1] for x in judge.subject.inputs]
    subject = other(judge, inputs)
    done = run(subject, True)
    if not all(np.isfinite(o).all() for o in done.outs):
        judge.say("stability", "out", "with a batch of 1, the output is nan or inf",
                  "A division by N - 1 or by a variance of 0 has no place here.")  # fmt: skip
        return PASSED
    for name, dx, x in zip(names(judge), done.dxs, subject.inputs, strict=False):
        if dx.shape != x.shape:
            judge.say("shape", name, f"with a batch of 1, d{name} has shape {dx.shape}, "
                      f"{name} has {x.shape}", "Do not squeeze.")  # fmt: skip
            return PASSED
    return values_elsewhere(judge, inputs, "with a batch of 1", None)


def batch_of_none(judge: Judge) -> Probe:
    if rows(judge) is None or is_loss(judge):
        return Probe("not applicable", "it has no batch axis, or takes a mean over it")
    subject = other(judge, [x[:0] for x in judge.subject.inputs])
    try:
        done = run(subject, True)
    except (ValueError, ArithmeticError) as error:
        return Probe("not applicable", f"it refuses: {error}")
    shapes = {name: x.shape for name, x in zip(names(judge), subject.inputs, strict=False)}
    shapes |= {name: array.shape for name, array in subject.params.items()}
    for name, array in zip((*names(judge), *done.grads), (*done.dxs, *done.grads.values()),
                           strict=False):  # fmt: skip
        if name in shapes and array.shape != shapes[name]:
            message = f"with an empty batch, {label(judge, name)} has shape {array.shape}"
            hint = "Use one product or sum over the batch, not a loop over its rows."
            judge.say("shape", name, f"{message}, expected {shapes[name]}", hint)
            break
    return PASSED


def ties(judge: Judge) -> Probe:
    """Where inputs are equal, moving them together must give the sum of their gradients."""
    subject = judge.subject
    floats = names(judge)
    count = len(floats)
    if count == 2 and subject.inputs[0].shape == subject.inputs[1].shape:
        a = subject.inputs[0]
        tied = other(judge, [a, a.copy(), *subject.inputs[2:]])
    elif count == 1 and not is_loss(judge):
        tied = other(judge, changed(judge, np.round))
    else:
        return Probe("not applicable", "it has nothing to tie")
    tied.settle_randomness(True)
    done = run(tied, True)
    point = Point(tied, True, done.outs, done.douts)
    noise = point.noise(tied.inputs[0], judge.rng)
    v = judge.rng.standard_normal(tied.inputs[0].shape)
    if count == 1:
        v = np.broadcast_to(v.mean(axis=-1, keepdims=True), v.shape) if v.ndim else v
    moves = [direction(x, v) for x in tied.inputs[:count]]
    size = 1.0

    def together(t: float) -> np.ndarray:
        steps = [move(t) for move in moves]
        return steps[0]

    slope = measure(point, together, noise)
    if slope.kink[0] or not np.isfinite(slope.value[0]):
        return Probe("not applicable", "the function has a kink along the tie itself")
    total = sum(float((np.asarray(dx, float) * v).sum()) for dx in done.dxs)
    scale = sum(float(np.sqrt(np.square(dx * v).sum())) for dx in done.dxs) + abs(slope.value[0])
    if abs(total - slope.value[0]) <= 1e-6 * scale + 4 * slope.error[0] + 1e-300 * size:
        return PASSED
    if count == 1:
        return values_elsewhere(judge, tied.inputs, "where inputs are equal", None)
    a_name, b_name = floats
    share = total / slope.value[0] if slope.value[0] else 0.0
    what = "is counted twice" if abs(share - 2) < 1e-5 else (
        "reaches no input" if abs(share) < 1e-5 else "does not add up")  # fmt: skip
    judge.say(
        "mask",
        a_name,
        f"at ties ({a_name} == {b_name}) the gradient {what}: d{a_name} + d{b_name} must be dout",
        "Let one of the two masks include equality, and one only.",
    )
    return PASSED


# ---- modes -------------------------------------------------------------------------------------


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
