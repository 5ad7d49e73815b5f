"""Ways to look at a layer in which a mistake may show.

A scene calls a fresh layer and returns what it saw, as a dict from names to arrays. A wrong layer
is wrong if it looks different from its twin, which has the same parameters, in the same scene.
"""

import copy
import inspect

import numpy as np

from chainrule.gradcheck import numerical_gradient

TARGETS = ("targets", "y")  # arguments of forward that are not differentiated


def argument_names(layer):
    """The names of the inputs that are differentiated."""
    names = inspect.signature(layer.forward).parameters
    return [name for name in names if name not in (*TARGETS, "train")]


def change(layer, inputs, function):
    """`inputs` with `function` applied to those that are differentiated."""
    count = len(argument_names(layer))
    return (*map(function, inputs[:count]), *inputs[count:])


def upstream(out):
    """A gradient of `out`: 1 for a loss, random numbers of the dtype of `out` for a layer."""
    if np.ndim(out) == 0:
        return 1.0
    return np.random.default_rng(7).normal(size=out.shape).astype(out.dtype)


def gradients(layer, dout, cache):
    """What backward returns, by name: dx as "x", or "a" and "b", and the gradients of params."""
    dx, grads = layer.backward(dout, cache)
    dx = dx if isinstance(dx, tuple) else (dx,)
    return dict(zip(argument_names(layer), dx, strict=True)) | grads


def call(layer, inputs, train=True, dout=None):
    out, cache = layer.forward(*inputs, train=train)
    seen = gradients(layer, upstream(out) if dout is None else dout, cache)
    return {"out": out} | seen


def gradient(layer, inputs, train=True):
    """For each gradient, whether it is what differences say, in shape and value."""
    differentiated = dict(zip(argument_names(layer), inputs, strict=False)) | layer.params

    def forward():
        return copy.deepcopy(layer).forward(*map(np.copy, inputs), train=train)[0]

    dout = upstream(forward())
    numeric = {
        name: numerical_gradient(forward, array, dout) for name, array in differentiated.items()
    }
    _, cache = layer.forward(*inputs, train=train)
    found = gradients(layer, dout, cache)
    largest = max(abs(array).max() for array in numeric.values())
    agrees = {}
    for name, right in numeric.items():
        shape = np.shape(found.get(name))
        close = shape == right.shape and np.abs(found[name] - right).max() < 1e-6 * largest
        agrees[name] = name in found and close
    return agrees


def shape(layer, inputs):
    return {name: np.shape(array) for name, array in call(layer, inputs).items()}


def dtype(layer, inputs):
    return {name: str(np.asarray(array).dtype) for name, array in call(layer, inputs).items()}


def float32(layer, inputs):
    inputs = [x.astype(np.float32) if x.dtype == np.float64 else x for x in inputs]
    layer = layer.astype(np.float32)
    out, cache = layer.forward(*inputs)
    seen = {"out": out} | gradients(layer, upstream(out), cache)
    return {name: str(np.asarray(array).dtype) for name, array in seen.items()}


def mutation(layer, inputs):
    """Whether the inputs, the parameters and dout are after both passes what they were before."""
    watched = dict(zip(inspect.signature(layer.forward).parameters, inputs, strict=False))
    watched |= layer.params
    before = copy.deepcopy(watched)
    out, cache = layer.forward(*inputs)
    watched["dout"] = upstream(out)
    before["dout"] = np.copy(watched["dout"])
    layer.backward(watched["dout"], cache)
    return {name: not unlike(before[name], array) for name, array in watched.items()}


def second_backward(layer, inputs):
    """Whether backward returns the same when it is called again with the same cache."""
    out, cache = layer.forward(*inputs)
    first = copy.deepcopy(gradients(layer, upstream(out), cache))
    again = gradients(layer, upstream(out), cache)
    return {name: not unlike(first[name], array) for name, array in again.items()}


def interleaved(layer, inputs):
    """The gradients of a call after which another batch went forward."""
    out, cache = layer.forward(*inputs)
    layer.forward(*change(layer, inputs, lambda x: 0.5 - x[::-1]))
    return gradients(layer, upstream(out), cache)


def other_mode(layer, inputs):
    """The gradients of a training call after which the same batch went forward in inference."""
    out, cache = layer.forward(*inputs)
    layer.forward(*inputs, train=False)
    return gradients(layer, upstream(out), cache)


def other_dout(layer, inputs):
    return call(layer, inputs, dout=-1.7)


def inference(layer, inputs):
    return call(layer, inputs, train=False) | copy.deepcopy(layer.state)


def state(layer, inputs):
    layer.forward(*inputs)
    return layer.state


def ties(layer, inputs):
    return call(layer, change(layer, inputs, np.round))


def large(layer, inputs):
    return call(layer, change(layer, inputs, lambda x: 1000 * x))


def small(layer, inputs):
    return call(layer, change(layer, inputs, lambda x: 0.003 * x))


def batch_of_one(layer, inputs):
    return call(layer, [x[:1] for x in inputs])


def empty_batch(layer, inputs):
    return call(layer, [x[:0] for x in inputs])


def strided(layer, inputs):
    """Inputs that are parts of wider arrays."""
    return call(
        layer, change(layer, inputs, lambda x: np.concatenate([x, x], -1)[..., : x.shape[-1]])
    )


def fortran(layer, inputs):
    return call(layer, change(layer, inputs, np.asfortranarray))


def forward(layer, inputs):
    return {"out": layer.forward(*inputs)[0]}


def five_updates(rule, inputs):
    """How far five updates move each parameter."""
    params, steps = inputs
    start = copy.deepcopy(params)
    for grads in steps:
        rule.update(params, grads)
    return {name: params[name] - start[name] for name in params}


SCENES = {
    scene.__name__.replace("_", " "): scene
    for scene in (
        gradient,
        shape,
        dtype,
        float32,
        mutation,
        second_backward,
        interleaved,
        other_mode,
        other_dout,
        inference,
        state,
        ties,
        large,
        small,
        batch_of_one,
        empty_batch,
        strided,
        fortran,
        forward,
        five_updates,
    )
}


def look(scene, layer, inputs):
    """What is seen in a scene; an error is something to see as well."""
    with np.errstate(all="ignore"):
        try:
            return SCENES[scene](layer, inputs)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            return {"error": type(error).__name__}


def unlike(one, other):
    """Whether two observations differ by more than rounding."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() != other.keys() or any(unlike(one[key], other[key]) for key in one)
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape or one.dtype.kind not in "fiub" or other.dtype.kind not in "fiub":
        return not np.array_equal(one, other)
    size = np.abs(np.where(np.isfinite(one), one, 0)).max(initial=0)
    return not np.allclose(one, other, rtol=0, atol=1e-9 * size, equal_nan=True)
