"""Layers as classes that keep on themselves what their backward pass needs."""

import numpy as np


def log_softmax(x):
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def cross_entropy_error(log_y, t):
    """Mean cross-entropy of log-probabilities and one-hot targets t."""
    return -np.sum(log_y * t) / len(t)


def output_size(size, filter_size, stride, pad):
    return (size + 2 * pad - filter_size) // stride + 1


def im2col(images, filter_h, filter_w, stride=1, pad=0):
    """
    Every patch that a filter sees, as a row.

    images : array of shape (number, channels, height, width)
    returns : array with number * out_h * out_w rows and channels * filter_h * filter_w columns
    """
    N, C, H, W = images.shape
    out_h = output_size(H, filter_h, stride, pad)
    out_w = output_size(W, filter_w, stride, pad)
    padded = np.pad(images, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    col = np.empty((N, out_h, out_w, C, filter_h, filter_w), dtype=images.dtype)
    for i in range(out_h):
        for j in range(out_w):
            top, left = i * stride, j * stride
            col[:, i, j] = padded[:, :, top : top + filter_h, left : left + filter_w]
    return col.reshape(N * out_h * out_w, -1)


def col2im(col, shape, filter_h, filter_w, stride=1, pad=0):
    """The sum of patches, each put back to its place in images of the shape given."""
    N, C, H, W = shape
    out_h = output_size(H, filter_h, stride, pad)
    out_w = output_size(W, filter_w, stride, pad)
    col = col.reshape(N, out_h, out_w, C, filter_h, filter_w)
    padded = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for i in range(out_h):
        for j in range(out_w):
            top, left = i * stride, j * stride
            padded[:, :, top : top + filter_h, left : left + filter_w] += col[:, i, j]
    return padded[:, :, pad : pad + H, pad : pad + W]


class Relu:
    def __init__(self):
        self.mask = None

    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dx = dout.copy()
        dx[self.mask] = 0
        return dx


class Sigmoid:
    def __init__(self):
        self.out = None

    def forward(self, x):
        self.out = 0.5 * (1 + np.tanh(0.5 * x))
        return self.out

    def backward(self, dout):
        return dout * self.out * (1 - self.out)


class Affine:
    def __init__(self, W, b):
        self.W = W
        self.b = b
        self.x = None
        self.original_x_shape = None
        self.dW = None
        self.db = None

    def forward(self, x):
        self.original_x_shape = x.shape
        self.x = x.reshape(len(x), -1)  # images come as (N, C, H, W)
        return np.dot(self.x, self.W) + self.b

    def backward(self, dout):
        self.dW = np.dot(self.x.T, dout)
        self.db = dout.sum(axis=0)
        return np.dot(dout, self.W.T).reshape(self.original_x_shape)


class SoftmaxWithLoss:
    """The last layer: softmax and the mean cross-entropy with the targets t, which are labels or
    one-hot rows."""

    def __init__(self):
        self.loss = None
        self.y = None  # output of softmax
        self.t = None  # targets, one-hot

    def forward(self, x, t):
        log_y = log_softmax(x)
        self.y = np.exp(log_y)
        self.t = t if t.ndim == 2 else np.eye(x.shape[1])[t]
        self.loss = cross_entropy_error(log_y, self.t)
        return self.loss

    def backward(self, dout=1):
        return dout * (self.y - self.t) / len(self.t)


class Dropout:
    def __init__(self, dropout_ratio=0.5):
        self.dropout_ratio = dropout_ratio
        self.mask = None

    def forward(self, x, train_flg=True):
        if train_flg:
            self.mask = np.random.rand(*x.shape) > self.dropout_ratio
            return x * self.mask
        return x * (1.0 - self.dropout_ratio)

    def backward(self, dout):
        return dout * self.mask


class BatchNormalization:
    def __init__(self, gamma, beta, momentum=0.9, running_mean=None, running_var=None):
        self.gamma = gamma
        self.beta = beta
        self.momentum = momentum
        self.input_shape = None

        # Averages, which testing uses.
        self.running_mean = running_mean
        self.running_var = running_var

        # What backward needs.
        self.xn = None
        self.std = None
        self.dgamma = None
        self.dbeta = None

    def forward(self, x, train_flg=True):
        self.input_shape = x.shape
        out = self._forward(x.reshape(len(x), -1), train_flg)
        return out.reshape(self.input_shape)

    def _forward(self, x, train_flg):
        if self.running_mean is None:
            self.running_mean = np.zeros(x.shape[1])
            self.running_var = np.zeros(x.shape[1])
        if not train_flg:
            xn = (x - self.running_mean) / np.sqrt(self.running_var + 10e-7)
            return self.gamma * xn + self.beta

        mu, var = x.mean(axis=0), x.var(axis=0)
        self.std = np.sqrt(var + 10e-7)
        self.xn = (x - mu) / self.std
        self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mu
        self.running_var = self.momentum * self.running_var + (1 - self.momentum) * var
        return self.gamma * self.xn + self.beta

    def backward(self, dout):
        dx = self._backward(dout.reshape(len(dout), -1))
        return dx.reshape(self.input_shape)

    def _backward(self, dout):
        self.dbeta = dout.sum(axis=0)
        self.dgamma = np.sum(self.xn * dout, axis=0)
        dxn = self.gamma * dout
        dxc = dxn - self.xn * np.mean(dxn * self.xn, axis=0)
        return (dxc - dxc.mean(axis=0)) / self.std


class Convolution:
    def __init__(self, W, b, stride=1, pad=0):
        self.W = W  # (FN, C, FH, FW)
        self.b = b
        self.stride = stride
        self.pad = pad

        # What backward needs.
        self.x = None
        self.col = None

        # Gradients of weights and biases.
        self.dW = None
        self.db = None

    def forward(self, x):
        FN, _, FH, FW = self.W.shape
        N, _, H, W = x.shape
        out_h = output_size(H, FH, self.stride, self.pad)
        out_w = output_size(W, FW, self.stride, self.pad)
        self.x = x
        self.col = im2col(x, FH, FW, self.stride, self.pad)
        out = np.dot(self.col, self.W.reshape(FN, -1).T) + self.b
        return out.reshape(N, out_h, out_w, FN).transpose(0, 3, 1, 2)

    def backward(self, dout):
        FN, _, FH, FW = self.W.shape
        dout = dout.transpose(0, 2, 3, 1).reshape(-1, FN)
        self.db = dout.sum(axis=0)
        self.dW = np.dot(dout.T, self.col).reshape(self.W.shape)
        dcol = np.dot(dout, self.W.reshape(FN, -1))
        return col2im(dcol, self.x.shape, FH, FW, self.stride, self.pad)


class Pooling:
    """The maximum of each region."""

    def __init__(self, pool_h, pool_w, stride=1, pad=0):
        self.pool_h = pool_h
        self.pool_w = pool_w
        self.stride = stride
        self.pad = pad

        self.x = None
        self.arg_max = None

    def forward(self, x):
        N, C, H, W = x.shape
        out_h = output_size(H, self.pool_h, self.stride, self.pad)
        out_w = output_size(W, self.pool_w, self.stride, self.pad)
        col = im2col(x, self.pool_h, self.pool_w, self.stride, self.pad)
        regions = col.reshape(-1, self.pool_h * self.pool_w)
        self.x = x
        self.arg_max = regions.argmax(axis=1)
        return regions.max(axis=1).reshape(N, out_h, out_w, C).transpose(0, 3, 1, 2)

    def backward(self, dout):
        dout = dout.transpose(0, 2, 3, 1).flatten()
        dregions = np.zeros((dout.size, self.pool_h * self.pool_w))
        dregions[np.arange(dout.size), self.arg_max] = dout
        dcol = dregions.reshape(-1, self.x.shape[1] * self.pool_h * self.pool_w)
        return col2im(dcol, self.x.shape, self.pool_h, self.pool_w, self.stride, self.pad)
