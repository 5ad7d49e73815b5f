"""The graph that PyTorch keeps behind its outputs, and what Functions have saved in it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from chainrule.gradcheck.subject.source import source_of

NODES = 2000  # so many are looked at


def nodes(outs: Sequence[Any]) -> Iterator[Any]:
    """The nodes of the graph behind the outputs."""
    waiting = [out.grad_fn for out in outs]
    seen: set[Any] = set()
    while waiting and len(seen) < NODES:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        waiting += [before for before, _ in node.next_functions]
        yield node


def is_written(node: Any) -> bool:
    """Whether it is of a Function that somebody wrote in Python."""
    return hasattr(node, "saved_tensors") and hasattr(node, "_forward_cls")


def kept_by(node: Any) -> Iterator[tuple[str, Any, bool]]:
    """The tensors in the context of a Function, by the names that forward has for them, and whether
    each is an attribute."""
    import torch

    try:
        saved = node.saved_tensors
    except RuntimeError:  # one was changed, which PyTorch has noticed
        saved = ()
    names = saved_names(node._forward_cls)
    for at, tensor in enumerate(saved):
        known = len(names) == len(saved) and names[at]
        if tensor is not None:
            yield names[at] if known else f"saved_tensors[{at}]", tensor, False
    for name, value in vars(node).items():
        if isinstance(value, torch.Tensor):
            yield name, value, True


def saved_names(function: Any) -> list[str]:
    """What the source of a Function hands to save_for_backward, "" for what is no plain name."""
    import torch

    own = function.setup_context is not torch.autograd.Function.setup_context
    source = source_of(function.setup_context if own else function.forward)
    calls = [
        node
        for node in (ast.walk(source.tree) if source else ())
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "save_for_backward"
    ]
    parts = calls[0].args if len(calls) == 1 else []
    return [part.id if isinstance(part, ast.Name) else "" for part in parts]


class Copying:
    """The context of a Function, on which is saved what tensors hold at that moment."""

    def __init__(self, ctx: Any) -> None:
        vars(self)["ctx"] = ctx

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ctx, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.ctx, name, copy_of(value))

    def save_for_backward(self, *tensors: Any) -> None:
        self.ctx.save_for_backward(*map(copy_of, tensors))


def copy_of(value: Any) -> Any:
    """A copy of a tensor, anything else as it is."""
    return value.clone() if hasattr(value, "clone") else value


def copying(forward: Callable[..., Any]) -> Callable[..., Any]:
    """A forward pass that saves copies."""
    return lambda ctx, *given: forward(Copying(ctx), *given)
