"""The order in which a graph is evaluated, what comes together on its wires, and what may be wrong
with them."""

import difflib
import inspect
from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeAlias

import numpy as np

from chainrule.layers import Layer
from chainrule.nets.network import Network
from chainrule.nets.node import Node

#: The shape and the dtype of a node's value; of several outputs a list of shapes.
Kind: TypeAlias = tuple[Any, np.dtype[Any]]


def ordered(nodes: Mapping[str, Node], outputs: Sequence[str]) -> list[Node]:
    """The nodes of a graph, each behind those that it reads.

    `nodes` maps names to nodes, `outputs` are names. Raises ValueError, which names the nodes, for
    a name that nobody has, a cycle, a wrong number of inputs, and an input or another node that no
    output depends on.
    """
    for node in nodes.values():
        for source in node.inputs:
            if source not in nodes:
                raise ValueError(f"Graph: {node.name} reads {source!r}, {unknown(source, nodes)}")
    for name in outputs:
        if name not in nodes:
            raise ValueError(f"Graph: an output is {name!r}, {unknown(name, nodes)}")
    for node in nodes.values():
        if node.op is not None:
            check_count(node)
    try:
        order = [
            *TopologicalSorter({name: node.inputs for name, node in nodes.items()}).static_order()
        ]
    except CycleError as error:
        raise ValueError(
            f"Graph: {' → '.join(error.args[1])} is a cycle; no node may wait for itself"
        ) from None
    needed = set(outputs)
    for name in reversed(order):
        if name in needed:
            needed.update(nodes[name].inputs)
    left_over = [name for name in nodes if name not in needed]
    if left_over:
        said = ", ".join(f"input {name}" if nodes[name].op is None else name for name in left_over)
        raise ValueError(
            f"Graph: no output depends on {said}; the outputs are {', '.join(outputs)}"
        )
    return [nodes[name] for name in order]


def descended(
    order: Sequence[Node], outputs: Iterable[str]
) -> tuple[set[str], dict[str, list[str]]]:
    """The nodes of `order` that get a gradient, and for each operation those that it sends one.

    Gradients go back from the outputs along all wires but those to the targets of a loss. Raises
    ValueError for a node that stands before targets, where its gradient would miss a part without
    a word: a parameter, and an input that gets a gradient by other ways.
    """
    into = {
        node.name: node.inputs[: getattr(node.op, "differentiable", None)]
        for node in order
        if node.op is not None
    }
    reached = set(outputs)
    targets: dict[str, str] = {}  # what computes targets, and of which loss
    for node in reversed(order):
        if node.op is None:
            continue
        if node.name in reached:
            reached.update(into[node.name])
            targets |= dict.fromkeys(node.inputs[len(into[node.name]) :], node.name)
        if node.name in targets:
            targets |= dict.fromkeys(node.inputs, targets[node.name])
    for node in order:
        learns = node.op is not None and node.op.params
        if node.name in targets and (learns or (node.op is None and node.name in reached)):
            raise ValueError(
                f"Graph: {node.name} is among the targets of {targets[node.name]} or computes "
                f"them, and a loss has no gradient for its targets; expected them to come from an "
                f"input of their own"
            )
    return reached, into


def unknown(name: str, nodes: Mapping[str, Node]) -> str:
    close = difflib.get_close_matches(str(name), nodes, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"the nodes are {', '.join(nodes) or 'none'}"
    return f"but no node has that name; {hint}"


def check_count(node: Node) -> None:
    """Raises ValueError unless the operation takes as many inputs as the node reads."""
    op: Any = node.op
    within = isinstance(op, Network)  # a graph within the graph has names for its inputs
    names = getattr(op, "inputs", None) if within else None
    if names is None:
        signature = inspect.signature(op.forward)
        try:
            signature.bind(*node.inputs)
            return
        except TypeError:
            names = [
                name
                for name, parameter in signature.parameters.items()
                if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
            ]
    elif len(op.outputs) != 1:
        raise ValueError(f"Graph: {node.name} = {op!r} has {len(op.outputs)} outputs, expected one")
    if len(names) != len(node.inputs):
        raise ValueError(
            f"Graph: {node.name} = {op!r} takes {len(names)} inputs ({', '.join(names)}), got "
            f"{len(node.inputs)} ({', '.join(node.inputs)})"
        )


def added(one: Any, other: Any) -> Any:
    """The sum of two gradients; of several outputs, of each, where None counts as zero."""
    if not isinstance(one, tuple):
        return one + other
    return tuple(
        b if a is None else a if b is None else a + b for a, b in zip(one, other, strict=True)
    )


def check_gradients(
    name: str, op: Layer, into: Sequence[str], back: Sequence[Any], kinds: Mapping[str, Kind]
) -> None:
    """Raises ValueError unless `back` holds, for every node of `into`, an array of the shape that
    its value has in `kinds`."""
    if len(back) != len(into):
        raise ValueError(
            f"Graph: {name} = {op!r} reads {', '.join(into)}, and its backward pass returned "
            f"{len(back)} gradients instead of {len(into)}; a loss, which has none for its "
            f"targets, says `differentiable = 1`"
        )
    for source, gradient in zip(into, back, strict=True):
        several = isinstance(kinds[source][0], list)  # which `Pick` sends as a tuple
        if not several and getattr(gradient, "shape", None) != kinds[source][0]:
            found = f"shape {gradient.shape}" if hasattr(gradient, "shape") else repr(gradient)
            raise ValueError(
                f"Graph: {name} = {op!r} sent {source} back a gradient of {found}, expected an "
                f"array of shape {kinds[source][0]}, that of {source} itself"
            )
