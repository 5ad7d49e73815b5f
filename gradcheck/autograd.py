"""Checks of functions of HIPS autograd: of primitives with `defvjp`, and of any that it can derive.

    from chainrule.gradcheck.autograd import check

    print(check(logsumexp, x))       # a primitive of one array

autograd is imported where it is needed.
"""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from chainrule.gradcheck.check import examine
from chainrule.gradcheck.checks.outcome import Effort, Request
from chainrule.gradcheck.checks.precision import in_given_dtype
from chainrule.gradcheck.checks.second import join, request_again
from chainrule.gradcheck.report import Report
from chainrule.gradcheck.report.findings import because
from chainrule.gradcheck.subject.arguments import Arguments, Leaf, real
from chainrule.gradcheck.subject.functions import name_of, phrases
from chainrule.gradcheck.subject.layer import argument_names
from chainrule.gradcheck.subject.subject import Complaint, Gradients, Subject, own_stream
from chainrule.gradcheck.subject.tape import Tape, TapedFunction, of_taped
from chainrule.gradcheck.subject.trees import fingerprint
from chainrule.gradcheck.subject.vocabulary import Vocabulary

Function = Callable[..., Any]
LACKS = (
    "there is no {d}: {error}",
    "Give defvjp one for each argument, None where the output does not depend on it.",
)
WRITES = (
    "{backward} changed what it was given in place, which others may read afterwards",
    "Compute into a new array.",
)


def check(
    fn: Function,
    *inputs: Any,
    wrt: str | tuple[str, ...] | None = None,
    seed: int = 0,
    effort: Effort = "full",
    strict: bool = False,
    surrogate: Function | None = None,
    on_purpose: Mapping[str, str] | None = None,
    order: int = 1,
) -> Report:
    """Check the gradients that autograd gives of `fn(*inputs)`, by its vjps where it has some.

    fn         a primitive with `defvjp`, or any function of `autograd.numpy`
    inputs     arrays, and tuples, lists and dicts of them; arrays of floats are differentiated,
               and everything else, Python numbers too, is passed on as it is
    wrt        names of what to look at: "x", "params" or "params['W']"; left out, all
    seed, effort, strict   as for `chainrule.gradcheck.check`
    surrogate  another function of the same inputs, whose derivative the gradients are meant to be,
               as those of a straight-through estimator are; left out, fn itself
    on_purpose  findings that are meant, with reasons, as for `chainrule.gradcheck.check`
    order      2 checks the gradients of the gradients as well, where those are right

    Values are judged in float64, and within the precision that the function turns out to have.
    Raises TypeError for what is no function and for complex arrays, ValueError where there is no
    array of floats or an argument makes no sense.
    """
    for function in (fn, surrogate):
        if not callable(function) and not function is surrogate is None:
            raise TypeError(f"check: {function!r} is not a function")
    if order not in (1, 2):
        raise ValueError(f"check: order is {order!r}, expected 1 or 2")
    given = taken_apart(fn, inputs)
    given.validate("check")
    request = Request(
        None, given.named(wrt), (), ("train",), False, seed, effort, strict, on_purpose=on_purpose
    )
    report = examine(lambda: of_autograd(fn, given, request, surrogate), request)
    if report and order == 2:
        join(report, examine(lambda: of_gradient(fn, given, seed), request_again(request)))
    report.notes += given.notes()
    return report


def taken_apart(fn: Function, inputs: tuple[Any, ...]) -> Arguments:
    """The values in the arguments, under the names that fn has for them."""
    names = argument_names(getattr(fn, "fun", fn), len(inputs))
    pairs = zip(names, inputs, strict=True)
    leaves = [leaf for name, value in pairs for leaf in leaves_of(name, name, value)]

    def rebuilt(values: list[Any]) -> tuple[Any, ...]:
        left = iter(values)
        return tuple(refilled(value, left) for value in inputs)

    return Arguments(names, leaves, rebuilt)


def leaves_of(name: str, argument: str, value: Any) -> Iterator[Leaf]:
    """The values in nested dicts, lists and tuples, with what leads to each as its name."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves_of(f"{name}[{key!r}]", argument, inner)
    elif isinstance(value, (list, tuple)):
        for at, inner in enumerate(value):
            yield from leaves_of(f"{name}[{at}]", argument, inner)
    else:
        is_array = isinstance(value, (np.ndarray, np.generic))
        kind = value.dtype.kind if is_array else ""
        yield Leaf(name, argument, value, kind if kind in ("", "f", "c") else "i")


def refilled(value: Any, leaves: Iterator[Any]) -> Any:
    """Containers like those in `value`, with these leaves in their order."""
    if isinstance(value, dict):
        return {key: refilled(inner, leaves) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        parts = [refilled(inner, leaves) for inner in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return next(leaves)


def of_autograd(fn: Any, given: Arguments, request: Request, surrogate: Function | None) -> Subject:
    """A subject of the function, whose gradients are those of autograd."""
    name, vjps = name_of(fn), vjps_of(fn)
    arrays, held = given.arrays, given.parameters
    moving = [one for one in request.wrt or given.floats if one in given.floats]
    taped = TapedFunction(
        Player(lambda arrays: fn(*given.filled(arrays)), given, moving, vjps),
        [one for one in arrays if one not in held],
        {one: arrays[one] for one in held},
        surrogate=surrogate and Player(lambda held: surrogate(*given.filled(held)), given, []),
        numbers=given.numbers,
    )
    backward = f"the vjp of {name}" if vjps else f"the gradient of {name}"
    digits = {str(d): float(np.finfo(d).eps) for d in given.dtypes.values()}
    subject = of_taped(
        taped,
        tuple(arrays[one] for one in taped.names),
        f"{name}, defvjp" if vjps else name,
        Vocabulary(name, backward, "{name}", phrases=phrases(", ".join(given.floats), False)),
        {"forward": getattr(fn, "fun", fn)},
        [],
        has_mode=False,
        is_net=not vjps,
        questions={"the dtype given": in_given_dtype(digits)},
    )
    told = {leaf.name: line_of(vjps.get(given.names.index(leaf.argument))) for leaf in given.leaves}
    subject.profile = replace(subject.profile, lines=lambda: told)
    return subject


def of_gradient(fn: Any, given: Arguments, seed: int) -> Subject:
    """A subject of the gradients of fn, as a function of its arguments and of what comes from
    upstream, whose own gradients are those of autograd."""
    from autograd.core import make_vjp

    first = Player(lambda held: fn(*given.filled(held)), given, [])
    outs = first(given.arrays, True, True, ()).outs
    rng = own_stream(seed + 2)
    douts = {
        f"upstream[{at}]": rng.standard_normal(out.shape)
        for at, out in enumerate(outs)
        if out.dtype.kind == "f"
    }

    def call(held: Gradients) -> list[Any]:
        upstream = [held.get(f"upstream[{at}]", np.zeros(o.shape)) for at, o in enumerate(outs)]
        back = (make_vjp(first.of_one(held, name), held[name])[0] for name in given.floats)
        return [pull(joined(upstream)) for pull in back]

    arrays, title = given.arrays | douts, f"the gradient of {name_of(fn)}"
    taped = TapedFunction(Player(call, given, [*given.floats, *douts]), [*arrays])
    words = Vocabulary(title, f"the gradient of {title}", "{name}")
    return of_taped(taped, (*arrays.values(),), title, words, {}, [], has_mode=False, is_net=True)


@dataclass(frozen=True)
class Player:
    """What makes a forward pass in autograd.

    call    the function of arrays by name
    given   its arguments
    moving  the names of the arrays that it is differentiated in
    vjps    what makes its vjps, by the places of arguments, where it is a primitive
    """

    call: Callable[[Gradients], Any]
    given: Arguments
    moving: list[str]
    vjps: dict[int, Function] = field(default_factory=dict)

    def __call__(self, arrays: Gradients, _: bool, exact: bool, __: tuple[Any, ...]) -> Tape:
        """One pass, see `subject.tape`."""
        dtypes = {} if exact else self.given.dtypes
        held = {name: np.array(array, dtypes.get(name)) for name, array in arrays.items()}
        result = self.call(arrays if exact else held)
        own = [np.asarray(out) for out in parts(result)]

        def back(douts: list[Any]) -> dict[str, Any]:
            from autograd.core import make_vjp

            given = [
                np.zeros(out.shape, out.dtype) if dout is None else np.array(dout, out.dtype)
                for out, dout in zip(own, douts, strict=True)
            ]
            before = fingerprint(held, given)
            found = {}
            for name in self.moving:
                try:
                    pull, _ = make_vjp(self.of_one(held, name), held[name])
                except NotImplementedError as error:
                    cause = because("no-vjp", "missing-term", *LACKS, error=error)
                    raise Complaint(cause, name) from None
                found[name] = pull(joined(given))
            if fingerprint(held, given) != before:
                raise Complaint(because("backward-writes", "mutation", *WRITES), *self.moving[:1])
            return found

        def look() -> tuple[Gradients, Gradients]:
            with suppress(Exception):  # which the pass itself tells
                return self.kept(held, result), {}
            return {}, {}

        outs = [out.astype(np.float64) if out.dtype.kind == "f" else out for out in own]
        return Tape(real(outs), back, look)

    def of_one(self, held: Gradients, name: str) -> Function:
        """The outputs as a function of one array."""
        return lambda x: joined(parts(self.call({**held, name: x})))

    def kept(self, held: Gradients, result: Any) -> Gradients:
        """The arrays that the vjps keep, under the names of their variables."""
        found: Gradients = {}
        for vjp in self.vjps.values():
            kept = inspect.getclosurevars(vjp(result, *self.given.filled(held))).nonlocals
            found |= {name: a for name, a in kept.items() if isinstance(a, np.ndarray)}
        return found


def parts(result: Any) -> list[Any]:
    """The outputs of a function, those in containers one by one."""
    value = getattr(result, "_value", result)
    if isinstance(value, dict):
        return [part for key in value for part in parts(result[key])]
    if isinstance(value, (list, tuple)):
        return [part for at in range(len(value)) for part in parts(result[at])]
    return [result]


def joined(outs: list[Any]) -> Any:
    """Several outputs as one that autograd can derive."""
    from autograd import builtins

    return outs[0] if len(outs) == 1 else builtins.tuple(outs)


def vjps_of(fn: Any) -> dict[int, Function]:
    """What `defvjp` was given for a primitive, by the places of arguments, None left out; nothing
    for other functions."""
    from autograd.core import primitive_vjps

    made = primitive_vjps.get(fn) if isinstance(fn, FunctionType) else None
    around = inspect.getclosurevars(made).nonlocals if made else {}
    given = around.get("vjps_dict", {}).items()
    return {at: maker for at, maker in given if maker.__module__ != "autograd.core"}


def line_of(maker: Function | None) -> str:
    """The line of source that a vjp is computed in: "line 12: return lambda g: …"."""
    if not isinstance(maker, FunctionType):
        return ""
    inner = [part for part in maker.__code__.co_consts if isinstance(part, CodeType)]
    code = inner[-1] if inner else maker.__code__
    number = max((line for *_, line in code.co_lines() if line), default=0)
    text = linecache.getline(code.co_filename, number).strip()
    return f"line {number}: {text}" if text else ""
