"""Layers in a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.layers import Affine, Layer, ReLU, Tanh
from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.nets.naming import add_grads, number
from chainrule.nets.network import Network, Row, require_unary, rows_of
from chainrule.nets.picture import Drawing
from chainrule.nets.picture.units import draw_units, stages_of


class Sequential(Network):
    """out = layer_L(… layer_2(layer_1(x))), itself a layer.

    x is what the first layer takes, out what the last one gives.
    dx: the chain rule; what one backward pass returns is the dout of the layer before it.

    Layers are named by class and count: `affine1`, `batchnorm2`.
    Raises TypeError where an argument is not a layer, or one of several inputs, such as a loss.
    """

    def __init__(self, *layers: Layer) -> None:
        super().__init__()
        if not layers:
            raise TypeError(f"{type(self).__name__}: expected at least one layer, got none")
        for position, layer in enumerate(layers, start=1):
            require_unary(layer, type(self).__name__, f"argument {position}")
        self.layers = layers
        self.names = number(layers)
        self.adopt(self.names, layers)

    def forward(self, x: ArrayLike, *, train: bool = True) -> tuple[Floats, Cache]:
        self.check_arrays()
        out: Any = x
        caches = []
        for layer in self.layers:
            out, cache = layer.forward(out, train=train)
            caches.append(cache)
        return out, caches

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        return self._backward_to(0, dout, cache)

    def param_grads(self, dout: Floats, cache: Cache) -> Grads:
        """`grads` of `backward` alone. The pass ends at the first layer that has parameters, and
        never computes the gradient of that layer's input."""
        first = next((at for at, layer in enumerate(self.layers) if layer.params), None)
        if first is None:
            return {}
        dout, grads = self._backward_to(first + 1, dout, cache)
        add_grads(grads, self.layers[first].param_grads(dout, cache[first]), self._owners[first])
        return grads

    def _backward_to(self, stop: int, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        """The backward pass from the last layer to layer `stop`: that layer's dx, and grads."""
        grads: dict[str, np.ndarray] = {}
        for at in reversed(range(stop, len(self.layers))):
            dout, layer_grads = self.layers[at].backward(dout, cache[at])
            add_grads(grads, layer_grads, self._owners[at])
        return dout, grads

    def parts(self, place: Callable[[Layer], int]) -> list[int]:
        """The layers for a blueprint; `place` gives the place of each in its list."""
        return [place(layer) for layer in self.layers]

    @staticmethod
    def from_parts(parts: list[int], listed: Any) -> Sequential:
        """The network that `parts` tells of, from the layers `listed` so far."""
        return Sequential(*(listed[at] for at in parts))

    def summary(self, input_shape: tuple[int, ...] | None = None) -> str:
        """A table of the layers with their output shapes and numbers of parameters, as text; those
        of a network within come under its name.

        `input_shape` is the shape of one example, without N; it may be left out where the first
        layer says how many features it takes, as Affine does. A shared parameter is counted where
        it stands first. Raises ValueError where the shape is needed and not given.
        """
        rows = [("layer", "", "output shape", "parameters")]
        counted: set[int] = set()
        for name, text, layer, out in self.rows(self._example(input_shape, "summary")):
            new = {id(array): array.size for array in layer.params.values()}
            count = sum(size for key, size in new.items() if key not in counted)
            counted |= new.keys()
            shape = ", ".join(map(str, ("N", *out.shape[1:])))
            rows.append((name, text, f"({shape})", f"{count:,}"))
        total = sum(array.size for array in self.params.values())
        rows.append(("total", "", "", f"{total:,}"))
        wide = [max(len(row[column]) for row in rows) for column in range(4)]
        return "\n".join(
            f"{name:<{wide[0]}}  {layer:<{wide[1]}}  {shape:<{wide[2]}}  {count:>{wide[3]}}"
            for name, layer, shape, count in rows
        )

    def rows(self, x: Floats, name: str = "") -> Iterator[Row]:
        """What a summary tells of the layers, for an example x, where the network is called
        `name`."""
        for own, layer in zip(self.names, self.layers, strict=True):
            for row in rows_of(f"{name}.{own}" if name else own, layer, x):
                yield row
            x = row[-1]

    def draw(self, input_shape: tuple[int, ...] | None = None) -> Drawing:
        """The network as a picture, which a notebook shows and `save` writes as .svg.

        From left to right stand x and what each layer with weights makes of it: a column of units,
        with a wire for each weight of an affine layer, or a block with their number where there are
        more than 16. The shape stands above, and the layers below, under the names that their
        parameters have. `input_shape` is as in `summary`, and so is the ValueError without it.
        """
        shapes = self._shapes(input_shape, "draw")
        return Drawing(draw_units(stages_of(self.names, self.layers, shapes)))

    def _shapes(self, input_shape: tuple[int, ...] | None, asked: str) -> list[tuple[int, ...]]:
        """The shapes of one example, before the first layer and behind each, for the method
        `asked`."""
        x = self._example(input_shape, asked)
        shapes = [x.shape[1:]]
        for layer in self.layers:
            x, _ = layer.forward(x, train=False)
            shapes.append(x.shape[1:])
        return shapes

    def _example(self, input_shape: tuple[int, ...] | None, asked: str) -> Floats:
        """An example of that shape, or of the one that the first layer takes."""
        if input_shape is None:
            features = getattr(self.layers[0], "in_features", None)
            if features is None:
                raise ValueError(
                    f"{self!r}: give {asked}() the shape of one example, such as (784,)"
                )
            input_shape = (features,)
        dtype = next((array.dtype for array in self.params.values()), np.float64)
        return np.ones((1, *input_shape), dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.layers))})"

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        x = rng.standard_normal((5, 4))
        yield "in a row", Sequential(Affine(4, 3, rng=rng), Tanh(), Affine(3, 2, rng=rng)), x
        inner = Sequential(Affine(3, 3, rng=rng), ReLU())
        yield "nested", Sequential(Affine(4, 3, rng=rng), inner, Affine(3, 2, rng=rng)), x
        shared = Affine(4, 4, rng=rng)
        yield "a layer used twice", Sequential(shared, Tanh(), shared), x
