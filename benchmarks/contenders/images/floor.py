"""The bare matrix products of convolutions and networks, on windows that lie ready as columns, and
for layers without products a copy."""

import numpy as np

from benchmarks.contenders.images.setting import (
    NETS,
    convolution_arrays,
    image_arrays,
    wants_dx,
)

BLOCK = 2**18  # numbers in the columns of one product, which the cache holds


def convolution(case):
    """Products on as many columns as all the images have, block by block on the same numbers."""
    x, W, _, dout = convolution_arrays(case)
    N, (F, C, k, _), groups = len(x), W.shape, case["groups"]
    places = dout.shape[2] * dout.shape[3]
    W = W.reshape(groups, F // groups, C * k * k)
    images = min(N, max(1, BLOCK // (groups * C * k * k * places)))
    columns = images * places
    x = np.resize(x, (groups, C * k * k, columns))
    dout = np.resize(dout, (groups, F // groups, columns))
    WT, xT = W.swapaxes(1, 2), x.swapaxes(1, 2)

    def run():
        found = {}
        for _ in range(-(-N // images)):
            found = {"out": W @ x, "grads": [dout @ xT]}
            if wants_dx(case):
                found["dx"] = WT @ dout
        return found

    return run


def layer(case):
    x, dout = image_arrays(case)
    return lambda: {"out": x.copy(), "dx": dout.copy()}


def step(case):
    """The products of all convolutions and affine layers, without the first layer's dx."""
    runs, _ = products(NETS[case["net"]], case["shape"], case["dtype"], "first_layer")

    def run():
        return {"products": [one() for one in runs]}

    return run


def products(stages, shape, dtype, kind="convolution"):
    """Functions that do the products of each stage, and the shape of what goes into the next."""
    runs = []
    for name, *settings in stages:
        if name == "conv":
            (F, _, k, _), stride, pad, _ = settings
            case = {"kind": kind, "shape": shape, "filters": F, "size": k, "stride": stride}
            runs.append(convolution({**case, "pad": pad, "groups": 1, "dtype": dtype}))
            sides = ((side + 2 * pad - k) // stride + 1 for side in shape[2:])
            shape, kind = (shape[0], F, *sides), "convolution"
        elif name == "affine":
            D, M = settings
            runs.append(affine(shape[0], D, M, dtype))
            shape = (shape[0], M)
        elif name == "pool":
            shape = (*shape[:2], shape[2] // 2, shape[3] // 2)
        elif name == "residual":
            inner, shortcut = settings
            more, _ = products(shortcut, shape, dtype)
            own, shape = products(inner, shape, dtype)
            runs += own + more
    return runs, shape


def affine(N, D, M, dtype):
    x, W, dout = (np.ones(shape, dtype) for shape in ((N, D), (D, M), (N, M)))
    return lambda: {"out": x @ W, "dx": dout @ W.T, "grads": [x.T @ dout]}


KINDS = {"convolution": convolution, "first_layer": convolution, "image_layer": layer}
