"""The three bare matrix products of a convolution, on windows that lie ready as columns."""

import numpy as np

from benchmarks.contenders.images.setting import convolution_arrays, wants_dx

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
