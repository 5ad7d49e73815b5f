"""Chainrule on images."""

from benchmarks.contenders.images.setting import convolution_arrays, wants_dx
from chainrule import layers


def convolution(case):
    x, W, b, dout = convolution_arrays(case)
    names = ("size", "stride", "pad", "groups", "dtype")
    one = layers.Conv(x.shape[1], len(W), **{name: case[name] for name in names})
    for array, given in zip(one.params.values(), (W, b), strict=True):
        array[...] = given

    def run():
        out, cache = one.forward(x)
        dx, grads = one.backward(dout, cache)
        return {"out": out, "dx": dx, "grads": [*grads.values()]}

    def run_first():
        out, cache = one.forward(x)
        return {"out": out, "grads": [*one.param_grads(dout, cache).values()]}

    return run if wants_dx(case) else run_first
