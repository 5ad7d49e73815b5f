"""In a network: the layer at which the gradient goes wrong."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.gradcheck.checks.contract import runs
from chainrule.gradcheck.subject.layer import Subject, like_outputs
from chainrule.gradcheck.subject.passes import close

if TYPE_CHECKING:
    from chainrule.gradcheck.checks.gradients import Judge


def blame_a_layer(judge: Judge, train: bool) -> bool:
    """In a network, find the layer at which the gradient goes wrong; the rest follows."""
    inner = getattr(judge.layer, "layers", None)
    if not isinstance(inner, (dict, list, tuple)) or not inner:
        return False
    watched = Subject(judge.layer, tuple(judge.subject.inputs))
    judge.others.append(watched)
    held = watched.layer.layers
    if isinstance(held, dict):
        items = list(held.items())
    else:
        names = getattr(watched.layer, "names", [f"layers[{at}]" for at in range(len(held))])
        items = list(zip(names, held, strict=False))
    if len({id(sub) for _, sub in items}) < len(items):
        return False  # a layer stands twice: whose call is whose cannot be told from outside
    calls: list[tuple[str, Any, tuple, Any, Any]] = []
    for name, sub in items:
        watch(sub, name, calls)
    out, cache = watched.forward(train)
    forwards = {name: call for name, *call in calls}
    calls.clear()
    dout = like_outputs(out, judge.passes[train].douts)
    watched.backward(dout, cache)
    previous = None
    order = list(forwards)
    for name, sub, given, _, result in calls:
        if name not in forwards:
            continue
        upstream = np.asarray(given[0])
        behind = order[order.index(name) + 1 :][:1]
        chained = behind and readers(name, forwards) == behind
        if chained and previous is not None and not close(upstream, np.asarray(previous)):
            whose = (
                "the network's own dout" if close(upstream, np.asarray(dout)) else "another dout"
            )
            judge.say(
                "missing-term",
                first_param(name, sub, judge.subject.names[0]),
                f"{name} gets {whose} instead of the dx of the layer behind it, so that its "
                f"gradients and all before it are wrong",
                "Pass each layer's dx on as the next layer's dout.",
            )
            return True
        previous = result[0] if isinstance(result, tuple) else None
        if isinstance(previous, tuple):  # of a layer with several inputs
            previous = None
        inputs = forwards[name][1]
        part = type(judge)(unwatched(sub), inputs, upstream, None, None, 0, "full")
        if runs(part):
            part.values(train)
        judge.others.append(part.subject)
        if part.report.findings:
            f = part.report.findings[0]
            tensor = f"{name}.{f.tensor}" if f.tensor in sub.params else f.tensor
            message = f"layer {name}: {f.message}; what lies before it follows from this"
            judge.report.findings.append(replace(f, tensor=tensor, message=message))
            return True
    return False


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


def first_param(name: str, sub: Any, otherwise: str) -> str:
    return next((f"{name}.{key}" for key in sub.params), otherwise)
