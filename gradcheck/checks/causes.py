"""Every cause that a check finds: its key, its kind, its sentence and its advice.

For the places to fill in see `subject.vocabulary`.
"""

from __future__ import annotations

from typing import Any

from chainrule.gradcheck.report.findings import Cause

LIFTS = "Make arrays in the dtype of x, and constants of Python's numbers: a float64 lifts float32."

CAUSES: dict[str, tuple[str, ...]] = {
    # a pass under watch
    "random": ("unknown", "cannot check: {forward} gives different results for the same input",
        "Give the layer a numpy.random.Generator or a seed, and keep no memory of calls."),
    "forward-writes-params": ("mutation", "{forward} changed a parameter in place"),
    "forward-writes-input": ("mutation", "{forward} changed {what} {name} in place",
        "Compute into a new array: the caller still needs this one."),
    "backward-writes-params": ("mutation", "{backward} changed {param} in place",
        "Return gradients: the update rule changes parameters, after the backward pass."),
    "backward-writes": ("mutation",
        "{backward} changed {what} in place, which others may read afterwards",
        "Compute into a new array."),
    "second-backward": ("stale-cache",
        "a second backward call with the same cache returns{twice} {d}",
        "Start from zero in every call: nothing of a call may stay on the layer."),
    "unwritten-forward": ("unknown", "{forward} is not written yet"),
    "unwritten-backward": ("unknown", "{backward} is not written yet"),
    "forward-raises": ("unknown", "{forward} raises {error}", "{place}"),
    "backward-raises": ("unknown", "{backward} raises {error}", "{place}"),
    # the form of gradients
    "no-entry": ("missing-term", "grads has no entry for the parameter '{name}'",
        "Return a gradient for every parameter, under the parameter's name."),
    "not-returned": ("missing-term", "{d} is not returned"),
    "no-array": ("shape", "{d} is no array of numbers: it is {type}"),
    "shape": ("shape", "{d} {has} shape {got}, {name} has {shape}"),
    "gradient-dtype": ("dtype", "{d} {has} dtype {got}, {name} has {dtype}",
        "Leave out the cast: a gradient has the dtype of its tensor."),
    "alien-entry": ("shape", "grads has an entry '{name}', which is no parameter",
        "The parameters are {known}."),
    # how they depend on inputs that are equal, and on dout
    "ties": ("mask", "the gradients of equal entries in {d} {what}",
        "Of equal inputs one alone passes the gradient on, or they share it."),
    "dout-ignored": ("missing-term", "{d} {does} not change when dout changes",
        "Multiply by the upstream gradient dout, also where it is usually 1."),
    "not-zero-at-zero": ("missing-term",
        "{d} {is} not 0 for dout = 0, as a gradient has to be",
        "Something does not go through dout: a term without it, or a branch."),
    "not-linear": ("missing-term", "{d} {is} not linear in dout",
        "Multiply by the upstream gradient dout once."),
    # other calls
    "latest-call": ("stale-cache",
        "{d} {comes} from the latest {forward} call, not from the cache it is given",
        "Keep what backward needs in the cache; nothing of a call may stay on the layer."),
    "ignored-param": ("stale-cache", "the output does not react to changes of {param}",
        "params must hold the very arrays that the layers compute with, not copies."),
    "out-dtype": ("dtype", "out has dtype float64 where all that came in is float32", LIFTS),
    "float32-lifted": ("dtype", "{d} {has} dtype float64 where all that came in is float32", LIFTS),
    "layout-raises": ("shape", "arrays that are not contiguous raise {error}",
        "Use reshape, which copies if it must."),
    "layout": ("axis", "{d} {depends} on the memory layout of the input or of dout",
        "Do not rely on the order in memory."),
    "no-inference": ("mode",
        "{inference} nothing changes{inner}: the output of a row depends on the other rows",
        "{advice}"),
    "inference-writes": ("mode", "{inference} {forward} changes the state",
        "Only a training pass writes running statistics."),
    "inference-random": ("mode", "{inference} {forward} is random",
        "In inference dropout is the identity."),
    "default-mode": ("mode", "{forward} without `train` is not the training pass",
        "Let train be True by default."),
    "state-rebound": ("mutation", "state['{name}'] is replaced by a new array",
        "Write into the array: state[...][...] = value."),
    # other inputs
    "overflow": ("stability", "{where}, {word} is {bad}",
        "Rewrite the formula so that no step of it overflows."),
    "wrong-when-large": ("stability", "{where}, {d} {is} wrong (error {error}), else right",
        "Look for a small number that keeps a logarithm or a division finite."),
    "gradient-nan": ("stability", "{where}, {d} {is} nan",
        "Something overflows, and is then multiplied by 0 or subtracted."),
    "one-row-infinite": ("stability", "{where}, the output is nan or inf",
        "A division by N - 1 or by a variance of 0 has no place here."),
    "shape-elsewhere": ("shape", "{where}, {d} {has} shape {got}, {name} has {shape}", "{advice}"),
    "image-order": ("axis", "{d} of images {is} not that of the same numbers as rows"),
    # the dtype that was given
    "overflow-in-dtype": ("stability", "in {dtype}, {what} is not finite; in float64 it is",
        "Something leaves the range of {dtype}: scale it, or compute it in float32."),
    "off-in-dtype": ("dtype",
        "in {dtype}, {d} {is} off by {part} of its largest entry, more than rounding explains; in "
        "float64 it is right",
        "Look for a branch for this dtype, a small number that vanishes in it, a difference of "
        "large numbers, or a long sum."),
    # models
    "penalty-not-in-loss": ("forward-bug",
        "the loss does not change with {key} = {value}, its gradients do",
        "Add the penalty, 0.5 * {key} * ΣW² over the weights, to the loss."),
    "penalty-leaves-out": ("missing-term",
        "the penalty leaves out {which}, in loss and gradient alike",
        "It is {penalty} over all weight matrices."),
    "penalty-uneven": ("scale", "the penalty is uneven: its slope is {each}"),
    "random-scores": ("mode", "loss(x) without labels gives random scores",
        "In mode 'test' dropout is the identity."),
    "mixing-scores": ("mode", "loss(x) without labels mixes the rows",
        "In mode 'test' batch norm takes the running statistics."),
    # formulas
    "reference": ("forward-bug", "{word} {what}"),
    "reference-state": ("mode", "{name} after a training pass differs from the reference's"),
}  # fmt: skip


def cause(key: str, tensor: str, level: str = "wrong", /, **values: Any) -> Cause:
    """The cause with that key, of one tensor, and what is filled in."""
    kind, message, hint = (*CAUSES[key], "")[:3]
    return Cause(key, kind, message, hint, None, values, (tensor,), level)
