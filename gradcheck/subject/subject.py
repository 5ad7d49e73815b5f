"""What is checked: a copy that can be run again and again from one start, and moved in place."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule.gradcheck.report.findings import Cause, because
from chainrule.gradcheck.subject.trees import Arrays, Origin, cast_copy
from chainrule.gradcheck.subject.vocabulary import Vocabulary

Gradients = dict[str, np.ndarray]
# Arrays of floats with these names may do without a gradient, behind all that have one.
TARGETS = re.compile(r"y|t|y_?(true|hat)|ys|labels?|targets?|truth|.*mask|keep")


class Complaint(Exception):
    """What a pass returned has not the form that it must have; `cause` says which."""

    def __init__(self, cause: Cause, *tensors: str) -> None:
        super().__init__(cause.message)
        self.cause = replace(cause, tensors=tensors)


@dataclass(frozen=True)
class Profile:
    """What there is to say of a subject, whatever it is run on."""

    title: str  # "Affine(4 → 3)"
    names: list[str]  # of the inputs
    vocabulary: Vocabulary
    formula: str = ""  # the name by which a formula is looked for, such as that of the class
    # For each tensor the line of source that computes its gradient; the arrays of a cache, by the
    # names that forward has for them; the line of its own source that an error went through.
    lines: Callable[[], dict[str, str]] = dict
    cached: Callable[[Any], Gradients] = lambda _: {}
    raising: Callable[[BaseException], str] = lambda _: ""
    # The function that its author wrote as "forward" or "backward".
    written: Callable[[str], Any] = lambda _: None
    has_mode: bool = True  # whether forward is told train or inference
    is_net: bool = False  # whether it is of several steps, so that a kink inside may be anywhere
    is_model: bool = False  # whether it is a model, whose inputs get no gradient
    apart: bool = True  # whether backward is a pass of its own, no part of what forward returns
    both: bool = True  # whether a backward pass after one of inference is asked for, too
    # Whether what a call leaves stays on the object itself; backward may write into dout then, and
    # need not follow a pass of inference.
    keeps_state: bool = False
    differentiable: Sequence[str] | None = None  # these inputs, None where their dtypes tell
    notes: tuple[str, ...] = ()  # what a reader should know of how it is called
    of_functions: bool = False  # whether it is made of plain functions
    otherwise: Callable[[], Subject] | None = None  # another reading, where this one is wrong
    elsewhere: bool = True  # whether it may be asked at other inputs than those that were given
    questions: Mapping[str, Any] = field(default_factory=dict)  # that are asked of it beside others
    precision: float = 0.0  # half the last digit, relative, of the format it is known to compute in


@dataclass(eq=False)
class Pass:
    """What one forward and one backward pass gave. The upstream gradient of an output of integers
    is None; gradients are by the names of inputs and parameters, None where there is none."""

    outs: Arrays
    cache: Any
    douts: list[Any]
    gradients: dict[str, Any]
    rounding: dict[str, float] = field(default_factory=dict)

    @property
    def is_loss(self) -> bool:
        """Whether the output is one number."""
        return all(out.ndim == 0 for out in self.outs)

    def arrays(self) -> Gradients:
        """The gradients that there are, as arrays."""
        return {k: np.asarray(g) for k, g in self.gradients.items() if g is not None}

    def is_like(self, other: Pass) -> bool:
        """Whether outputs and gradients are the same, to the bit."""
        mine, theirs = (
            [*self.outs, *self.arrays().values()],
            [*other.outs, *other.arrays().values()],
        )
        return len(mine) == len(theirs) and all(map(np.array_equal, mine, theirs))


class Subject:
    """A layer, or what has the contract of one, with its inputs, on copies in `dtype`.

    `forward` starts, every time, from the same attributes, state and generators; inputs and
    parameters are whatever they are at the moment. What was given is never touched. With `narrow`
    forward takes float32 alone: the floats that it is given are cast in each call.
    """

    def __init__(
        self, layer: Any, inputs: tuple[Any, ...], profile: Profile, dtype: Any = np.float64
    ) -> None:
        self.profile, self.dtype = profile, dtype
        self.layer = cast_copy(layer, dtype)
        self.inputs: Arrays = []
        for x in map(np.asarray, inputs):
            self.inputs.append(x.astype(dtype) if x.dtype.kind == "f" else x.copy())
        self.params: Gradients = {
            k: p for k, p in (getattr(self.layer, "params", None) or {}).items()
            if isinstance(p, np.ndarray)
        }  # fmt: skip
        self.origin = Origin(self.layer, [*self.params.values()])
        self.narrow = False
        self.single = True  # whether the last forward returned one output, not a tuple
        self.whole: str | None = None  # how integer outputs are passed over; see `pack`
        self.spends_cache = False  # whether a cache serves one backward pass alone
        self.spends_dout = False  # whether backward writes into dout, and is given copies
        self.mode = True  # whether the last forward pass was one of training
        self.calls = [0]
        self.overflows: list[str] | None = None  # what overflowed in forward, if it is watched
        # Another forward pass, whose derivative backward is said to be: from subject and mode to
        # outputs.
        self.surrogate: Callable[[Subject, bool], Arrays] | None = None

    @property
    def names(self) -> list[str]:
        return self.profile.names

    @property
    def floats(self) -> Gradients:
        """The arrays of floats among inputs and parameters, by name: those that may be moved."""
        named = zip(self.names, self.inputs, strict=True)
        return {n: x for n, x in (*named, *self.params.items()) if x.dtype.kind in "fc"}

    def forward(self, train: bool = True, inputs: Arrays | None = None) -> tuple[Arrays, Any]:
        """One forward pass from the same start: outputs and cache."""
        self.origin.restore()
        self.mode = train
        return self.call(self.inputs if inputs is None else inputs, train)

    def values(self, train: bool, inputs: Arrays | None = None) -> Arrays:
        """The outputs whose slopes backward has to give: those of forward, or of the surrogate."""
        if self.surrogate is None:
            return self.forward(train, inputs)[0]
        if inputs is not None:
            return self.at(inputs).values(train)
        self.origin.restore()
        self.calls[0] += 1
        with np.errstate(all="ignore"):
            return self.surrogate(self, train)

    def call(self, inputs: Arrays, train: bool | None) -> tuple[Arrays, Any]:
        """One forward pass from wherever things are; with None for `train` as by default."""
        self.calls[0] += 1
        mode = {"train": train} if self.profile.has_mode and train is not None else {}
        if self.narrow:
            inputs = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in inputs]
        how: Any = "ignore" if self.overflows is None else "call"
        seen = [] if self.overflows is None else self.overflows
        note = np.errstate(over=how, divide=how, call=lambda what, _: seen.append(what))
        with np.errstate(all="ignore"), note:
            out, cache = two(self.layer.forward(*inputs, **mode), "forward", "out, cache")
        self.single = not isinstance(out, tuple)
        if out is None or (not self.single and all(o is None for o in out)):
            raise NotImplementedError
        outs = [np.asarray(o) for o in ((out,) if self.single else out)]
        if alien := [o.dtype for o in outs if o.dtype.kind not in "fciub"]:
            message = "out must be an array of numbers, and has dtype {dtype}"
            raise Complaint(because("out-form", "shape", message, dtype=alien[0]), "out")
        return outs, cache

    def backward(self, douts: list[Any], cache: Any) -> dict[str, Any]:
        """One backward pass: the gradients by the names of inputs and parameters."""
        cache = self.forward(self.mode)[1] if self.spends_cache else cache
        with np.errstate(all="ignore"):
            dx, grads = two(self.layer.backward(self.pack(douts), cache), "backward", "dx, grads")
        if dx is None and not grads:
            raise NotImplementedError
        if not isinstance(grads, dict):
            message = "grads is {type}, expected a dict"
            cause = because("grads-no-dict", "shape", message, type=type(grads).__name__)
            raise Complaint(cause, "grads")
        dxs = list(dx) if isinstance(dx, (tuple, list)) else [dx]
        return self._named(dxs, len(douts) > 0 and all(np.ndim(d) == 0 for d in douts)) | grads

    def _named(self, dxs: list[Any], is_loss: bool) -> dict[str, Any]:
        """Gradients by the names of their inputs: one for each array of floats, and none, or None,
        for one of integers; of a loss as many as it gives."""
        named = dict(zip(self.names, self.inputs, strict=True))
        floats = [n for n, x in named.items() if x.dtype.kind in "fc"]
        if self.profile.differentiable is not None:
            floats = [n for n in self.names if n in self.profile.differentiable and n in floats]
        if len(dxs) == len(named) > len(floats):
            whole = [d for d, x in zip(dxs, self.inputs, strict=True) if x.dtype.kind != "f"]
            if all(d is None for d in whole):
                dxs = [d for d, x in zip(dxs, self.inputs, strict=True) if x.dtype.kind == "f"]
        if is_loss:
            floats = floats[: len(dxs)]
        while len(floats) > len(dxs) and TARGETS.fullmatch(floats[-1].lower()):
            floats = floats[:-1]
        owes_nothing = not floats and all(dx is None for dx in dxs)
        if len(dxs) != len(floats) and not owes_nothing:
            raise miscounted(len(dxs), floats)
        return dict(zip(floats, dxs, strict=False))

    def pack(self, douts: list[Any]) -> Any:
        """`douts` in the form in which the outputs were returned. For an output of integers a tuple
        has None, or zeros, or backward wants the gradients of the other outputs alone."""
        if self.narrow:
            douts = [None if d is None else np.asarray(d, np.float32) for d in douts]
        if self.spends_dout:
            douts = [None if d is None else np.array(d) for d in douts]
        if self.single:
            return douts[0]
        given = [d for d in douts if d is not None]
        if len(given) == len(douts) or self.whole is None or self.whole == "none":
            return tuple(douts)
        if self.whole == "zeros":
            return tuple(np.zeros(()) if d is None else d for d in douts)
        return given[0] if len(given) == 1 else tuple(given)

    def run(self, train: bool, douts: list[Any] | None = None, seed: int = 7) -> Pass:
        """One forward and one backward pass, with a random upstream gradient if none is given."""
        outs, cache = self.forward(train)
        if douts is None or any(
            d is not None and d.shape != o.shape for d, o in zip(douts, outs, strict=True)
        ):
            douts = random_upstream(outs, np.random.default_rng([seed, *b"upstream"]))
        found = self.backward(douts, cache)
        return Pass(outs, cache, douts, copied(found))

    def at(self, inputs: list[Any], dtype: Any = None) -> Subject:
        """The same, afresh, on other inputs."""
        self.origin.restore()
        other = Subject(self.layer, tuple(inputs), self.profile, dtype or self.dtype)
        other.origin.uses_global = self.origin.uses_global
        other.narrow, other.whole, other.calls = self.narrow, self.whole, self.calls
        other.spends_cache, other.single = self.spends_cache, self.single
        other.surrogate, other.spends_dout = self.surrogate, self.spends_dout
        return other


def twin_of(subject: Subject, other: Any) -> Subject:
    """Another layer with the inputs and parameters of a subject."""
    twin = Subject(copy.deepcopy(other), tuple(subject.inputs), subject.profile)
    for name, array in subject.params.items():
        if name in twin.params and twin.params[name].shape == array.shape:
            twin.params[name][...] = array
    return twin


def copied(gradients: dict[str, Any]) -> dict[str, Any]:
    """Gradients that a later pass cannot write into."""
    return {k: None if g is None else np.array(g) for k, g in gradients.items()}


def own_stream(seed: int) -> np.random.Generator:
    """Random numbers of the checker's own: not those of `default_rng(seed)`, which x may consist
    of, since an upstream gradient or a direction equal to x cancels, and hides mistakes."""
    return np.random.default_rng([seed, *b"gradcheck"])


def random_upstream(outs: Arrays, rng: np.random.Generator) -> list[Any]:
    """A gradient for each output: 1 for a number, None for integers, else normal numbers."""
    return [
        None if o.dtype.kind not in "fc" and o.ndim else
        np.ones(()) if o.ndim == 0 else rng.standard_normal(o.shape)
        for o in outs
    ]  # fmt: skip


def miscounted(count: int, owed: list[str]) -> Complaint:
    """The complaint that backward returns `count` gradients, and not one for each of `owed`."""
    cause = because(
        "gradient-count", "shape", "{backward} returns {some} for {whom}",
        "Return a tuple with one gradient for each input.",
        some=f"{count} gradient{'s' * (count != 1)}",
        whom=f"the {len(owed)} inputs {', '.join(owed)}" if len(owed) > 1 else "".join(owed),
    )  # fmt: skip
    return Complaint(cause, owed[min(count, len(owed) - 1)] if owed else "x")


def two(result: Any, method: str, form: str) -> tuple[Any, Any]:
    """The two parts of what a method returned; (None, None) for nothing."""
    if result is None:
        return None, None
    if isinstance(result, (tuple, list)) and len(result) == 2:
        return result[0], result[1]
    what = f" of {len(result)}" if isinstance(result, tuple) else ""
    message = f"{{{method}}} must return {form}, and returns {{type}}"
    raise Complaint(
        because(f"{method}-form", "unknown", message, type=f"{type(result).__name__}{what}")
    )
