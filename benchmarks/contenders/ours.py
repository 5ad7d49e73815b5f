"""Chainrule."""

import importlib.metadata

import numpy as np

import layers
from benchmarks.contenders.setting import LR, arrays, pieces, weights
from nets import MLP, Classifier
from solvers import SGD, Adam, RMSProp

VERSION = importlib.metadata.version("chainrule")
ELEMENTWISE = {
    "relu": layers.ReLU(),
    "leaky_relu": layers.LeakyReLU(),
    "elu": layers.ELU(),
    "sigmoid": layers.Sigmoid(),
    "tanh": layers.Tanh(),
    "softplus": layers.Softplus(),
    "dropout": layers.Dropout(0.5, rng=0),
}
RULES = {
    "sgd": lambda: SGD(LR["sgd"]),
    "momentum": lambda: SGD(LR["momentum"], momentum=0.9),
    "rmsprop": lambda: RMSProp(LR["rmsprop"]),
    "adam": lambda: Adam(LR["adam"]),
}


def make(case):
    return {"layer": layer, "rule": rule, "step": step, "inference": inference}[case["kind"]](case)


def layer(case):
    x, dout, y = arrays(case)
    name, features, dtype = case["layer"], case["shape"][1], case["dtype"]
    if name in ("softmax_ce", "mse"):
        loss = layers.SoftmaxCrossEntropy() if name == "softmax_ce" else layers.MSE()
        targets = y if name == "softmax_ce" else dout

        def run():
            _, cache = loss.forward(x, targets)
            loss.backward(1.0, cache)

        return run
    if name in ELEMENTWISE:
        op = ELEMENTWISE[name]
    elif name == "affine":
        op = layers.Affine(features, features, rng=0, dtype=dtype)
    elif name == "prelu":
        op = layers.PReLU(features, dtype=dtype)
    elif name == "batchnorm":
        op = layers.BatchNorm(features, dtype=dtype)
    else:
        count = pieces(name)
        op = layers.Maxout(features, features // count, count, rng=0, dtype=dtype)
        dout = np.ascontiguousarray(dout[:, : features // count])

    def run():
        _, cache = op.forward(x)
        op.backward(dout, cache)

    return run


def rule(case):
    params = {str(at): array for at, array in enumerate(weights(case))}
    grads = {name: 1e-3 * np.ones_like(array) for name, array in params.items()}
    one = RULES[case["rule"]]()
    return lambda: one.update(params, grads)


def model_of(case):
    norm = layers.BatchNorm if case.get("norm") else None
    return Classifier(MLP(case["sizes"], norm=norm, rng=0, dtype=case["dtype"]))


def step(case):
    x, _, y = arrays(case)
    model, one = model_of(case), RULES[case["rule"]]()

    def run():
        _, grads = model.loss(x, y)
        one.update(model.params, grads)

    return run


def inference(case):
    x, _, _ = arrays(case)
    model = model_of(case)
    return lambda: model.predict(x)
