"""A function that a library differentiates, such as one of PyTorch, JAX or HIPS autograd, with the
contract of a layer: NumPy in and out, in float64 or in the dtypes that were given.

A front end brings a function `play` that makes one forward pass in its library and returns a Tape;
`TapedFunction` makes a layer of it, `of_taped` a subject, whose sentences speak of its library.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.gradcheck.subject.source import (
    Source,
    gradient_lines,
    raising_line,
    source_of,
)
from chainrule.gradcheck.subject.subject import Gradients, Profile, Subject
from chainrule.gradcheck.subject.trees import Arrays
from chainrule.gradcheck.subject.vocabulary import Vocabulary


class Tape:
    """What one forward pass leaves behind; for the checker, its cache.

    outs    the outputs as arrays, floats in float64
    back    from the upstream gradients, one for each output, None for one of integers, to the
            gradients by name, None where there is none
    look    arrays that backward reads, by the names that forward has for them; and those that it
            has no business to change, by what they are called: "a saved tensor, y"; asked once,
            when somebody wants to know; `back` then brings them up to date
    played  by whom it was played, on which arrays, and whether in training
    """

    def __init__(
        self,
        outs: Arrays,
        back: Callable[[list[Any]], dict[str, Any]],
        look: Callable[[], tuple[Gradients, Gradients]] = lambda: ({}, {}),
    ) -> None:
        self.outs, self.back, self.look = outs, back, look
        self.played: tuple[TapedFunction, Gradients, bool] | None = None

    @cached_property
    def _seen(self) -> tuple[Gradients, Gradients]:
        return self.look()

    @property
    def saved(self) -> Gradients:
        return self._seen[0]

    @property
    def guarded(self) -> Gradients:
        return self._seen[1]

    def __deepcopy__(self, _: Any) -> Tape:
        """The same pass, to be played afresh: what a library keeps of one cannot be copied."""
        other = Tape(self.outs, self.back)
        if self.played is not None:
            other.played = (NOBODY, *self.played[1:])
        return other


# What makes one forward pass: of arrays by the names of inputs and parameters; of the switch
# between training and inference; in float64 if `exact`, else in the dtypes that were given; and
# with these functions in the place of the forward and backward that were written.
Play = Callable[[Gradients, bool, bool, tuple[Any, ...]], Tape]


class TapedFunction:
    """A function that a library differentiates, with the contract of a layer.

    names      of the inputs, in their order
    params     arrays that move beside them, by name
    functions  forward and backward as they were written, which copies may replace; () for none
    surrogate  the forward pass whose derivative backward is to be; None for that of `play`
    exact      whether it computes in float64, not in the dtypes that were given
    numbers    that are given beside, by name, which explanations may find
    """

    def __init__(
        self,
        play: Play,
        names: list[str],
        params: Gradients | None = None,
        functions: tuple[Any, ...] = (),
        surrogate: Play | None = None,
        exact: bool = True,
        numbers: Mapping[str, float] | None = None,
    ) -> None:
        for name, value in (numbers or {}).items():
            if not hasattr(self, name):
                setattr(self, name, value)
        self.play, self.names, self.params = play, names, params or {}
        self.functions, self.surrogate, self.exact = functions, surrogate, exact

    def __deepcopy__(self, memo: dict[int, Any]) -> TapedFunction:
        """The same function with parameters of its own."""
        other = copy.copy(self)
        other.params = copy.deepcopy(self.params, memo)
        return other

    def forward(self, *inputs: np.ndarray, train: bool = True) -> tuple[Any, Tape]:
        return self.forward_at(dict(zip(self.names, inputs, strict=True)) | self.params, train)

    def forward_at(self, arrays: Gradients, train: bool) -> tuple[Any, Tape]:
        tape = self.play(arrays, train, self.exact, self.functions)
        tape.played = (self, {name: np.copy(array) for name, array in arrays.items()}, train)
        outs = tape.outs
        if self.surrogate is not None:
            outs = self.surrogate(arrays, train, self.exact, ()).outs
        return (outs[0] if len(outs) == 1 else tuple(outs)), tape

    def backward(self, dout: Any, cache: Tape) -> tuple[tuple[()], dict[str, Any]]:
        """All gradients by name, those of inputs among them. A tape that another copy of the
        function has played is played again."""
        if cache.played is not None and cache.played[0] is not self:
            _, arrays, train = cache.played
            _, cache = self.forward_at(arrays, train)
        return (), cache.back(list(dout) if isinstance(dout, tuple) else [dout])


NOBODY = TapedFunction(lambda *_: Tape([], lambda _: {}), [])


def of_taped(
    taped: TapedFunction,
    inputs: tuple[np.ndarray, ...],
    title: str,
    vocabulary: Vocabulary,
    written: Mapping[str, Any],
    owed: list[str],
    **more: Any,
) -> Subject:
    """A subject that checks the gradients of such a function.

    inputs   arrays in the order of its names, floats in float64
    written  the functions that its author wrote as "forward" and "backward", as far as known
    owed     the inputs in the order in which backward returns gradients, "" for what gets none
    more     further fields of the profile
    """
    backward = written.get("backward")

    def lines() -> dict[str, str]:
        source: Source | None = source_of(backward) if backward is not None else None
        found = gradient_lines(source, lambda _: owed, keyed=False)
        return {name: line for name, line in found.items() if name}

    profile = Profile(
        title=title,
        names=taped.names,
        vocabulary=vocabulary,
        lines=lines,
        raising=lambda error: raising_line(backward, error) if backward is not None else "",
        written=written.get,
        cached=lambda tape: tape.saved,
        differentiable=(),  # gradients come by name
        **more,
    )
    return Subject(taped, inputs, profile)
