"""HIPS autograd: NumPy, recorded while it runs; backward, float32 goes over to float64."""

import autograd.numpy as np
from autograd import elementwise_grad, grad

from benchmarks.contenders.setting import arrays, learning_rate, weights
from benchmarks.contenders.textbook import updates

LAYERS = {
    "relu": lambda x: np.maximum(0, x),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "softplus": lambda x: np.logaddexp(0, x),
}


def cross_entropy(scores, y):
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(y)), y])


def make(case):
    x, dout, y = arrays(case) if case["kind"] in ("layer", "step") else (None, None, None)
    if case["kind"] == "layer" and case["layer"] in LAYERS:
        both = elementwise_grad(LAYERS[case["layer"]])
        return lambda: {"dx": dout * both(x)}
    if case["kind"] == "layer" and case["layer"] in ("softmax_ce", "mse"):
        if case["layer"] == "mse":
            one = grad(lambda x: np.mean((x - dout) ** 2))
        else:
            one = grad(lambda x: cross_entropy(x, y))
        return lambda: {"dx": one(x)}
    if case["kind"] == "step" and not case["norm"]:
        return step(case, x, y)
    return None


def step(case, x, y):
    params = weights(case)
    grads = [array.copy() for array in params]
    update = updates(case["rule"], learning_rate(case), params, grads)

    def loss(params):
        a = x
        for at in range(0, len(params) - 2, 2):
            a = np.maximum(0, np.dot(a, params[at]) + params[at + 1])
        return cross_entropy(np.dot(a, params[-2]) + params[-1], y)

    derive = grad(loss)

    def run():
        for own, found in zip(grads, derive(params), strict=True):
            own[...] = found
        return update()

    return run
