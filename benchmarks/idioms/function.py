"""An idiom as a function of its arrays of floats, as checkers of plain functions want it."""

import copy
import inspect

import numpy as np


def is_float(x):
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


class Function:
    """`out, gradients = f(*f.arrays)`; `gradients(dout)` has one for each of the arrays.

    The arrays are the differentiated inputs, then the parameters. Every call starts afresh: from
    copies of everything else, and from the same point of all generators. Several outputs, and
    what is no array, are made one array; integers and booleans among them are left out.
    """

    def __init__(self, idiom, rng):
        self.idiom = idiom
        self.inputs = idiom.inputs(rng)
        self.layer = idiom.layer() if idiom.layer else None
        self.places = [at for at, x in enumerate(self.inputs) if is_float(x)]
        params = getattr(self.layer, "params", {})
        self.arrays = [self.inputs[at] for at in self.places] + [*params.values()]
        out, gradients = self(*self.arrays)
        if (count := len(gradients(np.ones_like(out)))) < len(self.arrays):
            self.places, self.arrays = self.places[:count], self.arrays[:count]
        names = list(inspect.signature((self.layer or idiom).forward).parameters)
        self.names = [*(names[at] for at in self.places), *params]

    def __call__(self, *arrays):
        inputs, layer = self.at(arrays)
        kept = np.random.get_state()  # noqa: NPY002
        np.random.seed(0)  # noqa: NPY002
        try:
            *outs, cache = (layer or self.idiom).forward(*inputs)
        finally:
            np.random.set_state(kept)  # noqa: NPY002
        in_a_tuple = isinstance(outs[0], tuple)
        outs = [np.asarray(out) for out in (outs[0] if in_a_tuple else outs)]

        def gradients(dout):
            douts = split(np.asarray(dout), outs)
            if self.idiom.how == "functions" and self.idiom.backward is None:
                grads = cache if isinstance(cache, (tuple, list)) else [cache]
                return self.of_floats(tuple(dout * np.asarray(grad) for grad in grads))
            backward = (layer or self.idiom).backward
            result = backward(tuple(douts), cache) if in_a_tuple else backward(*douts, cache)
            if layer is None:
                return self.of_floats(result)
            dx, grads = result
            return (*self.of_floats(dx), *(grads[name] for name in layer_params(layer)))

        return joined(outs), gradients

    def exact(self, *arrays):
        """The output, computed in float64."""
        if self.idiom.exact is None:
            return self(*arrays)[0]
        inputs, _ = self.at(arrays)
        return np.array(self.idiom.exact(*inputs), np.float64)

    def at(self, arrays):
        """Copies of the inputs and of the layer, with `arrays` in their places."""
        inputs, layer = copy.deepcopy((list(self.inputs), self.layer))
        for at, array in zip(self.places, arrays, strict=False):
            inputs[at] = np.array(array)
        params = layer_params(layer).values()
        for param, array in zip(params, arrays[len(self.places) :], strict=True):
            param[...] = array
        return inputs, layer

    def of_floats(self, result):
        """The gradients of the arrays of floats, where a function returns None for the others."""
        gradients = list(result) if isinstance(result, (tuple, list)) else [result]
        if len(self.places) < len(gradients) == len(self.inputs):
            gradients = [gradients[at] for at in self.places]
        elif len(self.places) == 1 < len(gradients):  # a single one, in lists
            gradients = [result]
        return tuple(np.asarray(gradient) for gradient in gradients)


def layer_params(layer):
    return getattr(layer, "params", {})


def joined(outs):
    """The outputs that are floats, as one array."""
    floats = [out for out in outs if out.dtype.kind == "f"]
    if len(floats) == 1:
        return floats[0].copy()
    return np.concatenate([out.ravel() for out in floats])


def split(dout, outs):
    """`dout`, in the shape of `joined(outs)`, as one array for each output: 0 for integers."""
    if sum(out.dtype.kind == "f" for out in outs) == 1:
        return [dout if out.dtype.kind == "f" else np.zeros(out.shape) for out in outs]
    douts = []
    for out in outs:
        size = out.size if out.dtype.kind == "f" else 0
        douts.append(dout[:size].reshape(out.shape) if size else np.zeros(out.shape))
        dout = dout[size:]
    return douts
