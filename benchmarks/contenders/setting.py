"""The arrays that all contenders work on: the same numbers for the same case."""

from itertools import pairwise

import numpy as np

LR = {"sgd": 0.01, "momentum": 0.01, "rmsprop": 1e-4, "adam": 1e-4}


def learning_rate(case):
    return case.get("lr", LR[case.get("rule", "sgd")])


def arrays(case):
    """x, dout and, for losses and networks, labels y."""
    rng = np.random.default_rng(0)
    shape = case.get("shape") or (case["batch"], case["sizes"][0])
    x = rng.standard_normal(shape).astype(case["dtype"])
    dout = rng.standard_normal(shape).astype(case["dtype"])
    classes = case["sizes"][-1] if "sizes" in case else shape[1]
    return x, dout, rng.integers(classes, size=shape[0])


def weights(case):
    """The parameters of a network, a flat list in its order: W (D, M) and b (M,) of each affine
    layer and, after those of a hidden one with batch norm, gamma and beta."""
    rng = np.random.default_rng(case.get("seed", 1))
    found, last = [], len(case["sizes"]) - 2
    for at, (fan_in, fan_out) in enumerate(pairwise(case["sizes"])):
        found.append(rng.standard_normal((fan_in, fan_out)) * (2 / fan_in) ** 0.5)
        found.append(np.zeros(fan_out))
        if case.get("norm") and at < last:
            found += [np.ones(fan_out), np.zeros(fan_out)]
    return [array.astype(case["dtype"]) for array in found]


def pieces(layer):
    """How many pieces a maxout layer has: 2 for "maxout2"; None for other layers."""
    return int(layer[6:]) if layer.startswith("maxout") else None


def affine_weights(case):
    """W (D, M) and b (M,) of a case's affine layer (M = D), or of its maxout layer, the pieces
    side by side (M = D, or less where they do not divide it)."""
    features, count = case["shape"][1], pieces(case["layer"]) or 1
    return weights({**case, "sizes": (features, features // count * count)})
