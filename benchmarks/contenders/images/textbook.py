"""Images as a course treats them. Convolution is a strided view, a copy and one product, as in
CS231n's fast layer; pooling without overlap is a matter of shapes, else a column per window."""

from typing import Any

import numpy as np

from benchmarks.contenders.images.setting import (
    NETS,
    convolution_arrays,
    image_arrays,
    wants_dx,
)


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


# Below, a function returns its output, and a function from dout to dx and the list of gradients.


def max_pool(x, size=2, stride=2, pad=0):
    N, C, H, W = x.shape
    if size == stride and not pad and H % size == W % size == 0:
        tiles = x.reshape(N, C, H // size, size, W // size, size)
        out = tiles.max(axis=3).max(axis=4)
        mask = tiles == out[:, :, :, np.newaxis, :, np.newaxis]

        def back(dout):
            dtiles = mask * dout[:, :, :, np.newaxis, :, np.newaxis]
            return dtiles.reshape(x.shape), []

        return out, back
    bordered = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), constant_values=-np.inf)
    cols = im2col(bordered.reshape(N * C, 1, *bordered.shape[2:]), size, stride)
    winner, places = cols.argmax(axis=0), np.arange(cols.shape[1])

    def back_from_columns(dout):
        dcols = np.zeros_like(cols)
        dcols[winner, places] = dout.ravel()
        return col2im(dcols, (N * C, 1, H, W), size, stride, pad).reshape(x.shape), []

    rows, columns = ((side + 2 * pad - size) // stride + 1 for side in (H, W))
    return cols[winner, places].reshape(N, C, rows, columns), back_from_columns


def average_pool(x, size):
    N, C, H, W = x.shape
    out = x.reshape(N, C, H // size, size, W // size, size).mean(axis=(3, 5))

    def back(dout):
        return dout.repeat(size, axis=2).repeat(size, axis=3) / size**2, []

    return out, back


def global_average(x):
    def back(dout):
        pixels = x.shape[2] * x.shape[3]
        return np.broadcast_to(dout[:, :, np.newaxis, np.newaxis] / pixels, x.shape), []

    return x.mean(axis=(2, 3)), back


def normed(x, axes, eps=1e-5):
    """x̂, and a function from its gradient to dx."""
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    rstd = 1 / np.sqrt(var + eps)
    xhat = (x - mean) * rstd

    def back(d):
        mean, slope = d.mean(axis=axes, keepdims=True), (d * xhat).mean(axis=axes, keepdims=True)
        return rstd * (d - mean - xhat * slope)

    return xhat, back


def norm(x, gamma, beta, groups=None):
    """Batch norm, or group norm where there are groups."""
    N, C, H, W = x.shape
    gamma, beta = gamma[:, np.newaxis, np.newaxis], beta[:, np.newaxis, np.newaxis]
    if groups:
        xhat, back_from = normed(x.reshape(N, groups, C // groups, H, W), (2, 3, 4))
    else:
        xhat, back_from = normed(x, (0, 2, 3))
    shape, xhat = xhat.shape, xhat.reshape(x.shape)

    def back(dout):
        dx = back_from((dout * gamma).reshape(shape)).reshape(x.shape)
        return dx, [(dout * xhat).sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2, 3))]

    return gamma * xhat + beta, back


def layer(case):
    x, dout = image_arrays(case)
    name, inputs = case["layer"], [x]
    function: Any = global_average
    if name == "groupnorm":
        ones = np.ones(x.shape[1], x.dtype)
        function, inputs = norm, [x, ones, 0 * ones, case["groups"]]
    elif name == "max pool":
        function, inputs = max_pool, [x, case["size"], case["stride"], case["pad"]]
    elif name == "average pool":
        function, inputs = average_pool, [x, case["size"]]

    def run():
        out, back = function(*inputs)
        dx, grads = back(dout)
        return {"out": out, "dx": dx, "grads": grads}

    return run


def conv(x, W, b, stride, pad):
    out, cols = conv_forward(x, W, b, stride, pad)

    def back(dout):
        dx, *grads = conv_backward(dout, cols, x.shape, W, stride, pad)
        return dx, grads

    return out, back


def affine(x, W, b):
    return x @ W + b, lambda dout: (dout @ W.T, [x.T @ dout, dout.sum(axis=0)])


def relu(x):
    return np.maximum(0, x), lambda dout: (dout * (x > 0), [])


def flattened(x):
    return x.reshape(len(x), -1), lambda dout: (dout.reshape(x.shape), [])


PLAIN = {"relu": relu, "pool": max_pool, "flatten": flattened, "average": global_average}


def through(stages, params, x):
    """The output of stages, and a function from dout to dx and the gradients of their params."""
    backs: list[Any] = []
    for kind, *settings in stages:
        if kind == "conv":
            (F, *_), stride, pad, biased = settings
            W = next(params)
            x, back = conv(x, W, next(params) if biased else np.zeros(F, x.dtype), stride, pad)
            backs.append(back if biased else without_bias(back))
            continue
        if kind == "residual":
            inner, shortcut = settings
            x, back = past(inner, shortcut, params, x)
        elif kind in PLAIN:
            x, back = PLAIN[kind](x)
        else:
            x, back = (norm if kind == "norm" else affine)(x, next(params), next(params))
        backs.append(back)

    def all_back(d):
        grads: list[Any] = []
        for back in reversed(backs):
            d, own = back(d)
            grads = own + grads
        return d, grads

    return x, all_back


def without_bias(back):
    def dropped(dout):
        dx, (dW, _) = back(dout)
        return dx, [dW]

    return dropped


def past(inner, shortcut, params, x):
    one, back = through(inner, params, x)
    other, other_back = through(shortcut, params, x)

    def both(dout):
        (dx, grads), (way, more) = back(dout), other_back(dout)
        return dx + way, grads + more

    return one + other, both


def gradients(net, params, x, y, loss):
    """The gradients of the parameters, for a `loss` that returns itself and its gradient."""
    scores, back = through(NETS[net], iter(params), x)
    return back(loss(scores, y)[1])[1]


KINDS = {"convolution": convolution, "first_layer": convolution, "image_layer": layer}
