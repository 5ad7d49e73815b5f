"""Convolution and pooling without loops over images and filters, in several ways. The arguments
are those of the naive layers."""

import numpy as np
from numpy.lib.stride_tricks import as_strided


def out_size(size, field, stride, pad=0):
    """How many receptive fields fit."""
    if (size + 2 * pad - field) % stride:
        raise ValueError(f"fields of {field} with stride {stride} do not fit {size} + 2 * {pad}")
    return (size + 2 * pad - field) // stride + 1


def im2col_indices(shape, HH, WW, stride, pad):
    """Channel, row and column of every entry of every receptive field, each of a shape that
    broadcasts to (C * HH * WW, fields of an image)."""
    _, C, H, W = shape
    fields = np.indices((out_size(H, HH, stride, pad), out_size(W, WW, stride, pad)))
    top, left = stride * fields.reshape(2, -1)
    k, i, j = np.indices((C, HH, WW)).reshape(3, -1, 1)
    return k, i + top, j + left


def im2col(x, HH, WW, stride, pad):
    """All receptive fields as columns: (C * HH * WW, fields of an image * N)."""
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    k, i, j = im2col_indices(x.shape, HH, WW, stride, pad)
    fields = padded[:, k, i, j]
    return fields.transpose(1, 2, 0).reshape(k.shape[0], -1)


def col2im(columns, shape, HH, WW, stride, pad):
    """The transpose of im2col: entries that belong to the same pixel are added."""
    N, C, H, W = shape
    dpadded = np.zeros((N, C, H + 2 * pad, W + 2 * pad), dtype=columns.dtype)
    k, i, j = im2col_indices(shape, HH, WW, stride, pad)
    fields = columns.reshape(k.shape[0], -1, N).transpose(2, 0, 1)
    np.add.at(dpadded, (slice(None), k, i, j), fields)
    return dpadded[:, :, pad : pad + H, pad : pad + W]


def conv_forward_im2col(x, w, b, conv_param):
    """
    Forward pass of a convolution: receptive fields become columns, and one product of matrices
    does the rest.

    Inputs:
    - x: images, of shape (N, C, H, W)
    - w: filters, of shape (F, C, HH, WW)
    - b: biases, of shape (F,)
    - conv_param: dict with the keys stride and pad

    Returns a tuple of:
    - out: of shape (N, F, H', W')
    - cache: what the backward pass needs
    """
    stride, pad = conv_param["stride"], conv_param["pad"]
    F, _, HH, WW = w.shape
    rows = out_size(x.shape[2], HH, stride, pad)
    columns = im2col(x, HH, WW, stride, pad)
    out = w.reshape(F, -1) @ columns + b[:, None]
    out = out.reshape(F, rows, -1, x.shape[0]).transpose(3, 0, 1, 2)
    return out, (x, w, conv_param, columns)


def conv_backward_im2col(dout, cache):
    """
    Backward pass of the convolution by im2col.

    Inputs:
    - dout: upstream gradient, of shape (N, F, H', W')
    - cache: from conv_forward_im2col

    Returns a tuple of:
    - dx: gradient of x
    - dw: gradient of w
    - db: gradient of b
    """
    x, w, conv_param, columns = cache
    F, _, HH, WW = w.shape
    flat = dout.transpose(1, 2, 3, 0).reshape(F, -1)
    dw = (flat @ columns.T).reshape(w.shape)
    dcolumns = w.reshape(F, -1).T @ flat
    dx = col2im(dcolumns, x.shape, HH, WW, conv_param["stride"], conv_param["pad"])
    return dx, dw, flat.sum(axis=1)


def conv_forward_strides(x, w, b, conv_param):
    """
    Forward pass of a convolution: the receptive fields are a view on the padded images, which no
    copy is made of before the product.

    Inputs:
    - x: images, of shape (N, C, H, W)
    - w: filters, of shape (F, C, HH, WW)
    - b: biases, of shape (F,)
    - conv_param: dict with the keys stride and pad

    Returns a tuple of:
    - out: of shape (N, F, H', W')
    - cache: what the backward pass needs
    """
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    _, _, HH, WW = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    n, c, i, j = padded.strides
    fields = as_strided(
        padded,
        (N, out_size(H, HH, stride, pad), out_size(W, WW, stride, pad), C, HH, WW),
        (n, i * stride, j * stride, c, i, j),
        writeable=False,
    )
    out = np.tensordot(fields, w, axes=([3, 4, 5], [1, 2, 3])) + b
    return out.transpose(0, 3, 1, 2), (x.shape, w, conv_param, fields)


def conv_backward_strides(dout, cache):
    """
    Backward pass of the convolution by strides. Returns dx, dw, db.
    """
    shape, w, conv_param, fields = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = shape
    _, _, HH, WW = w.shape
    dw = np.tensordot(dout, fields, axes=([0, 2, 3], [0, 1, 2]))
    dfields = np.tensordot(dout, w, axes=([1], [0])).transpose(0, 3, 1, 2, 4, 5)
    dpadded = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for i in range(HH):
        for j in range(WW):
            rows = slice(i, i + stride * dout.shape[2], stride)
            columns = slice(j, j + stride * dout.shape[3], stride)
            dpadded[:, :, rows, columns] += dfields[..., i, j]
    return dpadded[:, :, pad : pad + H, pad : pad + W], dw, dout.sum(axis=(0, 2, 3))


conv_forward_fast = conv_forward_strides
conv_backward_fast = conv_backward_strides


def max_pool_forward_reshape(x, pool_param):
    """
    Forward pass of max pooling where the regions are square and tile the image: then a reshape is
    enough to have them.

    Inputs:
    - x: images, of shape (N, C, H, W)
    - pool_param: dict with the keys pool_height, pool_width and stride, all of them equal

    Returns a tuple of:
    - out: of shape (N, C, H / stride, W / stride)
    - cache: what the backward pass needs
    """
    side = pool_param["stride"]
    N, C, H, W = x.shape
    if not side == pool_param["pool_height"] == pool_param["pool_width"]:
        raise ValueError("regions have to be square, next to each other")
    if H % side or W % side:
        raise ValueError(f"regions of {side} x {side} do not tile {H} x {W} pixels")
    tiles = x.reshape(N, C, H // side, side, W // side, side)
    out = tiles.max(axis=5).max(axis=3)
    return out, (tiles, out, x.shape)


def max_pool_backward_reshape(dout, cache):
    """
    Backward pass of max pooling of tiles. Where several entries of a tile are the largest, they
    share the gradient equally.

    Inputs:
    - dout: upstream gradient, of the shape of out
    - cache: from max_pool_forward_reshape

    Returns:
    - dx: gradient of x
    """
    tiles, out, shape = cache
    largest = tiles == out[:, :, :, None, :, None]
    shared = dout[:, :, :, None, :, None] / largest.sum(axis=(3, 5), keepdims=True)
    return (largest * shared).reshape(shape)


def max_pool_forward_im2col(x, pool_param):
    """
    Forward pass of max pooling for regions of any size, which become columns.

    Inputs:
    - x: images, of shape (N, C, H, W)
    - pool_param: dict with the keys pool_height, pool_width and stride

    Returns a tuple of:
    - out: of shape (N, C, H', W')
    - cache: what the backward pass needs
    """
    N, C, H, W = x.shape
    height, width = pool_param["pool_height"], pool_param["pool_width"]
    rows = out_size(H, height, pool_param["stride"])
    columns = im2col(x.reshape(N * C, 1, H, W), height, width, pool_param["stride"], 0)
    winners = columns.argmax(axis=0)
    out = columns[winners, np.arange(columns.shape[1])]
    out = out.reshape(rows, -1, N, C).transpose(2, 3, 0, 1)
    return out, (x.shape, winners, columns.shape, pool_param)


def max_pool_backward_im2col(dout, cache):
    """
    Backward pass of max pooling by columns. Returns dx.
    """
    (N, C, H, W), winners, shape, pool_param = cache
    height, width = pool_param["pool_height"], pool_param["pool_width"]
    dcolumns = np.zeros(shape)
    dcolumns[winners, np.arange(shape[1])] = dout.transpose(2, 3, 0, 1).ravel()
    dx = col2im(dcolumns, (N * C, 1, H, W), height, width, pool_param["stride"], 0)
    return dx.reshape(N, C, H, W)


def max_pool_forward_fast(x, pool_param):
    """
    Forward pass of max pooling, by a reshape where the regions are square tiles and by columns
    otherwise.

    Inputs:
    - x: images, of shape (N, C, H, W)
    - pool_param: dict with the keys pool_height, pool_width and stride

    Returns a tuple of:
    - out: of shape (N, C, H', W')
    - cache: what the backward pass needs
    """
    height, width = pool_param["pool_height"], pool_param["pool_width"]
    stride = pool_param["stride"]
    tiled = height == width == stride and x.shape[2] % stride == 0 and x.shape[3] % stride == 0
    method = "reshape" if tiled else "im2col"
    forward = max_pool_forward_reshape if tiled else max_pool_forward_im2col
    out, cache = forward(x, pool_param)
    return out, (method, cache)


def max_pool_backward_fast(dout, cache):
    """
    Backward pass of max pooling, by the method of the forward pass. Returns dx.
    """
    method, cache = cache
    if method == "reshape":
        return max_pool_backward_reshape(dout, cache)
    return max_pool_backward_im2col(dout, cache)
