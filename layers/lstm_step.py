"""One step of the recurrent layer `LSTM`."""

from typing import Any

from chainrule.layers.annotations import Cache, Floats
from chainrule.layers.lstm import LSTM
from chainrule.layers.recurrent import OneStep


class LSTMStep(OneStep, LSTM):
    """out = the next h and c: h = o tanh(c),  c = f c_prev + i g, one step of `LSTM`.

    x (N, D);  h_prev, c_prev (N, H);  parameters and gates as there.
    dx = da Wxᵀ    dh_prev = da Whᵀ    dc_prev = dc f
    """

    def forward(  # type: ignore[override]
        self, x: Floats, h_prev: Floats, c_prev: Floats, *, train: bool = True
    ) -> tuple[Any, Cache]:
        return self.run(x, h_prev, c_prev)
