"""Convolution as CS231n's fast layer does it: a strided view, a copy, one product."""

import numpy as np

from benchmarks.contenders.images.setting import convolution_arrays, wants_dx


def padded(x, pad):
    return np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))


def im2col(x, k, stride):
    """The windows of images x, with their border, as columns: (C k k, N H' W')."""
    N, C, H, W = x.shape
    rows, columns = (H - k) // stride + 1, (W - k) // stride + 1
    n, c, h, w = x.strides
    view = np.lib.stride_tricks.as_strided(
        x, (C, k, k, N, rows, columns), (c, h, w, n, stride * h, stride * w)
    )
    return np.ascontiguousarray(view).reshape(C * k * k, N * rows * columns)


def col2im(cols, shape, k, stride, pad):
    """The columns added up where they were taken from: images (N, C, H, W) of this shape."""
    N, C, H, W = shape
    dx = np.zeros((N, C, H + 2 * pad, W + 2 * pad), cols.dtype)
    rows, columns = (H + 2 * pad - k) // stride + 1, (W + 2 * pad - k) // stride + 1
    cols = cols.reshape(C, k, k, N, rows, columns).transpose(3, 0, 1, 2, 4, 5)
    for u in range(k):
        for v in range(k):
            last = u + stride * rows, v + stride * columns
            dx[:, :, u : last[0] : stride, v : last[1] : stride] += cols[:, :, u, v]
    return dx[:, :, pad : pad + H, pad : pad + W]


def conv_forward(x, W, b, stride, pad):
    """out, and the columns for the backward pass."""
    F, _, k, _ = W.shape
    x = padded(x, pad)
    cols = im2col(x, k, stride)
    rows, columns = (x.shape[2] - k) // stride + 1, (x.shape[3] - k) // stride + 1
    out = W.reshape(F, -1) @ cols + b[:, np.newaxis]
    out = out.reshape(F, len(x), rows, columns).transpose(1, 0, 2, 3)
    return np.ascontiguousarray(out), cols


def conv_backward(dout, cols, shape, W, stride, pad, with_dx=True):
    """dx (None where it is not asked for), dW and db."""
    F, _, k, _ = W.shape
    db = dout.sum(axis=(0, 2, 3))
    dout = dout.transpose(1, 0, 2, 3).reshape(F, -1)
    dW = (dout @ cols.T).reshape(W.shape)
    dx = col2im(W.reshape(F, -1).T @ dout, shape, k, stride, pad) if with_dx else None
    return dx, dW, db


def convolution(case):
    x, W, b, dout = convolution_arrays(case)
    stride, pad, groups, with_dx = case["stride"], case["pad"], case["groups"], wants_dx(case)
    x, dout = np.split(x, groups, axis=1), np.split(dout, groups, axis=1)
    W, b = np.split(W, groups), np.split(b, groups)

    def run():
        outs, backs = [], []
        for own_x, own_W, own_b, own_dout in zip(x, W, b, dout, strict=True):
            out, cols = conv_forward(own_x, own_W, own_b, stride, pad)
            outs.append(out)
            backs.append(conv_backward(own_dout, cols, own_x.shape, own_W, stride, pad, with_dx))
        dx, dW, db = zip(*backs, strict=True)
        found = {"out": joined(outs, 1), "grads": [joined(dW, 0), joined(db, 0)]}
        return {**found, "dx": joined(dx, 1)} if with_dx else found

    return run


def joined(parts, axis):
    """The groups side by side."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis)
