"""One step of the recurrent layer `GRU`."""

from typing import Any

from chainrule.layers.annotations import Cache, Floats
from chainrule.layers.gru import GRU
from chainrule.layers.recurrent import OneStep


class GRUStep(OneStep, GRU):
    """out = the next h: h = (1 - z) n + z h_prev, one step of `GRU`.

    x (N, D);  h_prev (N, H);  parameters and gates as there.
    dx = da Wxᵀ    dh_prev = dh z + du Whᵀ
    """

    def forward(  # type: ignore[override]
        self, x: Floats, h_prev: Floats, *, train: bool = True
    ) -> tuple[Any, Cache]:
        return self.run(x, h_prev)
