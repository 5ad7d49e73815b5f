"""The gated recurrent unit."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Cache, Floats, Grads, Scheme, Seed
from chainrule.layers.init import lecun_normal
from chainrule.layers.recurrent import Recurrent, in_steps, rows_in_time, sigmoid_in_place


class GRU(Recurrent):
    """h_t = (1 - z) n + z h_{t-1}, of a = x_t Wx + b and u = h_{t-1} Wh + bh:
    r = σ(a₁ + u₁), z = σ(a₂ + u₂), n = tanh(a₃ + r u₃);  out = all h_t.

    x (N, T, D);  h0 (N, H), 0 if left out;  Wx (D, 3 H), Wh (H, 3 H), b and bh (3 H,), gates in the
    order r, z, n;  out (N, T, H), and the last h where the first one is given.

    From the last step to the first, dh_t is what comes from above and from step t + 1, and
    da₃ = dh (1 - z) (1 - n²)   da₂ = dh (h_{t-1} - n) z (1 - z)   da₁ = da₃ u₃ r (1 - r)
    du = da, but du₃ = da₃ r    dx = da Wxᵀ    dh_{t-1} = dh z + du Whᵀ
    dWx = Σₜ x_tᵀ da    db = Σₜ,ₙ da    dWh = Σₜ h_{t-1}ᵀ du    dbh = Σₜ,ₙ du

    The reset gate r acts behind the product with Wh, as in cuDNN and PyTorch, so that a step is one
    product; in the paper it acts before.

    Source: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical
    Machine Translation", 2014.
    """

    gates = 3

    def __init__(
        self,
        in_features: int,
        hidden: int,
        *,
        init: Scheme = lecun_normal,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__(in_features, hidden, init=init, rng=rng, dtype=dtype)
        self.params["bh"] = np.zeros_like(self.params["b"])

    def forward(
        self, x: Floats, h0: Floats | None = None, *, train: bool = True
    ) -> tuple[Any, Cache]:
        return self.run(x, h0)

    def over_time(self, x: Floats, *states: Floats) -> tuple[Floats, tuple[Floats, ...], Cache]:
        (T, _, N), H, (h0,) = x.shape, self.hidden, states
        Wx, Wh, b, bh = (self.params[name] for name in ("Wx", "Wh", "b", "bh"))
        rows = rows_in_time(x)
        a = np.ascontiguousarray(in_steps(rows @ Wx, T))  # becomes r, z and n
        b = b + np.concatenate([bh[: 2 * H], np.zeros_like(bh[2 * H :])])
        a += b[:, np.newaxis]
        h, un = np.empty((T + 1, H, N), x.dtype), np.empty((T, H, N), x.dtype)
        h[0] = h0
        WhT, bn = np.ascontiguousarray(Wh.T), bh[2 * H :, np.newaxis]
        for t in range(T):
            u = WhT @ h[t]
            a[t, : 2 * H] += u[: 2 * H]
            sigmoid_in_place(a[t, : 2 * H])
            r, z, n = a[t].reshape(3, H, N)
            np.add(u[2 * H :], bn, out=un[t])
            n += r * un[t]
            np.tanh(n, out=n)
            np.multiply(z, h[t] - n, out=h[t + 1])
            h[t + 1] += n
        return h[1:], (h[T],), (rows, a, h, un, Wx, Wh)

    def back_in_time(
        self, dh: Floats, *dlast_and_cache: Any
    ) -> tuple[Floats, tuple[Floats, ...], Grads]:
        dh_next, (rows, gates, h, un, Wx, Wh) = dlast_and_cache
        T, H, N = dh.shape
        da, du = np.empty((2, T, 3, H, N), dh.dtype)
        for t in reversed(range(T)):
            r, z, n = gates[t].reshape(3, H, N)
            dh_t = dh[t] + dh_next
            dn = np.multiply(dh_t * (1 - z), 1 - n * n, out=da[t, 2])
            np.multiply(dn * un[t], r * (1 - r), out=da[t, 0])
            np.multiply(dh_t * (h[t] - n), z * (1 - z), out=da[t, 1])
            du[t, :2] = da[t, :2]
            np.multiply(dn, r, out=du[t, 2])
            dh_next = dh_t * z + Wh @ du[t].reshape(3 * H, N)
        da, du = (rows_in_time(one.reshape(T, 3 * H, N)) for one in (da, du))
        grads = {
            "Wx": rows.T @ da,
            "Wh": rows_in_time(h[:-1]).T @ du,
            "b": da.sum(axis=0),
            "bh": du.sum(axis=0),
        }
        return in_steps(da @ Wx.T, T), (dh_next,), grads
