"""scikit-learn's MLPClassifier: training steps by `partial_fit`, and `predict`."""

import warnings

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

from benchmarks.contenders.setting import LR, arrays

VERSION = f"scikit-learn {sklearn.__version__}"


def make(case):
    if case["kind"] not in ("step", "inference") or case.get("norm"):
        return None
    x, _, y = arrays(case)
    rule = case.get("rule", "sgd")
    net = MLPClassifier(
        case["sizes"][1:-1],
        solver="adam" if rule == "adam" else "sgd",
        momentum=0.9 if rule == "momentum" else 0.0,
        nesterovs_momentum=False,
        alpha=0.0,
        learning_rate_init=LR[rule],
        batch_size=len(x),
        random_state=0,
    )
    classes = np.arange(case["sizes"][-1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.partial_fit(x, y, classes=classes)
    if case["kind"] == "inference":
        return lambda: net.predict(x)
    return lambda: net.partial_fit(x, y)
