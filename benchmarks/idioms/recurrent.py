"""Steps and loops through time, with several outputs and lists of caches."""

import numpy as np

from benchmarks.idioms.idiom import Idiom, normal


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h * (1 - next_h**2)
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da.sum(axis=0)


def rnn_forward(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    h, prev_h, caches = np.zeros((N, T, h0.shape[1])), h0, []
    for t in range(T):
        prev_h, cache = rnn_step_forward(x[:, t], prev_h, Wx, Wh, b)
        h[:, t] = prev_h
        caches.append(cache)
    return h, caches


def rnn_backward(dh, caches):
    N, T, H = dh.shape
    dx = np.zeros((N, T, caches[0][0].shape[1]))
    dprev_h, dWx, dWh, db = np.zeros((N, H)), 0, 0, 0
    for t in reversed(range(T)):
        dx[:, t], dprev_h, dwx, dwh, dbias = rnn_step_backward(dh[:, t] + dprev_h, caches[t])
        dWx, dWh, db = dWx + dwx, dWh + dwh, db + dbias
    return dx, dprev_h, dWx, dWh, db


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    i, f, o, g = np.split(x @ Wx + prev_h @ Wh + b, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    return next_h, next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    tanh_c = np.tanh(next_c)
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    di, df, do, dg = dc * g, dc * prev_c, dnext_h * tanh_c, dc * i
    gates = [di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)]
    da = np.concatenate(gates, axis=1)
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)


def lstm_pair_forward(x, prev_h, prev_c, Wx, Wh, b):
    next_h, next_c, cache = lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b)
    return (next_h, next_c), cache


def lstm_pair_backward(douts, cache):
    dnext_h, dnext_c = douts
    return lstm_step_backward(dnext_h, dnext_c, cache)


def lstm_forward(x, h0, Wx, Wh, b):
    h, c, hs, caches = h0, np.zeros_like(h0), [], []
    for t in range(x.shape[1]):
        h, c, cache = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        hs.append(h)
        caches.append(cache)
    return np.stack(hs, axis=1), caches


def lstm_backward(dh, caches):
    N, T, H = dh.shape
    dx = np.zeros((N, T, caches[0][0].shape[1]))
    dprev_h, dprev_c, dWx, dWh, db = np.zeros((N, H)), np.zeros((N, H)), 0, 0, 0
    for t in range(T - 1, -1, -1):
        dh_t = dh[:, t] + dprev_h
        dx[:, t], dprev_h, dprev_c, *step = lstm_step_backward(dh_t, dprev_c, caches[t])
        dWx, dWh, db = dWx + step[0], dWh + step[1], db + step[2]
    return dx, dprev_h, dWx, dWh, db


def gru_step_forward(x, h, Wz, Wr, Wn):
    both = np.hstack([x, h])
    z, r = sigmoid(both @ Wz), sigmoid(both @ Wr)
    inner = np.hstack([x, r * h])
    n = np.tanh(inner @ Wn)
    return (1 - z) * n + z * h, {"both": both, "inner": inner, "h": h, "z": z, "r": r, "n": n,
                                 "W": (Wz, Wr, Wn)}  # fmt: skip


def gru_step_backward(dout, cache):
    both, inner, h, z, r, n = (cache[key] for key in ("both", "inner", "h", "z", "r", "n"))
    Wz, Wr, Wn = cache["W"]
    D = both.shape[1] - h.shape[1]
    dn = dout * (1 - z) * (1 - n * n)
    dz = dout * (h - n) * z * (1 - z)
    dinner = dn @ Wn.T
    dr = dinner[:, D:] * h * r * (1 - r)
    dboth = dz @ Wz.T + dr @ Wr.T
    dx = dboth[:, :D] + dinner[:, :D]
    dh = dout * z + dboth[:, D:] + dinner[:, D:] * r
    return dx, dh, both.T @ dz, both.T @ dr, inner.T @ dn


def gru_forward(x, h0, Wz, Wr, Wn):
    """The last state alone."""
    h, caches = h0, []
    for t in range(x.shape[1]):
        h, cache = gru_step_forward(x[:, t], h, Wz, Wr, Wn)
        caches.append(cache)
    return h, caches


def gru_backward(dh, caches):
    dxs, dW = [], [0.0, 0.0, 0.0]
    for cache in reversed(caches):
        dx, dh, *step = gru_step_backward(dh, cache)
        dxs.append(dx)
        dW = [total + part for total, part in zip(dW, step, strict=True)]
    return np.stack(dxs[::-1], axis=1), dh, *dW


class Echo:
    """A leaky sum over time; its backward pass runs from the last step to the first."""

    def __init__(self):
        self.params = {"a": np.array([0.9, 0.5, -0.3])}

    def forward(self, x, train=True):  # (T, N, 3): time comes first
        out, state = [], np.zeros_like(x[0])
        for frame in x:
            state = self.params["a"] * state + frame
            out.append(state)
        return np.array(out), out

    def backward(self, dout, cache):
        dx, d, da = np.empty_like(dout), np.zeros_like(dout[0]), np.zeros(3)
        for t in range(len(dout) - 1, -1, -1):
            d = dout[t] + self.params["a"] * d
            dx[t] = d
            if t > 0:
                da += (d * cache[t - 1]).sum(axis=0)
        return dx, {"a": da}


STEP = normal((3, 2), (3, 4), (2, 4), (4, 4), 4)
GATES = normal((3, 2), (3, 4), (3, 4), (2, 16), (4, 16), 16)

IDIOMS = [
    Idiom("a step of a recurrent network", STEP, rnn_step_forward, rnn_step_backward),
    Idiom(
        "a loop through time",
        normal((2, 4, 3), (2, 4), (3, 4), (4, 4), 4),
        rnn_forward,
        rnn_backward,
    ),
    Idiom("h, c, cache", GATES, lstm_step_forward, lstm_step_backward),
    Idiom("(h, c), cache", GATES, lstm_pair_forward, lstm_pair_backward),
    Idiom(
        "an LSTM through time",
        normal((2, 3, 2), (2, 3), (2, 12), (3, 12), 12),
        lstm_forward,
        lstm_backward,
    ),
    Idiom(
        "a gated step with a dict as cache",
        normal((3, 2), (3, 4), (6, 4), (6, 4), (6, 4)),
        gru_step_forward,
        gru_step_backward,
    ),
    Idiom(
        "the last state of a loop",
        normal((3, 3, 2), (3, 4), (6, 4), (6, 4), (6, 4)),
        gru_forward,
        gru_backward,
    ),
    Idiom("time first", normal((4, 2, 3)), layer=Echo),
]
