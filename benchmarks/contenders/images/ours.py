"""Chainrule on images."""

import numpy as np

from benchmarks.contenders.images.setting import (
    convolution_arrays,
    image_arrays,
    image_weights,
    wants_dx,
)
from chainrule import layers
from chainrule.nets import Classifier, LeNet5, ResNet

NETS = {
    "lenet5": lambda dtype: LeNet5((1, 28, 28), 10, dtype=dtype),
    "resnet": lambda dtype: ResNet((3, 32, 32), 10, channels=(16, 32, 64), dtype=dtype),
}


def conv_of(case):
    """The layer, with x and dout."""
    x, W, b, dout = convolution_arrays(case)
    names = ("size", "stride", "pad", "groups", "dtype")
    one = layers.Conv(x.shape[1], len(W), **{name: case[name] for name in names})
    for array, given in zip(one.params.values(), (W, b), strict=True):
        array[...] = given
    return one, x, dout


def convolution(case):
    one, x, dout = conv_of(case)

    def run():
        out, cache = one.forward(x)
        dx, grads = one.backward(dout, cache)
        return {"out": out, "dx": dx, "grads": [*grads.values()]}

    def run_first():
        out, cache = one.forward(x)
        return {"out": out, "grads": [*one.param_grads(dout, cache).values()]}

    return run if wants_dx(case) else run_first


def layer_of(case):
    C, dtype = case["shape"][1], case["dtype"]
    if case["layer"] == "groupnorm":
        return layers.GroupNorm(C, case["groups"], dtype=dtype)
    if case["layer"] == "global average":
        return layers.GlobalAveragePool()
    kind = layers.MaxPool if case["layer"] == "max pool" else layers.AveragePool
    return kind(case["size"], stride=case["stride"], pad=case["pad"])


def layer(case):
    x, dout = image_arrays(case)
    one = layer_of(case)

    def run():
        out, cache = one.forward(x)
        dx, grads = one.backward(dout, cache)
        return {"out": out, "dx": dx, "grads": [*grads.values()]}

    return run


def model_of(case):
    model = Classifier(NETS[case["net"]](np.dtype(case["dtype"])))
    for array, given in zip(model.params.values(), image_weights(case), strict=True):
        array[...] = given
    return model


KINDS = {"convolution": convolution, "first_layer": convolution, "image_layer": layer}
