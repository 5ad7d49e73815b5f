"""Plain NumPy as a course writes it."""

import numpy as np

from benchmarks.contenders.images import textbook as images
from benchmarks.contenders.images.setting import batch, image_weights
from benchmarks.contenders.ours import LOSSES, layer_of
from benchmarks.contenders.setting import affine_weights, arrays, learning_rate, pieces, weights


def make(case):
    kinds = {"layer": layer, "rule": rule, "step": step, "inference": inference, "check": check}
    kinds |= {**images.KINDS, "image_step": image_step}
    return kinds[case["kind"]](case)


def affine(x, dout, W, b):
    return x @ W + b, dout @ W.T, x.T @ dout, dout.sum(axis=0)


def relu(x, dout):
    return np.maximum(0, x), dout * (x > 0)


def leaky_relu(x, dout):
    return np.where(x > 0, x, 0.01 * x), np.where(x > 0, dout, 0.01 * dout)


def prelu(x, dout, alpha=0.25):
    back = np.where(x > 0, dout, alpha * dout)
    return np.where(x > 0, x, alpha * x), back, np.where(x > 0, 0, x * dout).sum(axis=0)


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
    return xhat, *batchnorm_backward(dout, xhat, rstd)


def maxout(x, dout, W, b, count):
    z = (x @ W + b).reshape(len(x), count, -1)
    winner = z.argmax(axis=1)[:, None]
    dz = np.zeros_like(z)
    np.put_along_axis(dz, winner, dout[:, None], axis=1)
    dz = dz.reshape(len(x), -1)
    return np.take_along_axis(z, winner, axis=1)[:, 0], dz @ W.T, x.T @ dz, dz.sum(axis=0)


def layer(case):
    x, dout, y = arrays(case)
    name, count = case["layer"], pieces(case["layer"])
    inputs = (x, y if name == "softmax_ce" else dout)
    function = globals()["maxout" if count else name]
    if count:
        part = np.ascontiguousarray(dout[:, : x.shape[1] // count])
        inputs = (x, part, *affine_weights(case), count)
    elif name == "affine":
        inputs = (x, dout, *affine_weights(case))

    def run():
        out, dx, *grads = function(*inputs)
        return {"out": out, "dx": dx, "grads": grads}

    return run


def check(case):
    """CS231n's recipe on a layer of ours: the gradient of each input and parameter, entry by
    entry, by central differences, and the largest relative error."""
    x, dout, y = arrays(case)
    one = layer_of(case)
    inputs = (x, y) if case["layer"] in LOSSES else (x,)
    dout = np.ones(()) if case["layer"] in LOSSES else dout

    def run():
        _, cache = one.forward(*inputs)
        dx, grads = one.backward(dout, cache)
        pairs = [(x, dx), *((one.params[name], dw) for name, dw in grads.items())]
        worst = max(error_of(array, found, one, inputs, dout) for array, found in pairs)
        return {"passed": worst < 1e-4}

    return run


def error_of(array, found, one, inputs, dout, h=1e-5):
    numeric = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + h
        high, _ = one.forward(*inputs)
        array[index] = kept - h
        low, _ = one.forward(*inputs)
        array[index] = kept
        numeric[index] = np.sum((high - low) * dout) / (2 * h)
    return np.max(abs(found - numeric) / np.maximum(1e-8, abs(found) + abs(numeric)))


def rule(case):
    params = weights(case)
    grads = [1e-3 * np.ones_like(array) for array in params]
    return updates(case["rule"], learning_rate(case), params, grads)


def updates(name, lr, params, grads):
    """A function that takes a step of a rule on all parameters."""
    count = [0]
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
        return {"params": params}

    return run


def step(case):
    x, _, y = arrays(case)
    params = weights(case)
    grads = [np.zeros_like(array) for array in params]
    update = updates(case["rule"], learning_rate(case), params, grads)
    starts = range(0, len(params), 4 if case["norm"] else 2)  # of each layer's parameters

    def run():
        a, caches = x, []
        for at in starts:
            z, xhat, rstd = a @ params[at] + params[at + 1], None, None
            if case["norm"] and at < starts[-1]:
                xhat, rstd = batchnorm_forward(z)
                z = params[at + 2] * xhat + params[at + 3]
            caches.append((a, z, xhat, rstd))
            a = np.maximum(0, z)
        _, d = softmax_ce(z, y)
        for at, (a, z, xhat, rstd) in zip(reversed(starts), reversed(caches), strict=True):
            if at < starts[-1]:
                d = d * (z > 0)
                if case["norm"]:
                    dbeta, dgamma = d.sum(axis=0), (d * xhat).sum(axis=0)
                    d, _, _ = batchnorm_backward(d * params[at + 2], xhat, rstd)
                    grads[at + 2][...], grads[at + 3][...] = dgamma, dbeta
            grads[at][...] = a.T @ d
            grads[at + 1][...] = d.sum(axis=0)
            d = d @ params[at].T
        return update()

    return run


def image_step(case):
    x, y = batch(case)
    params = image_weights(case)
    grads = [np.zeros_like(array) for array in params]
    update = updates(case["rule"], learning_rate(case), params, grads)

    def run():
        found = images.gradients(case["net"], params, x, y, softmax_ce)
        for array, new in zip(grads, found, strict=True):
            array[...] = new
        return update()

    return run


def inference(case):
    x, _, _ = arrays(case)
    params = weights(case)

    def run():
        a = x
        for at in range(0, len(params) - 2, 2):
            a = np.maximum(0, a @ params[at] + params[at + 1])
        return {"labels": (a @ params[-2] + params[-1]).argmax(axis=1)}

    return run
