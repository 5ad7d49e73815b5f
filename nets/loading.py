"""Networks made anew from their files."""

import inspect

import numpy as np

import layers as library
from nets.files import FileError, read_arrays
from nets.graph import Graph
from nets.mlp import MLP
from nets.node import Parameter
from nets.sequential import Sequential

KNOWN = {
    cls.__name__: cls
    for cls in (*vars(library).values(), Graph, MLP, Parameter, Sequential)
    if isinstance(cls, type) and issubclass(cls, library.Layer)
}


def load(path, *, layers=(), rng=None):
    """The network that `net.save(path)` wrote, from the file alone: no code runs but that of the
    layers' constructors, and nothing is unpickled.

    layers  classes of your own that the network is made of
    rng     a Generator or a seed for its dropout masks, whose generators are not saved

    An `MLP` comes back as a `Sequential` of the same layers, since its sizes and options only said
    which. Raises FileError where the file is missing, damaged, of a newer version, of another
    kind, or of a network with a layer that is not known here.
    """
    return net_of(path, *read_arrays(path), layers=layers, rng=rng)


def net_of(path, arrays, described, *, layers=(), rng=None):
    """The network of what `read_arrays` read from `path`."""
    known = KNOWN | {cls.__name__: cls for cls in layers}
    if not described.get("architecture"):
        raise FileError(f"{path}: holds no architecture, so there is no network to make of it")
    rng = np.random.default_rng(rng)
    listed: list = []
    for entry in described["architecture"]:
        name = entry["layer"]
        if name not in known:
            raise FileError(
                f"{path}: the network has a layer {name}, which the library lacks; if it is yours, "
                f"write load(path, layers=[{name}])"
            )
        try:
            if "parts" in entry:
                listed.append(known[name].from_parts(entry["parts"], listed))
            else:
                listed.append(made(known[name], entry, arrays, rng))
        except (TypeError, ValueError, KeyError, MemoryError) as error:
            raise FileError(f"{path}: {name} cannot be made: {error}") from None
    return listed[-1]


def made(cls, entry, arrays, rng):
    """A layer of class `cls` with the settings and the arrays of its entry in the blueprint."""
    settings, total = entry["settings"], sum(array.size for array in arrays.values())
    for name, value in settings.items():  # before memory is asked for
        if entry["params"] and isinstance(value, int) and value > total:
            raise ValueError(f"{name} is {value:,}, but the file holds {total:,} numbers in all")
    random = {"rng": rng} if "rng" in inspect.signature(cls).parameters else {}
    layer = cls(**settings, **random)
    for kind in ("params", "state"):
        own = getattr(layer, kind)
        if own.keys() != entry[kind].keys():
            raise ValueError(f"its {kind} are {[*own]}, those of the file {[*entry[kind]]}")
        for key, name in entry[kind].items():
            found = arrays[f"{kind}/{name}"]
            if found.shape != own[key].shape:
                raise ValueError(f"{name} has shape {found.shape}, expected {own[key].shape}")
            own[key] = found
    return layer
