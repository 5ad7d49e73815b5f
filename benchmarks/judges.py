"""Gradient checkers behind one face: `gradcheck`, a course's recipe, PyTorch's, JAX's, autograd's.

A checker has `on_layer(layer, inputs, reference)`, `on_idiom(idiom, rng)` and, for the wrong pair
of functions of a mistake, `on_pair(mistake, rng)`, which return a Verdict. Those of other libraries
judge a function of arrays: `out, gradients = f(*f.arrays)`.
"""

import collections
import importlib
import re
from typing import Any

import numpy as np

from benchmarks import idioms
from benchmarks.mistakes import scenes
from chainrule import gradcheck

# Whether a checker takes offence; the first tensor and the first kind of mistake it names, and its
# words; and how many remarks it makes that are no offence, None where it never makes any.
Verdict = collections.namedtuple(
    "Verdict", "alarm tensor kind says remarks", defaults=("", "", "", None)
)


class Ours:
    """`gradcheck.check` and `gradcheck.check_functions`, which look at both passes themselves.
    Layers of ours, and the mistakes in them, are held to everything, remarks included."""

    def on_layer(self, layer, inputs, reference):
        return self.verdict(gradcheck.check(layer, *inputs, reference=reference, strict=True))

    def on_idiom(self, idiom, rng):
        return self.verdict(idiom.check(rng))

    def on_pair(self, mistake, rng):
        return self.verdict(mistake.check(rng))

    def verdict(self, report):
        if report:
            return Verdict(False, remarks=len(report.remarks))
        first = report.findings[0]
        return Verdict(True, first.tensor, first.kind, first.message, len(report.remarks))


def generators(thing):
    """The bit generators of a layer and of the layers in it."""
    if isinstance(thing, np.random.Generator):
        return [thing.bit_generator]
    thing = vars(thing) if hasattr(thing, "forward") else thing
    parts = thing.values() if isinstance(thing, dict) else thing
    nested = isinstance(thing, (dict, list, tuple))
    return [found for part in parts for found in generators(part)] if nested else []


class Function:
    """A layer as a function of arrays: the differentiated inputs, then the parameters."""

    def __init__(self, layer, inputs, train):
        names = scenes.argument_names(layer)[: len(inputs)]
        self.layer, self.train, self.count = layer, train, len(names)
        self.targets = inputs[self.count :]
        self.names = [*names, *layer.params]
        self.arrays = [*map(np.array, inputs[: self.count]), *layer.params.values()]
        self.generators = [(generator, generator.state) for generator in generators(layer)]

    def __call__(self, *arrays):
        """The output, and a function from dout to the gradients with respect to `arrays`."""
        inputs = map(np.asarray, arrays[: self.count])
        self.set_params(arrays)
        for generator, state in self.generators:
            generator.state = state
        np.random.seed(0)  # noqa: NPY002
        out, cache = self.layer.forward(*inputs, *self.targets, train=self.train)

        def gradients(dout):
            self.set_params(arrays)
            dx, grads = self.layer.backward(dout, cache)
            dx = dx if isinstance(dx, tuple) else (dx,)
            return (*dx, *(grads[name] for name in self.layer.params))

        return np.array(out), gradients  # a copy, as tools keep what they get

    def set_params(self, arrays):
        for param, array in zip(self.layer.params.values(), arrays[self.count :], strict=True):
            param[...] = array


class OnFunctions:
    """A checker, given `check`, which returns a Verdict on a function, or None if all is well."""

    def __init__(self, check):
        self.check = check

    def on_layer(self, layer, inputs, _):
        verdicts = (self.check(Function(layer, inputs, train)) for train in (True, False))
        return next(filter(None, verdicts), Verdict(False))

    def on_idiom(self, idiom, rng):
        return self.check(idioms.Function(idiom, rng)) or Verdict(False)

    def on_pair(self, mistake, rng):
        return self.on_idiom(mistake.wrong, rng)


def recipe(threshold):
    def check(f):
        out, gradients = f(*f.arrays)
        dout = np.random.default_rng(0).normal(size=out.shape)
        errors = {}
        for name, x, analytic in zip(f.names, f.arrays, gradients(dout), strict=True):
            numeric = np.zeros_like(x)
            for index in np.ndindex(x.shape):
                kept = x[index]
                x[index] = kept + 1e-5
                high, _ = f(*f.arrays)
                x[index] = kept - 1e-5
                low, _ = f(*f.arrays)
                x[index] = kept
                numeric[index] = np.sum((high - low) * dout) / 2e-5
            size = np.maximum(1e-8, np.abs(analytic) + np.abs(numeric))
            errors[name] = np.max(np.abs(analytic - numeric) / size, initial=0)
        wrong = [name for name in errors if not errors[name] <= threshold]
        if not wrong:
            return None
        worst = max(wrong, key=lambda name: errors[name])
        return Verdict(True, worst, says=f"{worst} has the relative error {errors[worst]:.0e}")

    return check


def torch_gradcheck(fast_mode):
    torch: Any = importlib.import_module("torch")

    def check(f):
        def forward(ctx, *tensors):
            out, ctx.gradients = f(*(tensor.detach().numpy() for tensor in tensors))
            return torch.from_numpy(out)

        def backward(ctx, dout):
            gradients = ctx.gradients(dout.numpy())
            return tuple(torch.from_numpy(np.array(array, order="C")) for array in gradients)

        methods = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
        layer: Any = type("Layer", (torch.autograd.Function,), methods)
        tensors = [torch.tensor(x.ravel()).reshape(x.shape).requires_grad_() for x in f.arrays]
        try:
            torch.autograd.gradcheck(layer.apply, tensors, fast_mode=fast_mode)
        except RuntimeError as error:
            named = re.search(r"(?:respect to input|gradient at index) (\d+)", str(error))
            return Verdict(True, f.names[int(named[1])] if named else "", says=str(error))

    return check


def jax_check_vjp():
    importlib.import_module("jax").config.update("jax_enable_x64", True)
    check_vjp = importlib.import_module("jax.test_util").check_vjp
    return lambda f: check_vjp(lambda *arrays: f(*arrays)[0], f, tuple(map(np.copy, f.arrays)))


def autograd_check_grads():
    extend = importlib.import_module("autograd.extend")
    check_grads = importlib.import_module("autograd.test_util").check_grads

    def check(f):
        @extend.primitive
        def forward(*arrays):
            out, forward.gradients = f(*arrays)
            return out

        extend.defvjp_argnums(forward, lambda *_: forward.gradients)
        every = check_grads(forward, tuple(range(len(f.arrays))), modes=["rev"], order=1)
        every(*map(np.copy, f.arrays))

    return check


CHECKERS = {  # how to make it, and the package that it takes
    "gradcheck.check": (Ours, "numpy"),
    "CS231n recipe, 1e-6": (lambda: OnFunctions(recipe(1e-6)), "numpy"),
    "CS231n recipe, 1e-4": (lambda: OnFunctions(recipe(1e-4)), "numpy"),
    "torch gradcheck, slow": (lambda: OnFunctions(torch_gradcheck(fast_mode=False)), "torch"),
    "torch gradcheck, fast": (lambda: OnFunctions(torch_gradcheck(fast_mode=True)), "torch"),
    "jax check_vjp": (lambda: OnFunctions(jax_check_vjp()), "jax"),
    "autograd check_grads": (lambda: OnFunctions(autograd_check_grads()), "autograd"),
}
