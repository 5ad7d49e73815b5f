"""Checks of functions of JAX: of `jax.custom_vjp` and `custom_jvp`, and of any that it can derive.

    from chainrule.gradcheck.jax import check

    print(check(softplus, x))                    # a custom_vjp function of an array
    print(check(layer, {"W": W, "b": b}, x))     # arguments may be pytrees

JAX is imported where it is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from chainrule.gradcheck.check import examine
from chainrule.gradcheck.checks.outcome import Effort, Request
from chainrule.gradcheck.checks.precision import in_given_dtype
from chainrule.gradcheck.checks.second import join, request_again
from chainrule.gradcheck.report import Report
from chainrule.gradcheck.subject.arguments import Arguments, Leaf
from chainrule.gradcheck.subject.functions import name_of, phrases
from chainrule.gradcheck.subject.jax_tape import (
    Function,
    OfArrays,
    Player,
    Rule,
    agree,
    dtypes_of,
    placed,
    precision,
    upstream,
)
from chainrule.gradcheck.subject.layer import argument_names
from chainrule.gradcheck.subject.source import gradient_lines, raising_line, source_of
from chainrule.gradcheck.subject.subject import Subject, own_stream
from chainrule.gradcheck.subject.tape import TapedFunction, of_taped
from chainrule.gradcheck.subject.vocabulary import Vocabulary


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
    """Check the gradients that JAX gives of `fn(*inputs)`, by its `bwd` where it has one.

    fn         a `jax.custom_vjp` or `custom_jvp` function, or any that JAX can differentiate
    inputs     arrays of NumPy or JAX, and pytrees of them; arrays of floats are differentiated,
               arrays of integers are labels, indices or keys, and everything else, Python numbers
               too, is passed on as it is
    wrt        names of what to look at: "x", "params" or "params['W']"; left out, all
    seed, effort, strict   as for `chainrule.gradcheck.check`
    surrogate  another function of the same inputs, whose derivative the gradients are meant to be,
               as those of a straight-through estimator are; left out, fn itself
    on_purpose  findings that are meant, with reasons, as for `chainrule.gradcheck.check`
    order      2 checks the gradients of the gradients as well, where those are right

    Values are judged in float64, under a setting that is put back, and within the precision that
    the function turns out to have. Raises TypeError for what is no function and for complex
    arrays, ValueError where there is no array of floats or an argument makes no sense.
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
    subject, notes = of_jax(fn, given, surrogate)
    report = examine(lambda: subject, request)
    if report and order == 2:
        join(report, examine(lambda: of_gradient(fn, given, seed), request_again(request)))
    report.notes += notes
    return report


def taken_apart(fn: Function, inputs: tuple[Any, ...]) -> Arguments:
    """The leaves of the arguments, under the names that fn has for them."""
    import jax

    names = argument_names(fn, len(inputs))
    pairs, tree = jax.tree_util.tree_flatten_with_path(inputs)
    leaves = []
    for (first, *path), value in pairs:
        name = names[first.idx]
        leaves.append(Leaf(name + jax.tree_util.keystr(tuple(path)), name, value, kind_of(value)))
    return Arguments(names, leaves, lambda values: jax.tree_util.tree_unflatten(tree, values))


def kind_of(value: Any) -> str:
    """ "f", "c" or "i" for arrays of floats, of complex numbers and of anything else; "" where it
    is no array, or one of keys, which NumPy does not know."""
    import jax

    if not isinstance(value, (np.ndarray, np.generic, jax.Array)):
        return ""
    for kind, family in (("f", np.floating), ("c", np.complexfloating), ("", jax.dtypes.extended)):
        if jax.numpy.issubdtype(value.dtype, family):
            return kind
    return "i"


def of_jax(fn: Any, given: Arguments, surrogate: Function | None) -> tuple[Subject, list[str]]:
    """A subject of the function, whose gradients are those of JAX; and what is to be noted."""
    rule, name = Rule.of(fn), name_of(fn)
    call, why = tried(lambda held: fn(*given.filled(held)), given)
    fun, _, bwd = rule.functions if rule else (fn, None, None)
    owed = rule.owed(given) if rule else given.floats
    backward = name_of(bwd) if rule else f"the gradient of {name}"
    arrays, held = given.arrays, given.parameters
    taped = TapedFunction(
        Player(call, given, given.floats, rule),
        [one for one in arrays if one not in held],
        {one: arrays[one] for one in held},
        rule.functions if rule else (),
        surrogate and Player(lambda held: surrogate(*given.filled(held)), given, []),
        not why,
        given.numbers,
    )
    dtypes = digits_of(given)
    subject = of_taped(
        taped,
        tuple(arrays[one] for one in taped.names),
        f"{name}, {backward}" if rule else name,
        Vocabulary(name, backward, "{name}", phrases=phrases(", ".join(owed), False)),
        {"forward": fun, "backward": bwd},
        owed,
        has_mode=False,
        is_net=rule is None,
        precision=max(dtypes.values()) / 2 if why else 0.0,
        questions={"the dtype given": in_given_dtype(dtypes)},
    )
    told = partial(lines, bwd, given, owed)
    subject.profile = replace(subject.profile, lines=told, raising=partial(raising_line, fun))
    notes = [f"judged in {' and '.join(dtypes)}: in float64 {why}"] if why else []
    return subject, [*notes, *given.notes()]


def of_gradient(fn: Any, given: Arguments, seed: int) -> Subject:
    """A subject of the gradients of fn, as a function of its arguments and of what comes from
    upstream, whose own gradients are those of JAX."""
    import jax

    def call(held: Mapping[str, Any]) -> Any:
        moving = {one: held[one] for one in given.floats}
        out, pull = jax.vjp(lambda moving: fn(*given.filled({**held, **moving})), moving)
        outs, tree = jax.tree_util.tree_flatten(out)
        douts = [held.get(f"upstream[{at}]") for at in range(len(outs))]
        (found,) = pull(jax.tree_util.tree_unflatten(tree, upstream(outs, douts)))
        return found

    outs = Player(lambda held: fn(*given.filled(held)), given, [])(
        given.arrays, True, True, ()
    ).outs
    rng = own_stream(seed + 2)
    douts = {
        f"upstream[{at}]": rng.standard_normal(out.shape)
        for at, out in enumerate(outs)
        if out.dtype.kind == "f"
    }
    arrays, title = given.arrays | douts, f"the gradient of {name_of(fn)}"
    taped = TapedFunction(Player(call, given, [*given.floats, *douts]), [*arrays])
    words = Vocabulary(title, f"the gradient of {title}", "{name}")
    return of_taped(taped, (*arrays.values(),), title, words, {}, [], has_mode=False, is_net=True)


def digits_of(given: Arguments) -> dict[str, float]:
    """The dtypes in which JAX takes what was given, with their relative precision."""
    import jax

    return {str(d): float(jax.numpy.finfo(d).eps) for d in dtypes_of(given).values()}


def tried(call: OfArrays, given: Arguments) -> tuple[OfArrays, str]:
    """The function of arrays, compiled where it can be and gives the same so; and what it raises
    in float64, where it takes the dtypes given alone."""
    import jax

    why = ""
    for exact in (True, False):
        with precision(exact):
            held = placed(given.arrays, given, exact)
            try:
                first = call(held)
            except Exception as error:  # whatever a stranger's function raises
                why = why or f"it raises {type(error).__name__}: {str(error).splitlines()[0]}"
                continue
            fast = jax.jit(call)
            with suppress(Exception):  # not everything can be compiled
                leaves = map(jax.tree_util.tree_leaves, (first, fast(held)))
                if all(agree(*pair) for pair in zip(*leaves, strict=True)):
                    return fast, why
            return call, why
    return call, ""  # the check tells what it raises


def lines(bwd: Function | None, given: Arguments, owed: list[str]) -> dict[str, str]:
    """For each array the line of bwd that computes its gradient, by its own name in a dict that is
    returned last, or by that of the argument that it is in."""
    inside = {leaf.argument for leaf in given.leaves if leaf.name != leaf.argument}
    keyed = bool(owed) and owed[-1] in inside
    found = gradient_lines(source_of(bwd), lambda count: owed[:count], keyed=keyed)
    told = {one.name: found.get(one.key) or found.get(one.argument, "") for one in given.leaves}
    return {name: line for name, line in told.items() if line}
