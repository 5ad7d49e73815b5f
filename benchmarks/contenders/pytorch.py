"""PyTorch, eager, with its default optimizers; `foreach` and `fused` are variants of them."""

from functools import partial

import torch
from torch import nn

from benchmarks.contenders.images import pytorch as images
from benchmarks.contenders.images.setting import batch
from benchmarks.contenders.setting import affine_weights, arrays, learning_rate, pieces, weights

ELEMENTWISE = {
    "relu": torch.relu,
    "leaky_relu": nn.functional.leaky_relu,
    "elu": nn.functional.elu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": nn.functional.softplus,
    "gelu": nn.functional.gelu,
    "gelu_tanh": partial(nn.functional.gelu, approximate="tanh"),
    "swish": nn.functional.silu,
    "mish": nn.functional.mish,
    "selu": nn.functional.selu,
    "hard_swish": nn.functional.hardswish,
    "softsign": nn.functional.softsign,
    "dropout": nn.functional.dropout,
}
own = torch.from_numpy


def make(case, **variant):
    updating = {"rule": rule, "step": step, "image_step": image_step}
    if case["kind"] in updating:
        return updating[case["kind"]](case, **variant)
    if variant:
        return None
    kinds = {"layer": layer, "inference": inference, "check": check}
    kinds |= images.KINDS
    return kinds[case["kind"]](case)


class Maxout(nn.Module):
    def __init__(self, linear, count):
        super().__init__()
        self.linear, self.count = linear, count

    def forward(self, x):
        return self.linear(x).view(len(x), self.count, -1).max(dim=1).values


def linear_with(W, b):
    """A layer with the parameters W (D, M), which it keeps transposed, and b (M,)."""
    linear = nn.Linear(*W.shape, dtype=torch.from_numpy(W).dtype)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(W.T.copy()))
        linear.bias.copy_(torch.from_numpy(b))
    return linear


def module_of(case, dtype):
    """A layer that has parameters."""
    features, count = case["shape"][1], pieces(case["layer"])
    if case["layer"] == "prelu":
        return nn.PReLU(features, dtype=dtype)
    if case["layer"] == "batchnorm":
        kind = nn.BatchNorm1d if len(case["shape"]) == 2 else nn.BatchNorm2d
        return kind(features, dtype=dtype)
    linear = linear_with(*affine_weights(case))
    return Maxout(linear, count) if count else linear


def layer_of(case):
    """A function of x, and the gradient that its output is given: None for losses."""
    _, dout, y = (torch.from_numpy(array) for array in arrays(case))
    name = case["layer"]
    if name == "softmax_ce":
        return lambda x: nn.functional.cross_entropy(x, y), None
    if name == "mse":
        return lambda x: nn.functional.mse_loss(x, dout), None
    if name in ELEMENTWISE:
        return ELEMENTWISE[name], dout
    count = pieces(name) or 1
    return module_of(case, dout.dtype), dout[:, : dout.shape[1] // count].contiguous()


def layer(case):
    x = torch.from_numpy(arrays(case)[0]).requires_grad_()
    call, dout = layer_of(case)
    leaves = [x, *(call.parameters() if isinstance(call, nn.Module) else ())]

    def run():
        for leaf in leaves:
            leaf.grad = None
        out = call(x)
        out.backward(dout)
        return {"out": out, "dx": x.grad, "grads": [leaf.grad for leaf in leaves[1:]]}

    return run


def check(case):
    x = torch.from_numpy(arrays(case)[0]).requires_grad_()
    call, _ = layer_of(case)
    return lambda: {"passed": torch.autograd.gradcheck(call, x)}


def optimizer(case, params, **variant):
    lr = learning_rate(case)
    if case["rule"] == "adam":
        return torch.optim.Adam(params, lr=lr, **variant)
    if case["rule"] == "rmsprop":
        return torch.optim.RMSprop(params, lr=lr, **variant)
    momentum = 0.9 if case["rule"] == "momentum" else 0
    return torch.optim.SGD(params, lr=lr, momentum=momentum, **variant)


def rule(case, **variant):
    if variant.get("fused") and case["rule"] == "rmsprop":
        return None
    params = [torch.from_numpy(array).requires_grad_() for array in weights(case)]
    for param in params:
        param.grad = 1e-3 * torch.ones_like(param)
    optim = optimizer(case, params, **variant)

    def run():
        optim.step()
        return {"params": params}

    return run


def net_of(case):
    """The network with the same initial weights."""
    given, blocks = weights(case), []
    stride = 4 if case.get("norm") else 2  # arrays per hidden layer
    for at in range(0, len(given), stride):
        W, b = given[at : at + 2]
        blocks.append(linear_with(W, b))
        if at < len(given) - 2:
            norm = nn.BatchNorm1d(len(b), dtype=blocks[0].weight.dtype)
            blocks += [norm] if case.get("norm") else []
            blocks.append(nn.ReLU())
    return nn.Sequential(*blocks)


def trainer(case, net=None, **variant):
    net = net or net_of(case)
    optim = optimizer(case, net.parameters(), **variant)
    params = [*net.parameters()]

    def train(x, y):
        optim.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optim.step()
        return {"params": params}

    def predict(x):
        with torch.inference_mode():
            labels = net.eval()(x).argmax(dim=1)
        net.train()
        return labels

    return train, predict


def step(case, **variant):
    x, _, y = (torch.from_numpy(array) for array in arrays(case))
    train, _ = trainer(case, **variant)
    return lambda: train(x, y)


def image_step(case, **variant):
    x, y = map(torch.from_numpy, batch(case))
    train, _ = trainer(case, images.model_of(case), **variant)
    return lambda: train(x, y)


def inference(case):
    x = torch.from_numpy(arrays(case)[0])
    net = net_of(case).eval()

    def run():
        with torch.inference_mode():
            return {"labels": net(x).argmax(dim=1)}

    return run
