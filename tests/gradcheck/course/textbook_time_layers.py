"""Layers of language models, as classes: all have lists params and grads, whose arrays stay the
same objects; a layer whose name begins with Time takes all steps of a sequence at once."""

import numpy as np


def sigmoid(x):
    return 0.5 * (1 + np.tanh(0.5 * x))


def log_softmax(x):
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


class MatMul:
    def __init__(self, W):
        self.params = [W]
        self.grads = [np.zeros_like(W)]
        self.x = None

    def forward(self, x):
        (W,) = self.params
        self.x = x
        return np.dot(x, W)

    def backward(self, dout):
        (W,) = self.params
        self.grads[0][...] = np.dot(self.x.T, dout)
        return np.dot(dout, W.T)


class Affine:
    def __init__(self, W, b):
        self.params = [W, b]
        self.grads = [np.zeros_like(W), np.zeros_like(b)]
        self.x = None

    def forward(self, x):
        W, b = self.params
        self.x = x
        return np.dot(x, W) + b

    def backward(self, dout):
        W, _ = self.params
        self.grads[0][...] = np.dot(self.x.T, dout)
        self.grads[1][...] = np.sum(dout, axis=0)
        return np.dot(dout, W.T)


class Sigmoid:
    def __init__(self):
        self.params, self.grads = [], []
        self.out = None

    def forward(self, x):
        self.out = sigmoid(x)
        return self.out

    def backward(self, dout):
        return dout * (1.0 - self.out) * self.out


class Softmax:
    def __init__(self):
        self.params, self.grads = [], []
        self.out = None

    def forward(self, x):
        self.out = np.exp(log_softmax(x))
        return self.out

    def backward(self, dout):
        weighted = self.out * dout
        return weighted - self.out * weighted.sum(axis=1, keepdims=True)


class SoftmaxWithLoss:
    def __init__(self):
        self.params, self.grads = [], []
        self.y = None  # output of softmax
        self.t = None  # labels

    def forward(self, x, t):
        log_y = log_softmax(x)
        self.y = np.exp(log_y)
        self.t = t.argmax(axis=1) if t.ndim == 2 else t
        return -np.mean(log_y[np.arange(len(x)), self.t])

    def backward(self, dout=1):
        dx = self.y.copy()
        dx[np.arange(len(dx)), self.t] -= 1
        return dx * dout / len(dx)


class SigmoidWithLoss:
    def __init__(self):
        self.params, self.grads = [], []
        self.y = None  # output of sigmoid
        self.t = None  # targets, 0 or 1

    def forward(self, x, t):
        self.t = t
        self.y = sigmoid(x)
        # log(1 + e^x) - x t, which is the cross-entropy without a log of 0.
        return np.mean(np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x))))

    def backward(self, dout=1):
        return (self.y - self.t) * dout / self.t.size


class Dropout:
    def __init__(self, dropout_ratio=0.5):
        self.params, self.grads = [], []
        self.dropout_ratio = dropout_ratio
        self.mask = None

    def forward(self, x, train_flg=True):
        if train_flg:
            kept = np.random.rand(*x.shape) > self.dropout_ratio
            self.mask = kept / (1.0 - self.dropout_ratio)
            return x * self.mask
        return x

    def backward(self, dout):
        return dout * self.mask


class Embedding:
    def __init__(self, W):
        self.params = [W]
        self.grads = [np.zeros_like(W)]
        self.idx = None

    def forward(self, idx):
        (W,) = self.params
        self.idx = idx
        return W[idx]

    def backward(self, dout):
        (dW,) = self.grads
        dW[...] = 0
        np.add.at(dW, self.idx, dout)


class RNN:
    def __init__(self, Wx, Wh, b):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)]
        self.cache = None

    def forward(self, x, h_prev):
        Wx, Wh, b = self.params
        h_next = np.tanh(np.dot(h_prev, Wh) + np.dot(x, Wx) + b)
        self.cache = (x, h_prev, h_next)
        return h_next

    def backward(self, dh_next):
        Wx, Wh, _ = self.params
        x, h_prev, h_next = self.cache
        dt = dh_next * (1 - h_next**2)
        self.grads[0][...] = np.dot(x.T, dt)
        self.grads[1][...] = np.dot(h_prev.T, dt)
        self.grads[2][...] = dt.sum(axis=0)
        return np.dot(dt, Wx.T), np.dot(dt, Wh.T)


class TimeRNN:
    def __init__(self, Wx, Wh, b, stateful=False):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)]
        self.layers = None
        self.h, self.dh = None, None
        self.stateful = stateful

    def set_state(self, h):
        self.h = h

    def reset_state(self):
        self.h = None

    def forward(self, xs):
        Wx, Wh, b = self.params
        N, T, _ = xs.shape
        if not self.stateful or self.h is None:
            self.h = np.zeros((N, len(Wh)))
        self.layers = []
        hs = np.empty((N, T, len(Wh)))
        for t in range(T):
            layer = RNN(Wx, Wh, b)
            hs[:, t] = self.h = layer.forward(xs[:, t], self.h)
            self.layers.append(layer)
        return hs

    def backward(self, dhs):
        Wx, _, _ = self.params
        N, T, _ = dhs.shape
        dxs = np.empty((N, T, len(Wx)))
        dh = 0
        for grad in self.grads:
            grad[...] = 0
        for t in reversed(range(T)):
            dxs[:, t], dh = self.layers[t].backward(dhs[:, t] + dh)
            for grad, part in zip(self.grads, self.layers[t].grads, strict=True):
                grad += part
        self.dh = dh
        return dxs


class LSTM:
    """The blocks of the weights are forget gate, candidate, input gate and output gate."""

    def __init__(self, Wx, Wh, b):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)]
        self.cache = None

    def forward(self, x, h_prev, c_prev):
        Wx, Wh, b = self.params
        f, g, i, o = np.split(np.dot(x, Wx) + np.dot(h_prev, Wh) + b, 4, axis=1)
        f, g, i, o = sigmoid(f), np.tanh(g), sigmoid(i), sigmoid(o)
        c_next = f * c_prev + g * i
        h_next = o * np.tanh(c_next)
        self.cache = (x, h_prev, c_prev, f, g, i, o, c_next)
        return h_next, c_next

    def backward(self, dh_next, dc_next):
        Wx, Wh, _ = self.params
        x, h_prev, c_prev, f, g, i, o, c_next = self.cache
        tanh_c = np.tanh(c_next)
        dc = dc_next + dh_next * o * (1 - tanh_c**2)
        df = dc * c_prev * f * (1 - f)
        dg = dc * i * (1 - g**2)
        di = dc * g * i * (1 - i)
        do = dh_next * tanh_c * o * (1 - o)
        dA = np.concatenate([df, dg, di, do], axis=1)

        self.grads[0][...] = np.dot(x.T, dA)
        self.grads[1][...] = np.dot(h_prev.T, dA)
        self.grads[2][...] = dA.sum(axis=0)
        return np.dot(dA, Wx.T), np.dot(dA, Wh.T), dc * f


class TimeLSTM:
    def __init__(self, Wx, Wh, b, stateful=False):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)]
        self.layers = None
        self.h, self.c = None, None
        self.dh = None
        self.stateful = stateful

    def set_state(self, h, c=None):
        self.h, self.c = h, c

    def reset_state(self):
        self.h, self.c = None, None

    def forward(self, xs):
        Wx, Wh, b = self.params
        N, T, _ = xs.shape
        if not self.stateful or self.h is None:
            self.h = np.zeros((N, len(Wh)))
        if not self.stateful or self.c is None:
            self.c = np.zeros((N, len(Wh)))
        self.layers = []
        hs = np.empty((N, T, len(Wh)))
        for t in range(T):
            layer = LSTM(Wx, Wh, b)
            self.h, self.c = layer.forward(xs[:, t], self.h, self.c)
            hs[:, t] = self.h
            self.layers.append(layer)
        return hs

    def backward(self, dhs):
        Wx, _, _ = self.params
        N, T, _ = dhs.shape
        dxs = np.empty((N, T, len(Wx)))
        dh, dc = 0, 0
        totals = [0, 0, 0]
        for t in reversed(range(T)):
            layer = self.layers[t]
            dxs[:, t], dh, dc = layer.backward(dhs[:, t] + dh, dc)
            totals = [total + part for total, part in zip(totals, layer.grads, strict=True)]
        for grad, total in zip(self.grads, totals, strict=True):
            grad[...] = total
        self.dh = dh
        return dxs


class TimeEmbedding:
    def __init__(self, W):
        self.params = [W]
        self.grads = [np.zeros_like(W)]
        self.layers = None

    def forward(self, xs):
        self.layers = [Embedding(*self.params) for _ in range(xs.shape[1])]
        return np.stack([layer.forward(xs[:, t]) for t, layer in enumerate(self.layers)], axis=1)

    def backward(self, dout):
        self.grads[0][...] = 0
        for t, layer in enumerate(self.layers):
            layer.backward(dout[:, t])
            self.grads[0] += layer.grads[0]


class TimeAffine:
    def __init__(self, W, b):
        self.params = [W, b]
        self.grads = [np.zeros_like(W), np.zeros_like(b)]
        self.x = None

    def forward(self, x):
        W, b = self.params
        N, T, _ = x.shape
        self.x = x
        return (np.dot(x.reshape(N * T, -1), W) + b).reshape(N, T, -1)

    def backward(self, dout):
        W, _ = self.params
        N, T, _ = dout.shape
        rows = dout.reshape(N * T, -1)
        self.grads[0][...] = np.dot(self.x.reshape(N * T, -1).T, rows)
        self.grads[1][...] = rows.sum(axis=0)
        return np.dot(rows, W.T).reshape(self.x.shape)


class TimeSoftmaxWithLoss:
    """The mean cross-entropy over all steps whose label is not ignore_label."""

    def __init__(self):
        self.params, self.grads = [], []
        self.cache = None
        self.ignore_label = -1

    def forward(self, xs, ts):
        N, T, V = xs.shape
        if ts.ndim == 3:
            ts = ts.argmax(axis=2)
        labels = ts.reshape(N * T)
        counts = labels != self.ignore_label
        log_ys = log_softmax(xs.reshape(N * T, V))
        self.cache = (labels, np.exp(log_ys), counts, xs.shape)
        return -np.sum(log_ys[np.arange(N * T), labels] * counts) / counts.sum()

    def backward(self, dout=1):
        labels, ys, counts, shape = self.cache
        dx = ys.copy()
        dx[np.arange(len(dx)), labels] -= 1
        dx *= dout / counts.sum()
        dx *= counts[:, np.newaxis]
        return dx.reshape(shape)


class TimeDropout:
    def __init__(self, dropout_ratio=0.5):
        self.params, self.grads = [], []
        self.dropout_ratio = dropout_ratio
        self.mask = None
        self.train_flg = True

    def forward(self, xs):
        if not self.train_flg:
            return xs
        kept = np.random.rand(*xs.shape) > self.dropout_ratio
        self.mask = kept / (1.0 - self.dropout_ratio)
        return xs * self.mask

    def backward(self, dout):
        return dout * self.mask


class GRU:
    """The blocks of the weights are update gate, reset gate and candidate."""

    def __init__(self, Wx, Wh, b):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)]
        self.cache = None

    def forward(self, x, h_prev):
        Wx, Wh, b = self.params
        H = len(Wh)
        gates = sigmoid(np.dot(x, Wx[:, : 2 * H]) + np.dot(h_prev, Wh[:, : 2 * H]) + b[: 2 * H])
        z, r = gates[:, :H], gates[:, H:]
        scores = np.dot(x, Wx[:, 2 * H :]) + np.dot(r * h_prev, Wh[:, 2 * H :]) + b[2 * H :]
        h_hat = np.tanh(scores)
        self.cache = (x, h_prev, z, r, h_hat)
        return (1 - z) * h_prev + z * h_hat

    def backward(self, dh_next):
        Wx, Wh, _ = self.params
        x, h_prev, z, r, h_hat = self.cache
        H = len(Wh)

        dh_hat = dh_next * z * (1 - h_hat**2)
        dhr = np.dot(dh_hat, Wh[:, 2 * H :].T)
        dz = dh_next * (h_hat - h_prev) * z * (1 - z)
        dr = dhr * h_prev * r * (1 - r)
        dgates = np.concatenate([dz, dr], axis=1)
        dscores = np.concatenate([dgates, dh_hat], axis=1)

        self.grads[0][...] = np.dot(x.T, dscores)
        self.grads[1][:, : 2 * H] = np.dot(h_prev.T, dgates)
        self.grads[1][:, 2 * H :] = np.dot((r * h_prev).T, dh_hat)
        self.grads[2][...] = dscores.sum(axis=0)
        dh_prev = dh_next * (1 - z) + dhr * r + np.dot(dgates, Wh[:, : 2 * H].T)
        return np.dot(dscores, Wx.T), dh_prev


class WeightSum:
    """The mean of the encoder's states hs, with the weights a."""

    def __init__(self):
        self.params, self.grads = [], []
        self.cache = None

    def forward(self, hs, a):
        self.cache = (hs, a)
        return np.sum(hs * a[:, :, np.newaxis], axis=1)

    def backward(self, dc):
        hs, a = self.cache
        dt = np.repeat(dc[:, np.newaxis, :], hs.shape[1], axis=1)
        return dt * a[:, :, np.newaxis], np.sum(dt * hs, axis=2)


class AttentionWeight:
    """How well each of the encoder's states hs fits the decoder's state h, by softmax."""

    def __init__(self):
        self.params, self.grads = [], []
        self.softmax = Softmax()
        self.cache = None

    def forward(self, hs, h):
        self.cache = (hs, h)
        return self.softmax.forward(np.sum(hs * h[:, np.newaxis, :], axis=2))

    def backward(self, da):
        hs, h = self.cache
        ds = self.softmax.backward(da)[:, :, np.newaxis]
        return ds * h[:, np.newaxis, :], np.sum(ds * hs, axis=1)


class Attention:
    def __init__(self):
        self.params, self.grads = [], []
        self.attention_weight_layer = AttentionWeight()
        self.weight_sum_layer = WeightSum()
        self.attention_weight = None

    def forward(self, hs, h):
        self.attention_weight = self.attention_weight_layer.forward(hs, h)
        return self.weight_sum_layer.forward(hs, self.attention_weight)

    def backward(self, dout):
        dhs_sum, da = self.weight_sum_layer.backward(dout)
        dhs_weight, dh = self.attention_weight_layer.backward(da)
        return dhs_sum + dhs_weight, dh


class TimeAttention:
    def __init__(self):
        self.params, self.grads = [], []
        self.layers = None
        self.attention_weights = None

    def forward(self, hs_enc, hs_dec):
        self.layers = [Attention() for _ in range(hs_dec.shape[1])]
        out = [layer.forward(hs_enc, hs_dec[:, t]) for t, layer in enumerate(self.layers)]
        self.attention_weights = [layer.attention_weight for layer in self.layers]
        return np.stack(out, axis=1)

    def backward(self, dout):
        dhs_enc = 0
        dhs_dec = np.empty_like(dout)
        for t, layer in enumerate(self.layers):
            dhs, dhs_dec[:, t] = layer.backward(dout[:, t])
            dhs_enc = dhs_enc + dhs
        return dhs_enc, dhs_dec
