"""The architecture of a network as plain data: names of layers and arguments of constructors."""

import inspect
import json
from typing import Any


def blueprint(net):
    """A list of layers, each a dict, the network itself last; what JSON can hold.

        {"layer": "Affine", "settings": {"in_features": 4, "out_features": 3},
         "params": {"W": "affine1.W", "b": "affine1.b"}, "state": {}}

    `params` and `state` give the names that the arrays have in the network, so that shared ones
    stay shared. A network holds `parts` instead of settings: whatever its `parts` method tells of
    the layers within it, which it names by their place in the list. A layer that stands at two
    places is listed once. Raises TypeError where a setting is no number, text, or list of such.
    """
    names = {id(array): name for name, array in (net.params | net.state).items()}
    listed: list[dict] = []
    places: dict[int, int] = {}

    def place(layer):
        if id(layer) not in places:
            entry: dict[str, Any] = {"layer": type(layer).__name__}
            if hasattr(layer, "parts"):
                entry["parts"] = layer.parts(place)
            else:
                entry["settings"] = settings_of(layer)
                entry["params"] = {key: names[id(array)] for key, array in layer.params.items()}
                entry["state"] = {key: names[id(array)] for key, array in layer.state.items()}
            places[id(layer)] = len(listed)
            listed.append(entry)
        return places[id(layer)]

    place(net)
    return listed


def settings_of(layer):
    """The arguments of the layer's constructor that it keeps as attributes of the same names."""
    kept = vars(layer)
    settings = {
        name: kept[name]
        for name in inspect.signature(type(layer)).parameters
        if name in kept and name != "rng"
    }
    try:
        json.dumps(settings)
    except TypeError as error:
        raise TypeError(f"{layer!r} cannot be saved: {error}") from None
    return settings


def arrays_of(net):
    """The arrays of a network under the names that they have in a file."""
    return {
        f"{kind}/{name}": array
        for kind, arrays in (("params", net.params), ("state", net.state))
        for name, array in arrays.items()
    }
