"""What a classifier gives each class, as probabilities where its loss makes them such."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.layers import (
    CrossEntropy,
    Sigmoid,
    SigmoidCrossEntropy,
    Softmax,
    SoftmaxCrossEntropy,
)

#: By loss: what makes probabilities of the network's output, and what those are.
PROBABILITIES: dict[type, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    SoftmaxCrossEntropy: (
        lambda out: Softmax().forward(out, train=False)[0],
        "probabilities: the softmax of the network's outputs",
    ),
    CrossEntropy: (lambda out: out, "probabilities: the network's outputs"),
    SigmoidCrossEntropy: (
        lambda out: Sigmoid().forward(out, train=False)[0],
        "probabilities: the sigmoid of each output of the network on its own, so that those of "
        "a row need not sum to 1",
    ),
}


def class_scores(model: Any, x: np.ndarray) -> tuple[np.ndarray, bool, str]:
    """What a `Classifier` gives each class for rows x (N, …).

    Returns scores (N, C), whether they are probabilities, and in words what they are. A network
    with a single output s, which stands for class 1, gives class 0 what mirrors s at the loss's
    threshold: 1 - s for probabilities.
    """
    out, threshold = model.outputs(x), model.criterion.threshold
    function, words = PROBABILITIES.get(
        type(model.criterion),
        (None, f"scores, no probabilities: the network's outputs, trained with {model.criterion}"),
    )
    if function is not None:
        out, threshold = function(out), 0.5
    if out.shape[1] == 1:
        out = np.concatenate([2 * threshold - out, out], axis=1)
    return out, function is not None, words
