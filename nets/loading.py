"""Networks made anew from their files."""

import inspect
import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from chainrule import layers as library
from chainrule.layers.annotations import Floats, Seed
from chainrule.layers.init import generator
from chainrule.layers.layer import FLOATS
from chainrule.nets.blueprint import KINDS, check_size
from chainrule.nets.convnet import ConvNet
from chainrule.nets.files import FileError, brief, read_arrays
from chainrule.nets.graph import Graph
from chainrule.nets.lenet5 import LeNet5
from chainrule.nets.mlp import MLP
from chainrule.nets.network import Network
from chainrule.nets.node import Constant, Parameter, Pick
from chainrule.nets.residual import Residual
from chainrule.nets.resnet import ResNet
from chainrule.nets.sequence_classifier import SequenceClassifier
from chainrule.nets.sequential import Sequential
from chainrule.nets.transformer_decoder_block import TransformerDecoderBlock
from chainrule.nets.transformer_encoder_block import TransformerEncoderBlock
from chainrule.nets.vision_transformer import VisionTransformer

NETWORKS = (
    *(ConvNet, Graph, LeNet5, MLP, ResNet, Residual, SequenceClassifier, Sequential),
    *(TransformerDecoderBlock, TransformerEncoderBlock, VisionTransformer),
)
KNOWN = {
    cls.__name__: cls
    for cls in (*vars(library).values(), Constant, Parameter, Pick, *NETWORKS)
    if isinstance(cls, type) and issubclass(cls, library.Layer)
    if cls.forward is not library.Layer.forward  # Layer and Loss only say what layers are
}
#: Where a file tells how the rows that its network takes were made of those of the data.
DATA = "data"
LEAF = ("settings", *KINDS)  # what the entry of a layer holds that is no network


def load(
    path: str | PathLike[str], *, layers: Iterable[type[library.Layer]] = (), rng: Seed = None
) -> Network:
    """The network that `net.save(path)` wrote, from the file alone: no code runs but that of the
    layers' constructors, and nothing is unpickled.

    layers  classes of your own that the network is made of; they do not take the place of the
            library's, where they are called like them
    rng     a Generator or a seed for its dropout masks, whose generators are not saved

    An `MLP` comes back as a `Sequential` of the same layers, since its sizes and options only said
    which. Raises FileError where the file is missing, damaged, of a newer version, of another
    kind, or of a network with a layer that is not known here. Warns where the network is the best
    one of a run, which takes rows that are standardised.
    """
    arrays, described = read_arrays(path)
    if described.get(DATA):
        warnings.warn(
            f"{path}: this network takes rows standardised as in training; "
            f"chainrule.training.Trained.open(RUN).predict takes raw rows",
            stacklevel=2,
        )
    return net_of(path, arrays, described, layers=layers, rng=rng)


def net_of(
    path: str | PathLike[str],
    arrays: Mapping[str, Floats],
    described: Mapping[str, Any],
    *,
    layers: Iterable[type[library.Layer]] = (),
    rng: Seed = None,
) -> Network:
    """The network of what `read_arrays` read from `path`."""
    own = {cls.__name__: cls for cls in layers}
    architecture = described.get("architecture")
    if not architecture:
        raise FileError(f"{path}: holds no architecture, so there is no network to make of it")
    if not is_architecture(architecture):
        raise FileError(f"{path}: damaged: its architecture is not a list of layers and networks")
    rng = generator("load", rng)
    listed = Listed()
    for entry in architecture:
        name, module = entry["layer"], entry.get("module")
        ours = module is None and name in KNOWN
        if not ours and name not in own:
            whose = brief(f"{name} of {module}" if module else name)
            raise FileError(
                f"{path}: the network has a layer {whose}, which is not one of the library; if it "
                f"is yours, write load(path, layers=[{brief(name)}])"
            )
        cls: Any = KNOWN[name] if ours else own[name]
        try:
            if hasattr(cls, "from_parts") != ("parts" in entry):
                raise ValueError("its entry is that of another kind of layer")
            if "parts" in entry:
                layer = cls.from_parts(entry["parts"], listed)
            else:
                layer = made(cls, entry, arrays, rng, ours)
            listed.append(layer)
        except Exception as error:  # a constructor may raise anything
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise FileError(f"{path}: {name} cannot be made: {brief(reason)}") from error
    return layer


def is_architecture(value: object) -> bool:
    """Whether `value`, out of a file, has the form that `blueprint` gives."""
    return (
        isinstance(value, list)
        and all(
            isinstance(entry, dict)
            and isinstance(entry.get("layer"), str)
            and ("parts" in entry or all(isinstance(entry.get(key), dict) for key in LEAF))
            for entry in value
        )
        and "parts" in value[-1]
    )


class Listed:
    """The layers made so far, by their place. Counts, like `blueprint`, how many they come to."""

    def __init__(self) -> None:
        self._layers: list[library.Layer] = []
        self._sizes: list[int] = []
        self._size, self._total = 1, 0

    def __getitem__(self, at: object) -> library.Layer:
        """The layer at a place, as a part of the network that is being made. Raises ValueError
        where there is none, or there are too many."""
        if type(at) is not int or not 0 <= at < len(self._layers):
            raise ValueError(f"it holds layer {at!r:.20} of the {len(self._layers)} before it")
        self._size += self._sizes[at]
        check_size(self._total + self._size)
        return self._layers[at]

    def append(self, layer: library.Layer) -> None:
        """Adds a layer made of those that were asked for since the last was added."""
        self._total += self._size
        check_size(self._total)
        self._layers.append(layer)
        self._sizes.append(self._size)
        self._size = 1


def made(
    cls: Any,
    entry: Mapping[str, Any],
    arrays: Mapping[str, Floats],
    rng: np.random.Generator,
    ours: bool,
) -> library.Layer:
    """A layer of class `cls`, ours or not, with the settings and the arrays of its entry."""
    held = {
        kind: {key: arrays[f"{kind}/{name}"] for key, name in entry[kind].items()} for kind in KINDS
    }
    settings, given = entry["settings"], dict[str, Any](rng=rng)
    if ours:
        there = [array for kind in KINDS for array in held[kind].values()]
        check_ours(cls, settings, there)
        settings = {name: as_tuple(value) for name, value in settings.items()}
        given["init"] = partial(blank, sum(array.size for array in there))
    taken = inspect.signature(cls).parameters
    layer = cls(**settings, **{name: value for name, value in given.items() if name in taken})
    for kind in KINDS:
        own = getattr(layer, kind)
        if own.keys() != held[kind].keys():
            raise ValueError(f"its {kind} are {[*own]}, those of the file {[*held[kind]]}")
        for key, found in held[kind].items():
            if found.shape != own[key].shape or found.dtype.kind != own[key].dtype.kind:
                raise ValueError(
                    f"{entry[kind][key]} is {found.dtype} {found.shape}, expected "
                    f"{own[key].dtype} {own[key].shape}"
                )
            if ours and key == "running_var" and not (found >= 0).all():
                raise ValueError(f"{entry[kind][key]} holds a negative variance, or nan")
            own[key] = found
    return layer


def check_ours(cls: Any, settings: Mapping[str, Any], held: Sequence[Floats]) -> None:
    """Raises ValueError where the settings of a layer of ours, whose arrays are to be `held`, ask
    for more memory than these take, or the arrays are not different ones of one float dtype.

    The arguments of a constructor before its `*` are sizes, such as channels and the sides of a
    kernel: no array is smaller than one of them, and `blank` refuses weights that are too large.
    Layers without a dtype, such as pooling, have no arrays, and sizes that mean something else.
    """
    if taken := {"init", "rng", "dtype"} & settings.keys():
        raise ValueError(f"its settings hold {sorted(taken)[0]}, which no file says")
    arguments = inspect.signature(cls).parameters
    if "dtype" in arguments or cls in (Constant, Parameter):
        for name, one in arguments.items():
            if one.kind is one.POSITIONAL_OR_KEYWORD:
                check_room(whole(settings.get(name)), sum(array.size for array in held))
    if len({id(array) for array in held}) < len(held):
        raise ValueError("two of its arrays are one")
    dtypes = {array.dtype for array in held}
    if len(dtypes) > 1 or not dtypes <= {*FLOATS}:
        raise ValueError(
            f"its arrays are of {' and '.join(sorted(map(str, dtypes)))}, expected float32 or "
            f"float64 for all"
        )


def whole(value: Any) -> int:
    """The size that a setting out of a file asks for: a whole number, the product of those in a
    list, or 1 where there are none."""
    return math.prod(n for n in (value if isinstance(value, list) else [value]) if type(n) is int)


def check_room(asked: int, held: int) -> None:
    """Raises ValueError where an array is to have more numbers than the file holds."""
    if asked > max(held, 1):
        raise ValueError(f"its settings are for {asked:,} numbers, but the file holds {held:,}")


def as_tuple(value: Any) -> Any:
    """A setting as the constructor was given it: JSON has lists for tuples."""
    return tuple(map(as_tuple, value)) if isinstance(value, list) else value


def blank(
    held: int,
    fan_in: int,
    fan_out: int,
    *,
    shape: tuple[int, ...] | None = None,
    dtype: DTypeLike,
    **_: Any,
) -> Floats:
    """A scheme for weights that are replaced at once by some of the numbers `held`: none are
    drawn."""
    shape = shape or (fan_in, fan_out)
    check_room(math.prod(shape), held)
    return np.empty(shape, dtype)
