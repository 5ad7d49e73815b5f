"""The architecture of a network as plain data: names of layers and arguments of constructors."""

import inspect
import json
from collections.abc import Mapping
from typing import Any

from chainrule.layers import Layer
from chainrule.layers.annotations import Floats

KINDS = ("params", "state")
#: No file has more layers, counted in each network anew: of networks that each hold the one before
#: twice, thirty would come to a billion.
LARGEST = 50_000


def blueprint(net: Layer) -> list[dict[str, Any]]:
    """A list of layers, each a dict, the network itself last; what JSON can hold.

        {"layer": "Affine", "settings": {"in_features": 4, "out_features": 3},
         "params": {"W": "affine1.W", "b": "affine1.b"}, "state": {}}

    `params` and `state` give the names that the arrays have in the network, so that shared ones
    stay shared. A network holds `parts` instead of settings: whatever its `parts` method tells of
    the layers within it, which it names by their place in the list. A layer that stands at two
    places is listed once. A class of one's own has its `module`, too, since it may be called like
    one of the library.

    Raises TypeError where a setting is no number, text, or list of such, RuntimeError where a
    graph is not finished or a layer's array is not the network's, ValueError beyond LARGEST.
    """
    names = {
        kind: {id(array): name for name, array in getattr(net, kind).items()} for kind in KINDS
    }
    listed: list[dict] = []
    places: dict[int, int] = {}
    sizes: dict[int, int] = {}

    def place(layer: Layer) -> int:
        if id(layer) not in places:
            entry: dict[str, Any] = {"layer": type(layer).__name__}
            if not is_ours(type(layer)):
                entry["module"] = type(layer).__module__
            if hasattr(layer, "parts"):
                if not getattr(layer, "outputs", True):
                    raise RuntimeError(
                        "Graph: not finished, so it cannot be saved; name its outputs with "
                        "output(…)"
                    )
                entry["parts"] = layer.parts(place)
            else:
                entry["settings"] = settings_of(layer)
                for kind in KINDS:
                    entry[kind] = names_of(layer, kind, names[kind])
            sizes[id(layer)] = size_of(layer, sizes)
            places[id(layer)] = len(listed)
            listed.append(entry)
        return places[id(layer)]

    place(net)
    check_size(sum(sizes.values()))
    return listed


def is_ours(cls: type) -> bool:
    """Whether a class is one of the library's."""
    return cls.__module__.startswith(("chainrule.layers.", "chainrule.nets."))


def size_of(layer: Layer, sizes: Mapping[int, int]) -> int:
    """1 for the layer, and the sizes of those in it, each as often as it stands there; `sizes`
    holds these by `id`."""
    return 1 + sum(sizes.get(id(part), 1) for part in getattr(layer, "_adopted", ()))


def check_size(size: int) -> None:
    """Raises ValueError where a file has too many layers."""
    if size > LARGEST:
        raise ValueError(
            f"the network comes to {size:,} layers, counted in each network anew, expected up to "
            f"{LARGEST:,}"
        )


def names_of(layer: Layer, kind: str, names: Mapping[int, str]) -> dict[str, str]:
    """The names of the layer's `params` or `state` in the network, where `names` maps the id of
    each array to its name."""
    arrays = getattr(layer, kind)
    for key, array in arrays.items():
        if id(array) not in names:
            raise RuntimeError(
                f"{layer!r}: {kind}[{key!r}] was replaced after the network was built; write into "
                f"the array ({kind}[{key!r}][...] = value), or build the network anew"
            )
    return {key: names[id(array)] for key, array in arrays.items()}


def settings_of(layer: Layer) -> dict[str, Any]:
    """The arguments of the layer's constructor that it keeps as attributes of the same names."""
    kept = vars(layer)
    settings = {
        name: kept[name]
        for name in inspect.signature(type(layer)).parameters
        if name in kept and name != "rng"
    }
    try:
        json.dumps(settings)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"{layer!r} cannot be saved: {error}") from None
    return settings


def arrays_of(net: Layer) -> dict[str, Floats]:
    """The arrays of a network under the names that they have in a file."""
    return {f"{kind}/{name}": array for kind in KINDS for name, array in getattr(net, kind).items()}
