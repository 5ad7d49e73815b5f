"""How much memory a Jacobian takes, said without forming it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.gradcheck.derivatives.operands import LayerAt

LIMIT = 2**30  # bytes of an explicit Jacobian or Hessian


@dataclass(frozen=True)
class JacobianMemory:
    """What the Jacobians of an output take. `out` and the values of `inputs` are shapes; print it
    for a table."""

    out: tuple[int, ...]
    inputs: dict[str, tuple[int, ...]]
    dtype: np.dtype

    @property
    def explicit(self) -> dict[str, int]:
        """The bytes of ∂out/∂x for every input x."""
        size = self.dtype.itemsize * math.prod(self.out)
        return {name: size * math.prod(shape) for name, shape in self.inputs.items()}

    @property
    def implicit(self) -> dict[str, int]:
        """The bytes of dout and dx for every input x: what the product by `vjp` holds besides
        the inputs, parameters and outputs that forward needs."""
        size, out = self.dtype.itemsize, math.prod(self.out)
        return {name: size * (out + math.prod(shape)) for name, shape in self.inputs.items()}

    def __str__(self) -> str:
        rows = [("with respect to", "explicit Jacobian", "implicit product")]
        for name, shape in self.inputs.items():
            sizes = in_words(self.explicit[name]), in_words(self.implicit[name])
            rows.append((f"{name} {shape}", *sizes))
        width = max(len(row[0]) for row in rows)
        lines = [f"derivatives of out {self.out} in {self.dtype}"]
        lines += [f"  {row[0]:{width}}  {row[1]:>17}  {row[2]:>16}" for row in rows]
        return "\n".join([*lines, "  1 GiB is 2³⁰ bytes, which lectures write as 1 GB"])


def jacobian_memory(
    layer: Any, *inputs: Any, dtype: Any = None, train: bool = True
) -> JacobianMemory:
    """The memory of an explicit Jacobian against that of the product without it; none is formed.

        print(jacobian_memory((64, 4096), (64, 4096), dtype=np.float32))    256 GiB against 2 MiB
        print(jacobian_memory(layer, x))     for every input that has a gradient and every parameter

    Takes the shape of x and the shape of out, or a layer and its inputs, on which it runs a copy
    of the layer forward once. `dtype`, left out, is float64 for shapes and that of the output for
    a layer. Raises TypeError or ValueError where an argument is not of this kind.
    """
    if not hasattr(layer, "forward"):
        shapes = (layer, *inputs)
        if len(shapes) != 2 or not all(is_shape(shape) for shape in shapes):
            raise ValueError(
                f"jacobian_memory: got {', '.join(map(repr, shapes))}, expected the shape of x and "
                f"the shape of out, such as (64, 4096), (64, 10), or a layer and its inputs"
            )
        return JacobianMemory(inputs[0], {"x": layer}, np.dtype(dtype or np.float64))
    here = LayerAt("jacobian_memory", layer, inputs, train)
    out = here.value()
    differentiated = {
        name: array.shape
        for name, array in here.arrays.items()
        if array.dtype.kind == "f" and (name in here.floats or name not in here.subject.names)
    }
    return JacobianMemory(out.shape, differentiated, np.dtype(dtype or out.dtype))


def is_shape(shape: Any) -> bool:
    return isinstance(shape, tuple) and all(
        isinstance(length, (int, np.integer)) and length >= 0 for length in shape
    )


def allowed(who: str, shape: tuple[int, ...], instead: str) -> None:
    """Raises MemoryError where an array of this shape in float64 would pass the limit."""
    if (size := 8 * math.prod(shape)) > LIMIT:
        raise MemoryError(
            f"{who}: the array of shape {shape} would take {in_words(size)} in float64, over the "
            f"limit of {in_words(LIMIT)}; {instead} without forming it, and jacobian_memory tells "
            f"what each takes"
        )


def in_words(size: int) -> str:
    """A number of bytes: 274877906944 is "256 GiB"."""
    units = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    power = min(max(size.bit_length() - 1, 0) // 10, len(units) - 1)
    return f"{size / 1024**power:.4g} {units[power]}"
