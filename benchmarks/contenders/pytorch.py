"""PyTorch, eager, with its default optimizers; `foreach` and `fused` are variants of them."""

import torch
from torch import nn

from benchmarks.contenders.setting import LR, arrays, pieces, weights

VERSION = f"PyTorch {torch.__version__}"
ELEMENTWISE = {
    "relu": torch.relu,
    "leaky_relu": nn.functional.leaky_relu,
    "elu": nn.functional.elu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": nn.functional.softplus,
    "dropout": nn.functional.dropout,
}


def make(case, **variant):
    if case["kind"] in ("rule", "step"):
        return {"rule": rule, "step": step}[case["kind"]](case, **variant)
    if variant:
        return None
    return {"layer": layer, "inference": inference}[case["kind"]](case)


def layer(case):
    x, dout, y = (torch.from_numpy(array) for array in arrays(case))
    x.requires_grad_()
    name, features = case["layer"], case["shape"][1]
    module, dtype = None, x.dtype
    if name == "affine":
        module = call = nn.Linear(features, features, dtype=dtype)
    elif name == "prelu":
        module = call = nn.PReLU(features, dtype=dtype)
    elif name == "batchnorm":
        kind = nn.BatchNorm1d if x.ndim == 2 else nn.BatchNorm2d
        module = call = kind(features, dtype=dtype)
    elif pieces(name):
        count = pieces(name)
        width = features // count
        module = nn.Linear(features, width * count, dtype=dtype)
        dout = dout[:, :width].contiguous()

        def call(x):
            return module(x).view(len(x), count, width).max(dim=1).values

    elif name == "softmax_ce":
        dout = None

        def call(x):
            return nn.functional.cross_entropy(x, y)

    elif name == "mse":
        target, dout = dout, None

        def call(x):
            return nn.functional.mse_loss(x, target)

    else:
        call = ELEMENTWISE[name]
    leaves = [x, *(module.parameters() if module else ())]

    def run():
        for leaf in leaves:
            leaf.grad = None
        call(x).backward(dout)

    return run


def optimizer(name, params, **variant):
    if name == "adam":
        return torch.optim.Adam(params, lr=LR[name], **variant)
    if name == "rmsprop":
        return torch.optim.RMSprop(params, lr=LR[name], **variant)
    return torch.optim.SGD(
        params, lr=LR[name], momentum=0.9 if name == "momentum" else 0, **variant
    )


def rule(case, **variant):
    if variant.get("fused") and case["rule"] == "rmsprop":
        return None
    params = [torch.from_numpy(array).requires_grad_() for array in weights(case)]
    for param in params:
        param.grad = 1e-3 * torch.ones_like(param)
    return optimizer(case["rule"], params, **variant).step


def net_of(case):
    """The network with the same initial weights."""
    sizes, blocks = case["sizes"], []
    given = weights(case)
    dtype = torch.from_numpy(given[0]).dtype
    for at, (fan_in, fan_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        linear = nn.Linear(fan_in, fan_out, dtype=dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(given[2 * at].T.copy()))
            linear.bias.zero_()
        blocks.append(linear)
        if at < len(sizes) - 2:
            blocks += [nn.BatchNorm1d(fan_out, dtype=dtype)] if case.get("norm") else []
            blocks.append(nn.ReLU())
    return nn.Sequential(*blocks)


def step(case, **variant):
    x, _, y = (torch.from_numpy(array) for array in arrays(case))
    net = net_of(case)
    optim = optimizer(case["rule"], net.parameters(), **variant)

    def run():
        optim.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optim.step()

    return run


def inference(case):
    x = torch.from_numpy(arrays(case)[0])
    net = net_of(case).eval()

    def run():
        with torch.inference_mode():
            net(x).argmax(dim=1)

    return run
