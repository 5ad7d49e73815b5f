"""Pooling and convolution, with loops and with columns."""

import numpy as np

from benchmarks.idioms.idiom import Idiom, normal


def maxpool_forward(x):
    N, C, H, W = x.shape
    out = np.zeros((N, C, H // 2, W // 2))
    for i in range(H // 2):
        for j in range(W // 2):
            out[:, :, i, j] = x[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max(axis=(2, 3))
    return out, x


def maxpool_backward(dout, cache):
    x = cache
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dout.shape):
        window = x[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        a, b = np.unravel_index(window.argmax(), window.shape)  # of several, the first
        dx[n, c, 2 * i + a, 2 * j + b] = dout[n, c, i, j]
    return dx


def tiled_maxpool_forward(x):
    N, C, H, W = x.shape
    tiles = x.reshape(N, C, H // 2, 2, W // 2, 2)
    out = tiles.max(axis=(3, 5))
    return out, tiles == out[:, :, :, None, :, None]


def tiled_maxpool_backward(dout, cache):
    shares = cache / cache.sum(axis=(3, 5), keepdims=True)  # of several, all alike
    N, C, H, _, W, _ = cache.shape
    return (shares * dout[:, :, :, None, :, None]).reshape(N, C, 2 * H, 2 * W)


def avgpool_forward(x):
    return x.mean(axis=(2, 3)), x.shape


def avgpool_backward(dout, cache):
    H, W = cache[2:]
    return np.broadcast_to(dout[:, :, None, None] / (H * W), cache)


def im2col(x, size):
    N, rows, cols = len(x), x.shape[2] - size + 1, x.shape[3] - size + 1
    patches = [
        x[:, :, i : i + size, j : j + size].reshape(N, -1) for i in range(rows) for j in range(cols)
    ]
    return np.stack(patches, axis=1)  # (N, rows * cols, C * size * size)


def col2im(columns, shape, size):
    x = np.zeros(shape)
    cols = shape[3] - size + 1
    for k in range(columns.shape[1]):
        i, j = divmod(k, cols)
        x[:, :, i : i + size, j : j + size] += columns[:, k].reshape(-1, shape[1], size, size)
    return x


def conv_forward(x, w, b):
    F, _, size, _ = w.shape
    columns = im2col(x, size)
    out = columns @ w.reshape(F, -1).T + b  # (N, rows * cols, F)
    rows, cols = x.shape[2] - size + 1, x.shape[3] - size + 1
    return out.transpose(0, 2, 1).reshape(len(x), F, rows, cols), (columns, x.shape, w)


def conv_backward(dout, cache):
    columns, shape, w = cache
    F, _, size, _ = w.shape
    d = dout.reshape(len(dout), F, -1).transpose(0, 2, 1)  # (N, rows * cols, F)
    dw = np.einsum("npf,npk->fk", d, columns).reshape(w.shape)
    return col2im(d @ w.reshape(F, -1), shape, size), dw, d.sum(axis=(0, 1))


def padded_conv_forward(x, w, conv_param):
    pad, stride = conv_param["pad"], conv_param["stride"]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    size = w.shape[2]
    rows = (padded.shape[2] - size) // stride + 1
    cols = (padded.shape[3] - size) // stride + 1
    out = np.zeros((len(x), len(w), rows, cols))
    for i in range(rows):
        for j in range(cols):
            patch = padded[:, :, i * stride : i * stride + size, j * stride : j * stride + size]
            out[:, :, i, j] = np.tensordot(patch, w, axes=([1, 2, 3], [1, 2, 3]))
    return out, (padded, w, pad, stride)


def padded_conv_backward(dout, cache):
    padded, w, pad, stride = cache
    size = w.shape[2]
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            at = np.s_[:, :, i * stride : i * stride + size, j * stride : j * stride + size]
            dw += np.tensordot(dout[:, :, i, j], padded[at], axes=(0, 0))
            dpadded[at] += np.tensordot(dout[:, :, i, j], w, axes=(1, 0))
    return dpadded[:, :, pad:-pad, pad:-pad], dw


def signal_forward(x, kernel):
    return np.convolve(x, kernel, mode="valid"), (x, kernel)


def signal_backward(dout, cache):
    x, kernel = cache
    dkernel = np.correlate(x, dout, mode="valid")[::-1]
    return np.convolve(dout, kernel[::-1], mode="full"), dkernel


def upsample_forward(x):
    return x.repeat(2, axis=2).repeat(2, axis=3), None


def upsample_backward(dout, cache):
    N, C, H, W = dout.shape
    return dout.reshape(N, C, H // 2, 2, W // 2, 2).sum(axis=(3, 5))


def channels_last_forward(x, w, b):
    return x @ w + b, (x, w)


def channels_last_backward(dout, cache):
    x, w = cache
    return dout @ w.T, np.tensordot(x, dout, axes=([0, 1, 2], [0, 1, 2])), dout.sum((0, 1, 2))


def pixels_with_ties(rng):
    return (rng.integers(0, 3, (2, 2, 4, 4)).astype(float),)


def strided(rng):
    x, w = normal((2, 2, 5, 5), (2, 2, 3, 3))(rng)
    return x, w, {"pad": 1, "stride": 2}


IDIOMS = [
    Idiom("maximum of windows, in loops", normal((2, 2, 4, 4)), maxpool_forward, maxpool_backward),
    Idiom(
        "maximum of windows with ties, to the first",
        pixels_with_ties,
        maxpool_forward,
        maxpool_backward,
        on_kinks=True,
    ),
    Idiom(
        "maximum of tiles with ties, shared",
        pixels_with_ties,
        tiled_maxpool_forward,
        tiled_maxpool_backward,
        on_kinks=True,
    ),
    Idiom(
        "mean of an image, broadcast back", normal((2, 3, 4, 4)), avgpool_forward, avgpool_backward
    ),
    Idiom(
        "convolution by columns", normal((2, 2, 4, 4), (3, 2, 2, 2), 3), conv_forward, conv_backward
    ),
    Idiom(
        "convolution with a dict of settings", strided, padded_conv_forward, padded_conv_backward
    ),
    Idiom("convolution of one signal", normal(9, 3), signal_forward, signal_backward),
    Idiom("pixels repeated", normal((2, 2, 3, 3)), upsample_forward, upsample_backward),
    Idiom(
        "channels last",
        normal((2, 3, 3, 4), (4, 2), 2),
        channels_last_forward,
        channels_last_backward,
    ),
]
