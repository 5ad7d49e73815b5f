"""A model as a subject: anything with `params` and `loss(x, y) -> (loss, grads)`."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import numpy as np

from chainrule.gradcheck.subject.functions import STRENGTHS, scalar, times
from chainrule.gradcheck.subject.layer import argument_names
from chainrule.gradcheck.subject.source import gradient_lines, method, raising_line
from chainrule.gradcheck.subject.subject import Profile, Subject
from chainrule.gradcheck.subject.vocabulary import Vocabulary

GRADIENTS = ("gradient", "grad", "gradients", "grads")  # methods that return them alone


def of_model(model: Any, x: Any, y: Any) -> Subject:
    """A subject whose output is the loss, and whose gradients are those of the params."""
    title, words = type(model).__name__, "loss"
    if any(callable(getattr(model, name, None)) for name in GRADIENTS):
        model = LossAndGradient(model)
        words = model.gradient
    names = argument_names(model.loss, 2)
    vocabulary = Vocabulary(
        forward="loss",
        backward=words,
        params=frozenset(model.params),
        phrases={
            "forward-form": ("loss must return loss, grads, and returns {type}", None),
            "grads-no-dict": (
                "loss returns grads as {type}, expected a dict",
                "Give it the keys of params.",
            ),
            "unwritten-backward": ("the gradients are not written yet", None),
        },
    )
    profile = Profile(
        title=title,
        names=names,
        vocabulary=vocabulary,
        lines=lambda: gradient_lines(method(model, "loss"), lambda _: [], skip=1),
        raising=partial(raising_line, type(model)),
        has_mode=False,
        is_net=True,
        is_model=True,
        apart=False,
        differentiable=(),
    )
    return Subject(ModelLoss(model), (x, y), profile)


class LossAndGradient:
    """A model whose loss and gradients come from two methods, with one that returns both."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.gradient = next(name for name in GRADIENTS if callable(getattr(model, name, None)))

    @property
    def params(self) -> dict[str, np.ndarray]:
        return self.model.params

    def loss(self, x: Any, t: Any) -> Any:
        return self.model.loss(x, t), getattr(self.model, self.gradient)(x, t)


class ModelLoss:
    """A model with the contract of a layer: forward returns the loss, and the gradients as cache.

    Each call is made on a copy of the model that shares its params alone, so that generators,
    running statistics and whatever else a model keeps start from the same point.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.settings: dict[str, Any] = {}  # attributes to set on the copies
        for key, value in getattr(model, "__dict__", {}).items():
            usual = isinstance(value, (float, np.floating)) or (
                key in STRENGTHS and isinstance(value, (int, np.integer))
            )
            if usual and not hasattr(self, key):
                setattr(self, key, float(value))

    @property
    def params(self) -> dict[str, np.ndarray]:
        return self.model.params

    @property
    def work(self) -> Any:
        """A fresh copy of the model around the same params."""
        arrays = [a for a in self.params.values() if isinstance(a, np.ndarray)]
        model = copy.deepcopy(self.model, {id(a): a for a in arrays})
        dtypes = {a.dtype for a in arrays}
        if len(dtypes) == 1 and is_float_type(getattr(model, "dtype", None)):
            model.dtype = dtypes.pop().type
        for key, value in self.settings.items():
            setattr(model, key, value)
        return model

    def forward(self, *inputs: np.ndarray, train: bool = True) -> Any:
        result = self.work.loss(*inputs)
        if isinstance(result, tuple) and len(result) == 2:
            return scalar(result[0]), result[1]
        return result

    def backward(self, dout: Any, cache: Any) -> Any:
        if cache is None:
            return None
        if not isinstance(cache, dict):
            return (), cache
        if self.params and all(g is None for g in cache.values()):
            return None
        return (), {key: times(dout, g) for key, g in cache.items() if g is not None}


def is_float_type(dtype: Any) -> bool:
    try:
        return dtype is not None and np.dtype(dtype).kind == "f"
    except TypeError:
        return False
