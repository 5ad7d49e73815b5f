"""Gradient descent: update rules, learning-rate schedules and the loop that trains a model.

`Solver(model, Adam(lr=1e-3), data, schedule=Cosine(epochs=10)).train()`.
"""

from chainrule.solvers.adagrad import AdaGrad
from chainrule.solvers.adam import Adam, AdamW
from chainrule.solvers.checkpoint import restore_checkpoint, save_checkpoint
from chainrule.solvers.finite import NonFiniteError
from chainrule.solvers.history import History, Snapshot
from chainrule.solvers.parallel import ParallelSolver
from chainrule.solvers.rmsprop import RMSProp
from chainrule.solvers.rule import UpdateRule
from chainrule.solvers.schedules import Constant, Cosine, Exponential, Schedule, Step
from chainrule.solvers.sgd import SGD
from chainrule.solvers.solver import Solver, StopTraining

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
    "ParallelSolver",
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
