"""Plain NumPy as a course writes it."""

import numpy as np

from benchmarks.contenders.setting import LR, arrays, pieces, weights

VERSION = f"NumPy {np.__version__}"


def make(case):
    return {"layer": layer, "rule": rule, "step": step, "inference": inference}[case["kind"]](case)


def affine(x, dout, W, b):
    return x @ W + b, (dout @ W.T, x.T @ dout, dout.sum(axis=0))


def relu(x, dout):
    return np.maximum(0, x), dout * (x > 0)


def leaky_relu(x, dout):
    return np.where(x > 0, x, 0.01 * x), np.where(x > 0, dout, 0.01 * dout)


def prelu(x, dout, alpha=0.25):
    back = np.where(x > 0, dout, alpha * dout)
    return np.where(x > 0, x, alpha * x), (back, np.where(x > 0, 0, x * dout).sum(axis=0))


def elu(x, dout):
    out = np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1)
    return out, dout * np.where(x > 0, 1, out + 1)


def sigmoid(x, dout):
    out = 1 / (1 + np.exp(-x))
    return out, dout * out * (1 - out)


def tanh(x, dout):
    out = np.tanh(x)
    return out, dout * (1 - out**2)


def softplus(x, dout):
    return np.logaddexp(0, x), dout / (1 + np.exp(-x))


def dropout(x, dout):
    mask = (np.random.default_rng(0).random(x.shape) < 0.5) / 0.5
    mask = mask.astype(x.dtype)
    return x * mask, dout * mask


def mse(x, target):
    return np.mean((x - target) ** 2), 2 * (x - target) / x.size


def softmax_ce(x, y):
    shifted = np.exp(x - x.max(axis=1, keepdims=True))
    p = shifted / shifted.sum(axis=1, keepdims=True)
    rows = np.arange(len(x))
    loss = -np.log(p[rows, y]).mean()
    p[rows, y] -= 1
    return loss, p / len(x)


def batchnorm_forward(x, eps=1e-5):
    axes = (0, *range(2, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    rstd = 1 / np.sqrt(var + eps)
    return (x - mean) * rstd, rstd


def batchnorm_backward(dout, xhat, rstd):
    axes = (0, *range(2, dout.ndim))
    dgamma = (dout * xhat).sum(axis=axes, keepdims=True)
    dbeta = dout.sum(axis=axes, keepdims=True)
    m = dout.size // dout.shape[1]
    return rstd * (dout - dbeta / m - xhat * dgamma / m), dgamma, dbeta


def batchnorm(x, dout):
    xhat, rstd = batchnorm_forward(x)
    return xhat, batchnorm_backward(dout, xhat, rstd)


def maxout(x, dout, W, b, count):
    z = (x @ W + b).reshape(len(x), count, -1)
    winner = z.argmax(axis=1)[:, None]
    dz = np.zeros_like(z)
    np.put_along_axis(dz, winner, dout[:, None], axis=1)
    dz = dz.reshape(len(x), -1)
    return np.take_along_axis(z, winner, axis=1), (dz @ W.T, x.T @ dz, dz.sum(axis=0))


def layer(case):
    x, dout, y = arrays(case)
    name, count = case["layer"], pieces(case["layer"])
    W = np.ones((x.shape[1], x.shape[1]), x.dtype)
    b = np.zeros(x.shape[1], x.dtype)
    if count:
        part = np.ascontiguousarray(dout[:, : x.shape[1] // count])
        W, b = W[:, : part.shape[1] * count].copy(), b[: part.shape[1] * count]
        return lambda: maxout(x, part, W, b, count)
    if name == "affine":
        return lambda: affine(x, dout, W, b)
    function = globals()[name]
    return lambda: function(x, y if name == "softmax_ce" else dout)


def rule(case):
    params = weights(case)
    return updates(case["rule"], params, [1e-3 * np.ones_like(array) for array in params])


def updates(name, params, grads):
    """A function that takes a step of a rule on all parameters."""
    lr, count = LR[name], [0]
    first, second = ([np.zeros_like(array) for array in params] for _ in range(2))

    def run():
        count[0] += 1
        t = count[0]
        for w, dw, v, s in zip(params, grads, first, second, strict=True):
            if name == "sgd":
                w -= lr * dw
            elif name == "momentum":
                v[...] = 0.9 * v - lr * dw
                w += v
            elif name == "rmsprop":
                s[...] = 0.99 * s + 0.01 * dw**2
                w -= lr * dw / (np.sqrt(s) + 1e-8)
            else:
                v[...] = 0.9 * v + 0.1 * dw
                s[...] = 0.999 * s + 0.001 * dw**2
                w -= lr * (v / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)

    return run


def step(case):
    x, _, y = arrays(case)
    params = weights(case)
    norms = [np.ones(width, x.dtype) for width in case["sizes"][1:-1] for _ in "gb"]
    params += norms if case["norm"] else []
    grads = [np.zeros_like(array) for array in params]
    depth = len(case["sizes"]) - 1
    update = updates(case["rule"], params, grads)

    def run():
        a, caches = x, []
        for at in range(depth):
            z = a @ params[2 * at] + params[2 * at + 1]
            own = (a, z, None, None)
            if at < depth - 1:
                if case["norm"]:
                    xhat, rstd = batchnorm_forward(z)
                    gamma, beta = params[2 * (depth + at)], params[2 * (depth + at) + 1]
                    z = gamma * xhat + beta
                    own = (a, z, xhat, rstd)
                a = np.maximum(0, z)
            caches.append(own)
        _, d = softmax_ce(z, y)
        for at in reversed(range(depth)):
            a, z, xhat, rstd = caches[at]
            if at < depth - 1:
                d = d * (z > 0)
                if case["norm"]:
                    d, dgamma, dbeta = batchnorm_backward(d, xhat, rstd)
                    grads[2 * (depth + at)][...] = dgamma[0]
                    grads[2 * (depth + at) + 1][...] = dbeta[0]
            grads[2 * at][...] = a.T @ d
            grads[2 * at + 1][...] = d.sum(axis=0)
            d = d @ params[2 * at].T
        update()

    return run


def inference(case):
    x, _, _ = arrays(case)
    params = weights(case)

    def run():
        a = x
        for at in range(0, len(params) - 2, 2):
            a = np.maximum(0, a @ params[at] + params[at + 1])
        (a @ params[-2] + params[-1]).argmax(axis=1)

    return run
