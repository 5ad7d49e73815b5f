"""The weights of a module of PyTorch, brought into a network."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import safetensors
import safetensors.numpy

from chainrule.layers import Layer
from chainrule.layers.annotations import Floats
from chainrule.nets import FileError
from chainrule.nets.files import brief
from chainrule.training.export.steps import identifier, within
from chainrule.training.export.torch_tensors import tensors_of

Net = TypeVar("Net", bound=Layer)
# What a file of `export` holds besides the weights.
SCALING = {"mean", "std"}
TARGET_SCALING = {"target_mean", "target_std"}
COUNTER = "num_batches_tracked"  # of a batch norm, which nothing is computed with


def from_torch(
    net: Net,
    source: str | PathLike[str] | Mapping[str, Any] | Any,
    *,
    names: Mapping[str, str] | None = None,
) -> Net:
    """Writes the weights of a module of PyTorch into `net`, a network of the same layers, and
    returns it.

    source  the module, its state dict, or the path of a safetensors file that holds it
    names   which layer of `net` each layer of PyTorch is, by their names: {"fc1": "affine1"}; it
            may be left out where the numbers of an nn.Sequential tell, and for files of `export`

    A state dict does not hold activations, the eps of a norm, strides and the like: those of `net`
    have to be the same. Raises ValueError where a tensor is missing, left over, or of another shape
    or a wider dtype, or where no names tell which layer it belongs to; FileError where a file
    cannot be read. Then `net` stays as it was. Warns where the tensors hold a standardisation.
    """
    given = read(source)
    layers = dict(leaves(net))
    if given.keys() >= SCALING:
        for name in SCALING | TARGET_SCALING:
            given.pop(name, None)
        warnings.warn(
            "from_torch: these tensors hold the mean and std of the training data; the network "
            "takes rows that are standardised by them",
            stacklevel=2,
        )
    theirs = dict.fromkeys(key.rpartition(".")[0] for key in given)
    place = matched([*theirs], layers) if names is None else named(names, [*theirs], layers)
    changes = []
    for prefix, name in place.items():
        for one in tensors_of(layers[name]):
            ours = getattr(layers[name], one.kind)[one.key]
            key = f"{prefix}.{one.name}" if prefix else one.name
            if key not in given:
                raise ValueError(f"from_torch: {key} is missing, expected it for {name}.{one.key}")
            tensor, expected = given.pop(key), one.there(ours, None).shape
            check(key, tensor, f"{name}.{one.key}", ours, expected)
            changes.append((ours, one.back(tensor, ours)))
    left = [key for key in given if not key.endswith(COUNTER)]
    if left:
        raise ValueError(
            f"from_torch: {left[0]} has no place in the network; {both(theirs, layers)}"
        )
    for ours, value in changes:
        ours[...] = value
    return net


def read(source: Any) -> dict[str, Floats]:
    """The tensors of a source, as arrays."""
    if isinstance(source, str | PathLike):
        path = Path(source)
        try:
            return dict(safetensors.numpy.load_file(path))
        except OSError as error:
            raise FileError(f"{path}: cannot be read: {error.strerror or error}") from None
        except Exception as error:  # one of many, where a header makes no sense
            raise FileError(
                f"{path}: not a safetensors file, or with a dtype that NumPy has not "
                f"({brief(error)}); state dicts that torch.save wrote come in from Python: "
                f"from_torch(net, torch.load(path))"
            ) from None
    if hasattr(source, "state_dict"):
        source = source.state_dict()
    if not isinstance(source, Mapping):
        raise ValueError(
            f"from_torch: {brief(repr(source), 60)} is a {type(source).__name__}, expected a "
            f"module, a state dict, or the path of a safetensors file"
        )
    return {
        key: np.asarray(one.detach().cpu() if hasattr(one, "detach") else one)
        for key, one in source.items()
    }


def leaves(net: Any, name: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, Layer]]:
    """The layers of a network that have tensors, those of networks within it included, each once,
    by name."""
    seen = set() if seen is None else seen
    inner = getattr(net, "layers", None)
    if inner is None:
        if tensors_of(net) and id(net) not in seen:
            seen.add(id(net))
            yield name, net
        elif net.params and id(net) not in seen:
            raise ValueError(
                f"from_torch: {name} = {net!r} has parameters and no counterpart in PyTorch"
            )
        return
    pairs = inner.items() if isinstance(inner, dict) else zip(net.names, inner, strict=True)
    for own, layer in pairs:
        yield from leaves(layer, within(name, own), seen)


def matched(theirs: list[str], layers: Mapping[str, Layer]) -> dict[str, str]:
    """Our name for each of theirs, where the names tell. Raises ValueError where they do not."""
    ours = {identifier(name): name for name in layers}
    if ours.keys() == set(theirs):
        return ours
    if all(re.fullmatch(r"\d+", one) for one in theirs) and len(theirs) == len(layers):
        return dict(zip(sorted(theirs, key=int), layers, strict=True))
    example = ", ".join(f"{a!r}: {b!r}" for a, b in zip(theirs[:1], layers, strict=False))
    raise ValueError(
        f"from_torch: cannot tell which layer is which; {both(theirs, layers)}; say so by "
        f"names={{{example or 'their name: ours'}, …}}"
    )


def named(
    names: Mapping[str, str], theirs: list[str], layers: Mapping[str, Layer]
) -> dict[str, str]:
    """`names`, where they name every layer of both sides once. Raises ValueError otherwise."""
    if set(names) != set(theirs) or sorted(names.values()) != sorted(layers):
        raise ValueError(
            f"from_torch: names has to name each layer once, of theirs and of ours; "
            f"{both(theirs, layers)}"
        )
    return dict(names)


def both(theirs: Any, layers: Any) -> str:
    return f"theirs are {brief(', '.join(theirs))}, ours {brief(', '.join(layers))}"


def check(key: str, tensor: Floats, name: str, ours: Floats, expected: tuple[int, ...]) -> None:
    """Raises ValueError unless a tensor fits into an array of ours."""
    if tensor.shape != expected:
        raise ValueError(
            f"from_torch: {key} has shape {tensor.shape}, expected {expected} for {name}"
        )
    if not np.can_cast(tensor.dtype, ours.dtype):
        raise ValueError(
            f"from_torch: {key} has dtype {tensor.dtype}, and {name} has {ours.dtype}, which has "
            f"fewer digits; write from_torch(net.astype(np.{tensor.dtype}), …)"
        )
