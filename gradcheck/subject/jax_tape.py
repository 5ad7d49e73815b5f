"""Forward passes in JAX, as a tape wants them, and what a `jax.custom_vjp` keeps and returns.

JAX is imported where it is needed.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.gradcheck.report.findings import because
from chainrule.gradcheck.subject.arguments import Arguments, real
from chainrule.gradcheck.subject.functions import name_of
from chainrule.gradcheck.subject.source import cache_names, source_of
from chainrule.gradcheck.subject.subject import Complaint, Gradients, miscounted
from chainrule.gradcheck.subject.tape import Tape

Function = Callable[..., Any]
OfArrays = Callable[[Mapping[str, Any]], Any]


def precision(exact: bool) -> AbstractContextManager[Any]:
    """Float64 for a while, or whatever is set."""
    import jax

    if not exact:
        return nullcontext()
    try:
        return jax.enable_x64(True)
    except (AttributeError, TypeError):  # before version 0.8
        earlier: Any = importlib.import_module("jax.experimental")
        return earlier.enable_x64()


def as_array(leaf: Any) -> np.ndarray:
    """A value of JAX as an array of NumPy, floats of any kind in float64."""
    import jax

    array = np.array(leaf)
    return array.astype(np.float64) if jax.numpy.issubdtype(array.dtype, np.floating) else array


def agree(a: Any, b: Any) -> bool:
    """Whether two values are the same, to half of their digits."""
    import jax

    dtype = jax.numpy.result_type(a, b)
    if np.shape(a) != np.shape(b):
        return False
    if not jax.numpy.issubdtype(dtype, np.floating):
        return bool(np.array_equal(a, b))
    a, b = as_array(a), as_array(b)
    digits = float(jax.numpy.finfo(dtype).eps) ** 0.5
    size = float(np.max(np.abs(a), where=np.isfinite(a), initial=0.0))
    return bool(np.allclose(a, b, rtol=digits, atol=digits * size, equal_nan=True))


def upstream(outs: list[Any], douts: list[Any]) -> list[Any]:
    """Upstream gradients as JAX wants them: in the dtypes of the outputs, and nothing for those
    that are no floats."""
    import jax

    outs = [jax.numpy.asarray(out) for out in outs]
    return [
        np.zeros(out.shape, jax.dtypes.float0)
        if dout is None or not jax.numpy.issubdtype(out.dtype, np.floating)
        else jax.numpy.asarray(dout, out.dtype)
        for out, dout in zip(outs, douts, strict=True)
    ]


@dataclass(eq=False)
class Player:
    """What makes a forward pass in JAX.

    call    the function of arrays by name
    given   its arguments
    moving  the names of the arrays that it is differentiated in
    rule    what its author wrote, where that is a `jax.custom_vjp`
    """

    call: OfArrays
    given: Arguments
    moving: list[str]
    rule: Rule | None = None

    def __call__(
        self, arrays: Gradients, _: bool, exact: bool, functions: tuple[Function, ...]
    ) -> Tape:
        """One pass, see `subject.tape`. Raises Complaint where its gradients have no form."""
        import jax

        exact = exact and any(array.dtype == np.float64 for array in arrays.values())
        with precision(exact):
            held = placed(arrays, self.given, exact)
            outs = jax.tree_util.tree_leaves(self.call(held))
        rule = self.rule if functions else None

        def back(douts: list[Any]) -> dict[str, Any]:
            seen: list[Any] = []
            with precision(exact):
                moving = {one: held[one] for one in self.moving}
                result = None
                watched = sys.getprofile() is not None  # by what wants to know which lines are run
                if not watched and (rule is None or functions == rule.functions):
                    with suppress(Exception):  # told better by the pass that is not compiled
                        result = self.compiled(moving, held, douts)
                try:
                    result = result or self.derived(rule, functions, seen, outs)(
                        moving, held, douts
                    )
                except (TypeError, ValueError):  # JAX refuses what bwd returned
                    found = rule.misshapen(self.given, seen) if rule else None
                    if found is None:
                        raise
                    result = outs, found
                complain_of_other(outs, result[0])
                return {one: as_array(gradient) for one, gradient in result[1].items()}

        def look() -> tuple[Gradients, Gradients]:
            if rule is None:
                return {}, {}
            with precision(exact), suppress(Exception):  # which the pass itself tells
                _, saved = functions[1](*self.given.filled(held))
                return rule.named(saved), {}
            return {}, {}

        return Tape(real([*map(as_array, outs)]), back, look)

    @cached_property
    def compiled(self) -> Function:
        """Outputs and gradients, compiled."""
        import jax

        return jax.jit(self.derived(None, (), [], None))

    def derived(
        self, rule: Rule | None, functions: tuple[Function, ...], seen: list[Any], outs: Any
    ) -> Function:
        """What gives the outputs and gradients: of arrays that are moved, of all, and of what comes
        from upstream. What the functions of a rule return is noted, and its outputs compared."""
        import jax

        noted = rule.noted(functions, seen) if rule else None

        def call(held: Mapping[str, Any]) -> Any:
            return noted(*self.given.filled(held)) if noted else self.call(held)

        def both(moving: dict[str, Any], held: dict[str, Any], douts: list[Any]) -> Any:
            again, pull = jax.vjp(lambda moving: call({**held, **moving}), moving)
            leaves, tree = jax.tree_util.tree_flatten(again)
            if outs is not None:
                complain_of_other(outs, leaves)
            (found,) = pull(jax.tree_util.tree_unflatten(tree, upstream(leaves, douts)))
            return leaves, found

        return both


def placed(arrays: Gradients, given: Arguments, exact: bool) -> dict[str, Any]:
    """Arrays of NumPy as such of JAX, floats in the dtypes that were given, if not exact."""
    import jax

    dtypes = {} if exact else dtypes_of(given)
    return {name: jax.numpy.array(array, dtypes.get(name)) for name, array in arrays.items()}


def dtypes_of(given: Arguments) -> dict[str, Any]:
    """The dtypes in which JAX takes the arrays of floats that were given, under its setting."""
    import jax

    return {name: jax.dtypes.canonicalize_dtype(d) for name, d in given.dtypes.items()}


def complain_of_other(outs: list[Any], others: list[Any]) -> None:
    """Raises Complaint where the outputs with gradients are not those without."""
    pairs = [pair for pair in zip(outs, others, strict=False) if not agree(*pair)]
    a, b = pairs[0] if pairs else ((), ())
    if len(outs) != len(others):
        own, other = f"{len(outs)} arrays", f"{len(others)}"
    elif not pairs:
        return
    elif np.shape(a) != np.shape(b):
        own, other = f"shape {np.shape(a)}", f"{np.shape(b)}"
    else:
        a, b = as_array(a), as_array(b)
        worst = np.abs(a - b).argmax()
        own, other = f"{a.flat[worst]:.6g}", f"{b.flat[worst]:.6g}"
    message = "out is {own} where {forward} is called, and {other} where it is differentiated"
    hint = "What fwd returns first has to be the very output of the function."
    raise Complaint(
        because("fwd-differs", "forward-bug", message, hint, own=own, other=other), "out"
    )


@dataclass(frozen=True)
class Rule:
    """A `jax.custom_vjp`: the function, its fwd and its bwd as they were written, and the places of
    arguments that are not differentiated."""

    functions: tuple[Function, ...]
    fixed: tuple[int, ...]

    @classmethod
    def of(cls, fn: Any) -> Rule | None:
        """The rule that was written for fn, under jit too; None for other functions."""
        import jax

        compiled: Any = type(jax.jit(abs))
        while isinstance(fn, compiled):
            fn = fn.__wrapped__
        if not isinstance(fn, jax.custom_vjp) or not fn.fwd or not fn.bwd or fn.symbolic_zeros:
            return None
        return cls((fn.fun, fn.fwd, fn.bwd), tuple(fn.nondiff_argnums))

    def owed(self, given: Arguments) -> list[str]:
        """The arguments that bwd returns gradients for."""
        return [name for at, name in enumerate(given.names) if at not in self.fixed]

    def noted(self, functions: tuple[Function, ...], seen: list[Any]) -> Function:
        """The same of these functions, noting what bwd returns. Raises Complaint where fwd returns
        no pair."""
        import jax

        fun, fwd, bwd = functions

        @functools.wraps(fwd)
        def forward(*args: Any) -> Any:
            result = fwd(*args)
            if not isinstance(result, (tuple, list)) or len(result) != 2:
                message = "{fwd} must return out, residuals, and returns {type}"
                values = {"fwd": name_of(fwd), "type": described(result)}
                raise Complaint(because("forward-form", "unknown", message, **values), "out")
            return result

        @functools.wraps(bwd)
        def backward(*args: Any) -> Any:
            seen.append(bwd(*args))
            return seen[-1]

        again = jax.custom_vjp(fun, nondiff_argnums=self.fixed)
        again.defvjp(forward, backward)
        return again

    def misshapen(self, given: Arguments, seen: list[Any]) -> dict[str, Any] | None:
        """The gradients that bwd returned, in whatever shapes, by name; None where their shapes are
        right. Raises Complaint where there is not one for each array."""
        import jax

        if not seen:
            return None
        found, owed = seen[-1], self.owed(given)
        if not isinstance(found, (tuple, list)):
            message = "{backward} must return a tuple of gradients, and returns {type}"
            hint = f"Return one gradient for each of {', '.join(owed)}, in a tuple."
            cause = because("backward-form", "shape", message, hint, type=described(found))
            raise Complaint(cause, *owed[:1])
        if len(found) != len(owed):
            raise miscounted(len(found), owed)
        named: dict[str, Any] = {}
        for argument, gradients in zip(owed, found, strict=True):
            leaves = [leaf for leaf in given.leaves if leaf.argument == argument]
            pairs, _ = jax.tree_util.tree_flatten_with_path(gradients)
            given_by = {argument + jax.tree_util.keystr(path): g for path, g in pairs}
            if lacking := [leaf.name for leaf in leaves if leaf.name not in given_by]:
                message = "{backward} returns for {argument} {what}, which holds nothing for {lack}"
                hint = "Return gradients in the containers that the arguments are in."
                cause = because(
                    "gradient-tree", "shape", message, hint,
                    argument=argument, what=described(gradients), lack=lacking[0],
                )  # fmt: skip
                raise Complaint(cause, lacking[0])
            named |= {leaf.name: given_by[leaf.name] for leaf in leaves if leaf.kind == "f"}
        shapes = {leaf.name: np.shape(leaf.value) for leaf in given.leaves}
        return named if any(np.shape(g) != shapes[name] for name, g in named.items()) else None

    def named(self, saved: Any) -> Gradients:
        """The residuals that fwd kept, under the names that it has for them where it tells."""
        import jax

        parts = saved if isinstance(saved, (tuple, list)) else (saved,)
        told = cache_names(source_of(self.functions[1]))
        told = told if len(told) == len(parts) else [""] * len(parts)
        found: Gradients = {}
        for at, (word, part) in enumerate(zip(told, parts, strict=True)):
            for path, leaf in jax.tree_util.tree_flatten_with_path(part)[0]:
                if isinstance(leaf, (np.ndarray, jax.Array)):
                    name = (word or f"residuals[{at}]") + jax.tree_util.keystr(path)
                    found[name] = as_array(leaf)
        return found


def described(result: Any) -> str:
    """What was returned, in a few words: "an array", "a tuple of 3"."""
    if hasattr(result, "shape"):
        return "an array"
    count = f" of {len(result)}" if isinstance(result, (tuple, list, dict)) else ""
    return "None" if result is None else f"a {type(result).__name__}{count}"
