"""What cannot be avoided: the bare matrix products, or a copy of the same bytes."""

import numpy as np

from benchmarks.contenders.setting import arrays, pieces, weights

VERSION = f"NumPy {np.__version__}"


def make(case):
    return {"layer": layer, "rule": rule, "step": step, "inference": inference}[case["kind"]](case)


def layer(case):
    x, dout, _ = arrays(case)
    if case["layer"] == "affine" or pieces(case["layer"]):
        W = np.ones((x.shape[1], x.shape[1]), x.dtype)

        def run():
            x @ W, dout @ W.T, x.T @ dout

        return run
    if case["layer"] in ("softmax_ce", "mse"):
        return x.copy
    return lambda: (x.copy(), dout.copy())


def rule(case):
    params = weights(case)
    count = {"sgd": 1, "momentum": 2, "rmsprop": 2, "adam": 3}[case["rule"]]
    buffers = [[array.copy() for _ in range(count)] for array in params]

    def run():
        for array, own in zip(params, buffers, strict=True):
            for buffer in own:
                np.copyto(buffer, array)

    return run


def step(case):
    x, _, _ = arrays(case)
    rng = np.random.default_rng(0)
    inputs = [
        rng.standard_normal((case["batch"], width)).astype(x.dtype) for width in case["sizes"]
    ]
    matrices = weights(case)[::2]

    def run():
        for at, (W, a) in enumerate(zip(matrices, inputs, strict=False)):
            a @ W
            a.T @ inputs[at + 1]
            if at:
                inputs[at + 1] @ W.T

    return run


def inference(case):
    x, _, _ = arrays(case)
    inputs = [np.ones((case["batch"], width), x.dtype) for width in case["sizes"]]
    matrices = weights(case)[::2]

    def run():
        for W, a in zip(matrices, inputs, strict=False):
            a @ W

    return run
