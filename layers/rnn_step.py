"""One step of the recurrent layer `RNN`."""

from typing import Any

from chainrule.layers.annotations import Cache, Floats
from chainrule.layers.recurrent import OneStep
from chainrule.layers.rnn import RNN


class RNNStep(OneStep, RNN):
    """out = the next h: h = f(x Wx + h_prev Wh + b), one step of `RNN`.

    x (N, D);  h_prev (N, H);  parameters and gates as there.
    dx = da Wxᵀ    dh_prev = da Whᵀ
    """

    def forward(  # type: ignore[override]
        self, x: Floats, h_prev: Floats, *, train: bool = True
    ) -> tuple[Any, Cache]:
        return self.run(x, h_prev)
