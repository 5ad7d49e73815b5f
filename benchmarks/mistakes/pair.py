"""A mistake in a pair of functions is a small patch on a right pair; here the wrong one is made."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from benchmarks.idioms import Idiom
from benchmarks.mistakes.mistake import module_of, patched
from chainrule import gradcheck


@dataclass(frozen=True, eq=False)
class PairMistake:
    """One mistake in one right pair of functions.

    id             a name, for us
    patch          maps lines of `backward` to what stands there instead, "" for nothing
    says           what an expert would say about it, in a few words
    story          what somebody did, and what came of it
    source         where it happened: issues and pull requests of a repository
    forward_patch  maps lines of `forward` likewise, where it is the outputs that are wrong; then
                   `backward` with its patch is the right gradient of the wrong outputs
    inputs         makes the inputs of forward, given a generator
    forward        `out, cache = forward(*inputs)`; several outputs are a tuple
    backward       `backward(dout, cache)`, returns the gradients of the arrays of floats
    """

    id: str
    patch: dict[str, str]
    says: str
    story: str
    source: str = "student mistake"
    forward_patch: dict[str, str] = field(default_factory=dict)
    inputs: Callable[[np.random.Generator], tuple] = field(kw_only=True)
    forward: Callable = field(kw_only=True)
    backward: Callable = field(kw_only=True)

    @property
    def right(self):
        """The right pair, as an idiom."""
        return Idiom(self.id, self.inputs, self.forward, self.backward)

    @property
    def wrong(self):
        """The wrong pair, in the form of an idiom, too."""
        return Idiom(self.id, self.inputs, *wrong_pair(self))

    def check(self, rng):
        """The report of our own checker on the wrong pair, on inputs drawn from `rng`. Where
        forward is wrong, it is given the right one as a reference."""
        reference = self.forward if self.forward_patch else None
        return gradcheck.check_functions(*wrong_pair(self), *self.inputs(rng), reference=reference)

    def check_right(self, rng):
        """The report of our own checker on the right pair."""
        return self.right.check(rng)


@functools.cache
def wrong_pair(mistake):
    """`forward` and `backward` with the mistake in them, under their names, in a module of their
    own. Raises ValueError unless every patched line occurs once."""
    forward = patched(mistake.forward, mistake.forward_patch, mistake.id)
    backward = patched(mistake.backward, mistake.patch, mistake.id)
    module = module_of(f"{forward}\n\n{backward}", mistake.forward.__module__)
    return tuple(getattr(module, f.__name__) for f in (mistake.forward, mistake.backward))
