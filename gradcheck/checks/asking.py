"""What probes need to ask their questions: other inputs, one more pass, names for the answer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule.gradcheck.checks.gradients import Judge
from chainrule.gradcheck.derivatives.numeric import own_stream
from chainrule.gradcheck.report import Probe
from chainrule.gradcheck.subject.layer import Subject, as_outputs, like_outputs
from chainrule.gradcheck.subject.passes import Pass, unpack

PASSED = Probe("passed")


def run(subject: Subject, train: bool, douts: list[np.ndarray] | None = None) -> Pass:
    """One forward and backward pass."""
    out, cache = unpack(subject.forward(train), "forward", "out, cache")
    outs = as_outputs(out)
    if douts is None:
        rng = own_stream(7)
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
