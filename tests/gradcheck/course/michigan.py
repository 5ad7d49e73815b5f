"""Layers as classes without objects: forward and backward are static methods, and the cache goes
from one to the other through the caller's hands."""

import numpy as np


class Linear:
    @staticmethod
    def forward(x, w, b):
        """
        Forward pass of a linear (fully connected) layer.
        Inputs:
        - x: array of inputs, of shape (N, d_1, ..., d_k)
        - w: array of weights, of shape (D, M), with D = d_1 * ... * d_k
        - b: array of biases, of shape (M,)
        Returns a tuple of:
        - out: output, of shape (N, M)
        - cache: (x, w, b)
        """
        out = x.reshape(x.shape[0], -1) @ w + b
        return out, (x, w, b)

    @staticmethod
    def backward(dout, cache):
        """
        Backward pass of a linear layer.
        Inputs:
        - dout: upstream derivative, of shape (N, M)
        - cache: (x, w, b)
        Returns a tuple of:
        - dx, dw, db: gradients, of the shapes of x, w and b
        """
        x, w, _ = cache
        dx = (dout @ w.T).reshape(x.shape)
        dw = x.reshape(x.shape[0], -1).T @ dout
        return dx, dw, dout.sum(axis=0)


class ReLU:
    @staticmethod
    def forward(x):
        """
        Forward pass of rectified linear units.
        Input:
        - x: array of any shape
        Returns a tuple of:
        - out: array of the same shape
        - cache: x
        """
        return x.clip(min=0), x

    @staticmethod
    def backward(dout, cache):
        """Backward pass of rectified linear units; returns dx."""
        dx = dout.copy()
        dx[cache <= 0] = 0
        return dx


class Linear_ReLU:
    @staticmethod
    def forward(x, w, b):
        """
        A linear layer, then a ReLU.
        Inputs:
        - x: array of inputs, of shape (N, D)
        - w: array of weights, of shape (D, M)
        - b: array of biases, of shape (M,)
        Returns a tuple of:
        - out: output of the ReLU
        - cache: for the backward pass
        """
        scores, fc_cache = Linear.forward(x, w, b)
        out, relu_cache = ReLU.forward(scores)
        return out, (fc_cache, relu_cache)

    @staticmethod
    def backward(dout, cache):
        """Backward pass of linear - ReLU; returns dx, dw, db."""
        fc_cache, relu_cache = cache
        return Linear.backward(ReLU.backward(dout, relu_cache), fc_cache)


class Dropout:
    @staticmethod
    def forward(x, dropout_param):
        """
        Forward pass of inverted dropout.
        Inputs:
        - x: input data, of any shape
        - dropout_param: a dictionary with the keys
          - p: each neuron is dropped with probability p
          - mode: 'train' or 'test'; in test mode the input is returned
          - seed: for the generator of random numbers
        Returns a tuple of:
        - out: array of the shape of x
        - cache: (dropout_param, mask)
        """
        rng = np.random.default_rng(dropout_param.get("seed"))
        if dropout_param["mode"] == "test":
            return x, (dropout_param, None)
        keep = 1 - dropout_param["p"]
        mask = (rng.random(x.shape) < keep) / keep
        return x * mask, (dropout_param, mask)

    @staticmethod
    def backward(dout, cache):
        """Backward pass of inverted dropout; returns dx."""
        _, mask = cache
        return dout if mask is None else dout * mask


class BatchNorm:
    @staticmethod
    def forward(x, gamma, beta, bn_param):
        """
        Forward pass of batch normalization.
        Inputs:
        - x: data, of shape (N, D)
        - gamma: scale, of shape (D,)
        - beta: shift, of shape (D,)
        - bn_param: a dictionary with the keys
          - mode: 'train' or 'test'; required
          - eps: constant for numeric stability
          - momentum: weight of the old running mean and variance
          - running_mean, running_var: arrays of shape (D,)
        Returns a tuple of:
        - out: of shape (N, D)
        - cache: what the backward pass needs
        """
        mode, eps = bn_param["mode"], bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        running_mean = bn_param.get("running_mean", np.zeros(x.shape[1]))
        running_var = bn_param.get("running_var", np.zeros(x.shape[1]))
        cache = None
        if mode == "train":
            mean, var = x.mean(axis=0), x.var(axis=0)
            running_mean = momentum * running_mean + (1 - momentum) * mean
            running_var = momentum * running_var + (1 - momentum) * var
            normalized = (x - mean) / np.sqrt(var + eps)
            cache = (normalized, np.sqrt(var + eps), gamma)
        elif mode == "test":
            normalized = (x - running_mean) / np.sqrt(running_var + eps)
        else:
            raise ValueError(f"unknown mode {mode!r}")
        bn_param["running_mean"], bn_param["running_var"] = running_mean, running_var
        return gamma * normalized + beta, cache

    @staticmethod
    def backward(dout, cache):
        """Backward pass of batch normalization; returns dx, dgamma, dbeta."""
        normalized, std, gamma = cache
        n = len(dout)
        dgamma, dbeta = (dout * normalized).sum(axis=0), dout.sum(axis=0)
        dnormalized = dout * gamma
        dstd = -(dnormalized * normalized).sum(axis=0) / std
        dmean = -dnormalized.sum(axis=0) / std
        dx = dnormalized / std + dstd * normalized / n + dmean / n
        return dx, dgamma, dbeta

    @staticmethod
    def backward_alt(dout, cache):
        """The same as backward, by a simplified formula."""
        normalized, std, gamma = cache
        dgamma, dbeta = (dout * normalized).sum(axis=0), dout.sum(axis=0)
        dx = gamma / std * (dout - dbeta / len(dout) - normalized * dgamma / len(dout))
        return dx, dgamma, dbeta


class SpatialBatchNorm:
    @staticmethod
    def forward(x, gamma, beta, bn_param):
        """
        Forward pass of batch normalization of images, channel by channel.
        Inputs:
        - x: images, of shape (N, C, H, W)
        - gamma: scale, of shape (C,)
        - beta: shift, of shape (C,)
        - bn_param: a dictionary as that of BatchNorm
        Returns a tuple of:
        - out: of shape (N, C, H, W)
        - cache: what the backward pass needs
        """
        N, C, H, W = x.shape
        rows = x.transpose(0, 2, 3, 1).reshape(-1, C)
        out, cache = BatchNorm.forward(rows, gamma, beta, bn_param)
        return out.reshape(N, H, W, C).transpose(0, 3, 1, 2), cache

    @staticmethod
    def backward(dout, cache):
        """Backward pass of batch normalization of images; returns dx, dgamma, dbeta."""
        N, C, H, W = dout.shape
        rows = dout.transpose(0, 2, 3, 1).reshape(-1, C)
        dx, dgamma, dbeta = BatchNorm.backward(rows, cache)
        return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta


class Conv:
    @staticmethod
    def forward(x, w, b, conv_param):
        """
        Forward pass of a convolution.
        Inputs:
        - x: images, of shape (N, C, H, W)
        - w: filters, of shape (F, C, HH, WW)
        - b: biases, of shape (F,)
        - conv_param: a dictionary with the keys
          - stride: pixels between neighbouring receptive fields
          - pad: zeros on each side of the images
        Returns a tuple of:
        - out: of shape (N, F, H', W')
        - cache: (x, w, b, conv_param)
        """
        stride, pad = conv_param["stride"], conv_param["pad"]
        F, _, HH, WW = w.shape
        padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        H_out = 1 + (padded.shape[2] - HH) // stride
        W_out = 1 + (padded.shape[3] - WW) // stride
        out = np.zeros((x.shape[0], F, H_out, W_out))
        for i in range(H_out):
            for j in range(W_out):
                top, left = i * stride, j * stride
                field = padded[:, :, top : top + HH, left : left + WW]
                out[:, :, i, j] = np.tensordot(field, w, axes=([1, 2, 3], [1, 2, 3])) + b
        return out, (x, w, b, conv_param)

    @staticmethod
    def backward(dout, cache):
        """Backward pass of a convolution; returns dx, dw, db."""
        x, w, _, conv_param = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        _, _, HH, WW = w.shape
        padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                rows = slice(i * stride, i * stride + HH)
                columns = slice(j * stride, j * stride + WW)
                upstream = dout[:, :, i, j]
                dpadded[:, :, rows, columns] += np.tensordot(upstream, w, axes=1)
                dw += np.tensordot(upstream.T, padded[:, :, rows, columns], axes=1)
        dx = dpadded[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]]
        return dx, dw, dout.sum(axis=(0, 2, 3))


class MaxPool:
    @staticmethod
    def forward(x, pool_param):
        """
        Forward pass of max pooling.
        Inputs:
        - x: images, of shape (N, C, H, W)
        - pool_param: a dictionary with the keys
          - pool_height: height of a pooling region
          - pool_width: width of a pooling region
          - stride: distance between neighbouring regions
        Returns a tuple of:
        - out: of shape (N, C, H', W')
        - cache: (x, pool_param)
        """
        height, width = pool_param["pool_height"], pool_param["pool_width"]
        stride = pool_param["stride"]
        N, C, H, W = x.shape
        out = np.zeros((N, C, 1 + (H - height) // stride, 1 + (W - width) // stride))
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                rows = slice(i * stride, i * stride + height)
                columns = slice(j * stride, j * stride + width)
                out[:, :, i, j] = x[:, :, rows, columns].max(axis=(2, 3))
        return out, (x, pool_param)

    @staticmethod
    def backward(dout, cache):
        """Backward pass of max pooling; returns dx."""
        x, pool_param = cache
        height, width = pool_param["pool_height"], pool_param["pool_width"]
        stride = pool_param["stride"]
        N, C, H_out, W_out = dout.shape
        n, c = np.ogrid[:N, :C]
        dx = np.zeros_like(x)
        for i in range(H_out):
            for j in range(W_out):
                rows = slice(i * stride, i * stride + height)
                columns = slice(j * stride, j * stride + width)
                winner = x[:, :, rows, columns].reshape(N, C, -1).argmax(axis=2)
                row, column = np.divmod(winner, width)
                dx[n, c, i * stride + row, j * stride + column] += dout[:, :, i, j]
        return dx


class Conv_ReLU_Pool:
    @staticmethod
    def forward(x, w, b, conv_param, pool_param):
        """
        A convolution, then a ReLU, then max pooling.
        Inputs:
        - x: images, of shape (N, C, H, W)
        - w: filters, of shape (F, C, HH, WW)
        - b: biases, of shape (F,)
        - conv_param: a dictionary as that of Conv
        - pool_param: a dictionary as that of MaxPool
        Returns a tuple of:
        - out: output of the pooling layer
        - cache: for the backward pass
        """
        scores, conv_cache = Conv.forward(x, w, b, conv_param)
        active, relu_cache = ReLU.forward(scores)
        out, pool_cache = MaxPool.forward(active, pool_param)
        return out, (conv_cache, relu_cache, pool_cache)

    @staticmethod
    def backward(dout, cache):
        """Backward pass of convolution - ReLU - max pooling; returns dx, dw, db."""
        conv_cache, relu_cache, pool_cache = cache
        dactive = MaxPool.backward(dout, pool_cache)
        return Conv.backward(ReLU.backward(dactive, relu_cache), conv_cache)
