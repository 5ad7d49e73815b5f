"""The long short-term memory."""

from typing import Any

import numpy as np

from chainrule.layers.annotations import Cache, Floats, Grads
from chainrule.layers.recurrent import Recurrent, in_steps, rows_in_time


class LSTM(Recurrent):
    """h_t = o tanh(c_t),  c_t = f c_{t-1} + i g, of gates a = x_t Wx + h_{t-1} Wh + b:
    i = σ(a₁), f = σ(a₂), o = σ(a₃), g = tanh(a₄);  out = all h_t.

    x (N, T, D);  h0, c0 (N, H), 0 if left out;  Wx (D, 4 H), Wh (H, 4 H), b (4 H,), gates in the
    order i, f, o, g;  out (N, T, H), and the last h and c where the first ones are given.

    From the last step to the first, dh_t is what comes from above and from step t + 1, and
    dc_t = dh_t o (1 - tanh²(c_t)) + f_{t+1} dc_{t+1}.
    da₁ = dc g i (1 - i)   da₂ = dc c_{t-1} f (1 - f)   da₃ = dh tanh(c) o (1 - o)
    da₄ = dc i (1 - g²)    dx = da Wxᵀ    dh_{t-1} = da Whᵀ
    dWx = Σₜ x_tᵀ da    dWh = Σₜ h_{t-1}ᵀ da    db = Σₜ,ₙ da

    The cell's own way through time, dc_{t-1} = f dc_t, has no matrix in it: where f is near 1 the
    gradient neither vanishes nor explodes on it.

    Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; the forget gate is that of
    Gers et al., "Learning to Forget", 2000.
    """

    gates, states = 4, ("h", "c")

    def forward(
        self, x: Floats, h0: Floats | None = None, c0: Floats | None = None, *, train: bool = True
    ) -> tuple[Any, Cache]:
        return self.run(x, h0, c0)

    def over_time(self, x: Floats, *states: Floats) -> tuple[Floats, tuple[Floats, ...], Cache]:
        (T, D, N), H, (h0, c0) = x.shape, self.hidden, states
        Wx, Wh, b = (self.params[name] for name in ("Wx", "Wh", "b"))
        W = np.concatenate([Wh, Wx, b[np.newaxis]])  # so that a step is one product
        W[:, : 3 * H] *= 0.5  # σ(a) = (1 + tanh(a / 2)) / 2, so that all gates go through one tanh
        z = np.empty((T + 1, H + D + 1, N), x.dtype)  # what a step reads: h, x and 1
        z[0, :H], z[:-1, H:-1], z[:, -1] = h0, x, 1
        gates, tanh_c = np.empty((T, 4, H, N), x.dtype), np.empty((T, H, N), x.dtype)
        c = np.empty((T + 1, H, N), x.dtype)
        c[0] = c0
        for t in range(T):
            np.matmul(W.T, z[t], out=gates[t].reshape(4 * H, N))
            np.tanh(gates[t], out=gates[t])
            gates[t, :3] += 1
            gates[t, :3] *= 0.5
            i, f, o, g = gates[t]
            np.multiply(f, c[t], out=c[t + 1])
            c[t + 1] += i * g
            np.tanh(c[t + 1], out=tanh_c[t])
            np.multiply(o, tanh_c[t], out=z[t + 1, :H])
        return z[1:, :H], (z[T, :H], c[T]), (z, gates, c, tanh_c, Wx, Wh)

    def back_in_time(
        self, dh: Floats, *dlast_and_cache: Cache
    ) -> tuple[Floats, tuple[Floats, ...], Grads]:
        dh_next, dc, (z, gates, c, tanh_c, Wx, Wh) = dlast_and_cache
        T, _, H, N = gates.shape
        i, f, o, g = gates.swapaxes(0, 1)
        # What dc is multiplied by on its way into i, f and g, and dh into o, at all steps at once.
        slopes = gates * (1 - gates)
        slopes[:, 3] = 1 - g * g
        for gate, other in enumerate((g, c[:-1], tanh_c, i)):
            slopes[:, gate] *= other
        into_c, da = o * (1 - tanh_c * tanh_c), np.empty_like(gates)
        for t in reversed(range(T)):
            dh_t = dh[t] + dh_next
            dc = dc + dh_t * into_c[t]
            np.multiply(slopes[t], dc, out=da[t])
            np.multiply(slopes[t, 2], dh_t, out=da[t, 2])
            dc = dc * f[t]
            dh_next = Wh @ da[t].reshape(4 * H, N)
        rows = rows_in_time(da.reshape(T, 4 * H, N))
        dW = rows_in_time(z[:-1]).T @ rows
        dx = in_steps(rows @ Wx.T, T)
        return dx, (dh_next, dc), {"Wx": dW[H:-1], "Wh": dW[:H], "b": dW[-1]}
