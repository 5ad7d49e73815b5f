"""PyTorch on images, in its usual layout of channels first."""

import torch
from torch import nn

from benchmarks.contenders.images.setting import convolution_arrays, wants_dx


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
