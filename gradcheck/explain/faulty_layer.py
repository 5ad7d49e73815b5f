"""In a network: the layer at which the gradient goes wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from chainrule.gradcheck.checks import contract
from chainrule.gradcheck.checks.arrays import close
from chainrule.gradcheck.checks.gradients import compare
from chainrule.gradcheck.checks.outcome import Comparison, Passes, Request
from chainrule.gradcheck.explain.causes import cause
from chainrule.gradcheck.report.findings import Cause
from chainrule.gradcheck.subject.layer import of_layer

Explain: TypeAlias = Callable[[Comparison, Passes], tuple[list[Cause], list[str]]]


def faulty_layer(found: Comparison, passes: Passes, explain: Explain) -> Cause | None:
    """The layer of a network at which the gradient goes wrong; the rest follows from it. `explain`
    tells the cause of what a comparison found wrong in one layer."""
    inner = getattr(found.subject.layer, "layers", None)
    if not isinstance(inner, (dict, list, tuple)) or not inner:
        return None
    watched = found.subject.at(list(found.subject.inputs))
    held = watched.layer.layers
    if isinstance(held, dict):
        items = list(held.items())
    else:
        names = getattr(watched.layer, "names", [f"layers[{at}]" for at in range(len(held))])
        items = list(zip(names, held, strict=False))
    if len({id(sub) for _, sub in items}) < len(items):
        return None  # a layer stands twice: whose call is whose cannot be told from outside
    calls: list[tuple[str, Any, tuple, Any, Any]] = []
    for name, sub in items:
        watch(sub, name, calls)
    watched.origin = type(watched.origin)(watched.layer, [*watched.params.values()])
    _, cache = watched.forward(found.train)
    forwards = {name: call for name, *call in calls}
    calls.clear()
    watched.backward(found.done.douts, cache)
    return first_wrong(found, passes, forwards, calls, explain)


def first_wrong(
    found: Comparison, passes: Passes, forwards: dict[str, Any], calls: list, explain: Explain
) -> Cause | None:
    """The first layer, from behind, that gets another dout than it should, or is wrong itself."""
    previous, order, dout = None, list(forwards), found.done.douts[0]
    for name, sub, given, _, result in calls:
        if name not in forwards:
            continue
        upstream = np.asarray(given[0])
        behind = order[order.index(name) + 1 :][:1]
        chained = behind and readers(name, forwards) == behind
        if chained and previous is not None and not close(upstream, np.asarray(previous)):
            whose = "the network's own dout" if close(upstream, dout) else "another dout"
            first = next((f"{name}.{key}" for key in sub.params), found.subject.names[0])
            broken = cause("broken-chain", None, layer=name, whose=whose)
            return replace(broken, tensors=(first,))
        previous = result[0] if isinstance(result, tuple) else None
        if isinstance(previous, tuple):  # of a layer with several inputs
            previous = None
        if inner := cause_in(sub, forwards[name][1], upstream, found, passes, explain):
            tensors = tuple(f"{name}.{t}" if t in sub.params else t for t in inner.tensors)
            words = of_layer(unwatched(sub), forwards[name][1]).profile.vocabulary.finding(inner)
            said = "layer {layer}: {said}; what lies before it follows from this"
            values = {**inner.values, "layer": name, "said": words.message}
            outer = replace(inner, tensors=tensors, message=said, values=values)
            return replace(outer, hint=words.hint, example=words.example)
    return None


def cause_in(
    sub: Any,
    inputs: tuple[Any, ...],
    upstream: np.ndarray,
    whole: Comparison,
    passes: Passes,
    explain: Explain,
) -> Cause | None:
    """What is wrong with one layer in the call that the network made of it."""
    part = of_layer(unwatched(sub), inputs)
    outcomes, done = contract.run(part, Request(dout=upstream), passes.rng)
    if causes := [cause for one in outcomes.values() for cause in one.causes]:
        return causes[0]
    if done is None:
        return None
    found = compare(part, Passes(Request(), passes.rng, done), done, whole.train)
    if found.is_right:
        return None
    causes, _ = explain(found, Passes(Request(), passes.rng, done))
    return causes[0] if causes else None


def readers(name: str, forwards: dict[str, Any]) -> list[str]:
    """The layers that take what the layer `name` gave: one in a chain, several at a fork."""
    out = np.asarray(forwards[name][3][0])
    return [
        other
        for other, (_, given, _, _) in forwards.items()
        if other != name and any(close(np.asarray(x), out) for x in given)
    ]


def watch(sub: Any, name: str, calls: list) -> None:
    """Let a layer of a copied network note its calls: (name, layer, arguments, options, result)."""
    for method in ("forward", "backward"):
        original = getattr(sub, method)

        def noted(*given: Any, original: Any = original, **options: Any) -> Any:
            kept = tuple(np.array(g) if isinstance(g, np.ndarray) else g for g in given)
            result = original(*given, **options)
            calls.append((name, sub, kept, options, result))
            return result

        setattr(sub, method, noted)


def unwatched(sub: Any) -> Any:
    plain = copy.copy(sub)
    for method in ("forward", "backward"):
        vars(plain).pop(method, None)
    return plain
