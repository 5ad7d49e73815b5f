"""What all networks share: named layers, whose parameters are gathered under one roof."""

from collections.abc import Iterator, Sequence
from inspect import signature
from os import PathLike
from typing import Any, TypeAlias

from chainrule.layers import Layer
from chainrule.layers.annotations import Floats
from chainrule.nets.blueprint import arrays_of, blueprint
from chainrule.nets.files import write_arrays
from chainrule.nets.naming import gather, weights_of

CONTRACT = ("params", "state", "forward", "backward", "param_grads")

#: What a summary tells of a layer: its name, a text, the layer, and what comes out of it.
Row: TypeAlias = tuple[str, str, Layer, Floats]


class Network(Layer):
    """A layer made of layers.

    `params` and `state` are those of the layers, named after them: `affine1.W`,
    `batchnorm2.gamma`, `sequential1.affine1.b` for a network within the network. A parameter that
    stands in several layers appears once, under its first name, and its gradients add up. It is one
    of the `weights` if one of these layers says so.
    """

    def adopt(self, names: Sequence[str], layers: Sequence[Layer]) -> None:
        """Takes over the parameters and the state of `layers`, under `names`. Raises TypeError
        unless all parameters have one dtype."""
        self.params, self._owners = gather(names, [layer.params for layer in layers])
        dtypes = {array.dtype: name for name, array in self.params.items()}
        if len(dtypes) > 1:
            mixed = " but ".join(f"{name} has {dtype}" for dtype, name in dtypes.items())
            raise TypeError(
                f"{type(self).__name__}: {mixed}; expected one dtype for all parameters"
            )
        self.state, self._keepers = gather(names, [layer.state for layer in layers])
        self._adopted = tuple(layers)
        pairs = zip(layers, self._owners, strict=True)
        declared = {owner[key] for layer, owner in pairs for key in weights_of(layer)}
        self.weights = tuple(name for name in self.params if name in declared)

    def __setstate__(self, attributes: dict[str, Any]) -> None:
        """Comes out of a copy or a pickle. One that saves arrays aside, such as joblib's, brings
        back an array that stood in several places as several."""
        vars(self).update(attributes)
        if hasattr(self, "_adopted"):
            self.share_arrays()

    def share_arrays(self) -> None:
        """Puts the arrays of `params` and `state` into the layers, and the layers within these."""
        for layer, owner, keeper in zip(self._adopted, self._owners, self._keepers, strict=True):
            for key, name in owner.items():
                layer.params[key] = self.params[name]
            for key, name in keeper.items():
                layer.state[key] = self.state[name]
            if isinstance(layer, Network):
                layer.share_arrays()

    def check_arrays(self) -> None:
        """Raises RuntimeError where a layer's parameter is no longer the array in `params`: a
        solver would update one and the layer compute with the other."""
        for layer, owner in zip(self._adopted, self._owners, strict=True):
            for key, name in owner.items():
                if layer.params[key] is not self.params[name]:
                    raise RuntimeError(
                        f"{name} was replaced after the network was built; write into the array "
                        f"(params[{name!r}][...] = value), or build the network anew"
                    )

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the network to a safetensors file: the architecture as JSON, and the arrays of
        `params` and `state`. `nets.load(path)` makes it anew. Raises FileError where the file
        cannot be written, RuntimeError where a graph is not finished or an array was replaced,
        TypeError where a layer has a setting that JSON cannot hold, ValueError where the network
        has more layers than a file may have."""
        architecture = blueprint(self)
        self.check_arrays()
        write_arrays(path, arrays_of(self), {"architecture": architecture})


def require_layer(layer: object, who: str, where: str) -> None:
    """Raises TypeError, which names the network and the place, unless `layer` is a layer."""
    if isinstance(layer, type):
        raise TypeError(
            f"{who}: {where} is the class {layer.__name__}; make a layer of it, {layer.__name__}(…)"
        )
    missing = [name for name in CONTRACT if not hasattr(layer, name)]
    if missing:
        raise TypeError(
            f"{who}: {where} is {layer!r}, which is not a layer: it lacks {', '.join(missing)}"
        )


def require_unary(layer: Any, who: str, where: str) -> None:
    """Raises TypeError, which names the network and the place, unless `layer` is a layer of one
    input: a loss takes targets, too, and many a gate takes two arrays."""
    require_layer(layer, who, where)
    inputs = [
        one.name
        for one in signature(layer.forward).parameters.values()
        if one.kind is one.POSITIONAL_OR_KEYWORD and one.default is one.empty
        if one.name != "train"
    ]
    if len(inputs) > 1:
        raise TypeError(
            f"{who}: {where} is {layer!r}, which takes {' and '.join(inputs)}; expected a layer "
            f"that takes x alone"
        )


def rows_of(name: str, layer: Any, x: Floats) -> Iterator[Row]:
    """What a summary tells of the layer `name` for an example x, or of the layers in it."""
    if hasattr(layer, "rows"):
        yield from layer.rows(x, name)
    else:
        yield name, repr(layer), layer, layer.forward(x, train=False)[0]
