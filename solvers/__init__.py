"""Gradient descent: update rules, learning-rate schedules and the loop that trains a model.

`Solver(model, Adam(lr=1e-3), data, schedule=Cosine(epochs=10)).train()`.
"""

from solvers.adagrad import AdaGrad
from solvers.adam import Adam, AdamW
from solvers.checkpoint import restore_checkpoint, save_checkpoint
from solvers.finite import NonFiniteError
from solvers.history import History, Snapshot
from solvers.rmsprop import RMSProp
from solvers.rule import UpdateRule
from solvers.schedules import Constant, Cosine, Exponential, Schedule, Step
from solvers.sgd import SGD
from solvers.solver import Solver, StopTraining

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Constant",
    "Cosine",
    "Exponential",
    "History",
    "NonFiniteError",
    "RMSProp",
    "Schedule",
    "Snapshot",
    "Solver",
    "Step",
    "StopTraining",
    "UpdateRule",
    "restore_checkpoint",
    "save_checkpoint",
]
