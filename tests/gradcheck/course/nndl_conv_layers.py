"""Layers of the course's convolutional networks."""

import numpy as np

from .nndl_layers import batchnorm_backward, batchnorm_forward


def conv_forward_naive(x, w, b, conv_param):
    """
    A naive implementation of the forward pass of a convolutional layer.

    The input consists of N data points, each with C channels, height H and width W. Each of F
    filters spans all C channels and has height HH and width WW.

    Input:
    - x: Input data of shape (N, C, H, W)
    - w: Filter weights of shape (F, C, HH, WW)
    - b: Biases, of shape (F,)
    - conv_param: A dictionary with the following keys:
      - 'stride': The number of pixels between adjacent receptive fields, in both directions
      - 'pad': The number of pixels that are used to zero-pad the input

    Returns a tuple of:
    - out: Output data, of shape (N, F, H', W') where
      H' = 1 + (H + 2 * pad - HH) / stride
      W' = 1 + (W + 2 * pad - WW) / stride
    - cache: (x, w, b, conv_param)
    """
    pad = conv_param["pad"]
    stride = conv_param["stride"]
    N, _, H, W = x.shape
    F, _, HH, WW = w.shape
    xpad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    Hout = 1 + (H + 2 * pad - HH) // stride
    Wout = 1 + (W + 2 * pad - WW) // stride
    out = np.zeros((N, F, Hout, Wout))
    for h in range(Hout):
        for v in range(Wout):
            window = xpad[:, :, h * stride : h * stride + HH, v * stride : v * stride + WW]
            for f in range(F):
                out[:, f, h, v] = np.sum(window * w[f], axis=(1, 2, 3)) + b[f]
    cache = (x, w, b, conv_param)
    return out, cache


def conv_backward_naive(dout, cache):
    """
    A naive implementation of the backward pass of a convolutional layer.

    Inputs:
    - dout: Upstream derivatives.
    - cache: A tuple of (x, w, b, conv_param) as in conv_forward_naive

    Returns a tuple of:
    - dx: Gradient with respect to x
    - dw: Gradient with respect to w
    - db: Gradient with respect to b
    """
    N, F, out_height, out_width = dout.shape
    x, w, _, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    xpad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    _, _, f_height, f_width = w.shape

    dxpad = np.zeros(xpad.shape)
    dw = np.zeros(w.shape)
    db = np.sum(dout, axis=(0, 2, 3))
    for n in range(N):
        for f in range(F):
            for h in range(out_height):
                for v in range(out_width):
                    up, left = h * stride, v * stride
                    upstream = dout[n, f, h, v]
                    window = xpad[n, :, up : up + f_height, left : left + f_width]
                    dw[f] += upstream * window
                    dxpad[n, :, up : up + f_height, left : left + f_width] += upstream * w[f]
    dx = dxpad[:, :, pad : dxpad.shape[2] - pad, pad : dxpad.shape[3] - pad]
    return dx, dw, db


def max_pool_forward_naive(x, pool_param):
    """
    A naive implementation of the forward pass of a max pooling layer.

    Inputs:
    - x: Input data, of shape (N, C, H, W)
    - pool_param: dictionary with the following keys:
      - 'pool_height': The height of each pooling region
      - 'pool_width': The width of each pooling region
      - 'stride': The distance between adjacent pooling regions

    Returns a tuple of:
    - out: Output data
    - cache: (x, pool_param)
    """
    ph, pw = pool_param["pool_height"], pool_param["pool_width"]
    stride = pool_param["stride"]
    N, C, H, W = x.shape
    Hout, Wout = (H - ph) // stride + 1, (W - pw) // stride + 1
    out = np.empty((N, C, Hout, Wout))
    for n in range(N):
        for c in range(C):
            for h in range(Hout):
                for v in range(Wout):
                    region = x[n, c, h * stride : h * stride + ph, v * stride : v * stride + pw]
                    out[n, c, h, v] = np.max(region)
    cache = (x, pool_param)
    return out, cache


def max_pool_backward_naive(dout, cache):
    """
    A naive implementation of the backward pass of a max pooling layer.

    Inputs:
    - dout: Upstream derivatives
    - cache: A tuple of (x, pool_param) as in the forward pass.

    Returns:
    - dx: Gradient with respect to x
    """
    x, pool_param = cache
    pool_height, pool_width = pool_param["pool_height"], pool_param["pool_width"]
    stride = pool_param["stride"]
    N, C, Hout, Wout = dout.shape
    dx = np.zeros(x.shape)
    for n in range(N):
        for c in range(C):
            for h in range(Hout):
                for v in range(Wout):
                    rows = slice(h * stride, h * stride + pool_height)
                    columns = slice(v * stride, v * stride + pool_width)
                    region = x[n, c, rows, columns]
                    winner = np.zeros(region.size)
                    winner[np.argmax(region)] = 1
                    dx[n, c, rows, columns] += dout[n, c, h, v] * winner.reshape(region.shape)
    return dx


def spatial_batchnorm_forward(x, gamma, beta, bn_param):
    """
    Computes the forward pass of spatial batch normalization.

    Inputs:
    - x: Input data of shape (N, C, H, W)
    - gamma: Scale parameter, of shape (C,)
    - beta: Shift parameter, of shape (C,)
    - bn_param: Dictionary with the following keys:
      - mode: 'train' or 'test'; required
      - eps: Constant for numeric stability
      - momentum: Constant for running mean and variance. momentum=0 means that old information is
        discarded at every step, momentum=1 that new information is never taken in.
      - running_mean: Array of shape (C,), the running mean of features
      - running_var: Array of shape (C,), the running variance of features

    Returns a tuple of:
    - out: Output data, of shape (N, C, H, W)
    - cache: Values needed for the backward pass
    """
    N, C, H, W = x.shape
    x_flat = np.moveaxis(x, 1, 3).reshape(N * H * W, C)
    out_flat, cache = batchnorm_forward(x_flat, gamma, beta, bn_param)
    out = np.moveaxis(out_flat.reshape(N, H, W, C), 3, 1)
    return out, cache


def spatial_batchnorm_backward(dout, cache):
    """
    Computes the backward pass of spatial batch normalization.

    Inputs:
    - dout: Upstream derivatives, of shape (N, C, H, W)
    - cache: Values from the forward pass

    Returns a tuple of:
    - dx: Gradient with respect to the inputs, of shape (N, C, H, W)
    - dgamma: Gradient with respect to the scale parameter, of shape (C,)
    - dbeta: Gradient with respect to the shift parameter, of shape (C,)
    """
    N, C, H, W = dout.shape
    dout_flat = np.moveaxis(dout, 1, 3).reshape(N * H * W, C)
    dx_flat, dgamma, dbeta = batchnorm_backward(dout_flat, cache)
    dx = np.moveaxis(dx_flat.reshape(N, H, W, C), 3, 1)
    return dx, dgamma, dbeta
