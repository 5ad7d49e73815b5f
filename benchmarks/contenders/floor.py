"""What cannot be avoided: the bare matrix products, or a copy of the same bytes."""

import numpy as np

from benchmarks.contenders.images import floor as images
from benchmarks.contenders.setting import affine_weights, arrays, pieces, weights


def make(case):
    known = {"layer": layer, "rule": rule, "step": step, "inference": inference}
    known |= {**images.KINDS, "image_step": images.step}
    return known[case["kind"]](case) if case["kind"] in known else None


def layer(case):
    x, dout, _ = arrays(case)
    if case["layer"] == "affine" or pieces(case["layer"]):
        W, b = affine_weights(case)
        dout = np.ascontiguousarray(dout[:, : len(b)])
        return lambda: {"out": x @ W, "dx": dout @ W.T, "grads": [x.T @ dout]}
    if case["layer"] in ("softmax_ce", "mse"):
        return lambda: {"dx": x.copy()}
    return lambda: {"out": x.copy(), "dx": dout.copy()}


def rule(case):
    params = weights(case)
    count = {"sgd": 1, "momentum": 2, "rmsprop": 2, "adam": 3}[case["rule"]]
    buffers = [[array.copy() for _ in range(count)] for array in params]

    def run():
        for array, own in zip(params, buffers, strict=True):
            for buffer in own:
                np.copyto(buffer, array)
        return {"params": params}

    return run


def matrices_and_inputs(case):
    """The weight matrices of a network, and the input of each and the output of the last."""
    rng = np.random.default_rng(0)
    shapes = [(case["batch"], width) for width in case["sizes"]]
    inputs = [rng.standard_normal(shape).astype(case["dtype"]) for shape in shapes]
    return [array for array in weights(case) if array.ndim == 2], inputs


def step(case):
    matrices, inputs = matrices_and_inputs(case)

    def run():
        for at, (W, a) in enumerate(zip(matrices, inputs, strict=False)):
            a @ W
            a.T @ inputs[at + 1]
            if at:
                inputs[at + 1] @ W.T
        return {"params": matrices}

    return run


def inference(case):
    matrices, inputs = matrices_and_inputs(case)

    def run():
        return {"products": [a @ W for W, a in zip(matrices, inputs, strict=False)]}

    return run
