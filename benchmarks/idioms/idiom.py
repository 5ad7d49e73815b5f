"""An idiom is a right layer, or a right pair of functions, as other people write them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import gradcheck


@dataclass(frozen=True, eq=False)
class Idiom:
    """One habit, in one right forward and backward pass.

    name       the habit, in a few words
    inputs     makes the inputs of forward, given a generator
    forward    `out, cache = forward(*inputs)`, or `h, c, cache` where there are several outputs;
               where `backward` is None, `loss, dx` or `loss, (dx, dW)`
    backward   `backward(dout, cache)` or `backward(dh, dc, cache)`, with one dout for each output;
               returns the gradients of the arrays of floats, or of all inputs
    layer      in place of the two functions: makes an object with params (or none), with
               `out, cache = forward(*inputs)` and `dx, grads = backward(dout, cache)`
    exact      where forward rounds more coarsely than its inputs, the same in float64: out alone
    precision  the dtype in which forward computes inside
    on_kinks   whether the inputs sit on kinks, where several gradients are right
    """

    name: str
    inputs: Callable[[np.random.Generator], tuple]
    forward: Any = None
    backward: Callable | None = None
    layer: Callable[[], Any] | None = None
    exact: Callable | None = None
    precision: type = np.float64
    on_kinks: bool = False

    @property
    def how(self):
        """The way to check it: as a "layer" or as "functions"."""
        return "layer" if self.layer else "functions"

    def check(self, rng):
        """The report of our own checker on inputs drawn from `rng`."""
        inputs = self.inputs(rng)
        if self.layer:
            return gradcheck.check(self.layer(), *inputs)
        return gradcheck.check_functions(self.forward, self.backward, *inputs)


def normal(*shapes):
    """Inputs of these shapes, drawn from a normal distribution."""
    return lambda rng: tuple(rng.normal(size=shape) for shape in shapes)


def uniform(low, high, *shapes):
    """Inputs of these shapes, between `low` and `high`."""
    return lambda rng: tuple(rng.uniform(low, high, shape) for shape in shapes)
