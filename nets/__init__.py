"""Networks: layers put together, and the models that a solver trains.

`Sequential` and `MLP` are layers themselves, so networks nest; `Classifier` and `Regressor` add a
loss and offer `loss(x, y)`, `predict(x)` and `score(x, y)`.
"""

from chainrule.nets.files import FileError
from chainrule.nets.graph import Graph
from chainrule.nets.loading import load
from chainrule.nets.mlp import MLP
from chainrule.nets.models import Classifier, Model, Regressor
from chainrule.nets.naming import weights_of
from chainrule.nets.node import exp, log, maximum, minimum, sigmoid
from chainrule.nets.residual import Residual
from chainrule.nets.sequential import Sequential

__all__ = [
    "MLP",
    "Classifier",
    "FileError",
    "Graph",
    "Model",
    "Regressor",
    "Residual",
    "Sequential",
    "exp",
    "load",
    "log",
    "maximum",
    "minimum",
    "sigmoid",
    "weights_of",
]
