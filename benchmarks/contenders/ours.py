"""Chainrule."""

from collections.abc import Callable

import numpy as np

from benchmarks.contenders.images import ours as images
from benchmarks.contenders.images.setting import batch
from benchmarks.contenders.setting import affine_weights, arrays, learning_rate, pieces, weights
from chainrule import gradcheck, layers
from chainrule.nets import MLP, Classifier
from chainrule.solvers import SGD, Adam, RMSProp, UpdateRule

ELEMENTWISE = {
    "relu": layers.ReLU(),
    "leaky_relu": layers.LeakyReLU(),
    "elu": layers.ELU(),
    "sigmoid": layers.Sigmoid(),
    "tanh": layers.Tanh(),
    "softplus": layers.Softplus(),
    "gelu": layers.GELU(),
    "gelu_tanh": layers.GELU("tanh"),
    "swish": layers.Swish(),
    "mish": layers.Mish(),
    "selu": layers.SELU(),
    "hard_swish": layers.HardSwish(),
    "softsign": layers.Softsign(),
    "dropout": layers.Dropout(0.5, rng=0),
}
LOSSES = {"softmax_ce": layers.SoftmaxCrossEntropy(), "mse": layers.MSE()}
RULES: dict[str, Callable[[float], UpdateRule]] = {
    "sgd": SGD,
    "momentum": lambda lr: SGD(lr, momentum=0.9),
    "rmsprop": RMSProp,
    "adam": Adam,
}
own = np.asarray


def make(case):
    kinds = {"layer": layer, "rule": rule, "step": step, "inference": inference, "check": check}
    kinds |= {**images.KINDS, "image_step": image_step}
    return kinds[case["kind"]](case)


def layer_of(case):
    name, features, dtype = case["layer"], case["shape"][1], case["dtype"]
    if name in ELEMENTWISE:
        return ELEMENTWISE[name]
    if name in LOSSES:
        return LOSSES[name]
    if name == "prelu":
        return layers.PReLU(features, dtype=dtype)
    if name == "batchnorm":
        return layers.BatchNorm(features, dtype=dtype)
    count = pieces(name)
    made = (
        layers.Maxout(features, features // count, count, dtype=dtype)
        if count
        else layers.Affine(features, features, dtype=dtype)
    )
    for array, given in zip(made.params.values(), affine_weights(case), strict=True):
        array[...] = given.reshape(array.shape)
    return made


def layer(case):
    x, dout, y = arrays(case)
    one = layer_of(case)
    if case["layer"] in LOSSES:
        targets = y if case["layer"] == "softmax_ce" else dout

        def run_loss():
            out, cache = one.forward(x, targets)
            dx, _ = one.backward(1.0, cache)
            return {"out": out, "dx": dx}

        return run_loss
    if pieces(case["layer"]):
        dout = np.ascontiguousarray(dout[:, : one.out_features])

    def run():
        out, cache = one.forward(x)
        dx, grads = one.backward(dout, cache)
        return {"out": out, "dx": dx, "grads": grads.values()}

    return run


def rule(case):
    params = {str(at): array for at, array in enumerate(weights(case))}
    grads = {name: 1e-3 * np.ones_like(array) for name, array in params.items()}
    one = RULES[case["rule"]](learning_rate(case))

    def run():
        one.update(params, grads)
        return {"params": params.values()}

    return run


def model_of(case):
    norm = layers.BatchNorm if case.get("norm") else None
    model = Classifier(MLP(case["sizes"], norm=norm, dtype=case["dtype"]))
    for array, given in zip(model.params.values(), weights(case), strict=True):
        array[...] = given
    return model


def trainer(case, model=None):
    model, one = model or model_of(case), RULES[case["rule"]](learning_rate(case))

    def train(x, y):
        _, grads = model.loss(x, y)
        one.update(model.params, grads)
        return {"params": model.params.values()}

    return train, model.predict


def step(case):
    x, _, y = arrays(case)
    train, _ = trainer(case)
    return lambda: train(x, y)


def image_step(case):
    x, y = batch(case)
    train, _ = trainer(case, images.model_of(case))
    return lambda: train(x, y)


def inference(case):
    x, _, _ = arrays(case)
    model = model_of(case)
    return lambda: {"labels": model.predict(x)}


def check(case):
    x, _, y = arrays(case)
    one = layer_of(case)
    targets = [y] if case["layer"] in LOSSES else []
    return lambda: {"passed": bool(gradcheck.check(one, x, *targets))}
