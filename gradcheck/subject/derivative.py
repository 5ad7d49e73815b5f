"""A function beside its derivative, or a backward pass without a cache, as a subject.

f(x) and df(x)                 the slope of each entry, the gradient of a number, or a Jacobian
f(x) and df(f(x))              the same by the output, as in σ' = σ (1 - σ)
relu(z) and relu_backward(dout, z)      a backward pass that is given the inputs again
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from chainrule.gradcheck.report.findings import because
from chainrule.gradcheck.subject.functions import FunctionPair, is_floats, name_of, profile_of
from chainrule.gradcheck.subject.layer import argument_names, positional
from chainrule.gradcheck.subject.subject import Complaint, Subject
from chainrule.gradcheck.subject.trees import is_setting

# What people call the upstream gradient: dout, dA, grad_output, upstream, delta, g.
UPSTREAM = re.compile(r"d\w*|.*grad\w*|\w*upstream\w*|delta\w*|g|gy|gout|error", re.I)
# The same where it is the only argument: data and deriv are none.
ONLY = re.compile(r"d_?(out|values?|[a-z]|[A-Z]\w*)|.*grad\w*|\w*upstream\w*|delta|gy?|gout")
# Arguments that are targets, not differentiated where there is another input.
TRUE = re.compile(r"y|t|ys|y_?true|labels?|targets?|truth|actual|expected|mask|keep", re.I)


class Derivative(NamedTuple):
    """A function and its derivative."""

    f: Callable[..., Any]
    df: Callable[..., Any]


def of_derivative(
    both: Derivative,
    inputs: tuple[Any, ...],
    wrt: Sequence[str] | None = None,
    by_output: bool = False,
) -> Subject:
    """A subject whose backward pass multiplies dout by what `df` gives for the inputs; or for the
    output, which is the other reading where there is one input."""
    f, df = both
    names, arrays = argument_names(f, len(inputs)), as_arrays(inputs)
    kind = DerivativeByOutput if by_output else DerivativePair
    pair = kind(f, df, names, arrays, differentiated(names, arrays, wrt))
    for key, value in getattr(getattr(f, "__self__", None), "__dict__", {}).items():
        if is_setting(value) and not hasattr(pair, key):
            setattr(pair, key, value)  # where formulas look for settings
    profile, name = profile_of(pair), name_of(df)
    words = replace(profile.vocabulary, labels=dict.fromkeys(pair.wrt, name), backward=name)
    note = f"{name} is right as a function of the output, {name}({name_of(f)}({names[0]}))"
    other = (
        None if by_output or len(inputs) > 1 else partial(of_derivative, both, inputs, wrt, True)
    )
    notes = (note,) if by_output else ()
    profile = replace(profile, vocabulary=words, notes=notes, otherwise=other)
    return Subject(pair, pair.inputs, profile)


def of_cacheless(
    forward: Callable[..., Any], backward: Callable[..., Any], inputs: tuple[Any, ...]
) -> Subject:
    """A subject whose backward pass takes dout and, by their names, inputs or the output."""
    names = argument_names(forward, len(inputs))
    pair = CachelessPair(forward, backward, names, as_arrays(inputs))
    subject = Subject(pair, pair.inputs, profile_of(pair))
    # Given dout alone it reads what the latest forward pass has left somewhere.
    subject.spends_cache = len(positional(backward)) == 1
    return subject


def as_arrays(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs, with numbers and lists of floats made arrays."""
    return tuple(
        np.asarray(x, float) if isinstance(x, (float, np.floating)) or is_floats(x) else x
        for x in inputs
    )


def differentiated(
    names: Sequence[str], inputs: Sequence[Any], wrt: Sequence[str] | None
) -> tuple[str, ...]:
    """The inputs that a derivative is about: those asked for; or all of floats but targets."""
    if wrt is not None:
        return tuple(wrt)
    floats = [n for n, x in zip(names, inputs, strict=True) if np.asarray(x).dtype.kind == "f"]
    return tuple(n for n in floats if not TRUE.fullmatch(n)) or tuple(floats)


class DerivativePair(FunctionPair):
    """A function and its derivative with the contract of a layer."""

    def __init__(
        self, f: Any, df: Any, names: list[str], given: tuple[Any, ...], wrt: tuple[str, ...]
    ) -> None:
        super().__init__(f, df, names, given)
        self.wrt: tuple[str, ...] = wrt

    def forward(self, *inputs: np.ndarray, train: bool = True) -> Any:
        arguments = self.arguments(inputs, train)
        out = np.asarray(self.functions[0](*arguments.values()))
        return out, (arguments, out)

    def backward(self, dout: Any, cache: Any) -> Any:
        arguments, out = cache
        found = self.functions[1](*self.given(arguments, out))
        parts = list(found) if isinstance(found, (tuple, list)) else [found]
        if len(parts) != len(self.wrt):
            parts = [np.asarray(found)]
        named = dict(zip(self.wrt, parts, strict=False))
        grads = {k: chained(dout, s, arguments[k], out) for k, s in named.items() if s is not None}
        return self.by_kind(grads)

    def given(self, arguments: dict[str, Any], out: Any) -> tuple[Any, ...]:
        """What the derivative is called with."""
        return tuple(arguments.values())


class DerivativeByOutput(DerivativePair):
    """The same, where the derivative is a function of the output."""

    def given(self, arguments: dict[str, Any], out: Any) -> tuple[Any, ...]:
        return (out,)


def chained(dout: Any, slope: Any, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """dout times a derivative: a gradient, where the output is a number; a Jacobian, by its shape;
    the slope of each entry else."""
    slope, dout = np.asarray(slope), np.asarray(dout)
    if out.ndim and out.ndim + x.ndim == slope.ndim and slope.shape == out.shape + x.shape:
        return np.tensordot(dout, slope, out.ndim)
    if out.ndim == 0 or slope.shape == x.shape == out.shape or slope.ndim == 0:
        return dout * slope
    raise Complaint(because(
        "derivative-shape", "shape",
        "{backward} returns shape {got}: expected that of the slopes, {shape}, or of a Jacobian",
        got=str(slope.shape), shape=str(x.shape),
    ))  # fmt: skip


class CachelessPair(FunctionPair):
    """A forward pass that returns its output alone, and a backward pass that is given what it needs
    by name."""

    def forward(self, *inputs: np.ndarray, train: bool = True) -> Any:
        arguments = self.arguments(inputs, train)
        return self.functions[0](*arguments.values()), arguments

    def backward(self, dout: Any, cache: Any) -> Any:
        names = [p.name for p in positional(self.functions[1])]
        out = self.functions[0](*cache.values()) if any(n not in cache for n in names[1:]) else None
        given = arranged(names, cache, dout, out)
        return self.named(self.functions[1](*given))


def arranged(names: Sequence[str], arguments: dict[str, Any], dout: Any, out: Any) -> list[Any]:
    """What to call a backward pass with: inputs by their names, dout for the first name that is no
    input, and the output for others."""
    found: list[Any] = []
    used = False
    for name in names:
        if name in arguments:
            found.append(arguments[name])
        elif not used:
            found.append(dout)
            used = True
        else:
            found.append(out)
    return found
