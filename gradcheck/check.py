"""A plain check of a backward pass against differences."""

import copy

import numpy as np

from gradcheck.numeric import numerical_gradient


def check(layer, *inputs, train=True, entries=100, seed=0):
    """Compares layer.backward with central differences for one random upstream gradient.

    `layer` is any object with params, state, forward(*inputs, train=…) and backward(dout, cache);
    inputs that hold integers are not differentiated. Of a tensor with more than `entries`
    entries, so many are drawn at random. Layer and inputs are computed with in float64, on
    copies; every forward starts from the same state and the same generators.

    Returns a dict that maps "x" (or "x1", "x2", … where there are several) and the names of the
    parameters to max |yours - numeric| / max |numeric|, the largest error relative to the size of
    the tensor's gradient (or to 1e-4 of the largest gradient of all, where that is more: the bias
    in front of a batchnorm has gradient 0, and 0 / 0 would compare noise with noise). Correct
    layers give less than 1e-6.
    """
    rng = np.random.default_rng(seed)
    layer = layer.astype(np.float64)
    arrays = [np.array(x, np.float64 if np.asarray(x).dtype.kind == "f" else None) for x in inputs]
    out, cache = copy.deepcopy(layer).forward(*arrays, train=train)
    dout = rng.standard_normal(np.shape(out))
    dx, grads = copy.deepcopy(layer).backward(dout, cache)

    def forward():
        return copy.deepcopy(layer).forward(*arrays, train=train)[0]

    analytic = dx if isinstance(dx, tuple) else (dx,)
    floats = [x for x in arrays if x.dtype.kind == "f"][: len(analytic)]
    names = ["x"] if len(floats) == 1 else [f"x{at}" for at in range(1, len(floats) + 1)]
    tensors = dict(zip(names, zip(floats, analytic, strict=True), strict=True))
    tensors |= {name: (array, grads[name]) for name, array in layer.params.items()}

    least = 1e-4 * max(np.abs(gradient).max(initial=0) for _, gradient in tensors.values())
    errors = {}
    for name, (array, gradient) in tensors.items():
        if gradient.shape != array.shape:
            raise ValueError(f"{name}: the gradient has shape {gradient.shape}, not {array.shape}")
        chosen = rng.permutation(array.size)[:entries]
        numeric = numerical_gradient(forward, array, dout, entries=chosen)
        difference = np.abs(gradient.reshape(-1)[chosen] - numeric).max(initial=0)
        errors[name] = difference / max(np.abs(numeric).max(initial=0), least, 1e-300)
    return errors
