"""Names for the layers of a network and for their parameters, and where shared ones meet."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.layers import Layer
from chainrule.layers.annotations import Floats, Grads


def number(layers: Iterable[Layer]) -> list[str]:
    """A name for each layer, its class in lower case and a count: affine1, relu1, affine2, …"""
    counts: dict[str, int] = {}
    names = []
    for layer in layers:
        kind = type(layer).__name__.lower()
        counts[kind] = counts.get(kind, 0) + 1
        while f"{kind}{counts[kind]}" in names:  # of a class whose own name ends in a number
            counts[kind] += 1
        names.append(f"{kind}{counts[kind]}")
    return names


def gather(
    names: Sequence[str], dicts: Sequence[dict[str, Floats]]
) -> tuple[dict[str, Floats], list[dict[str, str]]]:
    """Joins the parameters (or the states) of several layers under names such as "affine1.W".

    `names` holds the layers' names and `dicts`, for each layer, its arrays by key. Returns
    `joined`, which maps full names to arrays, and `owners`, which holds for each layer the full
    name that each of its keys has in `joined`; the key "" stands for the layer's own name. An
    array that stands in several layers (weight tying, or a layer used twice) is recognised by
    identity and has one name, the first.
    Raises ValueError where two different arrays share memory: updating one would change the other.
    """
    joined: dict[str, np.ndarray] = {}
    owners: list[dict[str, str]] = []
    name_of: dict[int, str] = {}
    for layer_name, arrays in zip(names, dicts, strict=True):
        for key, array in arrays.items():
            if id(array) in name_of:
                continue
            name = f"{layer_name}.{key}" if key else layer_name
            for other_name, other in joined.items():
                if np.shares_memory(array, other):
                    raise ValueError(
                        f"{name} and {other_name} are different arrays on the same memory; to "
                        f"share a parameter, put the very same array into both layers"
                    )
            name_of[id(array)] = name
            joined[name] = array
        owners.append({key: name_of[id(array)] for key, array in arrays.items()})
    return joined, owners


def add_grads(total: Grads, grads: Grads, owner: Mapping[str, str]) -> None:
    """Adds the gradients of one layer to `total`, under the names that its keys have in `owner`.

    Gradients of a parameter that several layers share add up here, and nowhere else.
    """
    for key, grad in grads.items():
        name = owner[key]
        total[name] = total[name] + grad if name in total else grad


def weights_of(owner: Any) -> tuple[str, ...]:
    """The names of the parameters that weight decay applies to, in the order of `owner.params`.

    `owner` is a layer, a network, a model, or anything else with `params`. What it declares as
    `weights`, names of parameters, counts; where it declares none, it is the parameters with two
    or more dimensions. Raises ValueError where it declares a name that it has no parameter for.
    """
    params, declared = owner.params, getattr(owner, "weights", None)
    if isinstance(declared, str):
        declared = (declared,)
    if not isinstance(declared, Collection) or not all(isinstance(name, str) for name in declared):
        return tuple(name for name, array in params.items() if array.ndim >= 2)
    for name in declared:
        if name not in params:
            raise ValueError(
                f"{owner!r}: weights names {name!r}, expected names of its parameters, {[*params]}"
            )
    return tuple(name for name in params if name in declared)
