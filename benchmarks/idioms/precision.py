"""Forward passes that compute in float32 or float16 inside, or take nothing else."""

import numpy as np

from benchmarks.idioms.idiom import Idiom, normal

half, single = np.float16, np.float32


def tanh_forward(x):
    out = np.tanh(x.astype(single))
    return out, out


def tanh_backward(dout, cache):
    return dout.astype(single) * (1 - cache * cache)


def there_and_back_forward(x):
    out = 1 / (1 + np.exp(-x.astype(single)))
    return out.astype(x.dtype), out


def there_and_back_backward(dout, cache):
    return dout * (cache * (1 - cache)).astype(dout.dtype)


def half_forward(x):
    x = x.astype(half)
    return x / (1 + np.abs(x)), x


def half_backward(dout, cache):
    return dout.astype(half) / (1 + np.abs(cache)) ** half(2)


def buffer_forward(x, w, b):
    out = np.zeros((len(x), w.shape[1]), dtype=single)
    out += (x @ w).astype(single)
    out += b.astype(single)
    return out, (x, w)


def buffer_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)


def matmul_forward(a, b):
    out = np.zeros((a.shape[0], b.shape[1]), single)
    for k in range(a.shape[1]):  # accumulates in float32
        out += np.outer(a[:, k], b[k]).astype(single)
    return out, (a, b)


def matmul_backward(dout, cache):
    a, b = cache
    return dout @ b.T, a.T @ dout


TABLE = np.sin(np.linspace(-6, 6, 25, dtype=single))
STEP = single(0.5)


def lookup_forward(x):
    """About a sine: lines between the entries of a table in float32."""
    place = (x.astype(single) + single(6)) / STEP
    left = np.floor(place).astype(int)
    share = place - left.astype(single)
    return TABLE[left] * (1 - share) + TABLE[left + 1] * share, left


def lookup_backward(dout, cache):
    return dout * (TABLE[cache + 1] - TABLE[cache]) / STEP


def lookup_exact(x):
    table = TABLE.astype(np.float64)
    place = (x + 6) / 0.5
    left = np.floor(place).astype(int)
    return table[left] * (1 - (place - left)) + table[left + 1] * (place - left)


class Projection:
    """Multiplies by a matrix that was loaded in float32, and is fixed."""

    def __init__(self):
        self.table = np.random.default_rng(0).normal(size=(4, 3)).astype(single)

    def forward(self, x, train=True):
        return x.astype(single) @ self.table, None

    def backward(self, dout, cache):
        return dout @ self.table.T, {}


def project(x):
    return x @ Projection().table.astype(np.float64)


def rms_forward(x, gamma):
    y = x.astype(single)
    rms = np.sqrt(np.mean(y * y, axis=-1, keepdims=True) + single(1e-6))
    return (y / rms).astype(x.dtype) * gamma, (y / rms, rms, gamma)


def rms_backward(dout, cache):
    normed, rms, gamma = cache
    dnormed = dout * gamma
    dx = (dnormed - normed * np.mean(dnormed * normed, axis=-1, keepdims=True)) / rms
    return dx, np.sum(dout * normed, axis=0)


def rms_exact(x, gamma):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-6) * gamma


def only_single(x):
    if x.dtype != single:
        raise TypeError(f"expected float32, got {x.dtype}")


def kernel_forward(x):
    only_single(x)
    return x * x * x, x


def kernel_backward(dout, cache):
    only_single(dout)
    return dout * single(3) * cache * cache


def softmax_forward(x):
    only_single(x)
    e = np.exp(x - x.max(axis=1, keepdims=True))
    out = e / e.sum(axis=1, keepdims=True)
    return out, out


def softmax_backward(dout, cache):
    only_single(dout)
    return cache * (dout - np.sum(dout * cache, axis=1, keepdims=True))


def softmax_exact(x):
    return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)


def float_loss_forward(x):
    difference = x.astype(single) - single(0.5)
    return float(np.mean(difference**2)), difference


def float_loss_backward(dout, cache):
    return single(dout) * single(2) * cache / single(cache.size)


def between_entries(rng):
    return (rng.integers(-8, 8, (5, 4)) / 2 + rng.uniform(0.1, 0.4, (5, 4)),)


def in_single(*shapes):
    return lambda rng: tuple(x.astype(single) for x in normal(*shapes)(rng))


IDIOMS = [
    Idiom(
        "computes in float32, answers in it",
        normal((5, 4)),
        tanh_forward,
        tanh_backward,
        exact=np.tanh,
        precision=single,
    ),
    Idiom(
        "computes in float32, answers in the dtype of x",
        normal((5, 4)),
        there_and_back_forward,
        there_and_back_backward,
        exact=lambda x: 1 / (1 + np.exp(-x)),
        precision=single,
    ),
    Idiom(
        "computes in float16",
        normal((5, 4)),
        half_forward,
        half_backward,
        exact=lambda x: x / (1 + np.abs(x)),
        precision=half,
    ),
    Idiom(
        "a result in zeros of float32",
        normal((5, 4), (4, 3), 3),
        buffer_forward,
        buffer_backward,
        exact=lambda x, w, b: x @ w + b,
        precision=single,
    ),
    Idiom(
        "a product summed up in float32",
        normal((5, 4), (4, 3)),
        matmul_forward,
        matmul_backward,
        exact=np.matmul,
        precision=single,
    ),
    Idiom(
        "looked up in a table of float32",
        between_entries,
        lookup_forward,
        lookup_backward,
        exact=lookup_exact,
        precision=single,
    ),
    Idiom(
        "weights loaded in float32",
        normal((5, 4)),
        layer=Projection,
        exact=project,
        precision=single,
    ),
    Idiom(
        "a normalisation in float32 inside",
        normal((5, 4), 4),
        rms_forward,
        rms_backward,
        exact=rms_exact,
        precision=single,
    ),
    Idiom(
        "takes float32 alone",
        in_single((5, 4)),
        kernel_forward,
        kernel_backward,
        exact=lambda x: x**3,
        precision=single,
    ),
    Idiom(
        "softmax that takes float32 alone",
        in_single((5, 4)),
        softmax_forward,
        softmax_backward,
        exact=softmax_exact,
        precision=single,
    ),
    Idiom(
        "a loss in float32, returned as a float",
        normal((5, 4)),
        float_loss_forward,
        float_loss_backward,
        exact=lambda x: np.mean((x - 0.5) ** 2),
        precision=single,
    ),
]
