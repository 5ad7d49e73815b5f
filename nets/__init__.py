"""Networks: layers put together, and the models that a solver trains.

`Sequential` and `MLP` are layers themselves, so networks nest; `Classifier` and `Regressor` add a
loss and offer `loss(x, y)`, `predict(x)` and `score(x, y)`.
"""

from nets.files import FileError
from nets.graph import Graph
from nets.loading import load
from nets.mlp import MLP
from nets.models import Classifier, Model, Regressor
from nets.naming import is_weight
from nets.node import exp, log, maximum, sigmoid
from nets.sequential import Sequential

__all__ = [
    "MLP",
    "Classifier",
    "FileError",
    "Graph",
    "Model",
    "Regressor",
    "Sequential",
    "exp",
    "is_weight",
    "load",
    "log",
    "maximum",
    "sigmoid",
]
