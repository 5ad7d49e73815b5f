"""How the arrays of a layer stand in a state dict of PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from chainrule.layers import (
    Affine,
    BatchNorm,
    Conv,
    ConvTranspose,
    GroupNorm,
    LayerNorm,
    Maxout,
    PReLU,
)
from chainrule.layers.annotations import Floats
from chainrule.training.export.steps import Table


def same(array: Floats, like: Any) -> Floats:
    return array


def transposed(array: Floats, like: Any) -> Floats:
    return array.T


def pieces_out(array: Floats, like: Any) -> Floats:
    """(D, K, M) or (K, M) → (K M, D) or (K M,)."""
    return array.reshape(len(array), -1).T if array.ndim == 3 else array.reshape(-1)


def pieces_in(array: Floats, like: Floats) -> Floats:
    """The way back, to the shape of `like`."""
    return array.T.reshape(like.shape) if array.ndim == 2 else array.reshape(like.shape)


Change: TypeAlias = Callable[[Floats, Any], Floats]


class Tensor(NamedTuple):
    """A tensor of PyTorch: its name, the array that it is, in `params` or `state`, and how each is
    made of the other; the way back is told an array of the right shape."""

    name: str
    kind: str
    key: str
    there: Change = same
    back: Change = same


SCALE = Tensor("weight", "params", "gamma"), Tensor("bias", "params", "beta")
RUNNING = (
    Tensor("running_mean", "state", "running_mean"),
    Tensor("running_var", "state", "running_var"),
)
TENSORS: Table[tuple[Tensor, ...]] = Table()
TENSORS(Affine)(
    (
        Tensor("weight", "params", "W", transposed, transposed),
        Tensor("bias", "params", "b"),
    )
)
TENSORS(Maxout)(
    (
        Tensor("weight", "params", "W", pieces_out, pieces_in),
        Tensor("bias", "params", "b", pieces_out, pieces_in),
    )
)
TENSORS(Conv, ConvTranspose)((Tensor("weight", "params", "W"), Tensor("bias", "params", "b")))
TENSORS(BatchNorm)((*SCALE, *RUNNING))
TENSORS(LayerNorm, GroupNorm)(SCALE)
TENSORS(PReLU)((Tensor("weight", "params", "alpha"),))


def tensors_of(layer: Any) -> list[Tensor]:
    """Those of a layer: of a convolution without a bias, none for it."""
    known = TENSORS.get(layer) or ()
    return [one for one in known if one.key in getattr(layer, one.kind)]


def tensors(layer: Any) -> dict[str, Floats]:
    """The tensors of a layer, by the names that PyTorch gives them."""
    return {
        one.name: np.ascontiguousarray(one.there(getattr(layer, one.kind)[one.key], None))
        for one in tensors_of(layer)
    }
