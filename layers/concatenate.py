"""Several inputs, one behind the other."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer


class Concatenate(Layer):
    """out = the inputs x1, x2, …, one behind the other along `axis`.

    At least two inputs of one dtype, alike in shape but along `axis`; of images (N, C, H, W) the
    usual axis 1 puts the channels together.
    Each input has dx = the part of dout where x stands in out.
    """

    def __init__(self, axis: int = 1) -> None:
        super().__init__()
        if not isinstance(axis, (int, np.integer)) or isinstance(axis, bool):
            raise ValueError(f"Concatenate: axis must be a whole number, got {axis!r}")
        self.axis = int(axis)

    def forward(self, *inputs: Floats, train: bool = True) -> tuple[Floats, Cache]:
        xs = [self.floats(x, f"x{k}") for k, x in enumerate(inputs, 1)]
        self.check_shapes([x.shape for x in xs])
        for k, x in enumerate(xs, 1):
            if x.dtype != xs[0].dtype:
                raise TypeError(
                    f"{self!r}: x1 has dtype {xs[0].dtype} but x{k} has {x.dtype}; cast one of them"
                )
        out = np.concatenate(xs, axis=self.axis)
        ends = np.cumsum([x.shape[self.axis] for x in xs])
        return out, (ends[:-1], out.shape, out.dtype)

    def backward(self, dout: Floats, cache: Cache) -> tuple[tuple[Floats, ...], Grads]:
        ends, shape, dtype = cache
        return tuple(np.split(self.upstream(dout, shape, dtype), ends, axis=self.axis)), {}

    def check_shapes(self, shapes: list[tuple[int, ...]]) -> None:
        """Raises ValueError unless there are two shapes or more that differ along `axis` alone."""
        if len(shapes) < 2:
            raise ValueError(f"{self!r}: expected two inputs or more, got {len(shapes)}")
        first = shapes[0]
        if not -len(first) <= self.axis < len(first):
            raise ValueError(f"{self!r}: x1 has shape {first}, which has no axis {self.axis}")
        for k, shape in enumerate(shapes, 1):
            if len(shape) != len(first) or self.others(shape) != self.others(first):
                raise ValueError(
                    f"{self!r}: x1 has shape {first} but x{k} has {shape}; expected shapes that "
                    f"differ along axis {self.axis} alone"
                )

    def others(self, shape: tuple[int, ...]) -> list[int]:
        """The lengths of all axes but `axis`."""
        lengths = [*shape]
        del lengths[self.axis]
        return lengths

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        normal = rng.standard_normal
        yield "channels", cls(), normal((2, 3, 2, 4)), normal((2, 1, 2, 4))
        yield "three along the last axis", cls(-1), normal((5, 4)), normal((5, 1)), normal((5, 2))
