"""The arrays that all contenders work on: the same numbers for the same case."""

import numpy as np


def arrays(case):
    """x, dout and, for losses and networks, labels y."""
    rng = np.random.default_rng(0)
    shape = case.get("shape") or (case["batch"], case["sizes"][0])
    x = rng.standard_normal(shape).astype(case["dtype"])
    dout = rng.standard_normal(shape).astype(case["dtype"])
    classes = case["sizes"][-1] if "sizes" in case else shape[1]
    return x, dout, rng.integers(classes, size=shape[0])


def weights(case):
    """The matrices and biases of a network, as a flat list W1, b1, W2, b2, …"""
    rng = np.random.default_rng(1)
    found = []
    for fan_in, fan_out in zip(case["sizes"][:-1], case["sizes"][1:], strict=True):
        found.append((rng.standard_normal((fan_in, fan_out)) * (2 / fan_in) ** 0.5))
        found.append(np.zeros(fan_out))
    return [array.astype(case["dtype"]) for array in found]


def pieces(layer):
    """How many pieces a maxout layer has: 2 for "maxout2"; None for other layers."""
    return int(layer[6:]) if layer.startswith("maxout") else None


LR = {"sgd": 0.01, "momentum": 0.01, "rmsprop": 1e-4, "adam": 1e-4}
