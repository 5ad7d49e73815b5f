"""scikit-learn's MLPClassifier: training steps by `partial_fit`, and `predict`."""

import warnings

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.contenders.setting import arrays, learning_rate, weights

own = np.asarray


def make(case):
    if case["kind"] not in ("step", "inference") or case.get("norm"):
        return None
    x, _, y = arrays(case)
    train, predict = trainer(case)
    if case["kind"] == "inference":
        return lambda: {"labels": predict(x)}
    return lambda: train(x, y)


def trainer(case):
    rule = case.get("rule", "sgd")
    net = MLPClassifier(
        case["sizes"][1:-1],
        solver="adam" if rule == "adam" else "sgd",
        momentum=0.9 if rule == "momentum" else 0.0,
        nesterovs_momentum=False,
        alpha=0.0,
        learning_rate_init=learning_rate(case),
        batch_size=case["batch"],
        random_state=0,
    )
    x, _, y = arrays(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.partial_fit(x, y, classes=np.arange(case["sizes"][-1]))  # makes its parameters
    del net._optimizer  # made anew, with an empty memory, by the next step
    given = weights(case)
    params = [array for pair in zip(net.coefs_, net.intercepts_, strict=True) for array in pair]
    for array, first in zip(params, given, strict=True):
        array[...] = first

    def train(x, y):
        net.partial_fit(x, y)
        return {"params": params}

    return train, net.predict
