"""PyTorch on images, in its usual layout of channels first."""

from typing import Any

import torch
from torch import nn

from benchmarks.contenders.images.setting import (
    NETS,
    convolution_arrays,
    image_arrays,
    image_weights,
    wants_dx,
)


def convolution(case):
    x, W, b, dout = map(torch.from_numpy, convolution_arrays(case))
    leaves = [x, W, b] if wants_dx(case) else [W, b]
    for leaf in leaves:
        leaf.requires_grad_()
    settings = {"stride": case["stride"], "padding": case["pad"], "groups": case["groups"]}

    def run():
        for leaf in leaves:
            leaf.grad = None
        out = nn.functional.conv2d(x, W, b, **settings)
        out.backward(dout)
        found = {"out": out, "grads": [W.grad, b.grad]}
        return {**found, "dx": x.grad} if x.requires_grad else found

    return run


def layer_of(case):
    if case["layer"] == "groupnorm":
        C, dtype = case["shape"][1], getattr(torch, case["dtype"])
        return nn.GroupNorm(case["groups"], C, dtype=dtype)
    if case["layer"] == "global average":
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    kind = nn.MaxPool2d if case["layer"] == "max pool" else nn.AvgPool2d
    return kind(case["size"], case["stride"], case["pad"])


def layer(case):
    x, dout = map(torch.from_numpy, image_arrays(case))
    call = layer_of(case)
    leaves = [x.requires_grad_(), *call.parameters()]

    def run():
        for leaf in leaves:
            leaf.grad = None
        out = call(x)
        out.backward(dout)
        return {"out": out, "dx": x.grad, "grads": [leaf.grad for leaf in leaves[1:]]}

    return run


class Residual(nn.Module):
    def __init__(self, inner, shortcut):
        super().__init__()
        self.inner, self.shortcut = inner, shortcut

    def forward(self, x):
        return self.inner(x) + self.shortcut(x)


def module_of(kind, *settings):
    if kind == "conv":
        (F, C, k, _), stride, pad, biased = settings
        return nn.Conv2d(C, F, k, stride, pad, bias=biased)
    if kind == "residual":
        return Residual(*map(net_of, settings))
    made: dict[str, Any] = {
        "norm": nn.BatchNorm2d,
        "affine": nn.Linear,
        "relu": nn.ReLU,
        "pool": lambda: nn.MaxPool2d(2),
        "flatten": nn.Flatten,
        "average": lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    }
    return made[kind](*settings)


def net_of(stages):
    return nn.Sequential(*(module_of(*stage) for stage in stages))


def model_of(case):
    """The network with the same initial weights."""
    net = net_of(NETS[case["net"]]).to(getattr(torch, case["dtype"]))
    with torch.no_grad():
        for param, given in zip(net.parameters(), image_weights(case), strict=True):
            param.copy_(torch.from_numpy(given.T if given.ndim == 2 else given))
    return net


KINDS = {"convolution": convolution, "first_layer": convolution, "image_layer": layer}
