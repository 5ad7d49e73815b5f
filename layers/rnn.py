"""The vanilla recurrent layer."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Cache, Floats, Grads, Scheme, Seed
from chainrule.layers.init import lecun_normal
from chainrule.layers.recurrent import Recurrent, in_steps, rows_in_time


class RNN(Recurrent):
    """h_t = f(x_t Wx + h_{t-1} Wh + b);  out = all h_t.

    x (N, T, D);  h0 (N, H), 0 if left out;  Wx (D, H), Wh (H, H), b (H,);  out (N, T, H), and the
    last h where the first one is given. f is tanh, or with `relu` max(0, a).

    From the last step to the first, dh_t is what comes from above and from step t + 1, and
    da = dh_t f′    dx = da Wxᵀ    dh_{t-1} = da Whᵀ
    dWx = Σₜ x_tᵀ da    dWh = Σₜ h_{t-1}ᵀ da    db = Σₜ,ₙ da

    On its way through T steps a gradient is multiplied T times by Whᵀ and f′, and vanishes or
    explodes (Bengio et al., "Learning Long-Term Dependencies with Gradient Descent is Difficult",
    1994). With ReLU and Wh = I it starts without that: Le et al., "A Simple Way to Initialize
    Recurrent Networks of Rectified Linear Units", 2015.

    Source: Elman, "Finding Structure in Time", 1990.
    """

    def __init__(
        self,
        in_features: int,
        hidden: int,
        *,
        relu: bool = False,
        init: Scheme = lecun_normal,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__(in_features, hidden, init=init, rng=rng, dtype=dtype)
        self.relu = bool(relu)

    def forward(
        self, x: Floats, h0: Floats | None = None, *, train: bool = True
    ) -> tuple[Any, Cache]:
        return self.run(x, h0)

    def over_time(self, x: Floats, *states: Floats) -> tuple[Floats, tuple[Floats, ...], Cache]:
        (T, D, N), H, (h0,) = x.shape, self.hidden, states
        Wx, Wh, b = (self.params[name] for name in ("Wx", "Wh", "b"))
        W = np.concatenate([Wh, Wx, b[np.newaxis]]).T  # so that a step is one product
        z = np.empty((T + 1, H + D + 1, N), x.dtype)  # what a step reads: h, x and 1
        z[0, :H], z[:-1, H:-1], z[:, -1] = h0, x, 1
        for t in range(T):
            if self.relu:
                np.maximum(W @ z[t], 0, out=z[t + 1, :H])
            else:
                np.tanh(W @ z[t], out=z[t + 1, :H])
        return z[1:, :H], (z[T, :H],), (z, Wx, Wh)

    def back_in_time(
        self, dh: Floats, *dlast_and_cache: Any
    ) -> tuple[Floats, tuple[Floats, ...], Grads]:
        dh_next, (z, Wx, Wh) = dlast_and_cache
        T, H, N = dh.shape
        da = np.empty((T, H, N), dh.dtype)
        for t in reversed(range(T)):
            h = z[t + 1, :H]
            np.multiply(dh[t] + dh_next, h > 0 if self.relu else 1 - h * h, out=da[t])
            dh_next = Wh @ da[t]
        rows = rows_in_time(da)
        dW = rows_in_time(z[:-1]).T @ rows
        dx = in_steps(rows @ Wx.T, T)
        return dx, (dh_next,), {"Wx": dW[H:-1], "Wh": dW[:H], "b": dW[-1]}
