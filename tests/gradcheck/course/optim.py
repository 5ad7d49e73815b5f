"""
Update rules of first order. Each is a function

    next_w, config = rule(w, dw, config)

- w: an array of weights
- dw: the gradient of the loss with respect to w, an array of the same shape
- config: dict of settings such as the learning rate, and of what the rule keeps between steps

What is not in config gets its default, and config is filled for the next call.
"""

import numpy as np


def sgd(w, dw, config=None):
    """
    Plain stochastic gradient descent.

    config:
    - learning_rate: a number
    """
    config = {} if config is None else config
    config.setdefault("learning_rate", 1e-2)
    w -= config["learning_rate"] * dw
    return w, config


def sgd_momentum(w, dw, config=None):
    """
    Stochastic gradient descent with momentum.

    config:
    - learning_rate: a number
    - momentum: a number between 0 and 1; 0 gives plain descent
    - velocity: array of the shape of w, where the steps are averaged
    """
    config = {} if config is None else config
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("momentum", 0.9)
    velocity = config.get("velocity", np.zeros_like(w))
    velocity = config["momentum"] * velocity - config["learning_rate"] * dw
    config["velocity"] = velocity
    return w + velocity, config


def sgd_nesterov_momentum(w, dw, config=None):
    """
    Stochastic gradient descent with Nesterov's momentum.

    config:
    - learning_rate: a number
    - momentum: a number between 0 and 1
    - velocity: array of the shape of w
    """
    config = {} if config is None else config
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("momentum", 0.9)
    before = config.get("velocity", np.zeros_like(w))
    velocity = config["momentum"] * before - config["learning_rate"] * dw
    config["velocity"] = velocity
    return w + velocity + config["momentum"] * (velocity - before), config


def adagrad(w, dw, config=None):
    """
    Every weight has its own learning rate, which falls with the sum of its squared gradients.

    config:
    - learning_rate: a number
    - epsilon: a small number, against a division by zero
    - a: array of the shape of w, the sum of squared gradients
    """
    config = {} if config is None else config
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("epsilon", 1e-7)
    config["a"] = config.get("a", np.zeros_like(w)) + dw**2
    step = dw / (np.sqrt(config["a"]) + config["epsilon"])
    return w - config["learning_rate"] * step, config


def rmsprop(w, dw, config=None):
    """
    Every weight has its own learning rate, by a moving average of its squared gradients.

    config:
    - learning_rate: a number
    - decay_rate: how much of the average is kept at each step
    - epsilon: a small number, against a division by zero
    - cache: array of the shape of w, the average
    """
    config = {} if config is None else config
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("decay_rate", 0.99)
    config.setdefault("epsilon", 1e-8)
    decay = config["decay_rate"]
    config["cache"] = decay * config.get("cache", np.zeros_like(w)) + (1 - decay) * dw**2
    step = dw / (np.sqrt(config["cache"]) + config["epsilon"])
    return w - config["learning_rate"] * step, config


def adam(w, dw, config=None):
    """
    Moving averages of the gradient and of its square, both corrected for having started at zero.

    config:
    - learning_rate: a number
    - beta1: how much of the average gradient is kept at each step
    - beta2: how much of the average square is kept at each step
    - epsilon: a small number, against a division by zero
    - m: array of the shape of w, the average gradient
    - v: array of the shape of w, the average square
    - t: number of the step
    """
    config = {} if config is None else config
    config.setdefault("learning_rate", 1e-3)
    config.setdefault("beta1", 0.9)
    config.setdefault("beta2", 0.999)
    config.setdefault("epsilon", 1e-8)
    beta1, beta2 = config["beta1"], config["beta2"]
    config["t"] = config.get("t", 0) + 1
    config["m"] = beta1 * config.get("m", np.zeros_like(w)) + (1 - beta1) * dw
    config["v"] = beta2 * config.get("v", np.zeros_like(w)) + (1 - beta2) * dw**2
    m = config["m"] / (1 - beta1 ** config["t"])
    v = config["v"] / (1 - beta2 ** config["t"])
    return w - config["learning_rate"] * m / (np.sqrt(v) + config["epsilon"]), config
